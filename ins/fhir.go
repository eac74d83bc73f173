package ins

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/soclesante/socle/internal/fhir"
)

// Addresses of fr-core and of what it uses.
const (
	frCore         = "https://hl7.fr/ig/fhir/core/"
	frPatient      = frCore + "StructureDefinition/fr-core-patient"
	frPatientINS   = frPatient + "-ins"
	frReliability  = frCore + "StructureDefinition/fr-core-identity-reliability"
	frGivenNames   = frPatient + "-birth-list-given-name"
	frInsee        = frCore + "StructureDefinition/fr-core-address-insee-code"
	frIdentifiers  = frCore + "CodeSystem/fr-core-cs-v2-0203"
	frTable0445    = frCore + "CodeSystem/fr-core-cs-v2-0445"
	frStatus       = frCore + "CodeSystem/fr-core-cs-identity-status"
	frComment      = frCore + "CodeSystem/fr-core-cs-identity-status-comment"
	frMethod       = frCore + "CodeSystem/fr-core-cs-method-collection"
	frMode         = frCore + "CodeSystem/fr-core-cs-mode-validation-identity"
	hl7BirthPlace  = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
	hl7Identifiers = "http://terminology.hl7.org/CodeSystem/v2-0203"
	nosCommune     = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
	urnOID         = "urn:oid:"
)

// fhirLimits bound a Patient.
var fhirLimits = fhir.Limits{Bytes: 1 << 20, Depth: 32, Values: 20_000}

type fhirPatient struct {
	ResourceType string           `json:"resourceType"`
	Meta         *fhir.Meta       `json:"meta,omitempty"`
	Extension    []fhirExtension  `json:"extension,omitempty"`
	Identifier   []fhirIdentifier `json:"identifier,omitempty"`
	Name         []fhirName       `json:"name,omitempty"`
	Gender       string           `json:"gender,omitempty"`
	BirthDate    string           `json:"birthDate,omitempty"`
}

type fhirIdentifier struct {
	Use    string                `json:"use,omitempty"`
	Type   *fhir.CodeableConcept `json:"type,omitempty"`
	System string                `json:"system,omitempty"`
	Value  string                `json:"value,omitempty"`
	Period *fhir.Period          `json:"period,omitempty"`
}

type fhirName struct {
	Extension []fhirExtension `json:"extension,omitempty"`
	Use       string          `json:"use,omitempty"`
	Family    string          `json:"family,omitempty"`
	Given     []string        `json:"given,omitempty"`
}

type fhirExtension struct {
	Extension []fhirExtension       `json:"extension,omitempty"`
	URL       string                `json:"url"`
	String    string                `json:"valueString,omitempty"`
	Date      string                `json:"valueDate,omitempty"`
	Coding    *fhir.Coding          `json:"valueCoding,omitempty"`
	Concept   *fhir.CodeableConcept `json:"valueCodeableConcept,omitempty"`
	Address   *fhirAddress          `json:"valueAddress,omitempty"`
}

type fhirAddress struct {
	Extension []fhirExtension `json:"extension,omitempty"`
}

