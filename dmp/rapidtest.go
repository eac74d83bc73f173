package dmp

import (
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/nos"
)

// Results of rapid tests (SNOMED CT, JDV_ResultatDepistage).
var (
	Positive       = lookup(nos.ScreeningResult, "10828004")
	Negative       = lookup(nos.ScreeningResult, "260385009")
	Indeterminate  = lookup(nos.ScreeningResult, "373068000")
	Unsatisfactory = lookup(nos.ScreeningResult, "125154007") // échantillon insatisfaisant
)

// RapidTest is a test rapide d'orientation diagnostique (TROD): what was looked
// for on one sample with one device.
type RapidTest struct {
	// Name ends the title of the document: « TROD Angine ».
	Name string
	// Diseases are what was looked for (CIM-10).
	Diseases []socle.Code
	// Chapter and Battery are the kind of biology (LOINC).
	Chapter, Battery socle.Code
	// At is when the test was made.
	At     time.Time
	Device TestDevice
	// Consent tells that the patient, or their representative, consented.
	Consent bool
	Results []TestResult
}

// TestResult is the result of one analysis.
type TestResult struct {
	Analysis socle.Code // LOINC
	Label    string     // what a person reads: « Dépistage Grippe A »
	Value    socle.Code // Positive, Negative…; zero for a quantity
	Quantity string     // "5.4 mmol/L", when the result is one: only when read
	Comment  string
	At       time.Time // zero is that of the test
}

// TestDevice is the device of a test.
type TestDevice struct {
	UDI       string // code UDI, with its parentheses
	Maker     string
	Reference string
	Lot       string
	Expiry    Date
	// Text is what a document tells of the device, as it is: only when read.
	Text string
}

// Screening is a kind of rapid test that a pharmacy makes, with its codes.
type Screening struct {
	Name             string
	Diseases         []socle.Code
	Chapter, Battery socle.Code
	Analyses         []Analysis
}

// Analysis is one of the analyses of a Screening.
type Analysis struct {
	Code  socle.Code // LOINC
	Label string
}

// The screenings of the official examples of BIO-TROD 2024.01. Their codes may
// be changed in a copy.
var (
	// Angina looks for group A streptococcus.
	Angina = Screening{Name: "TROD Angine", Diseases: []socle.Code{icd("J02.0", "Pharyngite à streptocoques")},
		Chapter: loinc("18725-2", "Microbiologie"), Battery: loinc("92894-5", "Sérologie bactérienne"),
		Analyses: []Analysis{{loinc("78012-2", "Streptococcus pyogenes Ag [Présence/Seuil] Gorge ; Qualitatif ; Immunoanalyse rapide"), "Dépistage Angine (S. pyogenes)"}}}
	// Cystitis looks for leucocytes, then nitrites.
	Cystitis = Screening{Name: "TROD Cystite", Diseases: []socle.Code{icd("N30", "Cystite")},
		Chapter: loinc("18719-5", "Biochimie"), Battery: loinc("18729-4", "Examens urinaires - cristallurie"),
		Analyses: []Analysis{{loinc("5799-2", "Leucocyte estérase [Présence/Seuil] Urine ; Qualitatif ; Bandelette réactive"), "Recherche de leucocytes estérases"},
			{loinc("5802-4", "Nitrites [Présence/Seuil] Urine ; Qualitatif ; Bandelette réactive"), "Recherche de nitrites urinaires"}}}
	// Covid19 looks for SARS-CoV-2.
	Covid19 = virus("TROD Covid 19", []socle.Code{covid}, sarsCoV2)
	// Influenza looks for the influenza viruses A, then B.
	Influenza = virus("TROD Grippe A / Grippe B", []socle.Code{fluA, fluB}, influenzaA, influenzaB)
	// Covid19Influenza looks for SARS-CoV-2, then the influenza viruses A and B.
	Covid19Influenza = virus("TROD Covid 19 / Grippe A / Grippe B", []socle.Code{covid, fluA, fluB}, sarsCoV2, influenzaA, influenzaB)
)

var (
	covid = icd("U07.1", "COVID-19")
	fluA  = icd("J09", "Grippe, à virus grippal zoonotique ou pandémique identifié")
	fluB  = icd("J10", "Grippe, à virus grippal saisonnier identifié")

	sarsCoV2   = Analysis{loinc("94558-4", "Coronavirus SARS-CoV-2 Ag [Présence/Seuil] Respiratoire ; Qualitatif ; Immunoanalyse rapide"), "Dépistage SARS-CoV-2"}
	influenzaA = Analysis{loinc("80382-5", "Influenza virus A Ag [Présence/Seuil] Voies respiratoires supérieures ; Qualitatif ; Immunoanalyse rapide"), "Dépistage Grippe A"}
	influenzaB = Analysis{loinc("80383-3", "Influenza virus B Ag [Présence/Seuil] Voies respiratoires supérieures ; Qualitatif ; Immunoanalyse rapide"), "Dépistage Grippe B"}
)

func virus(name string, diseases []socle.Code, analyses ...Analysis) Screening {
	return Screening{Name: name, Diseases: diseases, Chapter: loinc("18725-2", "Microbiologie"), Battery: loinc("92893-7", "Sérologie virale"), Analyses: analyses}
}

const oidICD10 = "2.16.840.1.113883.6.3"

func icd(code, label string) socle.Code {
	return socle.Code{Code: code, System: oidICD10, Display: label}
}

func loinc(code, label string) socle.Code {
	return socle.Code{Code: code, System: oidLOINC, Display: label}
}

// Test gives a test of this kind with its results, one for each analysis in
// their order. The caller adds the device, the consent and the comments.
//
//	test := dmp.Covid19Influenza.Test(dmp.Negative, dmp.Negative, dmp.Positive)
func (s Screening) Test(results ...socle.Code) RapidTest {
	t := RapidTest{Name: s.Name, Diseases: append([]socle.Code(nil), s.Diseases...), Chapter: s.Chapter, Battery: s.Battery}
	for i, a := range s.Analyses {
		r := TestResult{Analysis: a.Code, Label: a.Label}
		if i < len(results) {
			r.Value = results[i]
		}
		t.Results = append(t.Results, r)
	}
	return t
}

// label gives what a document tells of the device, in the order of the model:
// maker, reference, lot, expiry.
func (d TestDevice) label() string {
	var parts []string
	expiry := string(d.Expiry)
	if t, ok := d.Expiry.Time(); ok {
		expiry = t.Format("02/01/2006")
	}
	for _, p := range []string{d.Maker, d.Reference, d.Lot, expiry} {
		if p == "" {
			p = "-"
		}
		parts = append(parts, p)
	}
	return strings.Join(parts, " | ")
}

// parse reads the four parts of a label.
func (d *TestDevice) parse(text string) {
	d.Text = text
	parts := strings.Split(text, "|")
	if len(parts) != 4 {
		return
	}
	for i, to := range []*string{&d.Maker, &d.Reference, &d.Lot} {
		if p := strings.TrimSpace(parts[i]); p != "-" {
			*to = p
		}
	}
	if t, err := time.Parse("02/01/2006", strings.TrimSpace(parts[3])); err == nil {
		d.Expiry = Day(t)
	}
}
