package ins

import (
	"strings"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmltree"
)

const oidGender = "2.16.840.1.113883.5.1"

// RecordTarget gives the recordTarget of a CDA document for an identity, in
// canonical form with its namespace: the INS, of a qualified identity only, and
// the local identifiers; birth name and first given name with the qualifier BR,
// the list of given names without, used names with CL; sex, date and place of
// birth. Address and telecom are not known here (NASK). A CDA document tells no
// status.
//
// Without INS and local identifier, or without OID of the latter, the error is
// ErrInvalid, as an id is mandatory.
func (id Identity) RecordTarget(x Extra) ([]byte, error) {
	p := id.Presented(x)
	if p.INS.IsZero() && len(p.Local) == 0 {
		return nil, invalid("CDA", "id: a local identifier is mandatory for an identity that is not qualifiée")
	}
	var w xmltree.Writer
	w.Start("recordTarget", "xmlns", cda.NS).Start("patientRole")
	if !p.INS.IsZero() {
		w.Empty("id", "extension", p.INS.Matricule.Wire(), "root", p.INS.OID.String())
	}
	for _, l := range p.Local {
		if l.OID == "" || l.Value == "" {
			return nil, invalid("CDA", "id: a local identifier has a value and an OID")
		}
		w.Empty("id", "extension", l.Value, "root", l.OID)
	}
	w.Empty("addr", "nullFlavor", "NASK").Empty("telecom", "nullFlavor", "NASK")
	t := p.Traits
	w.Start("patient", "classCode", "PSN").Start("name").
		Leaf("family", t.BirthName, "qualifier", "BR").
		Leaf("given", t.List()).
		Leaf("given", t.First(), "qualifier", "BR")
	if p.UsedName != "" {
		w.Leaf("family", p.UsedName, "qualifier", "CL")
	}
	if p.UsedGivenName != "" {
		w.Leaf("given", p.UsedGivenName, "qualifier", "CL")
	}
	w.End()
	code, display := string(t.Sex), map[Sex]string{Male: "Masculin", Female: "Féminin", Indeterminate: "Indéterminé"}[t.Sex]
	if t.Sex == Indeterminate {
		code = "UN"
	}
	w.Empty("administrativeGenderCode", "code", code, "codeSystem", oidGender, "displayName", display)
	if v := t.BirthDate.partial(""); v != "" {
		w.Empty("birthTime", "value", v)
	} else {
		w.Empty("birthTime", "nullFlavor", "UNK")
	}
	if t.BirthPlace != "" {
		w.Start("birthplace").Start("place").Start("addr").Leaf("county", string(t.BirthPlace)).End().End().End()
	}
	return w.End().End().End().Bytes(), nil
}

// partial gives the date as far as a day of the calendar is known, which is how
// HL7 standards write an incomplete one: the year, the month, the day. A lunar
// date gives its year.
func (d BirthDate) partial(separator string) string {
	w := d.Wire()
	switch {
	case d.IsZero():
		return ""
	case d.Month < 1 || d.Month > 12:
		return w[:4]
	case d.Day == 0:
		return w[:4] + separator + w[5:7]
	}
	return w[:4] + separator + w[5:7] + separator + w[8:]
}

// ParseRecordTarget reads the patient of a CDA document, or of its recordTarget
// alone. The matricule is read leniently: see [Matricule.KeyValid]. As a CDA
// document tells no status, that of an INS is taken for qualifiée, which its
// author had to make sure of, and any other identity for provisoire.
//
// The error is an *[Error] that is ErrInvalid: XML that cannot be, no or two
// patients, two INS, or traits that lack or cannot be.
func ParseRecordTarget(b []byte) (Presented, error) {
	doc, err := xmltree.Parse(b, xmltree.Limits{})
	if err != nil {
		return Presented{}, &Error{Op: "CDA", Err: err, kind: ErrInvalid}
	}
	var target *xmltree.Element
	for e := range doc.Root.Descendants() {
		if e.Is(cda.NS, "recordTarget") && (e.Parent == nil || e.Parent.Is(cda.NS, "ClinicalDocument")) {
			if target != nil {
				return Presented{}, invalid("CDA", "two recordTarget: one patient expected")
			}
			target = e
		}
	}
	if target == nil {
		return Presented{}, invalid("CDA", "no recordTarget")
	}
	return readRecordTarget(target.First("", "patientRole"))
}

func readRecordTarget(role *xmltree.Element) (Presented, error) {
	var p Presented
	for e := range role.All("", "id") {
		i := cda.IDOf(e)
		o, err := ParseOID(i.Root)
		if err != nil {
			if i.Extension != "" {
				p.Local = append(p.Local, LocalID{Value: i.Extension, OID: i.Root})
			}
			continue
		}
		m, err := ParseMatriculeLenient(i.Extension)
		if err != nil {
			return Presented{}, invalid("CDA", "id: malformed matricule")
		}
		if !p.INS.IsZero() {
			return Presented{}, invalid("CDA", "id: two INS")
		}
		p.INS, p.Status = INS{m, o}, Qualifiee
	}
	patient := role.First("", "patient")
	var name cda.Name
	for e := range patient.All("", "name") {
		if n := cda.NameOf(e); name.IsZero() || birthQualified(n) && !birthQualified(name) {
			name = n
		}
	}
	p.UsedName, p.UsedGivenName = name.UsedFamily(), name.UsedGiven()
	p.Traits = Traits{BirthName: name.BirthFamily(), FirstGivenName: name.FirstBirthGiven(), GivenNames: strings.Join(name.BirthGivens(), " ")}
	switch c := cda.CodeOf(patient.First("", "administrativeGenderCode")).Code.Code; c {
	case "M", "F":
		p.Traits.Sex = Sex(c)
	case "UN":
		p.Traits.Sex = Indeterminate
	}
	date := strings.TrimSpace(patient.First("", "birthTime").Attr("value"))
	if len(date) > 8 {
		date = date[:8]
	}
	var err error
	if p.Traits.BirthDate, err = compactDate(date); err != nil {
		return Presented{}, invalid("CDA", "birthTime: YYYYMMDD expected")
	}
	p.Traits.BirthPlace = COG(strings.TrimSpace(patient.Path("birthplace", "place", "addr", "county").Text()))
	if err := p.settle("CDA"); err != nil {
		return Presented{}, err
	}
	return p, nil
}

func birthQualified(n cda.Name) bool {
	for _, f := range n.Family {
		if f.Qualifier == "BR" {
			return true
		}
	}
	return false
}
