package ordonnance_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

// facts are what the published documents say; they were read with an XPath
// processor, not with this package.
type facts struct {
	model, setID      string
	written, validity string
	subtypes          []ordonnance.Subtype
	firstDay, lastDay string // of the first drug
	deviceEnd         string
	pdf               int
	comment           string
	structured        bool
	posology1         string
	posology2         string
	mode1             ordonnance.Mode
}

var (
	someSubtypes = []ordonnance.Subtype{ordonnance.SubtypeHome, ordonnance.SubtypeUrgent, ordonnance.SubtypeMilitary}
	allSubtypes  = append([]ordonnance.Subtype{ordonnance.SubtypeBizone, ordonnance.SubtypeException, ordonnance.SubtypeSecured, ordonnance.SubtypeAppliance}, someSubtypes...)
)

var published = map[string]facts{
	"eP-MED-DM_2023.01_PosoNonStruct.xml": {
		model: "2023.01", setID: "1.2.250.1.213.1.1.1.39.2023.1", written: "2021-12-01T09:30:00+01:00", validity: "2023-07-30T09:10:00+01:00",
		subtypes: someSubtypes, firstDay: "2021-12-01", lastDay: "2021-12-06", deviceEnd: "2023-01-31", pdf: 114493,
		posology1: "1 à 2 comprimés 3 fois/j à partir du 01/12/2021 pendant 2 jours puis 1 à 2 comprimés 2 fois/j à partir du 03/12/2021 pendant 4 jours",
		posology2: "2 applications par jour", mode1: ordonnance.ModeNormal,
	},
	"eP-MED-DM_2023.01_PosoStruct.xml": {
		model: "2023.01", setID: "1.2.250.1.213.1.1.1.39.2023.2", written: "2021-12-01T09:30:00+01:00", validity: "2023-07-30T09:10:00+01:00",
		subtypes: allSubtypes, firstDay: "2021-12-01", lastDay: "2021-12-06", deviceEnd: "2023-01-31", pdf: 117197, structured: true,
		posology1: "3 fois/j à partir du 01/12/2021 pendant 2 jours, 1 cp à 2 cp, 1500 mg/j à 3000 mg/j\n2 fois/j à partir du 03/12/2021 pendant 4 jours, 1 cp à 2 cp, 1000 mg/j à 2000 mg/j",
		posology2: "2 applications/j", mode1: ordonnance.ModeTapered,
	},
	"eP-MED-DM_2024.01_PosoStruct.xml": {
		model: "2024.01", setID: "1.2.250.1.213.1.1.1.39.2024.2", written: "2023-12-01T09:30:00+01:00", validity: "2024-07-30T09:10:00+01:00",
		subtypes: allSubtypes, firstDay: "2023-12-01", lastDay: "2023-12-06", deviceEnd: "2024-01-31", pdf: 95736, comment: "(texte libre)", structured: true,
		posology1: "3 fois/j à partir du 01/12/2023 pendant 2 jours, 1 cp à 2 cp, 1500 mg/j à 3000 mg/j\n2 fois/j à partir du 03/12/2023 pendant 4 jours, 1 cp à 2 cp, 1000 mg/j à 2000 mg/j",
		posology2: "2 applications/j", mode1: ordonnance.ModeTapered,
	},
}

func TestParseCDAReadsThePublishedDocuments(t *testing.T) {
	t.Parallel()
	for file, want := range published {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			doc, err := os.ReadFile(oracle.Corpus(t, "cda", file))
			require.NoError(t, err)
			require.True(t, bytes.HasPrefix(doc, []byte("\xef\xbb\xbf")), "the documents begin with a byte order mark")
			p, err := ordonnance.ParseCDA(doc)
			require.NoError(t, err)
			checkHeader(t, p, want)
			require.Len(t, p.Lines, 3)
			checkParacetamol(t, p.Lines[0], want)
			checkCompounded(t, p.Lines[1], want)
			checkBed(t, p.Lines[2], want)
			checkFindings(t, p, want)
		})
	}
}

