package dmp

import (
	"fmt"
	"strconv"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
)

// VaccinationNote is a note de vaccination to make (VAC-NOTE 2023.01): one
// vaccination.
type VaccinationNote struct {
	Vaccination Vaccination
	// Title is « Note de vaccination » when it is empty.
	Title string
	// Date is when the note was made; zero is now.
	Date time.Time
	// Practice is the frame of exercise (JDV_J04); zero is that of the Dialect.
	Practice   socle.Code
	Visibility []Visibility
	Comments   string // of the metadata, not of the vaccination

	Edition
}

var typeNote = socle.Code{Code: "87273-9", System: oidLOINC, Display: "Note de vaccination"}

// NewVaccinationNote makes a note de vaccination, a CDA R2 document of level 3
// that is ready for Submit, with who as its author. What is missing, and what
// the rules of VAC-NOTE refuse, is an *[Error] that is ErrInvalidDocument.
func (c *Client) NewVaccinationNote(who socle.Professional, patient ins.Identity, n VaccinationNote) (*Document, error) {
	v := n.Vaccination
	day, err := v.check()
	if err != nil {
		return nil, err
	}
	if n.Date.IsZero() {
		n.Date = c.cfg.Now()
	}
	if day.Time.After(n.Date) {
		return nil, refusal(opDocument, ErrInvalidDocument, "Vaccination.Date: after the date of the note", "")
	}
	r := Report{Title: n.Title, Type: typeNote, Date: n.Date, Start: dayOrMoment(day, n.Date), Event: typeNote, Practice: n.Practice,
		Visibility: n.Visibility, Comments: n.Comments, Edition: n.Edition}
	if r.Title == "" {
		r.Title = "Note de vaccination"
	}
	return c.structured(who, patient, r, func(d *cda.Document) error {
		performer, author := d.Events[0].Performers[0].Entity, d.Authors[0].Entity
		practice := performer.Organization.Industry.Code
		if v.Performer != nil {
			performer = v.Performer.entity(practice)
		}
		if v.Author != nil {
			author = v.Author.entity(socle.Code{})
		}
		var s cda.Section
		v.write(&s, day, cda.Author{Time: d.EffectiveTime, Entity: author}, performer)
		d.Structured = &cda.Structured{
			Models:   []cda.ID{{Root: "1.3.6.1.4.1.19376.1.5.3.1.1.18.1.2"}, {Root: "1.2.250.1.213.1.1.1.46", Extension: "2023.01"}},
			Sections: s.Bytes(),
		}
		return nil
	})
}

// dayOrMoment gives the moment of a vaccination: that of the note on the same
// day, noon on an earlier day, whose hour is not known.
func dayOrMoment(day cda.Time, made time.Time) time.Time {
	y, m, d := day.Time.Date()
	if my, mm, md := made.Date(); y == my && m == mm && d == md {
		return made
	}
	return time.Date(y, m, d, 12, 0, 0, 0, made.Location())
}

// check tells all that a note lacks.
func (v Vaccination) check() (cda.Time, error) {
	var missing []string
	want := func(ok bool, field, text string) {
		if !ok {
			missing = append(missing, "Vaccination."+field+": "+text)
		}
	}
	day, ok := v.Date.day()
	want(ok, "Date", "the day is mandatory, such as 2026-10-14")
	want(!v.NotDone, "NotDone", "a note tells of a vaccination that was made")
	want(v.Kind.Code != "" && v.Kind.System != "" && v.Kind.Display != "", "Kind", "mandatory, such as Booster")
	want(v.Vaccine.Name != "", "Vaccine.Name", "mandatory")
	want(digits(v.Vaccine.CIS, 8), "Vaccine.CIS", "mandatory, eight digits")
	want(v.Vaccine.ATC.Code != "" && v.Vaccine.ATC.Display != "", "Vaccine.ATC", "mandatory, with its label")
	want(v.Vaccine.CIP == "" || digits(v.Vaccine.CIP, 13), "Vaccine.CIP", "thirteen digits expected")
	want(v.Vaccine.Lot != "", "Vaccine.Lot", "mandatory")
	want(v.Rank >= 0, "Rank", "below zero")
	for i, r := range v.Reactions {
		_, ok := r.Date.day()
		want(r.Code.Code != "" && r.Code.System != "" && r.Code.Display != "", fmt.Sprintf("Reactions[%d].Code", i), "mandatory, with system and label")
		want(ok || r.Date == "", fmt.Sprintf("Reactions[%d].Date", i), "a day expected")
	}
	for field, a := range map[string]*Participant{"Author": v.Author, "Performer": v.Performer} {
		if a != nil {
			want(a.ID != "" && a.FamilyName != "" && a.Role.Display != "", field, "identifier, family name and role with its label are mandatory")
		}
	}
	if len(missing) == 0 {
		return day, nil
	}
	return day, fields(missing)
}

func digits(s string, n int) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(s) == n
}

