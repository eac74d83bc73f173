package ins

import (
	"strings"
	"unicode/utf8"
)

// maxHL7v2 bounds a message, and maxSegments its segments.
const (
	maxHL7v2    = 1 << 20
	maxSegments = 10_000
)

// Names of the authorities of INS in HL7v2. That of test and demonstration
// identities is *assumed* to be that of the NIR, as an official example has it.
const (
	hl7AuthorityNIR = "ASIP-SANTE-INS-NIR"
	hl7AuthorityNIA = "ASIP-SANTE-INS-NIA"
)

// hl7v2CX gives PID-3 of an INS: <15>^^^ASIP-SANTE-INS-NIR&<OID>&ISO^INS.
func (i INS) hl7v2CX() string {
	name := hl7AuthorityNIR
	if i.OID == OIDNIA {
		name = hl7AuthorityNIA
	}
	return i.Matricule.Wire() + "^^^" + name + "&" + i.OID.String() + "&ISO^INS"
}

// HL7v2 gives the segments PID and ZFD of an identity (IHE PAM France), each
// ended by a carriage return, with the separators |^~\&:
//
//	PID-3  the INS, of a qualified identity only, then the local identifiers
//	PID-5  birth name^first given name^list of given names^^^^L, and the used names ^^^^^^D
//	PID-7  YYYYMMDD     PID-8  M, F or U     PID-11  the place of birth (BDL)
//	PID-32 the status, then the attributes
//	ZFD-6  the date d'interrogation of INSi, when there is one
//
// Without INS and local identifier the error is ErrInvalid, as PID-3 is mandatory.
func (id Identity) HL7v2(x Extra) (string, error) {
	p := id.Presented(x)
	var ids []string
	if !p.INS.IsZero() {
		ids = append(ids, p.INS.hl7v2CX())
	}
	for _, l := range p.Local {
		ids = append(ids, esc(l.Value)+"^^^"+esc(l.Name)+"&"+esc(l.OID)+"&ISO^PI")
	}
	if len(ids) == 0 {
		return "", invalid("HL7v2", "PID-3: a local identifier is mandatory for an identity that is not qualifiée")
	}
	t := p.Traits
	names := esc(t.BirthName) + "^" + esc(t.First()) + "^" + esc(t.List()) + "^^^^L"
	if p.UsedName != "" || p.UsedGivenName != "" {
		names += "~" + esc(p.UsedName) + "^" + esc(p.UsedGivenName) + "^^^^^D"
	}
	sex := string(t.Sex)
	if t.Sex == Indeterminate {
		sex = "U"
	}
	f := make([]string, 33)
	f[0], f[3], f[5], f[7], f[8] = "PID", strings.Join(ids, "~"), names, t.BirthDate.Compact(), sex
	if t.BirthPlace != "" {
		f[11] = "^^^^^^BDL^^" + string(t.BirthPlace)
	}
	f[32] = strings.Join(append([]string{p.Codes.code(p.Status)}, p.Attributes.codes()...), "~")
	out := strings.Join(f, "|") + "\r"
	if p.QueriedDay != "" {
		out += "ZFD||||||" + strings.ReplaceAll(p.QueriedDay, "-", "") + "\r"
	}
	return out, nil
}

// ParseHL7v2 reads a message, or the segments PID and ZFD alone, and gives the
// identity of its patient. The separators are those of MSH, and |^~\& without.
// Lines may end by CR, LF or both. Text that is not UTF-8 is taken for
// ISO 8859-1.
//
// Codes of a status as table 0445 has them make a VALI with an INS qualifiée; a
// message that has no status is taken so too, as PID-32 is optional. The error
// is an *[Error] that is ErrInvalid and tells which field is wrong, never with
// its value; two PID, or two INS, are one.
func ParseHL7v2(message string) (Presented, error) {
	fail := func(text string) (Presented, error) { return Presented{}, invalid("HL7v2", text) }
	if len(message) > maxHL7v2 {
		return fail("more than 1 MiB")
	}
	if !utf8.ValidString(message) {
		message = latin1(message)
	}
	m := hl7v2{'|', '^', '~', '\\', '&'}
	var pid, zfd []string
	for n, line := range strings.FieldsFunc(message, func(r rune) bool { return r == '\r' || r == '\n' || r == '\x0b' || r == '\x1c' }) {
		if n == maxSegments {
			return fail("more than 10000 segments")
		}
		if strings.HasPrefix(line, "MSH") {
			if n != 0 {
				break // the next message
			}
			if err := m.separators(line); err != nil {
				return Presented{}, err
			}
			continue
		}
		switch f := strings.Split(line, string(m.field)); f[0] {
		case "PID":
			if pid != nil {
				return fail("two PID: one patient expected")
			}
			pid = f
		case "ZFD":
			zfd = f
		}
	}
	if pid == nil {
		return fail("no PID")
	}
	return m.read(pid, zfd)
}

// hl7v2 are the separators of a message.
type hl7v2 struct{ field, component, repetition, escape, sub byte }

func (m *hl7v2) separators(msh string) error {
	if len(msh) < 9 {
		return invalid("HL7v2", "MSH: separators expected")
	}
	set := msh[3:8]
	for i := range len(set) {
		if c := set[i]; c < '!' || c > '~' || strings.IndexByte(set[:i], c) >= 0 || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '\'' || c == '.' {
			return invalid("HL7v2", "MSH: five different separators expected")
		}
	}
	*m = hl7v2{set[0], set[1], set[2], set[3], set[4]}
	return nil
}

