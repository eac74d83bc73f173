package ins_test

import (
	"bytes"
	"image"
	_ "image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/datamatrix"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/ins"
)

const gs = "\x1d"

// qualified gives a qualified identity with these traits, whose INS has this OID.
func qualified(t require.TestingT, tr ins.Traits, matricule string, oid ins.OID) ins.Identity {
	m, err := ins.ParseMatriculeLenient(matricule)
	require.NoError(t, err)
	id, err := ins.NewIdentity(tr)
	require.NoError(t, err)
	id, err = id.Accept(ins.Result{Active: ins.INS{Matricule: m, OID: oid}, Traits: tr, At: now}, accept)
	require.NoError(t, err)
	id, err = id.Prove(card)
	require.NoError(t, err)
	return id
}

func patTrois(t testing.TB, oid ins.OID) ins.Identity {
	t.Helper()
	tr := traits(t, "PAT-TROIS", "DOMINIQUE MARIE-LOUISE", "F", "1979-03-28", "51215")
	tr.FirstGivenName = "DOMINIQUE"
	return qualified(t, tr, "279035121518989", oid)
}

const header = "IS010000000000000000000000"

func TestDatamatrixText(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		oid  ins.OID
		edit func(*ins.Traits)
		want string
	}{
		{"an OID of 19 characters takes a separator", ins.OIDNIR, nil,
			"S1279035121518989S21.2.250.1.213.1.4.8" + gs + "S3DOMINIQUE MARIE-LOUISE" + gs + "S4PAT-TROIS" + gs + "S5FS628-03-1979S751215"},
		{"one of 20 takes none", ins.OIDTest, nil,
			"S1279035121518989S21.2.250.1.213.1.4.10S3DOMINIQUE MARIE-LOUISE" + gs + "S4PAT-TROIS" + gs + "S5FS628-03-1979S751215"},
		{"no place", ins.OIDNIA, func(x *ins.Traits) { x.BirthPlace = "" },
			"S1279035121518989S21.2.250.1.213.1.4.9" + gs + "S3DOMINIQUE MARIE-LOUISE" + gs + "S4PAT-TROIS" + gs + "S5FS628-03-1979"},
		{"a name of 100 characters takes no separator", ins.OIDDemo, func(x *ins.Traits) { x.BirthName = strings.Repeat("A", 100) },
			"S1279035121518989S21.2.250.1.213.1.4.11S3DOMINIQUE MARIE-LOUISE" + gs + "S4" + strings.Repeat("A", 100) + "S5FS628-03-1979S751215"},
	} {
		tr := patTrois(t, row.oid).Traits()
		if row.edit != nil {
			row.edit(&tr)
		}
		id := qualified(t, tr, "279035121518989", row.oid)
		got, err := id.Datamatrix()
		require.NoError(t, err, row.name)
		require.Equal(t, header+row.want, got, row.name)
		scan, err := ins.ParseDatamatrix(got)
		require.NoError(t, err, row.name)
		require.Equal(t, id.Traits(), scan.Traits, row.name)
		require.Empty(t, scan.Warnings, row.name)
		require.Equal(t, "01", scan.Version)
	}
}

func TestOnlyAQualifiedIdentityHasADatamatrix(t *testing.T) {
	t.Parallel()
	id, r := ecetinsi(t)
	recovered := must(t)(id.Accept(r, accept))
	for _, i := range []ins.Identity{{}, id, must(t)(id.Prove(card)), recovered} {
		text, err := i.Datamatrix()
		require.ErrorIs(t, err, ins.ErrNotQualified)
		require.Empty(t, text)
		_, err = i.Symbol()
		require.ErrorIs(t, err, ins.ErrNotQualified)
	}
	tr := r.Traits
	tr.GivenNames, tr.FirstGivenName = strings.Repeat("A", 101), ""
	_, err := qualified(t, tr, "109076322083489", ins.OIDTest).Datamatrix()
	require.ErrorIs(t, err, ins.ErrInvalid)
	require.ErrorContains(t, err, "S3")
}

