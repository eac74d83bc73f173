package ins_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

func ExampleIdentity_Datamatrix() {
	text, err := exampleIdentity().Datamatrix()
	fmt.Println(strings.ReplaceAll(text, "\x1d", "<GS>"), err)
	// Output: IS010000000000000000000000S1279035121518989S21.2.250.1.213.1.4.10S3DOMINIQUE MARIE-LOUISE<GS>S4PAT-TROIS<GS>S5FS628-03-1979S751215 <nil>
}

func ExampleSymbol() {
	symbol, err := exampleIdentity().Symbol()
	if err != nil {
		panic(err)
	}
	var png, svg bytes.Buffer
	if err := errors.Join(symbol.WritePNG(&png, 4), symbol.WriteSVG(&svg, 0.5)); err != nil {
		panic(err)
	}
	fmt.Println(symbol.Size(), png.String()[1:4], svg.String()[:4])
	// Output: 40 PNG <svg
}

// A scan is a claim: INSi must confirm it before it is trusted.
func ExampleParseDatamatrix() {
	scan, err := ins.ParseDatamatrix("]d1IS010000000000000000000000S1279035121518989S21.2.250.1.213.1.4.10S3DOMINIQUE MARIE-LOUISE<GS>S4PAT-TROIS<GS>S5FS628-03-1979S751215\r\n")
	fmt.Println(scan.Claim, err)
	fmt.Println(scan.Warnings)
	_, err = ins.ParseDatamatrix("IS020000000000000000000000S1")
	fmt.Println(errors.Is(err, ins.ErrVersion), err)
	// Output:
	// claim of INS-NIR-TEST [redacted] <nil>
	// [a separator was replaced by the scanner]
	// true ins: datamatrix: 02: version 01 expected
}

// A patient brings a document with an INS datamatrix: INSi confirms what it says
// before the record takes it, and a document of identity still has to be shown.
func ExampleScan() {
	srv, err := instest.NewServer(instest.Options{OID: ins.OIDTest}) // INSi, on this machine
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	certificate, err := srv.ClientCertificate("10B0152872")
	if err != nil {
		panic(err)
	}
	client, err := ins.New(ins.Config{Environment: srv.Environment(), Software: instest.Software(), Certificate: certificate, Roots: srv.Roots()})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	scan, err := ins.ParseDatamatrix("IS010000000000000000000000S1279035121518989S21.2.250.1.213.1.4.10S3DOMINIQUE MARIE-LOUISE\x1dS4PAT-TROIS\x1dS5FS628-03-1979S751215")
	if err != nil {
		panic(err)
	}
	verification, err := client.Verify(context.Background(), socle.Professional{}, scan.Claim)
	if err != nil {
		panic(err)
	}
	result, err := verification.Result() // an error when INSi said KO
	if err != nil {
		panic(err)
	}
	identity, err := ins.NewIdentity(scan.Traits)
	if err == nil {
		identity, err = identity.Accept(result, ins.Acceptance{At: time.Now(), By: "the pharmacist"})
	}
	fmt.Println(verification, identity.Status(), err)
	// Output: verification OK récupérée <nil>
}

func ExampleIdentity_HL7v2() {
	segments, err := exampleIdentity().HL7v2(ins.Extra{UsedName: "Divine", Local: []ins.LocalID{{Value: "7", OID: "1.2.3", Name: "OFFICINE"}}})
	fmt.Println(strings.ReplaceAll(segments, "\r", "\n"), err)
	p, err := ins.ParseHL7v2(segments)
	fmt.Println(p.Status, p.UsedName, p.QueriedDay, err)
	// Output:
	// PID|||279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS~7^^^OFFICINE&1.2.3&ISO^PI||PAT-TROIS^DOMINIQUE^DOMINIQUE MARIE-LOUISE^^^^L~Divine^^^^^^D||19790328|F|||^^^^^^BDL^^51215|||||||||||||||||||||QUAL
	// ZFD||||||20260302
	//  <nil>
	// qualifiée Divine 2026-03-02 <nil>
}

func ExampleIdentity_FHIR() {
	patient, err := exampleIdentity().FHIR(ins.Extra{Method: ins.Teleservice})
	fmt.Println(strings.ReplaceAll(string(patient), "https://hl7.fr/ig/fhir/core/", ""), err)
	// Output:
	// {"resourceType":"Patient","meta":{"profile":["StructureDefinition/fr-core-patient-ins"]},"extension":[{"extension":[{"url":"identityStatus","valueCoding":{"system":"CodeSystem/fr-core-cs-identity-status","code":"QUAL"}},{"url":"methodCollection","valueCoding":{"system":"CodeSystem/fr-core-cs-method-collection","code":"INSI"}},{"url":"dateInterrogationINSi","valueDate":"2026-03-02"},{"url":"validationDate","valueDate":"2026-03-02"},{"url":"validationMode","valueCoding":{"system":"CodeSystem/fr-core-cs-mode-validation-identity","code":"CN"}}],"url":"StructureDefinition/fr-core-identity-reliability"},{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"extension":[{"url":"StructureDefinition/fr-core-address-insee-code","valueCoding":{"system":"https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM","code":"51215"}}]}}],"identifier":[{"use":"official","type":{"coding":[{"system":"CodeSystem/fr-core-cs-v2-0203","code":"INS-NIR-TEST"}]},"system":"urn:oid:1.2.250.1.213.1.4.10","value":"279035121518989"}],"name":[{"extension":[{"url":"StructureDefinition/fr-core-patient-birth-list-given-name","valueString":"DOMINIQUE MARIE-LOUISE"}],"use":"official","family":"PAT-TROIS","given":["DOMINIQUE"]}],"gender":"female","birthDate":"1979-03-28"} <nil>
}

func ExampleParseFHIR() {
	p, err := ins.ParseFHIR([]byte(`{"resourceType":"Patient","name":[{"use":"official","family":"Dupré","given":["Zoé"]}],"gender":"female","birthDate":"1975"}`))
	fmt.Println(p.Status, p.Traits.BirthName, p.Traits.First(), p.Traits.BirthDate.Wire(), err)
	// Output: provisoire DUPRE ZOE 1975-00-00 <nil>
}

func ExampleIdentity_RecordTarget() {
	target, err := exampleIdentity().RecordTarget(ins.Extra{})
	fmt.Println(string(target), err)
	// Output:
	// <recordTarget xmlns="urn:hl7-org:v3"><patientRole><id extension="279035121518989" root="1.2.250.1.213.1.4.10"></id><addr nullFlavor="NASK"></addr><telecom nullFlavor="NASK"></telecom><patient classCode="PSN"><name><family qualifier="BR">PAT-TROIS</family><given>DOMINIQUE MARIE-LOUISE</given><given qualifier="BR">DOMINIQUE</given></name><administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1" displayName="Féminin"></administrativeGenderCode><birthTime value="19790328"></birthTime><birthplace><place><addr><county>51215</county></addr></place></birthplace></patient></patientRole></recordTarget> <nil>
}

func ExampleParseCX() {
	id, err := ins.ParseCX("279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH")
	fmt.Println(id, id.MSSante(), err)
	// Output: INS-NIR-TEST [redacted] 279035121518989@patient.mssante.fr <nil>
}