func at(list []string, n int) string {
	if n < len(list) {
		return list[n]
	}
	return ""
}

// repetitions gives the repetitions of a field, each cut into components.
func (m hl7v2) repetitions(field string) (all [][]string) {
	if field == "" || field == `""` {
		return nil
	}
	for r := range strings.SplitSeq(field, string(m.repetition)) {
		all = append(all, strings.Split(r, string(m.component)))
	}
	return all
}

func (m hl7v2) read(pid, zfd []string) (Presented, error) {
	var p Presented
	fail := func(text string) (Presented, error) { return Presented{}, invalid("HL7v2", text) }
	for _, r := range m.repetitions(at(pid, 3)) {
		authority := strings.Split(at(r, 3), string(m.sub))
		value, oid := m.text(at(r, 0)), m.text(at(authority, 1))
		if o, err := ParseOID(oid); err == nil {
			mat, err := ParseMatriculeLenient(value)
			if err != nil {
				return fail("PID-3: malformed matricule")
			}
			if !p.INS.IsZero() {
				return fail("PID-3: two INS")
			}
			p.INS = INS{mat, o}
		} else if value != "" {
			p.Local = append(p.Local, LocalID{value, oid, m.text(at(authority, 0))})
		}
	}
	names := m.repetitions(at(pid, 5))
	birth := -1
	for i, r := range names {
		switch kind := at(r, 6); {
		case kind == "L" && (birth < 0 || at(names[birth], 6) != "L"), kind == "" && birth < 0:
			birth = i
		case kind == "D":
			p.UsedName, p.UsedGivenName = m.text(at(r, 0)), m.text(at(r, 1))
		}
	}
	if birth < 0 {
		return fail("PID-5: no birth name (type L)")
	}
	b := names[birth]
	p.Traits = Traits{BirthName: m.text(at(b, 0)), FirstGivenName: m.text(at(b, 1)), GivenNames: m.text(at(b, 2))}
	date := at(pid, 7)
	if len(date) > 8 { // a time of birth
		date = date[:8]
	}
	var err error
	if p.Traits.BirthDate, err = compactDate(date); err != nil {
		return fail("PID-7: YYYYMMDD expected")
	}
	switch at(pid, 8) {
	case "M", "F":
		p.Traits.Sex = Sex(at(pid, 8))
	case "U", "A", "O", "N", "I":
		p.Traits.Sex = Indeterminate
	}
	for _, r := range m.repetitions(at(pid, 11)) {
		if at(r, 6) == "BDL" && at(r, 8) != "" {
			p.Traits.BirthPlace = COG(m.text(at(r, 8)))
		}
	}
	if err := p.codes(m.repetitions(at(pid, 32))); err != nil {
		return Presented{}, err
	}
	if day := at(zfd, 6); len(day) >= 8 {
		d, err := compactDate(day[:8])
		if err != nil {
			return fail("ZFD-6: YYYYMMDD expected")
		}
		p.QueriedDay = d.Wire()
	}
	if err := p.settle("HL7v2"); err != nil {
		return Presented{}, err
	}
	return p, nil
}

// codes reads PID-32. Management codes such as CACH or DOUA are passed over.
func (p *Presented) codes(repetitions [][]string) error {
	var status string
	for _, r := range repetitions {
		switch c := at(r, 0); c {
		case "PROV", "VALI", "RECUP", "QUAL":
			if status != "" && status != c {
				return invalid("HL7v2", "PID-32: two statuses")
			}
			status = c
		default:
			p.Attributes |= attributeOf(c)
		}
	}
	if status == "" && !p.INS.IsZero() {
		status = "VALI"
	}
	// VALI with an INS is that of table 0445: by the RNIV's own codes it has none.
	if status == "VALI" && !p.INS.IsZero() {
		p.Codes = Table0445
	}
	if status != "" {
		p.Status, _ = p.Codes.status(status, !p.INS.IsZero())
	}
	return nil
}

// compactDate reads YYYY, YYYYMM or YYYYMMDD.
func compactDate(s string) (BirthDate, error) {
	switch len(s) {
	case 4:
		s += "0000"
	case 6:
		s += "00"
	}
	if len(s) != 8 {
		return BirthDate{}, invalid("birth date", "YYYYMMDD expected")
	}
	return readDate(s[:4] + "-" + s[4:6] + "-" + s[6:])
}

// esc escapes the separators |^~\& and drops line ends, which end segments.
func esc(s string) string {
	return strings.NewReplacer(`\`, `\E\`, `|`, `\F\`, `^`, `\S\`, `~`, `\R\`, `&`, `\T\`, "\r", " ", "\n", " ").Replace(s)
}

// text resolves escapes; what is no escape stays as it is. "" stands for a
// value that is to be deleted.
func (m hl7v2) text(s string) string {
	if s == `""` {
		return ""
	}
	if strings.IndexByte(s, m.escape) < 0 {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == m.escape && i+2 < len(s) && s[i+2] == m.escape {
			if c := strings.IndexByte("FSRET", s[i+1]); c >= 0 {
				b.WriteByte([]byte{m.field, m.component, m.repetition, m.escape, m.sub}[c])
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.TrimSpace(b.String())
}

func latin1(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}