// The forms in which scanners hand over the same symbol.
func TestScans(t *testing.T) {
	t.Parallel()
	want := patTrois(t, ins.OIDNIR).Traits()
	full := header + "S1279035121518989S21.2.250.1.213.1.4.8" + gs + "S3DOMINIQUE MARIE-LOUISE" + gs + "S4PAT-TROIS" + gs + "S5FS628-03-1979S751215"
	for name, s := range map[string]string{
		"as it is":                  full,
		"symbology identifier":      "]d1" + full,
		"line end":                  full + "\r\n",
		"separator as <GS>":         strings.ReplaceAll(full, gs, "<GS>"),
		"separator as {GS}":         strings.ReplaceAll(full, gs, "{GS}"),
		"separator as ^]":           strings.ReplaceAll(full, gs, "^]"),
		"separator as RS":           strings.ReplaceAll(full, gs, "\x1e"),
		"separator as escape":       strings.ReplaceAll(full, gs, `\x1d`),
		"separator as symbol":       strings.ReplaceAll(full, gs, "␝"),
		"separator as a space":      strings.ReplaceAll(full, gs, " "),
		"as a no-break space":       strings.ReplaceAll(full, gs, "\u00a0"),
		"separators lost":           strings.ReplaceAll(full, gs, ""),
		"one separator lost":        strings.Replace(full, gs, "", 1),
		"separators everywhere":     strings.NewReplacer("S5F", "S5F"+gs, "1979", "1979"+gs).Replace(full) + gs,
		"the name last":             header + "S1279035121518989S21.2.250.1.213.1.4.8" + gs + "S3DOMINIQUE MARIE-LOUISE" + gs + "S5FS628-03-1979S751215S4PAT-TROIS",
		"the name last, none left":  header + "S1279035121518989S21.2.250.1.213.1.4.8S3DOMINIQUE MARIE-LOUISES5FS628-03-1979S751215S4PAT-TROIS",
		"backwards":                 header + "S751215S628-03-1979S5FS4PAT-TROIS" + gs + "S3DOMINIQUE MARIE-LOUISE" + gs + "S21.2.250.1.213.1.4.8" + gs + "S1279035121518989",
		"reserved digits not all 0": strings.Replace(full, "IS0100", "IS0107", 1),
	} {
		scan, err := ins.ParseDatamatrix(s)
		require.NoError(t, err, name)
		require.Equal(t, want, scan.Traits, name)
		require.Equal(t, "279035121518989", scan.INS.Matricule.Wire(), name)
		require.Equal(t, ins.OIDNIR, scan.INS.OID, name)
		if s == full || name == "the name last" || name == "symbology identifier" || name == "line end" || name == "backwards" {
			require.Empty(t, scan.Warnings, name)
		} else {
			require.NotEmpty(t, scan.Warnings, name)
		}
	}
}

