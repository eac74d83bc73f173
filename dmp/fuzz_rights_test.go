package dmp

import (
	"errors"
	"testing"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// The answers of the services of the DMP's own, and of searches and changes.
func FuzzRights(f *testing.F) {
	seed := func(body string) {
		f.Add(soap.Message{Action: "urn:a", MessageID: "urn:uuid:1", Body: []byte(body)}.Marshal())
	}
	for _, body := range []string{
		`<n:setAuthorizationResponse xmlns:n="urn:si-dmp-habilitations"><n:output><n:status>DMPOk</n:status><n:context>Autorisation déjà présente</n:context></n:output></n:setAuthorizationResponse>`,
		`<n:listAuthorizationByPatientResponse xmlns:n="urn:si-dmp-habilitations"><n:output><n:listOfAuthorizationByPatient><n:nationalId>8</n:nationalId><n:codeSpeciality>G15_21/A</n:codeSpeciality><n:libSpeciality>x</n:libSpeciality><n:startOfAuthorization>20260203</n:startOfAuthorization><n:mode>ACTIVE</n:mode></n:listOfAuthorizationByPatient><n:status>DMPOk</n:status></n:output></n:listAuthorizationByPatientResponse>`,
		`<patientListResponse xmlns="urn:si-dmp-patients"><output><patientlistData><patientIdentifier><nationalId>279035121518989</nationalId><nationalIdType>1.2.250.1.213.1.4.10</nationalIdType></patientIdentifier><MT>1</MT></patientlistData><status>DMPOK</status></output></patientListResponse>`,
		`<patientListResponse xmlns="urn:si-dmp-patients"><output><status>DMPRefus</status></output></patientListResponse>`,
	} {
		seed(body)
	}
	head := hl7v3.Head{ID: hl7v3.ID{Root: "1"}}
	seed(string(hl7v3.Candidates{Head: head, Ack: "AA", Query: "OK", List: []hl7v3.Candidate{{IDs: []hl7v3.ID{{Root: "1.2.250.1.213.1.4.10", Extension: "279035121518989"}}, Birth: "19790328"}}}.Marshal()))
	seed(string(hl7v3.Changed{Head: head, Ack: "AA", Status: "terminated"}.Marshal()))
	d := Dialect{}.defaults()
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := soap.Parse(b, xmltree.Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		check := func(err error) {
			var own *Error
			if err != nil && !errors.As(err, &own) {
				t.Fatal(err)
			}
		}
		_, _, err = output(opAuthorize, nsRights, "setAuthorizationResponse", e)
		check(err)
		_, err = d.professionals(e)
		check(err)
		_, err = d.authorized(e)
		check(err)
		found, _, err := candidates(e, hl7v3.Find{})
		check(err)
		for _, c := range found.List {
			if id := c.INS(); !id.IsZero() && !id.Matricule.KeyValid() && id.CX() == "" {
				t.Fatal("a candidate with half an INS")
			}
		}
		_, _, err = changed(opAmend, e, hl7v3.Change{Status: "active"}, ins.INS{}, nil)
		check(err)
	})
}
