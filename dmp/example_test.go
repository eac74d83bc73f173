package dmp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// A pharmacy adds the report of an interview to its patient's record. Against
// the real service only the environment and the certificates are others.
func Example() {
	srv, err := dmptest.NewServer(dmptest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	who := socle.Professional{ID: pharmacist.ID, FamilyName: "ARNICA", GivenName: "Paule",
		Profession: socle.Code{Code: socle.ProfessionPharmacist},
		Speciality: socle.Code{Code: "A"}, // pharmacien titulaire d'officine
		Structure:  pharmacy,
	}
	auth, sign, err := srv.Organisation(who.Structure)
	if err != nil {
		log.Fatal(err)
	}
	client, err := dmp.New(dmp.Config{
		Environment: srv.Environment(), Roots: srv.Roots(), Certificate: auth, Signature: sign,
		Software: socle.Software{Name: "LGO Démo", Version: "1.0", Install: "5f3c9d8e-2b41-4c7a-9d2e-0a1b2c3d4e5f", OID: "1.2.250.1.999.7",
			Homologation: map[socle.Service]string{socle.ServiceDMP: "DMP-0001"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	patient, err := dmptest.Patients()[0].Qualified(time.Now()) // ins does it at a real counter
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	record, err := client.Exists(ctx, who, patient)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("record:", record.State, record.Authorization)

	doc, err := client.NewDocument(who, patient, dmp.Report{
		Title: "Compte rendu d'entretien pharmaceutique", Type: dmp.Interview,
		File: dmp.Bytes("application/pdf", []byte("%PDF-1.4 … pdfaid:part …")),
	})
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := client.Submit(ctx, who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{doc}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("sent:", receipt.Documents[0].ID == doc.ID(), doc.Type().Display)

	// The same document again is refused, and the error says so.
	_, err = client.Submit(ctx, who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{doc}})
	fmt.Println("again:", errors.Is(err, dmp.ErrDuplicate), socle.OutcomeOf(err))
	// Output:
	// record: open VALIDE
	// sent: true CR d'entretien pharmaceutique
	// again: true refused
}

// A record that is closed, or absent, is an answer and not an error; what it
// forbids is.
func ExampleRecord_CanFeed() {
	err := dmp.Record{State: dmp.StateClosed}.CanFeed()
	fmt.Println(errors.Is(err, dmp.ErrClosed), err)
	// Output: true dmp: TD2.1: the patient's DMP is closed
}
