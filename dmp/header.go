package dmp

import (
	"strconv"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/nos"
)

// header makes the header of the document.
func (c *Client) header(who socle.Professional, traits ins.Traits, id ins.INS, r Report) (*cda.Document, error) {
	kind, ok := nos.Lookup(nos.TypeCode, r.Type.Code)
	switch {
	case r.Type.Code == "":
		return nil, refusal(opDocument, ErrInvalidDocument, "Report.Type: mandatory", "give a type of JDV_J07, such as Interview")
	case !ok && (r.Type.System == "" || r.Type.Display == ""):
		return nil, refusal(opDocument, ErrInvalidDocument, "Report.Type: "+strconv.Quote(r.Type.Code)+" is not of JDV_J07", "give its System and Display too")
	case ok && r.Type.System == "":
		r.Type = kind
	case ok && r.Type.Display == "":
		r.Type.Display = kind.Display
	}
	if r.Date.IsZero() {
		r.Date = c.cfg.Now()
	}
	if r.Start.IsZero() {
		r.Start = r.Date
	}
	switch {
	case r.Date.After(c.cfg.Now().Add(24 * time.Hour)):
		return nil, refusal(opDocument, ErrInvalidDocument, "Date: in the future", "give the moment at which the document was made")
	case !r.End.IsZero() && r.End.Before(r.Start):
		return nil, refusal(opDocument, ErrInvalidDocument, "End: before Start", "")
	}
	if r.ID == "" {
		r.ID = c.newOID(armDocument)
	}
	edition, err := r.Edition.complete(r.ID)
	if err != nil {
		return nil, err
	}
	r.Edition = edition
	if r.Practice.IsZero() {
		r.Practice = c.cfg.Dialect.Practice
	} else if known, ok := nos.Lookup(nos.PracticeSetting, r.Practice.Code); ok && r.Practice.System == "" {
		r.Practice = known
	}
	normal, _ := nos.Lookup(nos.Confidentiality, "N")
	author := person(who, socle.Code{})
	performer := person(who, r.Practice)
	period := cda.Interval{Low: cda.At(r.Start)}
	if !r.End.IsZero() {
		period.High = cda.At(r.End)
	}
	date := cda.At(r.Date)
	return &cda.Document{
		ID: cda.ID{Root: r.ID}, Code: cda.Code{Code: r.Type}, Title: r.Title, EffectiveTime: date,
		Confidentiality: cda.Code{Code: normal}, Language: "fr-FR", SetID: identifier(r.SetID), Version: r.Version,
		Patient:   patientOf(traits, id),
		Authors:   []cda.Author{{Time: date, Entity: author}},
		Custodian: *author.Organization,
		Legal:     &cda.Participation{Time: cda.Interval{Low: date, High: date}, Signature: "S", Entity: author},
		Events: []cda.ServiceEvent{{Code: cda.Code{Code: r.Event}, Period: period,
			Performers: []cda.Participation{{Type: "PRF", Entity: performer}}}},
		Related:   r.Edition.related(),
		Encounter: &cda.Encounter{Period: period, Facility: cda.Code{Code: sector(who)}},
		Content:   cda.Content{MediaType: r.File.MediaType, Size: r.File.Size, Open: r.File.Open},
	}, nil
}

func patientOf(t ins.Traits, id ins.INS) cda.Patient {
	p := cda.Patient{
		IDs: []cda.ID{{Root: id.OID.String(), Extension: id.Matricule.Wire()}},
		Name: cda.Name{Family: []cda.NamePart{{Text: t.BirthName, Qualifier: "BR"}},
			Given: []cda.NamePart{{Text: t.List()}, {Text: t.First(), Qualifier: "BR"}}},
		Gender:     cda.Code{Code: gender(t.Sex)},
		BirthTime:  birthTime(t.BirthDate),
		BirthPlace: string(t.BirthPlace),
	}
	return p
}

// birthTime gives a birth date with the precision that is known: the rules of
// the header refuse a null one. A lunar date is a year.
func birthTime(d ins.BirthDate) cda.Time {
	compact := d.Compact()
	switch {
	case d.Complete():
		return cda.Day(compact)
	case d.Year == 0:
		return cda.Time{Null: "UNK"}
	case d.Day == 0 && d.Month >= 1 && d.Month <= 12:
		return cda.Day(compact[:6])
	}
	return cda.Day(compact[:4])
}

func gender(s ins.Sex) socle.Code {
	const system = "2.16.840.1.113883.5.1"
	switch s {
	case ins.Male:
		return socle.Code{Code: "M", System: system, Display: "Masculin"}
	case ins.Female:
		return socle.Code{Code: "F", System: system, Display: "Féminin"}
	}
	return socle.Code{Code: "UN", System: system, Display: "Inconnu"}
}

// person gives who as an entity of the header, for their structure.
func person(who socle.Professional, practice socle.Code) cda.Entity {
	role, _ := nos.Author(who.Profession.Code, who.Speciality.Code)
	name := cda.Name{Family: []cda.NamePart{{Text: who.FamilyName}}}
	if who.GivenName != "" {
		name.Given = []cda.NamePart{{Text: who.GivenName}}
	}
	return cda.Entity{
		IDs:    []cda.ID{{Root: socle.OIDPerson, Extension: who.ID.String()}},
		Code:   cda.Code{Code: role},
		Person: &name,
		Organization: &cda.Organization{IDs: []cda.ID{{Root: socle.OIDStructure, Extension: who.Structure.ID.String()}},
			Name: who.Structure.Name, Industry: cda.Code{Code: practice}},
	}
}