func checkHeader(t *testing.T, p ordonnance.Prescription, want facts) {
	t.Helper()
	require.Equal(t, ordonnance.Number("01S2TBPZ2JCNZZYGHZ"), p.Number)
	require.True(t, p.Number.WellFormed())
	require.Equal(t, ordonnance.Document{ID: want.setID + ".1", SetID: want.setID, Version: 1, Model: want.model}, p.Document)
	require.Equal(t, want.written, p.WrittenAt.Format(time.RFC3339))
	require.Equal(t, want.validity, p.Validity.End.Format(time.RFC3339))
	require.False(t, p.Validity.DateOnly)
	require.Equal(t, want.subtypes, p.Subtypes)
	require.Equal(t, want.comment, p.Comment)
	require.True(t, p.Pregnant)
	require.InDelta(t, 55, p.WeightKg, 0)
	require.InDelta(t, 170, p.HeightCm, 0)

	require.Equal(t, testINS(t), p.Patient.INS)
	require.Equal(t, testTraits(), p.Patient.Traits)
	require.Equal(t, "PAT-TROIS", p.Patient.UsedName)
	require.Equal(t, "DOMINIQUE", p.Patient.UsedGiven)

	require.Equal(t, "801234567897", p.Prescriber.ID)
	require.Equal(t, "Romain PIOU", p.Prescriber.FullName())
	require.Equal(t, "G15_10/SM26", p.Prescriber.Profession.Code)
	require.Equal(t, "1750512345", p.Prescriber.Structure)
	require.Equal(t, "Cabinet du DR Pierre JOLI", p.Prescriber.Organization)
	require.Equal(t, []string{"0158432300"}, p.Prescriber.Phones)
	_, err := p.Prescriber.PersonID()
	require.NoError(t, err)
	require.NotNil(t, p.Replaced, "written CON/CORRE in these documents")
	require.Equal(t, "Pierre JOLI", p.Replaced.FullName())
	require.Equal(t, "807505123456", p.Replaced.ID)
	require.NotNil(t, p.Executor)
	require.Equal(t, "Pharmacie SAMPAIX", p.Executor.Organization)
	require.Equal(t, p.WrittenAt.AddDate(0, 0, 1), p.WantedBy)

	require.Equal(t, want.pdf, p.PDF.Size)
	require.Equal(t, "application/pdf", p.PDF.MediaType)
	require.Equal(t, "image/jpeg", p.Code2D.Declared)
	require.Equal(t, "image/png", p.Code2D.MediaType, "the declared type is wrong")
	require.True(t, bytes.HasPrefix(p.Code2D.Data, []byte("\x89PNG")), "the image is kept as it came")
}

var allNo = ordonnance.Flags{ALD: ordonnance.No, WorkAccident: ordonnance.No, Prevention: ordonnance.No, NotCovered: ordonnance.No, OffLabel: ordonnance.No}

