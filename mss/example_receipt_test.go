package mss_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// A message sent is followed by the receipts that come into the inbox.
func ExampleSent() {
	to, err := mss.ParseAddress("cabinet.medecin@medecin.formation.mssante.fr")
	if err != nil {
		log.Fatal(err)
	}
	at := time.Date(2026, 10, 5, 10, 0, 0, 0, time.UTC)
	sent := mss.NewSent("1f0c@pharmacie.formation.mssante.fr", at, to)
	sent.Submitting(at)
	sent.Submitted(nil, at) // what Mailbox.Send returned
	fmt.Println(sent.Status())

	receipt := mss.ParseMessage([]byte("From: <cabinet.medecin@medecin.formation.mssante.fr>\r\n" +
		"Subject: =?utf-8?q?=5BKO_Int=C3=A9gration_syst=C3=A8me_!=5D=5B902=5D_XDM/1.0/DDM+CR?=\r\n" +
		"In-Reply-To: <1f0c@pharmacie.formation.mssante.fr>\r\n\r\nVoir ci-joint.\r\n"))
	for _, r := range receipt.Receipts() {
		if _, err := sent.Receive(r); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(sent.Status(), sent.Recipients[0].Code, sent.Recipients[0].Text)
	// Output:
	// accepted
	// integration KO 902 Identifiant patient inconnu
}

// The operator of a mailbox is found by the records of its domain.
func ExampleDiscoverer() {
	network, err := msstest.NewNetwork(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer network.Close()
	network.AddHost("mail.operateur.mssante.fr")
	network.SetSRV("_imap._tcp.pharmacie.mssante.fr", &net.SRV{Target: "mail.operateur.mssante.fr.", Port: 143})
	network.SetSRV("_submission._tcp.pharmacie.mssante.fr", &net.SRV{Target: "mail.operateur.mssante.fr.", Port: 587})

	d, err := mss.NewDiscoverer(mss.DiscoverConfig{
		Roots: network.Roots(),
		// For the emulator alone: in real life the system resolves, and private
		// addresses are refused.
		Resolver: network, DialContext: network.DialContext, Private: []netip.Prefix{msstest.Loopback},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	mailbox, err := mss.ParseAddress("claire.officine@pharmacie.mssante.fr")
	if err != nil {
		log.Fatal(err)
	}
	found, err := d.Discover(context.Background(), mailbox)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Source, found.Environment.IMAP, found.Environment.Submission)
	// Output: srv mail.operateur.mssante.fr:143 mail.operateur.mssante.fr:587
}

// The mailboxes of pharmacies, page by page.
func ExampleDirectory_Search() {
	server, err := msstest.NewDirectory(msstest.DirectoryOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	err = server.Add(`{"resourceType":"Organization","id":"1","active":true,"name":"PHARMACIE DU MARCHE",
		"type":[{"coding":[{"system":"https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite","code":"SA33"}]}],
		"telecom":[{"system":"email","value":"officine@pharmacie.mssante.fr"}]}`)
	if err != nil {
		log.Fatal(err)
	}

	d, err := mss.NewDirectory(mss.DirectoryConfig{Key: server.Key(), Roots: server.Roots(), BaseURL: server.URL(), Watch: socle.Watch{}})
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	for l, err := range d.Search(context.Background(), mss.DirectoryQuery{Sectors: []string{"SA33", "SA38", "SA39", "SA65"}}) {
		if err != nil {
			log.Println(err) // an entry that cannot be read, or the end
			continue
		}
		fmt.Println(l.StructureName, l.Address)
	}
	// Output: PHARMACIE DU MARCHE officine@pharmacie.mssante.fr
}

func ExampleReadExtraction() {
	file := strings.NewReader("Adresse BAL|Raison Sociale structure BAL\nofficine@pharmacie.mssante.fr|PHARMACIE DU MARCHE\n")
	for row, err := range mss.ReadExtraction(file) {
		if err != nil {
			log.Println(err)
			continue
		}
		fmt.Println(row.Address(), row.StructureName)
	}
	// Output: officine@pharmacie.mssante.fr PHARMACIE DU MARCHE
}
