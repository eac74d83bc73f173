package dmp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

// A vaccination of the day goes to the record, and a correction of its lot
// number replaces it.
func ExampleClient_NewVaccinationNote() {
	client, who, patient, stop := counter()
	defer stop()
	record, err := client.Exists(context.Background(), who, patient)
	if err != nil {
		log.Fatal(err)
	}
	vaccination := dmp.Vaccination{
		Kind: dmp.OtherVaccination, Date: dmp.Day(time.Now()), Route: dmp.Intramuscular, Site: dmp.LeftDeltoid,
		Vaccine: dmp.Vaccine{Name: "VACCIN GRIPPAL, suspension injectable en seringue préremplie", CIS: "60000001", Lot: "L42",
			ATC: socle.Code{Code: "J07BB02", Display: "grippe, antigène purifié"}},
	}
	note, err := client.NewVaccinationNote(who, patient, dmp.VaccinationNote{Vaccination: vaccination})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Submit(context.Background(), who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{note}}); err != nil {
		log.Fatal(err)
	}
	fmt.Println("sent:", note.Type().Display)

	vaccination.Vaccine.Lot = "L43"
	corrected, err := client.NewVaccinationNote(who, patient, dmp.VaccinationNote{Vaccination: vaccination, Edition: note.Next()})
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := client.Submit(context.Background(), who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{corrected}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("version", reread(corrected).Version, "replaces the first:", receipt.Documents[0].Replaces == note.ID())

	// What is missing is told before anything is sent.
	vaccination.Vaccine.Lot = ""
	_, err = client.NewVaccinationNote(who, patient, dmp.VaccinationNote{Vaccination: vaccination})
	fmt.Println(err)
	// Output:
	// sent: Note de vaccination
	// version 2 replaces the first: true
	// dmp: document: Vaccination.Vaccine.Lot: mandatory
}

// The result of a rapid test, and what another pharmacy reads of it.
func ExampleClient_NewTestReport() {
	client, who, patient, stop := counter()
	defer stop()
	test := dmp.Cystitis.Test(dmp.Positive, dmp.Negative)
	test.Consent = true
	test.Device = dmp.TestDevice{Maker: "Essai SA", Reference: "R-1", Lot: "B1", Expiry: "2027-12-31"}
	report, err := client.NewTestReport(who, patient, dmp.TestReport{Test: test})
	if err != nil {
		log.Fatal(err)
	}
	read := reread(report)
	fmt.Println(read.Title)
	for _, r := range read.Test.Results {
		fmt.Println(r.Label+":", r.Value.Display)
	}
	fmt.Println(len(read.Validate()), "findings")
	// Output:
	// Test rapide d'orientation diagnostique : TROD Cystite
	// Recherche de leucocytes estérases: positif
	// Recherche de nitrites urinaires: négatif
	// 0 findings
}

func reread(d *dmp.Document) *dmp.CDA {
	r, err := d.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		log.Fatal(err)
	}
	read, err := dmp.ParseCDA(b)
	if err != nil {
		log.Fatal(err)
	}
	return read
}

// counter gives a client of an emulator, a professional and a patient.
func counter() (*dmp.Client, socle.Professional, ins.Identity, func()) {
	srv, err := dmptest.NewServer(dmptest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	auth, sign, err := srv.Organisation(pharmacy)
	if err != nil {
		log.Fatal(err)
	}
	client, err := dmp.New(dmp.Config{Environment: srv.Environment(), Roots: srv.Roots(), Certificate: auth, Signature: sign, Software: software})
	if err != nil {
		log.Fatal(err)
	}
	patient, err := dmptest.Patients()[0].Qualified(time.Now())
	if err != nil {
		log.Fatal(err)
	}
	return client, pharmacist, patient, func() { client.Close(); srv.Close() }
}
