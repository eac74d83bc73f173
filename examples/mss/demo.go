package main

import (
	"context"
	"fmt"
	"io"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

const mailbox = "officine@pharmacie.formation.mssante.fr"

// demonstrate plays a morning at the pharmacy with emulators.
func demonstrate(ctx context.Context, out io.Writer) error {
	login, err := psctest.NewServer(psctest.Options{})
	if err != nil {
		return err
	}
	defer login.Close()
	operator, err := msstest.NewServer(msstest.Options{
		Mailboxes: []msstest.Mailbox{{Address: mailbox, Openers: []string{psctest.Titulaire}, Organisation: true}},
		Introspect: func(ctx context.Context, token string) (string, bool, error) {
			i, err := login.Introspect(ctx, token)
			return i.Person, i.Active, err
		},
	})
	if err != nil {
		return err
	}
	defer operator.Close()

	certificate, err := login.ClientCertificate(psctest.Pharmacy)
	if err != nil {
		return err
	}
	c := config{
		Mailbox: mailbox, Product: "3734", Person: psctest.Titulaire, ClientID: psctest.ClientID,
		login: psc.Config{Environment: login.Environment(), Certificate: certificate, Roots: login.Roots(), Wait: login.Wait},
		mail:  mss.Config{Environment: operator.Environment(), Roots: operator.Roots()},
	}
	login.Script(psctest.Titulaire, psctest.Answer{Decision: psctest.Approve})
	client, access, session, err := c.open(ctx, out)
	if err != nil {
		return err
	}
	defer func() { _ = session.Logout(context.WithoutCancel(ctx)) }()

	i := newInbox(out, func(mss.Cursor) error { return nil }) // nothing is to be found again after the demonstration
	w, err := i.watch(ctx, client, access, mss.Cursor{})
	if err != nil {
		return err
	}
	defer w.Close()
	for n, deliver := range scene(operator) {
		if err := deliver(); err != nil {
			return err
		}
		for shown := 0; shown <= n; {
			select {
			case shown = <-i.next:
			case err := <-i.ended:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d messages montrés : fin de la démonstration.\n", i.shown)
	return nil
}

// scene is what arrives, one message each.
func scene(operator *msstest.Server) []func() error {
	patient := func(m msstest.PatientMessage) func() error {
		return func() error { _, err := operator.DeliverFromPatient(mailbox, m); return err }
	}
	anne := msstest.PatientMessage{Matricule: "279035121518989", Name: "Anne Essai", Subject: "Renouvellement", Text: "Bonjour, voici mon ordonnance. Puis-je passer ce soir ?",
		Files: map[string][]byte{"ordonnance.jpg": []byte("\xff\xd8\xff\xe0 une photo")}}
	leo := msstest.PatientMessage{Matricule: "277076322082910", Name: "Léo Épreuve", Subject: "Horaires", Text: "Êtes-vous ouverts samedi ?"}
	return []func() error{
		patient(anne),
		func() error {
			return operator.Deliver(mailbox, []byte("From: Dr_Paul_MEDECIN_Cabinet du Port <paul.medecin@medecin.formation.mssante.fr>\r\nTo: <"+mailbox+">\r\n"+
				"Subject: Au sujet de votre appel\r\nMessage-ID: <1@medecin.formation.mssante.fr>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nVous pouvez substituer.\r\n"))
		},
		func() error { // the token of the connection expires: the operator hangs up, and a message comes meanwhile
			operator.Disconnect(mailbox, "token expired")
			return patient(leo)()
		},
	}
}

// software is this program.
func software(product string) socle.Software {
	return socle.Software{Name: "Messagerie d'exemple", Version: "1.0", Homologation: map[socle.Service]string{socle.ServiceMSS: product}}
}
