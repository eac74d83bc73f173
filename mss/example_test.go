package mss_test

import (
	"context"
	"fmt"
	"log"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// A patient writes to the pharmacy from Mon espace santé. The pharmacist reads
// the message, answers and closes the exchange.
func Example() {
	const (
		mailbox    = "claire.officine@pharmacie.formation.mssante.fr"
		pharmacist = "899900000003"
	)
	// The operator. With psctest, Introspect is that of its server.
	server, err := msstest.NewServer(msstest.Options{
		Introspect: func(_ context.Context, token string) (string, bool, error) { return pharmacist, token == "jeton", nil },
		Mailboxes:  []msstest.Mailbox{{Address: mailbox, Openers: []string{pharmacist}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	_, err = server.DeliverFromPatient(mailbox, msstest.PatientMessage{
		Matricule: "279035121518989", Name: "Anne Essai", Subject: "Renouvellement", Text: "Bonjour, avez-vous reçu mon traitement ?",
	})
	if err != nil {
		log.Fatal(err)
	}

	client, err := mss.New(mss.Config{
		Environment: server.Environment(),
		Roots:       server.Roots(),
		Software:    socle.Software{Name: "LGO", Version: "1.0", Homologation: map[socle.Service]string{socle.ServiceMSS: "3734"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	address, err := mss.ParseAddress(mailbox)
	if err != nil {
		log.Fatal(err)
	}
	id, err := socle.ParsePersonID(pharmacist)
	if err != nil {
		log.Fatal(err)
	}
	m, err := client.Open(ctx, mss.Access{
		Address: address,
		Actor: socle.Actor{
			Professional: socle.Professional{ID: id, GivenName: "Claire", FamilyName: "OFFICINE", Structure: socle.Structure{Name: "Pharmacie du Marché"}},
			// A *psc.Session in real life.
			Tokens: socle.TokenFunc(func(context.Context) (string, error) { return "jeton", nil }),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	for s, err := range m.List(ctx, mss.UID{}) {
		if err != nil {
			log.Fatal(err)
		}
		message, err := m.Read(ctx, s.UID)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s (%s) : %s\n", message.Sender.Name, message.Sender.Kind, message.Text)
		report, err := m.Reply(ctx, message, mss.Draft{Text: "Oui, il vous attend.", Final: true})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("sent:", report.Submitted, "closed:", report.Final, "degraded:", len(report.Degraded))
	}
	// Output:
	// Anne Essai (patient) : Bonjour, avez-vous reçu mon traitement ?
	// sent: true closed: true degraded: 0
}

func ExampleParseMessage() {
	m := mss.ParseMessage([]byte("From: Dr_Marie_MARTIN_Cabinet Medical <marie.martin@medecin.mssante.fr>\r\n" +
		"Subject: XDM/1.0/DDM+Compte rendu\r\n\r\nBonjour\r\n"))
	fmt.Println(m.Sender.Kind, m.Sender.Label.FamilyName, m.Subject)
	// Output: professional MARTIN Compte rendu
}

func ExampleLabel_String() {
	fmt.Println(mss.Label{Title: "Dr", GivenName: "Marie", FamilyName: "Martin", Entity: "Cabinet Medical"})
	fmt.Println(mss.Label{Entity: "Hopital C – Biologie"})
	// Output:
	// Dr_Marie_MARTIN_Cabinet Medical
	// Hopital C – Biologie
}

func ExampleAddress() {
	a, err := mss.ParseAddress("279035121518989@patient.mssante.fr")
	fmt.Println(a, a.IsPatient(), err)
	// Output: …@patient.mssante.fr true <nil>
}
