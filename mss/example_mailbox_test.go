package mss_test

import (
	"context"
	"fmt"
	"log"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// exampleOperator is an emulated operator with one mailbox, and what opens it.
func exampleOperator() (*msstest.Server, *mss.Client, mss.Access) {
	const (
		mailbox    = "officine@pharmacie.formation.mssante.fr"
		pharmacist = "899900000003"
	)
	server, err := msstest.NewServer(msstest.Options{
		Introspect: func(_ context.Context, token string) (string, bool, error) { return pharmacist, token == "jeton", nil },
		Mailboxes:  []msstest.Mailbox{{Address: mailbox, Openers: []string{pharmacist}}},
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
	address, err := mss.ParseAddress(mailbox)
	if err != nil {
		log.Fatal(err)
	}
	id, err := socle.ParsePersonID(pharmacist)
	if err != nil {
		log.Fatal(err)
	}
	return server, client, mss.Access{Address: address, Actor: socle.Actor{
		Professional: socle.Professional{ID: id, GivenName: "Claire", FamilyName: "OFFICINE"},
		Tokens:       socle.TokenFunc(func(context.Context) (string, error) { return "jeton", nil }), // a *psc.Session in real life
	}}
}

// writes delivers a message of a patient.
func writes(server *msstest.Server, access mss.Access, subject string) {
	_, err := server.DeliverFromPatient(access.Address.Wire(), msstest.PatientMessage{Matricule: "279035121518989", Name: "Anne Essai", Subject: subject, Text: "Bonjour"})
	if err != nil {
		log.Fatal(err)
	}
}

// A mailbox is followed from a cursor that the vendor keeps: after a restart,
// what changed comes, and nothing else.
func ExampleMailbox_Changes() {
	server, client, access := exampleOperator()
	defer server.Close()
	writes(server, access, "Renouvellement")
	writes(server, access, "Horaires")
	ctx := context.Background()
	m, err := client.Open(ctx, access)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	var stored string // in the vendor's database
	follow := func() {
		var since mss.Cursor
		if err := since.UnmarshalText([]byte(stored)); err != nil {
			log.Fatal(err)
		}
		for c, err := range m.Changes(ctx, "", since) {
			if err != nil {
				log.Fatal(err)
			}
			switch c.Kind {
			case mss.ChangeRenumbered:
				fmt.Println("forget what was known of this folder")
			case mss.ChangeArrived:
				fmt.Println("arrived:", c.Summary.Subject)
			case mss.ChangeFlags:
				fmt.Println("flags of", c.UID.Number, c.Flags)
			case mss.ChangeVanished:
				fmt.Println("gone:", c.UID.Number)
			}
			stored = c.Cursor.String() // with what was done of the change, in one transaction
		}
	}
	follow()

	if err := server.Flag(access.Address.Wire(), 1, `\Seen`); err != nil { // a colleague reads it
		log.Fatal(err)
	}
	writes(server, access, "Merci")
	follow()
	// Output:
	// arrived: Renouvellement
	// arrived: Horaires
	// flags of 1 [\Seen]
	// arrived: Merci
}

// Many mailboxes are watched by one process; each message is handed over as the
// operator pushes it.
func ExampleClient_Watch() {
	server, client, access := exampleOperator()
	defer server.Close()
	writes(server, access, "Renouvellement")
	ctx := context.Background()

	handled := make(chan struct{})
	w, err := client.Watch(ctx, mss.WatchConfig{
		Handle: func(ctx context.Context, a mss.Arrival) error {
			m, err := a.Read(ctx)
			if err != nil {
				return err // it comes again
			}
			fmt.Println(m.Sender.Kind, m.Sender.Name, "-", m.Subject)
			handled <- struct{}{} // here a vendor stores the message and a.Cursor
			return nil
		},
		Changed: func(s mss.WatchStatus) {
			if s.State == mss.WatchEnded { // ErrSessionLost: ask for a new login, then Add again
				fmt.Println("log in again")
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	if err := w.Add(access, mss.Cursor{}); err != nil { // the cursor stored last
		log.Fatal(err)
	}
	<-handled
	writes(server, access, "Merci")
	<-handled
	// Output:
	// patient Anne Essai - Renouvellement
	// patient Anne Essai - Merci
}

func ExampleMailbox_Search() {
	server, client, access := exampleOperator()
	defer server.Close()
	writes(server, access, "Renouvellement")
	writes(server, access, "Horaires")
	ctx := context.Background()
	m, err := client.Open(ctx, access)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	found, err := m.Search(ctx, mss.Query{Subject: "renouvellement", Unseen: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := m.Mark(ctx, mss.FlagSeen, found...); err != nil {
		log.Fatal(err)
	}
	moved, err := m.Move(ctx, "Archive", found...)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(found), "moved to", moved.Folder, "degraded:", len(moved.Degraded))
	// Output: 1 moved to Archive degraded: 0
}
