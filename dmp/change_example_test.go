package dmp_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

// A correction takes the place of the document that it corrects.
func ExampleClient_Replace() {
	srv, client, who, patient := withCard()
	defer srv.Close()
	defer client.Close()
	ctx := context.Background()
	record, err := client.Exists(ctx, who, patient)
	if err != nil {
		log.Fatal(err)
	}
	report := dmp.Report{Title: "Bilan partagé de médication", Type: dmp.MedicationReview,
		File: dmp.Bytes("application/pdf", []byte("%PDF-1.4 … pdfaid:part …"))}
	first, err := client.NewDocument(who, patient, report)
	if err != nil {
		log.Fatal(err)
	}
	if _, err = client.Submit(ctx, who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{first}}); err != nil {
		log.Fatal(err)
	}

	// Later: the document is found, read, and its next version made.
	found, err := client.Search(ctx, who, patient, dmp.Query{Record: record, Types: []socle.Code{dmp.MedicationReview}})
	if err != nil {
		log.Fatal(err)
	}
	report.Edition = first.Next() // or that of what Retrieve gives: CDA.Next
	second, err := client.NewDocument(who, patient, report)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := client.Replace(ctx, who, patient, found.Entries[0], dmp.Submission{Record: record, Documents: []*dmp.Document{second}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("replaced:", receipt.Documents[0].Replaces == first.ID())
	found, err = client.Search(ctx, who, patient, dmp.Query{Record: record})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("in force:", len(found.Entries), found.Entries[0].ID == second.ID())
	// Output:
	// replaced: true
	// in force: 1 true
}

// A document is hidden from the other professionals, then shown to them again.
func ExampleClient_SetVisibility() {
	srv, client, who, patient := withCard()
	defer srv.Close()
	defer client.Close()
	ctx := context.Background()
	record, entry := fedAndFound(client, who, patient)
	if _, err := client.SetVisibility(ctx, who, patient, record, entry, dmp.HiddenFromProfessionals); err != nil {
		log.Fatal(err)
	}
	// Its metadata have another version: search again before another change.
	_, err := client.SetVisibility(ctx, who, patient, record, entry, dmp.HiddenFromPatient)
	fmt.Println(err)
	found, err := client.Search(ctx, who, patient, dmp.Query{Record: record})
	if err != nil {
		log.Fatal(err)
	}
	entry = found.Entries[0]
	fmt.Println(entry.Version, entry.Visibility)
	if _, err := client.SetVisibility(ctx, who, patient, record, entry); err != nil {
		log.Fatal(err)
	}
	// Output:
	// dmp: TD3.3b: INVISIBLE_PATIENT can be lifted, not applied to a document of the record; replace the document by one with that Visibility
	// 2 [MASQUE_PS]
}

// A document that was sent by mistake is deleted by its author.
func ExampleClient_Delete() {
	srv, client, who, patient := withCard()
	defer srv.Close()
	defer client.Close()
	ctx := context.Background()
	record, entry := fedAndFound(client, who, patient)
	if _, err := client.Delete(ctx, who, patient, record, entry); err != nil {
		log.Fatal(err)
	}
	found, err := client.Search(ctx, who, patient, dmp.Query{Record: record})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left:", len(found.Entries))
	// Output: left: 0
}

// withCard gives an emulator, a client with the card of a pharmacist, and a patient.
func withCard() (*dmptest.Server, *dmp.Client, socle.Professional, ins.Identity) {
	srv, err := dmptest.NewServer(dmptest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	who := socle.Professional{ID: pharmacist.ID, FamilyName: "ARNICA", GivenName: "Paule",
		Profession: socle.Code{Code: socle.ProfessionPharmacist}, Speciality: socle.Code{Code: "A"}, Structure: pharmacy}
	auth, sign, err := srv.Card(who)
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
	return srv, client, who, patient
}

// fedAndFound adds a document to a record and finds it there.
func fedAndFound(client *dmp.Client, who socle.Professional, patient ins.Identity) (dmp.Record, dmp.Entry) {
	ctx := context.Background()
	record, err := client.Exists(ctx, who, patient)
	if err != nil {
		log.Fatal(err)
	}
	doc, err := client.NewDocument(who, patient, dmp.Report{Title: "Compte rendu d'entretien", Type: dmp.Interview,
		File: dmp.Bytes("application/pdf", []byte("%PDF-1.4 … pdfaid:part …"))})
	if err != nil {
		log.Fatal(err)
	}
	if _, err = client.Submit(ctx, who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{doc}}); err != nil {
		log.Fatal(err)
	}
	found, err := client.Search(ctx, who, patient, dmp.Query{Record: record})
	if err != nil || len(found.Entries) != 1 {
		log.Fatal(len(found.Entries), err)
	}
	return record, found.Entries[0]
}