func TestScansRefused(t *testing.T) {
	t.Parallel()
	blocks := []string{"S1279035121518989", "S21.2.250.1.213.1.4.8" + gs, "S3DOMINIQUE" + gs, "S4PAT-TROIS" + gs, "S5F", "S628-03-1979"}
	with := func(n int, s string) string {
		b := append([]string{}, blocks...)
		b[n] = s
		return header + strings.Join(b, "")
	}
	for name, row := range map[string]struct {
		s, says string
		err     error
	}{
		"nothing":               {"", "26 characters", ins.ErrInvalid},
		"another code":          {"DC04FR0000011E6A1E6A0001", "26 characters", ins.ErrInvalid},
		"letters in the header": {"IS01000000000000000000000X" + strings.Join(blocks, ""), "26 characters", ins.ErrInvalid},
		"a later version":       {"IS02" + header[4:] + strings.Join(blocks, ""), "02", ins.ErrVersion},
		"header alone":          {header, "S1 is missing", ins.ErrInvalid},
		"wrong key":             {with(0, "S1279035121518988"), "wrong key", ins.ErrInvalid},
		"matricule cut":         {header + "S12790351215", "S1 is cut short", ins.ErrInvalid},
		"OID of INS-C":          {with(1, "S21.2.250.1.213.1.4.2"+gs), "INS-C", ins.ErrInvalid},
		"OID too long":          {with(1, "S21.2.250.1.213.1.4.1234"+gs), "longer", ins.ErrInvalid},
		"no OID":                {with(1, ""), "S2 is missing", ins.ErrInvalid},
		"empty name":            {with(3, "S4"+gs), "S4 is empty", ins.ErrInvalid},
		"name too long":         {with(3, "S4"+strings.Repeat("A", 101)), "longer", ins.ErrInvalid},
		"name with a star":      {with(3, "S4PAT*TROIS"+gs), "birth name", ins.ErrInvalid},
		"name twice":            {header + strings.Join(blocks, "") + "S4AUTRE", "comes twice", ins.ErrInvalid},
		"sex twice":             {header + strings.Join(blocks, "") + "S5M", "comes twice", ins.ErrInvalid},
		"sex I":                 {with(4, "S5I"), "S5", ins.ErrInvalid},
		"date of the calendar":  {with(5, "S630-02-1979"), "S6", ins.ErrInvalid},
		"date the other way":    {with(5, "S61979-03-28"), "DD-MM-YYYY", ins.ErrInvalid},
		"place":                 {with(5, "S628-03-1979S7PARIS"), "S7", ins.ErrInvalid},
		"block 8":               {header + strings.Join(blocks, "") + "S8X", "S1 to S7", ins.ErrInvalid},
		"rubbish at the end":    {header + strings.Join(blocks, "") + "VIVE", "S1 to S7", ins.ErrInvalid},
		"too long":              {header + strings.Repeat(" ", 1024), "1024", ins.ErrInvalid},
	} {
		scan, err := ins.ParseDatamatrix(row.s)
		require.ErrorIs(t, err, row.err, name)
		require.ErrorContains(t, err, row.says, name)
		require.Zero(t, scan, name)
		for _, secret := range []string{"279035", "DOMINIQUE", "PAT", "1979"} {
			require.NotContains(t, err.Error(), secret, name)
		}
	}
	scan, err := ins.ParseDatamatrixLenient(with(0, "S1279035121518988"))
	require.NoError(t, err)
	require.False(t, scan.INS.Matricule.KeyValid())
	require.Contains(t, scan.Warnings[0], "key")
}

// drawnTraits gives traits that the format takes.
func drawnTraits(t *rapid.T) ins.Traits {
	letters := rapid.SampledFrom([]rune("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	word := rapid.StringOfN(letters, 1, 12, -1)
	tr := ins.Traits{
		BirthName:  word.Draw(t, "name") + rapid.SampledFrom([]string{"", " ", "-", "'", "--"}).Draw(t, "joint") + word.Draw(t, "name 2"),
		GivenNames: strings.Join(rapid.SliceOfN(word, 1, 5).Draw(t, "given names"), rapid.SampledFrom([]string{" ", "-", "'"}).Draw(t, "joint 2")),
		Sex:        rapid.SampledFrom([]ins.Sex{ins.Male, ins.Female}).Draw(t, "sex"),
		BirthDate:  ins.BirthDate{Year: rapid.IntRange(1900, 2026).Draw(t, "year"), Month: rapid.IntRange(1, 12).Draw(t, "month"), Day: rapid.IntRange(1, 28).Draw(t, "day")},
		BirthPlace: rapid.SampledFrom([]ins.COG{"63220", "2A020", "99100"}).Draw(t, "place"),
	}
	tr, err := tr.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestWhatIsEncodedIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tr := drawnTraits(t)
		oid := rapid.SampledFrom([]ins.OID{ins.OIDNIR, ins.OIDNIA, ins.OIDTest, ins.OIDDemo}).Draw(t, "oid")
		id := qualified(t, tr, "279035121518989", oid)
		text, err := id.Datamatrix()
		require.NoError(t, err)
		text = strings.ReplaceAll(text, gs, rapid.SampledFrom([]string{gs, "", "<GS>", " ", "^]"}).Draw(t, "separator"))
		scan, err := ins.ParseDatamatrix(text)
		require.NoError(t, err)
		got, err := id.Sendable()
		require.NoError(t, err)
		require.Equal(t, ins.Claim{INS: got, Traits: tr}, scan.Claim)
	})
}

