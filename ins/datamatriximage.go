package ins

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strconv"

	"github.com/boombuler/barcode/datamatrix"
)

// quiet is the white border of a symbol, in modules. ISO/IEC 16022 asks for
// one; two help where paper is crumpled.
const quiet = 2

// Symbol is the INS datamatrix of a qualified identity, ready to be drawn: a
// Data Matrix ECC 200. It stands beside the words [DatamatrixLabel]. Its text is
// encoded in ASCII mode; that readers take it as well as the C40 mode of which
// the format speaks is *assumed*.
type Symbol struct {
	size int
	dark func(x, y int) bool
}

// Symbol gives the datamatrix of a qualified identity. The error is that of
// [Identity.Datamatrix].
func (id Identity) Symbol() (Symbol, error) {
	text, err := id.Datamatrix()
	if err != nil {
		return Symbol{}, err
	}
	code, err := datamatrix.Encode(text)
	if err != nil {
		return Symbol{}, &Error{Op: "datamatrix", Text: "the text does not fit in a symbol", Err: err, kind: ErrInvalid}
	}
	return Symbol{code.Bounds().Dx(), func(x, y int) bool {
		l, _, _, _ := code.At(x, y).RGBA()
		return l == 0
	}}, nil
}

// Size gives the number of modules on a side, without the white border.
func (s Symbol) Size() int { return s.size }

// Dark reports whether the module in column x and row y, from 0 at the upper
// left, is dark. Outside the symbol there is none.
func (s Symbol) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < s.size && y < s.size && s.dark(x, y)
}

// Image draws the symbol with its white border, each module scale pixels wide;
// less than 1 counts as 1.
func (s Symbol) Image(scale int) image.Image {
	scale = max(scale, 1)
	side := (s.size + 2*quiet) * scale
	m := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for i := range m.Pix {
		if s.Dark(i%side/scale-quiet, i/side/scale-quiet) {
			m.Pix[i] = 1
		}
	}
	return m
}

// WritePNG writes the symbol as a PNG image, each module scale pixels wide. For
// paper take a module of at least 0.3 mm, which is 4 pixels at 300 dots an inch.
func (s Symbol) WritePNG(w io.Writer, scale int) error { return png.Encode(w, s.Image(scale)) }

// WriteSVG writes the symbol as an SVG image with its label below, each module
// wide as many millimetres as module says; 0 is 0.5.
func (s Symbol) WriteSVG(w io.Writer, module float64) error {
	if module <= 0 {
		module = 0.5
	}
	side := s.size + 2*quiet
	height := side + 6
	mm := func(n int) string { return strconv.FormatFloat(float64(n)*module, 'f', -1, 64) + "mm" }
	var path []byte
	for y := range s.size {
		for x := 0; x < s.size; x++ {
			n := 0
			for s.Dark(x+n, y) {
				n++
			}
			if n > 0 {
				path = fmt.Appendf(path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, n, n)
				x += n
			}
		}
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %d %d" role="img" aria-label="%s">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" shape-rendering="crispEdges" d="%s"/>`+
		`<text x="%d" y="%d" text-anchor="middle" font-family="sans-serif" font-size="4">%s</text></svg>`+"\n",
		mm(side), mm(height), side, height, DatamatrixLabel, side, height, path, side/2, side+3, DatamatrixLabel)
	return err
}
