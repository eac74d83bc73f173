package main

import (
	"context"
	"errors"

	"github.com/soclesante/socle/mss"
)

// readMail opens the pharmacy's mailbox and reads the patient's message with
// the documents that it carries.
func (v *visit) readMail(ctx context.Context, d detail) error {
	address, err := mss.ParseAddress(mailbox)
	if err != nil {
		return err
	}
	v.box, err = v.mail.Open(ctx, mss.Access{Address: address, Actor: v.actor()})
	if err != nil {
		return err
	}
	inbox := 0
	for s, err := range v.box.List(ctx, mss.UID{}) {
		if err != nil {
			return err
		}
		inbox++
		if s.Sender.Kind != mss.SenderPatient || s.Final {
			continue
		}
		if v.message, err = v.box.Read(ctx, s.UID); err != nil {
			return err
		}
	}
	d["messages"] = inbox
	if v.message == nil {
		return errors.New("aucun message de patient")
	}
	d["objet"] = v.message.Subject
	for _, doc := range v.message.Documents {
		if doc.Err != nil {
			return doc.Err
		}
		d["document joint"] = doc.Code.Code + " " + doc.Title
	}
	return errors.Join(v.message.Faults...)
}

// answer replies to the patient and closes the exchange.
func (v *visit) answer(ctx context.Context, d detail) error {
	report, err := v.box.Reply(ctx, v.message, mss.Draft{Text: "Bonjour,\n\nVotre ordonnance est prête à la pharmacie.\n\nBien à vous,\n" + v.who.FullName(), Final: true})
	if err != nil {
		return err
	}
	d["copie"], d["échange clos"] = report.SentCopy, report.Final
	for _, g := range report.Degraded {
		d["dégradé "+g.Rule] = g.Text
	}
	err = v.box.Close()
	v.box = nil
	return err
}