func checkParacetamol(t *testing.T, l ordonnance.Line, want facts) {
	t.Helper()
	require.Equal(t, 1, l.Index)
	require.Equal(t, "AADC9C14-F1CA-4177-B2C8-A5178D5B3CA0", l.ID)
	require.Equal(t, "PARACETAMOL MYLAN 500 mg, comprimé", l.Text)
	require.Nil(t, l.Device)
	require.Equal(t, want.firstDay, l.Period.Start.Format(time.DateOnly))
	require.Equal(t, want.lastDay, l.Period.End.Format(time.DateOnly))
	require.True(t, l.Period.DateOnly)
	require.Equal(t, 3, *l.Repeats)
	require.Equal(t, ordonnance.Quantity{Value: 2, Unit: "30009000"}, *l.Quantity)
	require.True(t, l.Quantity.EDQM())
	require.Equal(t, allNo, l.Flags)
	require.Equal(t, "A prendre au cours d'un repas", l.PatientNote)
	require.Empty(t, l.DispenserNote, "a dash says nothing")

	d := l.Drug
	require.Equal(t, want.mode1, d.Mode)
	require.Empty(t, d.Precondition)
	require.Equal(t, "63107752", d.Product.CIS())
	require.Equal(t, "3400933516390", d.Product.CIP13())
	require.Equal(t, "MV00002306", d.Product.Virtual())
	require.Equal(t, "N02BE01", d.Product.ATC())
	require.Equal(t, "10219000", d.Product.Form.Code)
	require.Equal(t, "PARACETAMOL MYLAN 500 mg, comprimé", d.Product.Name)
	require.False(t, d.Product.Compounded)
	require.Equal(t, []ordonnance.Ingredient{{Name: "Paracetamol", Code: socle.Code{Code: "100000090270", System: ordonnance.OIDSubstance, Display: "Paracetamol"},
		Strength: &ordonnance.Ratio{Numerator: ordonnance.Quantity{Value: 500, Unit: "mg"}, Denominator: ordonnance.Quantity{Value: 1}}}}, d.Product.Ingredients)
	require.Equal(t, ordonnance.Substitution{Code: "N", Motive: ordonnance.MotiveMargin, Text: "Non (Marge thérapeutique étroite)"}, d.Substitution)
	require.True(t, d.Substitution.Refused())

	require.Equal(t, want.structured, d.Dosing.Structured)
	require.Equal(t, want.posology1, d.Dosing.Text)
	if !want.structured {
		require.Empty(t, d.Dosing.Steps)
		return
	}
	require.Equal(t, "20053000", d.Dosing.Route.Code)
	require.Equal(t, []ordonnance.Ratio{{Numerator: ordonnance.Quantity{Value: 4}, Denominator: ordonnance.Quantity{Value: 1, Unit: "d"}}}, d.Dosing.Max)
	require.Len(t, d.Dosing.Steps, 2)
	first, _ := time.Parse(time.DateOnly, want.firstDay)
	for i, s := range d.Dosing.Steps {
		require.Equal(t, i+1, s.Sequence)
		require.Len(t, s.Timing, 1)
		require.Equal(t, first.AddDate(0, 0, []int{0, 2}[i]), s.Timing[0].Period.Start)
		require.Equal(t, &ordonnance.Quantity{Value: []float64{2, 4}[i], Unit: "d"}, s.Timing[0].Width)
		require.Equal(t, &ordonnance.Quantity{Value: []float64{8, 12}[i], Unit: "h"}, s.Timing[0].Every)
		require.Equal(t, &ordonnance.Range{Low: &ordonnance.Quantity{Value: 1, Unit: "{tablet}"}, High: &ordonnance.Quantity{Value: 1, Unit: "{tablet}"},
			LowText: "1 cp", HighText: "2 cp"}, s.Dose, "the values and the words of these documents differ: both are kept")
		require.Equal(t, &ordonnance.Quantity{Value: []float64{3000, 2000}[i], Unit: "mg/d"}, s.Rate.High)
	}
}

func checkCompounded(t *testing.T, l ordonnance.Line, want facts) {
	t.Helper()
	require.Equal(t, 2, l.Index)
	require.Equal(t, "AADC9C14-F1CA-4177-B2C8-A5178D5B3CA0", l.ID, "the identifier of line 1: the index tells lines apart")
	require.Equal(t, "Préparation magistrale :\n- 30g de diprosone\n- 70g de Cérat Frais de Galien", l.Text)
	require.Equal(t, 0, *l.Repeats)
	require.Equal(t, ordonnance.Quantity{Value: 1, Unit: "30067000"}, *l.Quantity)
	require.Equal(t, allNo, l.Flags)
	require.True(t, strings.HasPrefix(l.PatientNote, "Diminuer la posologie progressivement"))
	require.True(t, l.Drug.Product.Compounded)
	require.Equal(t, l.Text, l.Drug.Product.Name)
	require.Empty(t, l.Drug.Product.Codes)
	require.Equal(t, ordonnance.ModeNormal, l.Drug.Mode)
	require.Equal(t, want.posology2, l.Drug.Dosing.Text)
	require.Equal(t, ordonnance.MotiveMargin, l.Drug.Substitution.Motive)
	if want.structured {
		require.Equal(t, "visage", l.Drug.Dosing.Site.Display, "by a reference without #")
		require.Equal(t, "20003000", l.Drug.Dosing.Route.Code)
		require.Equal(t, []ordonnance.DoseStep{{Timing: []ordonnance.Timing{{Every: &ordonnance.Quantity{Value: 1, Unit: "d"}, Text: "2 applications/j"}}}}, l.Drug.Dosing.Steps)
	}
}

func checkBed(t *testing.T, l ordonnance.Line, want facts) {
	t.Helper()
	require.Equal(t, 3, l.Index)
	require.Empty(t, l.ID)
	require.Nil(t, l.Drug)
	require.Equal(t, "1215702", l.Device.LPP())
	require.Equal(t, "V0806", l.Device.EMDN())
	require.Equal(t, "lit médical, lit + 135 kg, forfait de livraison du lit et accessoires", l.Device.Name)
	require.Equal(t, l.Device.Name, l.Text, "the document's own reference (#DM001) points to nothing")
	require.Equal(t, 60, l.Device.RentalDays)
	require.Equal(t, want.deviceEnd, l.Period.End.Format(time.DateOnly))
	require.Equal(t, 0, *l.Repeats)
	require.Equal(t, ordonnance.Quantity{Value: 1}, *l.Quantity)
	flags := allNo
	flags.OffLabel = ordonnance.Unstated
	require.Equal(t, flags, l.Flags)
}

