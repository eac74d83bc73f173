package msstest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
)

// PrescriptionPhoto draws what a patient photographs: a page with lines of
// writing, in JPEG. Nothing on it can be read.
func PrescriptionPhoto() []byte {
	m := image.NewGray(image.Rect(0, 0, 480, 640))
	for i := range m.Pix {
		m.Pix[i] = 0xf0
	}
	for line := range 12 {
		y := 60 + 40*line
		for x := 50; x < 430-(line*37)%120; x++ {
			if x%(9+line%4) != 0 { // words
				for thick := range 3 {
					m.SetGray(x, y+thick, color.Gray{Y: 0x30})
				}
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// PrescriptionPDF makes a PDF of one page with lines of text, in Latin-1.
func PrescriptionPDF(lines ...string) []byte {
	escape := strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`)
	var text strings.Builder
	text.WriteString("BT /F1 12 Tf 50 780 Td 16 TL\n")
	for _, l := range lines {
		text.WriteString("(")
		for _, r := range escape.Replace(l) {
			if r > 0xff {
				r = '?'
			}
			text.WriteByte(byte(r))
		}
		text.WriteString(") Tj T*\n")
	}
	text.WriteString("ET")
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	for i, object := range []string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", text.Len(), text.String()),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	end := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, end)
	return b.Bytes()
}
