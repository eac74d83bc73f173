package mss_test

import (
	"context"
	"fmt"
	"log"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// An automaton opens the applicative mailbox (BAL APP) of its structure with the
// certificate ORG AUTH_CLI, without anybody being logged in.
func ExamplePlain() {
	const results = "automate@pharmacie.formation.mssante.fr"
	server, err := msstest.NewServer(msstest.Options{
		Introspect: func(context.Context, string) (string, bool, error) { return "", false, nil }, // nobody
		Mechanisms: []string{msstest.XOAUTH2, msstest.Plain},
		Mailboxes:  []msstest.Mailbox{{Address: results, Certificate: "automate.pharmacie.test", Password: "factice"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	// Yours comes from the IGC-Santé: socle.LoadPKCS12.
	certificate, err := server.ClientCertificate("10B0127189", "automate.pharmacie.test")
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
	address, err := mss.ParseAddress(results)
	if err != nil {
		log.Fatal(err)
	}
	structure, err := socle.ParseStructureID("10B0127189")
	if err != nil {
		log.Fatal(err)
	}
	box, err := client.Open(context.Background(), mss.Access{
		Address: address,
		Auth:    mss.Plain(certificate, "", "factice"), // the user is the address (MSS/CONF.12)
		Actor:   socle.Actor{Professional: socle.Professional{Structure: socle.Structure{ID: structure, Name: "Pharmacie du Marché"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer box.Close()
	fmt.Println("open by", mss.Plain(certificate, "", "factice"))
	// Output: open by PLAIN
}
