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
)

// A pharmacist, whose card is in the reader, looks for the reports of the last
// two years and reads them.
func ExampleClient_Search() {
	srv, err := dmptest.NewServer(dmptest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	auth, sign, err := srv.Card(pharmacist)
	if err != nil {
		log.Fatal(err)
	}
	client, err := dmp.New(dmp.Config{Environment: srv.Environment(), Roots: srv.Roots(), Certificate: auth, Signature: sign, Software: software})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	patient, err := dmptest.Patients()[0].Qualified(time.Now())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	record, err := client.Exists(ctx, pharmacist, patient)
	if err != nil {
		log.Fatal(err)
	}
	report, err := client.NewDocument(pharmacist, patient, dmp.Report{
		Title: "Compte rendu d'entretien pharmaceutique", Type: dmp.Interview,
		File: dmp.Bytes("application/pdf", []byte("%PDF-1.4 … pdfaid:part …")),
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Submit(ctx, pharmacist, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{report}}); err != nil {
		log.Fatal(err)
	}

	found, err := client.Search(ctx, pharmacist, patient, dmp.Query{
		Record:  record,
		Classes: []socle.Code{{Code: "10"}}, // comptes rendus
		Created: dmp.Period{From: time.Now().AddDate(-2, 0, 0)},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range found.Entries {
		fmt.Println(e.Type.Display, "by", e.Authors[0].Name(), "from the patient:", e.FromPatient)
	}
	for doc, err := range client.Retrieve(ctx, pharmacist, patient, dmp.Retrieval{Record: record, Entries: found.Entries}) {
		if err != nil {
			log.Fatal(err)
		}
		content, err := io.ReadAll(doc) // its end vouches for the whole
		if err != nil {
			log.Fatal(err)
		}
		cda, err := dmp.ParseCDA(content)
		if err != nil {
			log.Fatal(err)
		}
		if id, err := patient.Sendable(); err != nil || !cda.IsOf(id) {
			log.Fatal("a document of somebody else")
		}
		fmt.Println(cda.Title, cda.ID == doc.Entry.ID)
	}
	// Output:
	// CR d'entretien pharmaceutique by Paule ARNICA from the patient: false
	// Compte rendu d'entretien pharmaceutique true
}
