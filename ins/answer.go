package ins

import (
	"fmt"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

const nsResultat = "http://www.cnamts.fr/INSiResultat"

// Codes of the compte rendu.
const (
	crFound     = "00"
	crNobody    = "01"
	crAmbiguous = "02"
)

// limits of an answer: those of real ones are a few kilobytes.
var limits = xmltree.Limits{Bytes: 1 << 20, Depth: 32, Nodes: 50_000}

// decodeAnswer reads a RESULTAT. Elements are taken by namespace and name in
// whatever order they come; what is there twice, lacks or contradicts is an
// error that is [ErrAnswer], so that nobody is identified by half. The code of
// the compte rendu is given whenever there is one.
func decodeAnswer(e *soap.Envelope) (r Result, code string, err error) {
	root := e.Body
	if !root.Is(nsResultat, "RESULTAT") {
		return Result{}, "", unusable("the answer holds no RESULTAT of INSi")
	}
	d := reader{}
	cr := d.one(root, "CR")
	code = token(d.one(cr, "CodeCR").Trimmed())
	label := d.optional(cr, "LibelleCR").Trimmed()
	person := d.optional(root, "INDIVIDU")
	if d.err != nil {
		return Result{}, code, d.err
	}
	switch {
	case code == crFound && person == nil:
		return Result{}, code, unusable("CR 00 without INDIVIDU")
	case code != crFound && person != nil:
		return Result{}, code, unusable("INDIVIDU with a CR other than 00")
	case code == crNobody:
		return Result{}, code, &Error{Code: code, Text: label, kind: ErrNotFound}
	case code == crAmbiguous:
		return Result{}, code, &Error{Code: code, Text: label, kind: ErrAmbiguous}
	case code != crFound:
		return Result{}, code, &Error{Code: code, Text: "unknown CR: " + label, kind: ErrAnswer, outcome: socle.OutcomeUnknown}
	}
	active := d.past(d.one(person, "INSACTIF"), "INSACTIF")
	for h := range person.All("", "INSHISTO") {
		if d.err != nil {
			break
		}
		if p, ok := d.history(h, len(r.History)+1); ok {
			r.History = append(r.History, p)
		}
	}
	r.Traits = d.traits(d.one(person, "TIQ"))
	if d.err != nil {
		return Result{}, code, d.err
	}
	r.Active, r.From, r.To, r.Warnings = active.INS, active.From, active.To, d.warnings
	return r, code, nil
}

// reader keeps the first error, so that a chain of reads is checked once.
type reader struct {
	err      error
	warnings []string
}

func (d *reader) fail(format string, args ...any) {
	if d.err == nil {
		d.err = unusable(fmt.Sprintf(format, args...))
	}
}

func (d *reader) warn(format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf(format, args...))
}

// optional gives the child of that name in the namespace of e, or nil; two of
// them are an error.
func (d *reader) optional(e *xmltree.Element, name string) *xmltree.Element {
	var found *xmltree.Element
	if e == nil {
		return nil
	}
	for _, n := range e.Children {
		c, ok := n.(*xmltree.Element)
		if !ok || c.Name.Local != name || c.Name.Space != e.Name.Space {
			continue
		}
		if found != nil {
			d.fail("two %s", name)
		}
		found = c
	}
	return found
}

// one gives the child of that name, and fails without it.
func (d *reader) one(e *xmltree.Element, name string) *xmltree.Element {
	c := d.optional(e, name)
	if c == nil {
		d.fail("no %s", name)
	}
	return c
}

func (d *reader) past(e *xmltree.Element, what string) Past {
	id := d.one(e, "IdIndividu")
	number := strings.ToUpper(d.one(id, "NumIdentifiant").Trimmed())
	key := d.optional(id, "Cle").Trimmed()
	oid, err := ParseOID(d.one(e, "OID").Trimmed())
	if d.err != nil {
		return Past{}
	}
	if err != nil {
		d.fail("%s: the OID is not that of an INS", what)
		return Past{}
	}
	if key == "" && form(number+"00") == nil {
		key = matriculeKey(number)
		d.warn("%s: no key; it was computed", what)
	}
	m, err := ParseMatriculeLenient(number + key)
	if err != nil || len(number) != 13 {
		d.fail("%s: malformed matricule", what)
		return Past{}
	}
	if !m.KeyValid() {
		d.warn("%s: the key does not follow from the number", what)
	}
	p := Past{INS: INS{m, oid}}
	p.From, p.To = d.optional(e, "DateDeb").Trimmed(), d.optional(e, "DateFin").Trimmed()
	return p
}

// history reads an INSHISTO. One that cannot be read is told and left out: the
// past of a person is no reason to refuse the person.
func (d *reader) history(e *xmltree.Element, n int) (Past, bool) {
	h := reader{}
	p := h.past(e, fmt.Sprintf("INSHISTO %d", n))
	d.warnings = append(d.warnings, h.warnings...)
	if h.err != nil {
		d.warn("INSHISTO %d left out: %s", n, h.err.(*Error).Text)
	}
	return p, h.err == nil
}

func (d *reader) traits(e *xmltree.Element) Traits {
	get := func(name string) string { return d.optional(e, name).Trimmed() }
	t := Traits{
		BirthName:      get("NomNaissance"),
		FirstGivenName: get("Prenom"),
		GivenNames:     strings.Join(strings.Fields(get("ListePrenom")), " "),
		Sex:            Sex(get("Sexe")),
		BirthPlace:     COG(get("LieuNaissance")),
	}
	if t.GivenNames != "" { // the first of the list, whatever Prenom says (§4.3)
		first, _, _ := strings.Cut(t.GivenNames, " ")
		if t.FirstGivenName != "" && !begins(t.GivenNames, t.FirstGivenName) {
			d.warn("TIQ: ListePrenom does not begin with Prenom; the list was taken")
		}
		t.FirstGivenName = first
	} else {
		t.GivenNames = t.FirstGivenName
	}
	var err error
	if date := get("DateNaissance"); date != "" {
		if t.BirthDate, err = readDate(date); err != nil {
			d.fail("TIQ: malformed DateNaissance")
		}
	}
	if len(t.Sex) > 1 {
		d.fail("TIQ: malformed Sexe")
	}
	if t.BirthPlace != "" {
		if _, err := ParseCOG(string(t.BirthPlace)); err != nil {
			d.warn("TIQ: LieuNaissance is no code officiel géographique")
		}
	}
	return t
}

func unusable(text string) error {
	return &Error{Text: text, kind: ErrAnswer, outcome: socle.OutcomeUnknown}
}