// read decodes a picture with a decoder that we did not write.
func read(t *testing.T, m image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	require.NoError(t, err)
	result, err := datamatrix.NewDataMatrixReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	require.NoError(t, err)
	return result.GetText()
}

func TestASymbolIsReadByAnotherDecoder(t *testing.T) {
	t.Parallel()
	long := patTrois(t, ins.OIDNIR).Traits()
	long.BirthName, long.GivenNames = strings.Repeat("AB'", 33), strings.TrimSpace(strings.Repeat("ZOE ", 24))
	long.FirstGivenName = "ZOE"
	for _, id := range []ins.Identity{patTrois(t, ins.OIDNIR), patTrois(t, ins.OIDTest), qualified(t, long, "279035121518989", ins.OIDNIR)} {
		want, err := id.Datamatrix()
		require.NoError(t, err)
		symbol, err := id.Symbol()
		require.NoError(t, err)
		for _, scale := range []int{1, 4} {
			var b bytes.Buffer
			require.NoError(t, symbol.WritePNG(&b, scale))
			m, format, err := image.Decode(&b)
			require.NoError(t, err)
			require.Equal(t, "png", format)
			require.Equal(t, (symbol.Size()+4)*scale, m.Bounds().Dx())
			require.Equal(t, want, read(t, m))
		}
		var b bytes.Buffer
		require.NoError(t, symbol.WriteSVG(&b, 0))
		require.Equal(t, want, read(t, drawn(t, b.String())))
		require.Contains(t, b.String(), ins.DatamatrixLabel)
	}
}

// drawn paints the dark path of an SVG.
func drawn(t *testing.T, svg string) image.Image {
	t.Helper()
	box := regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"`).FindStringSubmatch(svg)
	n := func(s string) int {
		i, err := strconv.Atoi(s)
		require.NoError(t, err)
		return i
	}
	m := image.NewGray(image.Rect(0, 0, n(box[1]), n(box[1])))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for _, r := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`).FindAllStringSubmatch(svg, -1) {
		for x := range n(r[3]) {
			m.Pix[m.PixOffset(n(r[1])+x, n(r[2]))] = 0
		}
	}
	return m
}

func FuzzParseDatamatrix(f *testing.F) {
	f.Add(header + "S1279035121518989S21.2.250.1.213.1.4.8" + gs + "S3DOMINIQUE MARIE-LOUISE" + gs + "S4PAT-TROIS" + gs + "S5FS628-03-1979S751215")
	f.Add("]d1" + header + "S751215S628-03-1979S5FS4PAT-TROIS<GS>S3A B^]S21.2.250.1.213.1.4.10S1279035121518989\r\n")
	f.Add(header + "S1")
	f.Add("IS02")
	f.Fuzz(func(t *testing.T, s string) {
		scan, err := ins.ParseDatamatrix(s)
		if err != nil {
			if scan.INS != (ins.INS{}) || scan.Traits != (ins.Traits{}) {
				t.Fatal("an identity with an error")
			}
			return
		}
		if !scan.INS.Matricule.KeyValid() || scan.INS.OID == 0 {
			t.Fatal("an INS that cannot be")
		}
		if n, err := scan.Traits.Normalize(); err != nil || n != scan.Traits {
			t.Fatal("traits that are not normalised")
		}
	})
}