func checkFindings(t *testing.T, p ordonnance.Prescription, want facts) {
	t.Helper()
	count := make(map[string]int)
	for _, f := range p.Findings {
		count[f.Rule]++
	}
	require.Equal(t, 1, count[ordonnance.RuleReplaced])
	require.Equal(t, 3, count[ordonnance.RuleIdentifier], "RPPS 07505123456, twice, and FINESS 750512302 fail their key")
	require.Equal(t, 1, count[ordonnance.RuleMedia])
	require.Equal(t, 2, count[ordonnance.RuleLineID], "one repeated, one missing")
	require.Zero(t, count[ordonnance.RuleFlag])
	require.Zero(t, count[ordonnance.RuleNumber])
	require.Zero(t, count[ordonnance.RuleMode])
	require.NotZero(t, count[ordonnance.RuleReference])
}

// Every other document of the corpus is refused as what it is.
func TestParseCDARefusesOtherDocuments(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	others := 0
	for _, f := range files {
		if strings.Contains(f, "eP-MED-DM") {
			continue
		}
		doc, err := os.ReadFile(f)
		require.NoError(t, err)
		_, err = ordonnance.ParseCDA(doc)
		require.ErrorIs(t, err, ordonnance.ErrNotPrescription, filepath.Base(f))
		others++
	}
	require.Greater(t, others, 10)
}

func sample(t testing.TB) string {
	t.Helper()
	return string(ordonnancetest.Document(ordonnance.Patient{INS: testINS(t), Traits: testTraits()}, "01S2TBPZ2JCNZZYGHZ", start))
}

func TestParseCDARefuses(t *testing.T) {
	t.Parallel()
	doc := sample(t)
	begin, end := strings.Index(doc, "<entry>"), strings.LastIndex(doc, "</entry>")+len("</entry>")
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"nothing":        {"", ordonnance.ErrMalformed},
		"not XML":        {"%PDF-1.4", ordonnance.ErrMalformed},
		"truncated":      {doc[:len(doc)/2], ordonnance.ErrMalformed},
		"a DOCTYPE":      {strings.Replace(doc, "<ClinicalDocument", "<!DOCTYPE x><ClinicalDocument", 1), ordonnance.ErrMalformed},
		"other document": {strings.Replace(doc, "1.2.250.1.213.1.1.1.39", "1.2.250.1.213.1.1.1.54", 1), ordonnance.ErrNotPrescription},
		"no line":        {doc[:begin] + doc[end:], ordonnance.ErrMalformed},
		"no body":        {strings.NewReplacer("<structuredBody>", "<nonXMLBody>", "</structuredBody>", "</nonXMLBody>").Replace(doc), ordonnance.ErrMalformed},
		"too many lines": {doc[:begin] + strings.Repeat(doc[begin:end], 251) + doc[end:], ordonnance.ErrMalformed},
	} {
		_, err := ordonnance.ParseCDA([]byte(c.in))
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		require.NotContains(t, err.Error(), testNIR, name)
		require.NotContains(t, err.Error(), "PAT-TROIS", name)
	}
}