// FHIR gives the Patient resource of an identity in the profiles of fr-core:
// fr-core-patient-ins with its INS and their history when it is qualified and
// has a place of birth, else fr-core-patient. Extra.Codes takes the codes of
// fr-core 2.2 ([RNIVCodes]) or of 2.1 and before ([Table0445], where an identity
// that is douteuse or fictive has that for status and the INS-NIA the use temp).
// FHIR writes an incomplete date as far as it is known, and a lunar one as its year.
func (id Identity) FHIR(x Extra) ([]byte, error) {
	p := id.Presented(x)
	t := p.Traits
	profile := frPatient
	if !p.INS.IsZero() && t.BirthPlace != "" {
		profile = frPatientINS
	}
	gender := map[Sex]string{Male: "male", Female: "female", Indeterminate: "unknown"}[t.Sex]
	r := fhirPatient{
		ResourceType: "Patient", Meta: &fhir.Meta{Profile: []string{profile}},
		Extension: []fhirExtension{p.reliability()},
		Name:      []fhirName{{Use: "official", Family: t.BirthName, Given: []string{t.First()}, Extension: []fhirExtension{{URL: frGivenNames, String: t.List()}}}},
		Gender:    gender, BirthDate: t.BirthDate.partial("-"),
	}
	if t.BirthPlace != "" {
		r.Extension = append(r.Extension, fhirExtension{URL: hl7BirthPlace, Address: &fhirAddress{
			Extension: []fhirExtension{{URL: frInsee, Coding: &fhir.Coding{System: nosCommune, Code: string(t.BirthPlace)}}}}})
	}
	if p.UsedName != "" || p.UsedGivenName != "" {
		n := fhirName{Use: "usual", Family: p.UsedName}
		if p.UsedGivenName != "" {
			n.Given = []string{p.UsedGivenName}
		}
		r.Name = append(r.Name, n)
	}
	if !p.INS.IsZero() {
		use := "official"
		if p.INS.OID == OIDNIA && p.Codes == Table0445 {
			use = "temp"
		}
		r.Identifier = append(r.Identifier, p.INS.fhir(use))
		for _, past := range p.History {
			old := past.INS.fhir("old")
			if past.From != "" || past.To != "" {
				old.Period = &fhir.Period{Start: fhir.DateTime(past.From), End: fhir.DateTime(past.To)}
			}
			r.Identifier = append(r.Identifier, old)
		}
	}
	for _, l := range p.Local {
		r.Identifier = append(r.Identifier, fhirIdentifier{Use: "usual", System: urnOID + l.OID, Value: l.Value,
			Type: &fhir.CodeableConcept{Coding: []fhir.Coding{{System: hl7Identifiers, Code: "PI"}}}})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(r)
	return bytes.TrimSpace(b.Bytes()), err
}

func (i INS) fhir(use string) fhirIdentifier {
	return fhirIdentifier{Use: use, System: urnOID + i.OID.String(), Value: i.Matricule.Wire(),
		Type: &fhir.CodeableConcept{Coding: []fhir.Coding{{System: frIdentifiers, Code: i.OID.Kind()}}}}
}

// reliability writes the extension fr-core-identity-reliability.
func (p Presented) reliability() fhirExtension {
	x := fhirExtension{URL: frReliability}
	add := func(e fhirExtension) { x.Extension = append(x.Extension, e) }
	if p.Codes == Table0445 {
		code := p.Codes.code(p.Status)
		if p.Attributes.blocks() {
			code = (p.Attributes &^ Homonyme).codes()[0]
		}
		add(fhirExtension{URL: "identityStatus", Coding: &fhir.Coding{System: frTable0445, Code: code}})
	} else {
		add(fhirExtension{URL: "identityStatus", Coding: &fhir.Coding{System: frStatus, Code: p.Codes.code(p.Status)}})
		for _, c := range p.Attributes.codes() {
			add(fhirExtension{URL: "comment", Concept: &fhir.CodeableConcept{Coding: []fhir.Coding{{System: frComment, Code: c}}}})
		}
	}
	if p.Method != "" {
		add(fhirExtension{URL: "methodCollection", Coding: &fhir.Coding{System: frMethod, Code: string(p.Method)}})
	}
	if p.QueriedDay != "" {
		add(fhirExtension{URL: "dateInterrogationINSi", Date: p.QueriedDay})
	}
	if p.Evidence != "" {
		add(fhirExtension{URL: "validationDate", Date: p.EvidenceDay})
		add(fhirExtension{URL: "validationMode", Coding: &fhir.Coding{System: frMode, Code: string(p.Evidence)}})
	}
	return x
}

// ParseFHIR reads a Patient resource in JSON, with the codes of either version
// of fr-core. Matricules are read leniently: see [Matricule.KeyValid]. A date
// without day or month is read as incomplete.
//
// The error is an *[Error] that is ErrInvalid and tells which element is wrong,
// never with its value: what is larger than 1 MiB or deeper than 32, no Patient,
// two INS in use, a status that contradicts what is beside it, traits that lack
// or cannot be.
func ParseFHIR(b []byte) (Presented, error) {
	fail := func(text string) (Presented, error) { return Presented{}, invalid("FHIR", text) }
	if res, err := fhir.Decode(b, fhirLimits); err != nil {
		return Presented{}, &Error{Op: "FHIR", Err: err, kind: ErrInvalid}
	} else if res.ResourceType() != "Patient" {
		return fail("a Patient expected")
	}
	var r fhirPatient
	if err := json.Unmarshal(b, &r); err != nil {
		return fail("an element has not the form of its type")
	}
	var p Presented
	for _, i := range r.Identifier {
		oid := strings.TrimPrefix(i.System, urnOID)
		o, err := ParseOID(oid)
		if err != nil {
			if i.Value != "" {
				p.Local = append(p.Local, LocalID{Value: i.Value, OID: oid})
			}
			continue
		}
		m, err := ParseMatriculeLenient(i.Value)
		switch {
		case err != nil:
			return fail("identifier: malformed matricule")
		case i.Use == "old":
			past := Past{INS: INS{m, o}}
			if i.Period != nil {
				past.From, past.To = string(i.Period.Start), string(i.Period.End)
			}
			p.History = append(p.History, past)
		case !p.INS.IsZero():
			return fail("identifier: two INS in use")
		default:
			p.INS = INS{m, o}
		}
	}
	official := false
	for _, n := range r.Name {
		first := ""
		if len(n.Given) > 0 {
			first = n.Given[0]
		}
		switch n.Use {
		case "official":
			if official {
				return fail("name: two official names")
			}
			official = true
			p.Traits.BirthName, p.Traits.FirstGivenName = n.Family, first
			p.Traits.GivenNames = strings.Join(n.Given, " ")
			if list := extension(n.Extension, frGivenNames); list.String != "" {
				p.Traits.GivenNames = list.String
			}
		case "usual":
			p.UsedName, p.UsedGivenName = n.Family, first
		}
	}
	switch r.Gender {
	case "male":
		p.Traits.Sex = Male
	case "female":
		p.Traits.Sex = Female
	case "unknown", "other":
		p.Traits.Sex = Indeterminate
	}
	var err error
	if p.Traits.BirthDate, err = compactDate(strings.ReplaceAll(r.BirthDate, "-", "")); err != nil {
		return fail("birthDate: YYYY, YYYY-MM or YYYY-MM-DD expected")
	}
	if place := extension(r.Extension, hl7BirthPlace); place.Address != nil {
		if insee := extension(place.Address.Extension, frInsee); insee.Coding != nil {
			p.Traits.BirthPlace = COG(insee.Coding.Code)
		}
	}
	if err := p.reliable(extension(r.Extension, frReliability)); err != nil {
		return Presented{}, err
	}
	if err := p.settle("FHIR"); err != nil {
		return Presented{}, err
	}
	return p, nil
}

// reliable reads the extension fr-core-identity-reliability.
func (p *Presented) reliable(x fhirExtension) error {
	for _, e := range x.Extension {
		switch {
		case e.URL == "identityStatus" && e.Coding != nil:
			if e.Coding.System == frTable0445 || strings.HasSuffix(e.Coding.System, "v2-0445") {
				p.Codes = Table0445
			}
			status, ok := p.Codes.status(e.Coding.Code, !p.INS.IsZero())
			attribute := attributeOf(e.Coding.Code)
			if !ok && (p.Codes == RNIVCodes || attribute == 0) {
				return invalid("FHIR", "identityStatus: unknown code")
			}
			p.Status, p.Attributes = status, p.Attributes|attribute
		case e.URL == "comment" && e.Concept != nil:
			for _, c := range e.Concept.Coding {
				p.Attributes |= attributeOf(c.Code)
			}
		case e.URL == "methodCollection" && e.Coding != nil:
			p.Method = CollectionMethod(e.Coding.Code)
		case e.URL == "dateInterrogationINSi":
			p.QueriedDay = e.Date
		case e.URL == "validationDate":
			p.EvidenceDay = e.Date
		case e.URL == "validationMode" && e.Coding != nil:
			p.Evidence = EvidenceKind(e.Coding.Code)
		}
	}
	return nil
}

func extension(xs []fhirExtension, url string) fhirExtension {
	for _, x := range xs {
		if x.URL == url {
			return x
		}
	}
	return fhirExtension{}
}
