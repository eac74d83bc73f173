package dmp_test

import (
	"context"
	"fmt"
	"log"

	"github.com/soclesante/socle/dmp"
)

// A software follows the record of a patient: it is told of what it does not
// know, keeps it, then says so.
func ExampleClient_Sync() {
	srv, client, who, patient := withCard()
	defer srv.Close()
	defer client.Close()
	ctx := context.Background()
	record, err := client.Exists(ctx, who, patient)
	if err != nil {
		log.Fatal(err)
	}
	documents := map[string]dmp.Entry{} // those of the software, by uniqueId
	follow := func() {
		pending, err := client.Sync(ctx, who, patient, dmp.Synchronization{
			Record: record, Cursors: cursors, Key: "patient 1042, pharmacist 3",
			Held: func(id string) bool { _, ok := documents[id]; return ok }, // received by mail, too
		})
		if err != nil {
			log.Fatal(err)
		}
		for _, change := range pending.Changes {
			fmt.Println(change.Kind, change.Entry.Type.Display)
			switch change.Kind {
			case dmp.DocumentRemoved:
				delete(documents, change.Entry.ID)
				continue
			case dmp.DocumentReplaced:
				delete(documents, change.Replaces)
			}
			documents[change.Entry.ID] = change.Entry
		}
		if err := pending.Taken(ctx); err != nil { // once they are kept
			log.Fatal(err)
		}
		fmt.Println("documents:", len(documents))
	}
	follow()

	report := dmp.Report{Title: "Compte rendu d'entretien pharmaceutique", Type: dmp.Interview,
		File: dmp.Bytes("application/pdf", []byte("%PDF-1.4 … pdfaid:part …"))}
	submit := func() *dmp.Document {
		doc, err := client.NewDocument(who, patient, report)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := client.Submit(ctx, who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{doc}}); err != nil {
			log.Fatal(err)
		}
		return doc
	}
	doc := submit()
	follow()
	report.Edition = doc.Next()
	submit()
	follow()
	// Output:
	// documents: 0
	// added CR d'entretien pharmaceutique
	// documents: 1
	// replaced CR d'entretien pharmaceutique
	// documents: 1
}

var cursors = &dmp.MemoryCursors{} // of the software's own database, in earnest