// Variations of one document, each of one trap.
func TestParseCDATolerates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, new string
		check    func(*testing.T, ordonnance.Prescription)
		rule     string
	}{
		"replaced prescriber as the model writes it": {"<documentationOf>", `<participant typeCode="REF"><functionCode code="353" codeSystem="1.2.250.1.213.1.6.1.107"/>
			<associatedEntity classCode="PROV"><id root="1.2.250.1.71.4.2.1" extension="899900063480"/><associatedPerson><name><family>REMPLACE</family></name></associatedPerson></associatedEntity></participant><documentationOf>`,
			func(t *testing.T, p ordonnance.Prescription) { require.Equal(t, "REMPLACE", p.Replaced.FamilyName) }, ""},
		"other participants are nobody's replacement": {"<documentationOf>", `<participant typeCode="REF"><associatedEntity classCode="PROV"><id root="1.2.250.1.71.4.2.1" extension="899900063480"/></associatedEntity></participant><documentationOf>`,
			func(t *testing.T, p ordonnance.Prescription) { require.Nil(t, p.Replaced); require.Nil(t, p.Executor) }, ""},
		"prefix of the schematrons": {"urn:ihe:pharm:medication", "urn:ihe:pharm",
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, "N02BE01", p.Lines[0].Drug.Product.ATC())
			}, ""},
		"reference without #": {`<text><reference value="#med-1"/>`, `<text><reference value="med-1"/>`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, "PARACETAMOL MYLAN 500 mg, comprimé", p.Lines[0].Text)
			}, ordonnance.RuleReference},
		"reference to nothing": {`<text><reference value="#med-1"/>`, `<text><reference value="#nowhere"/>`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, "PARACETAMOL MYLAN 500 mg, comprimé", p.Lines[0].Text)
			}, ordonnance.RuleReference},
		"text inline": {`<text><reference value="#med-1"/></text>`, `<text>DOLIPRANE<br/>1000</text>`,
			func(t *testing.T, p ordonnance.Prescription) { require.Equal(t, "DOLIPRANE\n1000", p.Lines[0].Text) }, ""},
		"ALD not stated": {`code="MED-574"`, `code="MED-999"`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, ordonnance.Unstated, p.Lines[0].Flags.ALD)
			}, ordonnance.RuleFlag},
		"ALD": {`<statusCode code="completed"/>` + "\n" + `<value xsi:type="BL" value="false"/>`, `<statusCode code="completed"/><value xsi:type="BL" value="true"/>`,
			func(t *testing.T, p ordonnance.Prescription) { require.Equal(t, ordonnance.Yes, p.Lines[0].Flags.ALD) }, ""},
		"repeats not stated": {`<repeatNumber value="1"/>`, ``,
			func(t *testing.T, p ordonnance.Prescription) { require.Nil(t, p.Lines[0].Repeats) }, ""},
		"repeats that are no number": {`<repeatNumber value="1"/>`, `<repeatNumber value="-1"/>`,
			func(t *testing.T, p ordonnance.Prescription) { require.Nil(t, p.Lines[0].Repeats) }, ""},
		"a quantity that is no number": {`<quantity value="2" unit="30009000"/>`, `<quantity value="NaN" unit="30009000"/>`,
			func(t *testing.T, p ordonnance.Prescription) { require.Nil(t, p.Lines[0].Quantity) }, ""},
		"refused without a motive": {`<code code="G" codeSystem="2.16.840.1.113883.5.1070"/>`, `<code code="N" codeSystem="2.16.840.1.113883.5.1070"/>`,
			func(t *testing.T, p ordonnance.Prescription) { require.True(t, p.Lines[0].Drug.Substitution.Refused()) }, ordonnance.RuleMotive},
		"refused for a child": {`<code code="G" codeSystem="2.16.840.1.113883.5.1070"/>`, `<code code="N" codeSystem="2.16.840.1.113883.5.1070"><originalText>Non substituable (EFG)</originalText></code>`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, ordonnance.MotiveChild, p.Lines[0].Drug.Substitution.Motive)
			}, ""},
		"refused for a contraindication": {`<code code="G" codeSystem="2.16.840.1.113883.5.1070"/>`, `<code code="N" codeSystem="2.16.840.1.113883.5.1070"><originalText>Contre-indication formelle au lactose</originalText></code>`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, ordonnance.MotiveContraindication, p.Lines[0].Drug.Substitution.Motive)
			}, ""},
		"refused for another reason": {`<code code="G" codeSystem="2.16.840.1.113883.5.1070"/>`, `<code code="N" codeSystem="2.16.840.1.113883.5.1070"><originalText>Spécificité</originalText></code>`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, ordonnance.MotiveOther, p.Lines[0].Drug.Substitution.Motive)
			}, ""},
		"number of another form": {`extension="01S2TBPZ2JCNZZYGHZ"`, `extension="2026-000-1"`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, ordonnance.Number("2026-000-1"), p.Number)
			}, ordonnance.RuleNumber},
		"matricule that fails its key": {testNIR, "279035121518990",
			func(t *testing.T, p ordonnance.Prescription) { require.False(t, p.Patient.INS.IsZero()) }, ordonnance.RuleIdentifier},
		"malformed matricule": {testNIR, "12345",
			func(t *testing.T, p ordonnance.Prescription) { require.True(t, p.Patient.INS.IsZero()) }, ordonnance.RuleIdentifier},
		"event of the day": {`<effectiveTime xsi:type="PIVL_TS" operator="A"><period value="8" unit="h"/></effectiveTime>`,
			`<effectiveTime xsi:type="EIVL_TS" operator="A"><event code="AC"/><offset><low value="30" unit="min"/></offset></effectiveTime>`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, []ordonnance.Timing{{Event: "AC", Offset: &ordonnance.Quantity{Value: 30, Unit: "min"}}}, p.Lines[0].Drug.Dosing.Steps[0].Timing)
			}, ""},
		"precondition": {"</substanceAdministration>", `<precondition><criterion><text>Si fièvre</text></criterion></precondition></substanceAdministration>`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, "Si fièvre", p.Lines[0].Drug.Precondition)
			}, ""},
		"precondition by a wrong reference": {`med-1-posologie">1 à 2 comprimés toutes les 8 heures si douleur, pendant 5 jours</content></td></tr>`,
			`med-1-posologie">x</content></td></tr><tr><td><content ID="med-1-precondition">Si toux</content></td></tr>`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.Equal(t, "Si toux", p.Lines[0].Drug.Precondition)
			}, ordonnance.RuleReference},
		"an attachment that is not base 64": {"<component><section>", `<component><section><templateId root="1.2.250.1.213.1.1.2.243"/><entry><observationMedia classCode="OBS" moodCode="EVN">
			<value mediaType="application/pdf" representation="B64">***</value></observationMedia></entry></section></component><component><section>`,
			func(t *testing.T, p ordonnance.Prescription) { require.Nil(t, p.PDF) }, ordonnance.RuleMedia},
		"validity in days": {`<low value="20260302100000+0100"/><high value="20260602100000+0100"/>`, `<low value="20260302"/><high value="20260602"/>`,
			func(t *testing.T, p ordonnance.Prescription) {
				require.True(t, p.Validity.DateOnly)
				require.Equal(t, "2026-06-03", p.Validity.Until().Format(time.DateOnly))
			}, ""},
		"older model": {`extension="2024.01"`, `extension="2022.01"`,
			func(t *testing.T, p ordonnance.Prescription) { require.Equal(t, "2022.01", p.Document.Model) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := sample(t)
			if name == "precondition by a wrong reference" {
				doc = strings.Replace(doc, "</substanceAdministration>", `<precondition><criterion><text><reference value="#precond-001"/></text></criterion></precondition></substanceAdministration>`, 1)
			}
			require.Contains(t, doc, c.old)
			p, err := ordonnance.ParseCDA([]byte(strings.Replace(doc, c.old, c.new, 1)))
			require.NoError(t, err)
			c.check(t, p)
			rules := make(map[string]bool)
			for _, f := range p.Findings {
				rules[f.Rule] = true
			}
			want := map[string]bool{}
			if c.rule != "" {
				want[c.rule] = true
			}
			require.Equal(t, want, rules)
		})
	}
}

