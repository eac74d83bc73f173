package dmp

import (
	"fmt"
	"strconv"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/nos"
)

// TestReport is a compte rendu of a rapid test to make (BIO-TROD 2024.01).
type TestReport struct {
	Test RapidTest
	// Date is when the report was made; zero is now.
	Date       time.Time
	Visibility []Visibility
	Comments   string // of the metadata

	Edition
}

var typeTest = socle.Code{Code: "96173-0", System: oidLOINC, Display: testHeading}

const testHeading = "Test rapide d'orientation diagnostique"

// NewTestReport makes the report of a rapid test, a CDA R2 document of level 3
// that is ready for Submit, with who as its author and as who made the test.
// What is missing, and what the rules of BIO-TROD refuse, is an *[Error] that is
// ErrInvalidDocument: so is a test without the patient's consent.
func (c *Client) NewTestReport(who socle.Professional, patient ins.Identity, n TestReport) (*Document, error) {
	t := n.Test
	if n.Date.IsZero() {
		n.Date = c.cfg.Now()
	}
	if t.At.IsZero() {
		t.At = n.Date
	}
	if err := t.check(n.Date); err != nil {
		return nil, err
	}
	practice, _ := nos.Lookup(nos.PracticeSetting, "DEPISTAGE")
	r := Report{Title: testHeading + " : " + t.Name, Type: typeTest, Date: n.Date, Start: t.At, Event: t.Diseases[0], Practice: practice,
		Visibility: n.Visibility, Comments: n.Comments, Edition: n.Edition}
	return c.structured(who, patient, r, func(d *cda.Document) error {
		first := d.Events[0]
		first.Code.SystemName = "CIM-10"
		d.Events = nil
		for _, disease := range t.Diseases {
			e := first
			e.Code.Code = disease
			d.Events = append(d.Events, e)
		}
		d.Consents = []cda.Code{coded(socle.Code{Code: "GEN-366", System: "1.2.250.1.213.1.1.4.322",
			Display: "Le patient (ou son représentant légal) a donné son consentement pour la réalisation du test."}, "TA_ASIP")}
		var s cda.Section
		t.write(&s)
		d.Structured = &cda.Structured{
			Models:   []cda.ID{{Root: "1.3.6.1.4.1.19376.1.5.3.1.1.1"}, {Root: "1.2.250.1.213.1.1.1.59", Extension: "2024.01"}},
			Sections: s.Bytes(),
		}
		return nil
	})
}

// check tells all that the report lacks.
func (t RapidTest) check(made time.Time) error {
	var missing []string
	want := func(ok bool, field, text string) {
		if !ok {
			missing = append(missing, "Test."+field+": "+text)
		}
	}
	want(t.Name != "", "Name", "mandatory, such as that of a Screening")
	want(len(t.Diseases) > 0, "Diseases", "mandatory: what was looked for")
	for i, d := range t.Diseases {
		want(d.Code != "" && d.System != "" && d.Display != "", fmt.Sprintf("Diseases[%d]", i), "code, system and label are mandatory")
	}
	want(t.Chapter.Display != "" && t.Battery.Display != "", "Chapter, Battery", "mandatory, with their labels")
	want(t.Consent, "Consent", "the patient has to consent to the test")
	want(!t.At.After(made), "At", "after the date of the report")
	want(t.Device.UDI != "" || t.Device.Maker != "" && t.Device.Lot != "", "Device", "its UDI, or its maker and lot, are mandatory")
	want(t.Device.UDI == "" || udiRoot(t.Device.UDI) != "", "Device.UDI", "a UDI of GS1 begins with (01), of HIBCC with +, of ICCBBA with =")
	want(len(t.Results) > 0, "Results", "mandatory")
	for i, r := range t.Results {
		field := fmt.Sprintf("Results[%d]", i)
		want(r.Value.Code != "" && r.Value.Display != "", field+".Value", "mandatory, such as Negative")
		want(r.Analysis.Code != "" && r.Analysis.System != "" && r.Analysis.Display != "", field+".Analysis", "mandatory, with system and label")
		want(r.Label != "", field+".Label", "mandatory")
		want(!r.At.After(made), field+".At", "after the date of the report")
	}
	if len(missing) > 0 {
		return fields(missing)
	}
	return nil
}

// write writes the section of the report with its narrative and its entry.
func (t RapidTest) write(s *cda.Section) {
	s.Start("component").Start("section")
	s.Models("1.3.6.1.4.1.19376.1.3.3.2.1", "1.2.250.1.213.1.1.2.70")
	s.Code("code", coded(t.Chapter, "LOINC"), "")
	s.Leaf("title", "Résultat du test rapide d'orientation diagnostique")
	t.narrate(s)
	s.Start("entry", "typeCode", "DRIV")
	s.Models("1.3.6.1.4.1.19376.1.3.1", "1.2.250.1.213.1.1.3.21")
	s.Start("act", "classCode", "ACT", "moodCode", "EVN")
	s.Code("code", coded(t.Battery, "LOINC"), "")
	s.Empty("statusCode", "code", "completed")
	s.Start("participant", "typeCode", "DEV").Start("participantRole", "classCode", "MANU")
	if t.Device.UDI != "" {
		s.ID("id", cda.ID{Root: udiRoot(t.Device.UDI), Extension: t.Device.UDI})
	}
	s.Start("playingDevice", "classCode", "DEV", "determinerCode", "INSTANCE")
	s.Code("code", cda.Code{}, refDevice)
	s.End().End().End()
	for i, r := range t.Results {
		at := r.At
		if at.IsZero() {
			at = t.At
		}
		r.write(s, at, strconv.Itoa(i+1))
	}
	s.End().End()
	s.End().End()
}

const (
	refDevice   = "dispositif"
	refAnalysis = "examen-"
	refResult   = "resultat-"
)

func (t RapidTest) narrate(s *cda.Section) {
	var rows [][]cell
	for i, r := range t.Results {
		n := strconv.Itoa(i + 1)
		row := []cell{{r.Label, refAnalysis + n}, {r.Value.Display, refResult + n}, {"", ""}}
		if r.Comment != "" {
			row[2] = cell{r.Comment, refComment + "-" + n}
		}
		rows = append(rows, row)
	}
	s.Start("text")
	table(s, []string{"Pathologie/Substance dépistée", "Résultat", "Commentaire / Contexte"}, rows...)
	s.Empty("br")
	table(s, []string{"Code UDI du dispositif utilisé", "Fabricant | Référence | N° de lot | Date de péremption"},
		[]cell{{t.Device.UDI, ""}, {t.Device.label(), refDevice}})
	s.End()
}

// write writes a result (FR-Resultat-examens-de-biologie-element-clinique-pertinent).
func (r TestResult) write(s *cda.Section, at time.Time, n string) {
	s.Start("entryRelationship", "typeCode", "COMP").Start("observation", "classCode", "OBS", "moodCode", "EVN")
	s.Models("1.3.6.1.4.1.19376.1.3.1.6", "1.2.250.1.213.1.1.3.80")
	s.Code("code", coded(r.Analysis, "LOINC"), refAnalysis+n)
	s.Empty("statusCode", "code", "completed")
	s.Moment("effectiveTime", cda.At(at))
	s.CodedValue(coded(r.Value, "SNOMED CT"), refResult+n)
	if r.Comment != "" {
		writeComment(s, refComment+"-"+n, "")
	}
	s.End().End()
}
