package ins

import (
	"errors"
	"strings"

	"github.com/soclesante/socle"
)

// ErrVersion: the datamatrix is of a version that this package does not know.
var ErrVersion = errors.New("unknown version")

// DatamatrixLabel is the text that stands beside a printed datamatrix.
const DatamatrixLabel = "INS à scanner"

const (
	dmType    = "IS"
	dmVersion = "01"
	dmHeader  = dmType + dmVersion + "0000000000000000000000" // 26 characters
	dmGS      = '\x1d'
	dmMaxName = 100
	maxScan   = 1024 // bytes of a scan; an honest one has 330 at most
)

// dmBlock is a block of the format (« Format datamatrix INS » v2.2).
type dmBlock struct {
	id    string
	max   int
	fixed bool // the value has max characters, and no separator follows
}

var dmBlocks = [...]dmBlock{
	{"S1", 15, true},         // matricule with its key
	{"S2", 20, false},        // OID
	{"S3", dmMaxName, false}, // given names
	{"S4", dmMaxName, false}, // birth name
	{"S5", 1, true},          // sex
	{"S6", 10, true},         // birth date, DD-MM-YYYY
	{"S7", 5, true},          // place of birth
}

// Datamatrix gives the text of the INS datamatrix of a qualified identity, for
// a printer that draws the symbol itself; [Identity.Symbol] draws it. The place
// of birth is left out when it is no code officiel géographique. The error is
// that of [Identity.Sendable], or ErrInvalid when a trait does not fit.
func (id Identity) Datamatrix() (string, error) {
	i, err := id.Sendable()
	if err != nil {
		return "", err
	}
	t := id.Traits()
	values := [len(dmBlocks)]string{
		i.Matricule.Wire(), i.OID.String(), t.List(), t.BirthName, string(t.Sex), dayFirst(t.BirthDate), string(t.BirthPlace),
	}
	if _, err := ParseCOG(values[6]); err != nil {
		values[6] = ""
	}
	last := len(values) - 1
	for values[last] == "" {
		last--
	}
	var b strings.Builder
	b.WriteString(dmHeader)
	for n, v := range values[:last+1] {
		block := dmBlocks[n]
		switch {
		case v == "", len(v) > block.max, block.fixed && len(v) != block.max:
			return "", invalid("datamatrix", "block "+block.id+": the value does not have the length that the format asks")
		case !block.fixed && n > 1 && !plain(v):
			return "", invalid("datamatrix", "block "+block.id+": it holds a character other than capitals, space, apostrophe and hyphen")
		}
		b.WriteString(block.id)
		b.WriteString(v)
		if !block.fixed && len(v) < block.max && n != last {
			b.WriteByte(dmGS)
		}
	}
	return b.String(), nil
}

// dayFirst gives DD-MM-YYYY.
func dayFirst(d BirthDate) string {
	w := d.Wire()
	if w == "" {
		return ""
	}
	return w[8:10] + "-" + w[5:7] + "-" + w[0:4]
}

// Scan is what an INS datamatrix says. It is a [Claim]: the format carries no
// signature, so that nothing in it may be trusted before INSi confirmed it.
type Scan struct {
	Claim
	Version string // "01"
	// Warnings tell oddities that change nothing to what was read, such as
	// separators that the scanner replaced, without any value.
	Warnings []string
}

// ParseDatamatrix reads what a scanner gives for an INS datamatrix: the blocks
// in any order, each separator (GS) as it is, replaced by what scanners and
// keyboards put in its place (<GS>, ^], RS, a space …), or lost. The matricule
// is read strictly (see [ParseMatricule]).
//
// The error is an *[Error]: [ErrVersion] for a format other than 01, else
// [ErrInvalid], which says what is wrong and never with which value. A block
// that lacks, comes twice or is unknown is an error, so that no identity is
// read by half.
func ParseDatamatrix(s string) (Scan, error) { return parseScan(s, ParseMatricule) }

// ParseDatamatrixLenient is ParseDatamatrix with [ParseMatriculeLenient]: a
// wrong key is a warning.
func ParseDatamatrixLenient(s string) (Scan, error) { return parseScan(s, ParseMatriculeLenient) }

func parseScan(s string, matricule func(string) (Matricule, error)) (Scan, error) {
	if len(s) > maxScan {
		return Scan{}, invalid("datamatrix", "more than 1024 bytes")
	}
	s, scan := strings.TrimSpace(s), Scan{}
	if len(s) > 3 && s[0] == ']' && s[1] == 'd' { // symbology identifier that scanners may put in front
		s = s[3:]
	}
	if len(s) < len(dmHeader) || s[:2] != dmType || !digits(s[2:len(dmHeader)]) {
		return Scan{}, invalid("datamatrix", "it does not begin with the 26 characters of an INS datamatrix: IS and 24 digits")
	}
	if scan.Version = s[2:4]; scan.Version != dmVersion {
		return Scan{}, &Error{Op: "datamatrix", Code: scan.Version, Text: "version 01 expected", kind: ErrVersion, outcome: socle.OutcomeNotSent}
	}
	if s[:len(dmHeader)] != dmHeader {
		scan.warn("the digits reserved in the header are not all 0")
	}
	values, err := scan.blocks(s[len(dmHeader):])
	if err != nil {
		return Scan{}, err
	}
	if err := scan.read(values, matricule); err != nil {
		return Scan{}, err
	}
	return scan, nil
}