func TestPrescriptionSurvivesJSON(t *testing.T) {
	t.Parallel()
	p, err := ordonnance.ParseCDA([]byte(sample(t)))
	require.NoError(t, err)
	b, err := json.Marshal(p)
	require.NoError(t, err)
	require.NotContains(t, string(b), testNIR)
	var back ordonnance.Prescription
	require.NoError(t, json.Unmarshal(b, &back))
	p.Patient = ordonnance.Patient{}
	require.Empty(t, cmp.Diff(p, back, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b ins.INS) bool { return a == b })))
}

func FuzzParseCDA(f *testing.F) {
	doc := sample(f)
	f.Add([]byte(doc))
	f.Add([]byte("\xef\xbb\xbf" + doc))
	f.Add([]byte(strings.ReplaceAll(doc, "PIVL_TS", "SXPR_TS")))
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><templateId root="1.2.250.1.213.1.1.1.39"/></ClinicalDocument>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ordonnance.ParseCDA(b)
		if err != nil {
			return
		}
		if len(p.Lines) == 0 {
			t.Fatal("a prescription without a line")
		}
		for i, l := range p.Lines {
			if l.Index != i+1 || (l.Drug == nil) == (l.Device == nil) {
				t.Fatal("a line that is neither a drug nor a device, or out of order")
			}
		}
		if _, err := json.Marshal(p); err != nil {
			t.Fatalf("a prescription that cannot be kept: %v", err)
		}
	})
}