// write writes the section of the note with its narrative and its entry.
func (v Vaccination) write(s *cda.Section, day cda.Time, author cda.Author, performer cda.Entity) {
	s.Start("component").Start("section")
	s.Models("2.16.840.1.113883.10.20.1.6", "1.3.6.1.4.1.19376.1.5.3.1.3.23", "1.2.250.1.213.1.1.2.147")
	s.ID("id", entryID(""))
	s.Code("code", coded(socle.Code{Code: "11369-6", System: oidLOINC, Display: "Historique des vaccinations"}, "LOINC"), "")
	s.Leaf("title", "Note de vaccination")
	v.narrate(s, day, performer)
	s.Start("entry").Start("substanceAdministration", "classCode", "SBADM", "moodCode", "EVN", "negationInd", "false")
	s.Models("2.16.840.1.113883.10.20.1.24", "1.3.6.1.4.1.19376.1.5.3.1.4.12", "1.2.250.1.213.1.1.3.45")
	s.ID("id", entryID(v.ID))
	s.Code("code", coded(v.Kind, "ActSubstanceAdministrationImmunizationCode"), "")
	s.Start("text")
	s.Reference(refVaccine)
	s.End()
	s.Empty("statusCode", "code", "completed")
	s.Moment("effectiveTime", day)
	if !v.Route.IsZero() {
		s.Code("routeCode", coded(v.Route, "EDQM"), "")
	}
	if !v.Site.IsZero() {
		s.Code("approachSiteCode", coded(v.Site, "SNOMED CT"), refSite)
	}
	v.Vaccine.write(s)
	s.Performer(performer)
	s.Author(author)
	if v.Rank > 0 {
		s.Start("entryRelationship", "typeCode", "SUBJ").Start("observation", "classCode", "OBS", "moodCode", "EVN")
		s.Models("2.16.840.1.113883.10.20.1.46", "1.2.250.1.213.1.1.3.82")
		s.Code("code", coded(socle.Code{Code: "30973-2", System: oidLOINC, Display: "Rang de la vaccination"}, "LOINC"), "")
		s.Empty("statusCode", "code", "completed")
		s.Value("INT", "value", strconv.Itoa(v.Rank))
		s.End().End()
	}
	for i, r := range v.Reactions {
		r.write(s, refReaction+strconv.Itoa(i+1))
	}
	if v.Comment != "" {
		writeComment(s, refComment, v.Comment)
	}
	s.End().End()
	s.End().End()
}

// IDs of the texts of the narrative.
const (
	refVaccine  = "vaccin"
	refSite     = "region"
	refReaction = "reaction-"
	refComment  = "commentaire"
)

// narrate writes what a person reads of the vaccination.
func (v Vaccination) narrate(s *cda.Section, day cda.Time, performer cda.Entity) {
	row := []cell{{day.Time.Format("02/01/2006"), ""}, {v.Vaccine.Name, refVaccine}, {v.Vaccine.Lot, ""}, {"", ""}, {v.Route.Display, ""}, {"", ""}}
	head := []string{"Date", "Vaccin", "Lot n°", "Rang", "Voie d'administration", "Région d'administration"}
	if v.Rank > 0 {
		row[3].text = strconv.Itoa(v.Rank)
	}
	if !v.Site.IsZero() {
		row[5] = cell{v.Site.Display, refSite}
	}
	for i, r := range v.Reactions {
		head = append(head, "Réaction observée")
		row = append(row, cell{r.label(), refReaction + strconv.Itoa(i+1)})
	}
	if v.Comment != "" {
		head = append(head, "Commentaire")
		row = append(row, cell{v.Comment, refComment})
	}
	name := ""
	if performer.Person != nil {
		name = performer.Person.Full()
	}
	s.Start("text")
	table(s, append(head, "Vaccinateur"), append(row, cell{name, ""}))
	s.End()
}

// write writes the product (FR-Produit-de-sante).
func (v Vaccine) write(s *cda.Section) {
	s.Start("consumable", "typeCode", "CSM").Start("manufacturedProduct")
	s.Models("2.16.840.1.113883.10.20.1.53", "1.3.6.1.4.1.19376.1.5.3.1.4.7.2", "1.2.250.1.213.1.1.3.43")
	s.Start("manufacturedMaterial")
	code := coded(socle.Code{Code: v.CIS, System: SystemCIS, Display: v.Name}, "CIS")
	atc := v.ATC
	atc.System = SystemATC
	code.Translations = []cda.Code{coded(atc, "ATC")}
	if v.CIP != "" {
		code.Translations = append(code.Translations, coded(socle.Code{Code: v.CIP, System: SystemCIP, Display: v.Name}, "CIP"))
	}
	s.Code("code", code, refVaccine)
	s.Leaf("name", v.Name)
	s.Leaf("lotNumberText", v.Lot)
	s.End().End().End()
}

func (r Reaction) label() string {
	if r.Text != "" {
		return r.Text
	}
	return r.Code.Display
}

// write writes a reaction (FR-Probleme).
func (r Reaction) write(s *cda.Section, ref string) {
	s.Start("entryRelationship", "typeCode", "CAUS", "inversionInd", "false").Start("observation", "classCode", "OBS", "moodCode", "EVN")
	s.Models("2.16.840.1.113883.10.20.1.28", "2.16.840.1.113883.10.20.1.54", "1.3.6.1.4.1.19376.1.5.3.1.4.5", "1.2.250.1.213.1.1.3.37")
	s.ID("id", entryID(""))
	s.Code("code", coded(socle.Code{Code: "418799008", System: "2.16.840.1.113883.6.96", Display: "symptôme rapporté par le patient ou le répondant"}, "SNOMED CT"), "")
	s.Start("text")
	s.Reference(ref)
	s.End()
	s.Empty("statusCode", "code", "completed")
	s.Start("effectiveTime")
	if day, ok := r.Date.day(); ok {
		s.Moment("low", day)
	} else {
		s.Empty("low", "nullFlavor", "UNK")
	}
	s.End()
	s.CodedValue(cda.Code{Code: r.Code}, ref)
	s.End().End()
}
