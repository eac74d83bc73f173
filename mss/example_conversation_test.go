package mss_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// Messages of the inbox and of the folder of sent messages make conversations.
func ExampleThreads() {
	message := func(day int, from, header string) mss.Summary {
		m := mss.ParseMessage([]byte("From: <" + from + ">\r\n" + header + "\r\n\r\nBonjour"))
		m.Received = time.Date(2026, 10, day, 9, 0, 0, 0, time.UTC)
		return m.Summary
	}
	for _, t := range mss.Threads([]mss.Summary{
		message(5, "279035121518989@patient.mssante.fr", "Message-ID: <1@mes>\r\nSubject: Mon ordonnance"),
		message(6, "cabinet@medecin.mssante.fr", "Message-ID: <7@cabinet>\r\nSubject: Votre intervention"),
		message(7, "officine@pharmacie.mssante.fr", "To: <279035121518989@patient.mssante.fr>\r\nMessage-ID: <2@officine>\r\nIn-Reply-To: <1@mes>\r\nSubject: Re: Mon ordonnance\r\nX-MSS-MES: FIN"),
	}) {
		fmt.Println(t.Subject, len(t.Messages), "closed:", t.Closed)
	}
	// Output:
	// Mon ordonnance 2 closed: true
	// Votre intervention 1 closed: false
}

// A patient sends a photo to the pharmacy. The pharmacist forwards it to the
// prescriber, then cancels and replaces what they wrote.
func ExampleMailbox_Forward() {
	box, server, err := counterMailbox()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	defer box.Close()
	ctx := context.Background()
	_, err = server.DeliverFromPatient(box.Address().Wire(), msstest.PatientMessage{Matricule: "279035121518989", Name: "Anne Essai", Subject: "Mon ordonnance",
		Text: "Bonjour, la voici.", Files: map[string][]byte{"photo.jpg": []byte("\xff\xd8\xff")}})
	if err != nil {
		log.Fatal(err)
	}
	prescriber, err := mss.ParseAddress("cabinet@medecin.formation.mssante.fr")
	if err != nil {
		log.Fatal(err)
	}
	for summary, err := range box.List(ctx, mss.UID{}) {
		if err != nil {
			log.Fatal(err)
		}
		message, err := box.Read(ctx, summary.UID)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(message.Prescriptions())
		report, err := box.Forward(ctx, message, mss.Draft{To: []mss.Address{prescriber}, Text: "Pouvez-vous confirmer la posologie ?"})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("forwarded:", report.Submitted, report.SentCopy, len(report.Degraded))
	}
	sent := mss.ParseMessage(server.Messages(box.Address().Wire(), "Sent")[0]) // Read gives it too
	report, err := box.Replace(ctx, sent, mss.Draft{Text: "La posologie est lisible, ne tenez pas compte de ma question."})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("replaced:", report.Submitted)
	last := server.Messages(prescriber.Wire(), "INBOX")[1]
	fmt.Println(mss.ParseMessage(last).Subject)
	// Output:
	// [prescription photo likely]
	// forwarded: true true 0
	// replaced: true
	// Annule et remplace : Tr: Mon ordonnance
}

// A document that came by MSSanté is filed into the DMP of the patient whom the
// pharmacist has chosen.
func ExampleDocument_File() {
	file := func(client *dmp.Client, who socle.Professional, patient ins.Identity, d mss.Document, filed []mss.Filed) error {
		switch standing, _ := d.Among(filed); standing {
		case mss.StandingNew, mss.StandingVersion:
		default:
			return fmt.Errorf("not filed: %s", standing)
		}
		doc, err := d.File(client, who, patient, mss.FileOptions{})
		if err != nil {
			return err // mss.IntegrationOf(err) is what Acknowledge tells the sender
		}
		record, err := client.Exists(context.Background(), who, patient)
		if err != nil {
			return err
		}
		_, err = client.Submit(context.Background(), who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{doc}})
		return err
	}
	server, err := dmptest.NewServer(dmptest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, who, patient, message, err := cameByMail(server)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	d := message.Documents[0]
	fmt.Println(file(client, who, patient, d, nil))
	fmt.Println(file(client, who, patient, d, []mss.Filed{{ID: d.ID, Hash: d.Hash}}))
	fmt.Println(file(client, who, patient, message.Documents[1], nil))
	// Output:
	// <nil>
	// not filed: duplicate
	// mss: file: document not filed (903): INS non présent dans le document
}

// counterMailbox opens the mailbox of a pharmacy at an emulated operator.
func counterMailbox() (*mss.Mailbox, *msstest.Server, error) {
	const mailbox, pharmacist = "claire.officine@pharmacie.formation.mssante.fr", "899900000003"
	server, err := msstest.NewServer(msstest.Options{
		Introspect: func(_ context.Context, token string) (string, bool, error) { return pharmacist, token == "jeton", nil },
		Mailboxes:  []msstest.Mailbox{{Address: mailbox, Openers: []string{pharmacist}}, {Address: "cabinet@medecin.formation.mssante.fr"}},
	})
	if err != nil {
		return nil, nil, err
	}
	client, err := mss.New(mss.Config{Environment: server.Environment(), Roots: server.Roots(),
		Software: socle.Software{Name: "LGO", Version: "1.0", Homologation: map[socle.Service]string{socle.ServiceMSS: "3734"}}})
	if err != nil {
		return nil, nil, err
	}
	address, err := mss.ParseAddress(mailbox)
	if err != nil {
		return nil, nil, err
	}
	id, err := socle.ParsePersonID(pharmacist)
	if err != nil {
		return nil, nil, err
	}
	box, err := client.Open(context.Background(), mss.Access{Address: address, Actor: socle.Actor{
		Professional: socle.Professional{ID: id, GivenName: "Claire", FamilyName: "OFFICINE"},
		Tokens:       socle.TokenFunc(func(context.Context) (string, error) { return "jeton", nil }),
	}})
	return box, server, err
}