func (s *Scan) warn(text string) {
	for _, w := range s.Warnings {
		if w == text {
			return
		}
	}
	s.Warnings = append(s.Warnings, text)
}

// blocks cuts the blocks apart. No value but the fixed ones holds S and a
// digit, so that a lost separator loses nothing.
func (s *Scan) blocks(rest string) (values [len(dmBlocks)]string, err error) {
	fail := func(text string) ([len(dmBlocks)]string, error) {
		return [len(dmBlocks)]string{}, invalid("datamatrix", text)
	}
	for {
		if rest = s.skip(rest); rest == "" {
			break
		}
		n := -1
		if len(rest) >= 2 && rest[0] == 'S' {
			n = int(rest[1] - '1')
		}
		if n < 0 || n >= len(dmBlocks) {
			return fail("a block S1 to S7 was expected after the others")
		}
		block := dmBlocks[n]
		rest = rest[2:]
		end := block.max
		if block.fixed && len(rest) < end {
			return fail("block " + block.id + " is cut short")
		}
		if !block.fixed {
			end = valueEnd(rest)
		}
		v := rest[:end]
		rest = rest[end:]
		if !block.fixed {
			cut := trimSeparators(v)
			if len(cut) < len(v) && v[len(cut):] != string(dmGS) {
				s.warn("a separator was replaced by the scanner")
			} else if len(cut) == len(v) && len(v) < block.max && rest != "" {
				s.warn("a separator is missing")
			}
			v = cut
		}
		switch {
		case v == "":
			return fail("block " + block.id + " is empty")
		case len(v) > block.max:
			return fail("block " + block.id + " is longer than the format allows")
		case values[n] != "":
			return fail("block " + block.id + " comes twice")
		}
		values[n] = v
	}
	for n, v := range values[:6] {
		if v == "" {
			return fail("block " + dmBlocks[n].id + " is missing")
		}
	}
	return values, nil
}

// valueEnd gives the length of a variable value with its separator: up to the
// next S followed by a digit.
func valueEnd(s string) int {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == 'S' && s[i+1] >= '0' && s[i+1] <= '9' {
			return i
		}
	}
	return len(s)
}

// separators are what stands for GS in the output of scanners.
var separators = []string{
	string(dmGS), "<GS>", "<gs>", "{GS}", "[GS]", "(GS)", "^]", `\x1d`, `\x1D`, `\u001d`, `\u001D`, `\035`, "␝",
	"\x1e", "<RS>", "^^", "\x1c", "\x1f", "\t", "\r", "\n", " ", "\u00a0", "\u202f", "|", "~", "#",
}

// skip leaves out the separators at the beginning of s, where the format has none.
func (s *Scan) skip(rest string) string {
	for before := ""; before != rest; {
		before = rest
		for _, x := range separators {
			if cut, ok := strings.CutPrefix(rest, x); ok {
				rest = cut
				s.warn("a separator stands where the format has none")
			}
		}
	}
	return rest
}

func trimSeparators(v string) string {
	for before := ""; before != v; {
		before = v
		for _, x := range separators {
			v = strings.TrimSuffix(v, x)
		}
	}
	return v
}

// read makes the values of the blocks an INS and traits.
func (s *Scan) read(values [len(dmBlocks)]string, matricule func(string) (Matricule, error)) error {
	in := func(n int, err error) error {
		text := ""
		if e, ok := errors.AsType[*Error](err); ok {
			text = e.Text
		}
		return invalid("datamatrix", "block "+dmBlocks[n].id+": "+text)
	}
	var err error
	if s.INS.Matricule, err = matricule(values[0]); err != nil {
		return in(0, err)
	}
	if !s.INS.Matricule.KeyValid() {
		s.warn("block S1: the key does not follow from the number")
	}
	if s.INS.OID, err = ParseOID(values[1]); err != nil {
		return in(1, err)
	}
	d := values[5]
	if len(d) != 10 || d[2] != '-' || d[5] != '-' {
		return invalid("datamatrix", "block S6: DD-MM-YYYY expected")
	}
	t := Traits{GivenNames: values[2], BirthName: values[3], Sex: Sex(values[4]), BirthPlace: COG(values[6])}
	if t.BirthDate, err = ParseBirthDate(d[6:] + "-" + d[3:5] + "-" + d[:2]); err != nil {
		return in(5, err)
	}
	if t.Sex != Male && t.Sex != Female {
		return invalid("datamatrix", "block S5: M or F expected")
	}
	if values[6] != "" {
		if _, err := ParseCOG(values[6]); err != nil {
			return in(6, err)
		}
	}
	if s.Traits, err = t.Normalize(); err != nil {
		return &Error{Op: "datamatrix", Text: "blocks S3 and S4", Err: err, kind: ErrInvalid}
	}
	return nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// GoString hides the person.
func (s Scan) GoString() string { return "ins.Scan{" + redacted + "}" }
