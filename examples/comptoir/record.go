package main

import (
	"context"

	"github.com/soclesante/socle/dmp"
)

// exists asks whether the patient has a record that may be fed.
func (v *visit) exists(ctx context.Context, d detail) (err error) {
	v.dossier, err = v.record.Exists(ctx, v.who, v.patient)
	if err != nil {
		return err
	}
	d["dossier"] = v.dossier.State.String()
	return v.dossier.CanFeed()
}

// submit adds the report to it.
func (v *visit) submit(ctx context.Context, d detail) error {
	document, err := v.record.NewDocument(v.who, v.patient, dmp.Report{Title: "Compte rendu d'entretien pharmaceutique", Type: dmp.Interview, File: v.report})
	if err != nil {
		return err
	}
	receipt, err := v.record.Submit(ctx, v.who, v.patient, dmp.Submission{Record: v.dossier, Documents: []*dmp.Document{document}})
	if err != nil {
		return err
	}
	sent := receipt.Documents[0]
	d["document"], d["octets"], d["sha1"] = sent.ID, sent.Size, sent.Hash
	return nil
}
