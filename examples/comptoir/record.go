package main

import (
	"context"
	"io"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/mss"
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

// authorize tells the DMP that the patient agreed, there at the counter.
func (v *visit) authorize(ctx context.Context, d detail) error {
	if v.dossier.CanRead() == nil {
		d["autorisation"] = "déjà donnée"
		return nil
	}
	_, err := v.record.Authorize(ctx, v.who, v.patient, dmp.Decision{Record: v.dossier, At: v.clock.Now()})
	if err != nil {
		return err
	}
	v.dossier, err = v.record.Exists(ctx, v.who, v.patient)
	d["autorisation"] = string(v.dossier.Authorization)
	return err
}

// search lists what others added.
func (v *visit) search(ctx context.Context, d detail) error {
	found, err := v.record.Search(ctx, v.who, v.patient, dmp.Query{Record: v.dossier})
	if err != nil {
		return err
	}
	v.documents = found.Entries
	var titles []string
	for _, e := range found.Entries {
		titles = append(titles, e.Type.Code+" "+e.Title)
	}
	d["documents"] = titles
	return nil
}

// open reads the most recent, and shows what a person reads of it.
func (v *visit) open(ctx context.Context, d detail) error {
	if len(v.documents) == 0 {
		d["document"] = "aucun"
		return nil
	}
	for doc, err := range v.record.Retrieve(ctx, v.who, v.patient, dmp.Retrieval{Record: v.dossier, Entries: v.documents[:1]}) {
		if err != nil {
			return err
		}
		content, err := io.ReadAll(doc)
		if err != nil {
			return err
		}
		read, err := dmp.ParseCDA(content)
		if err != nil {
			return err
		}
		d["document"], d["octets"] = read.Title, len(content)
		if len(read.Sections) > 0 {
			d["rubrique"] = read.Sections[0].Title
		}
	}
	return nil
}

// file adds the document that the patient sent by mail, unless the DMP has it.
func (v *visit) file(ctx context.Context, d detail) error {
	for _, received := range v.message.Documents {
		var filed []mss.Filed
		for _, e := range v.documents {
			filed = append(filed, mss.Filed{ID: e.ID, Hash: e.Hash})
		}
		standing, _ := received.Among(filed)
		d["rapprochement"] = string(standing)
		if standing != mss.StandingNew {
			continue
		}
		document, err := received.File(v.record, v.who, v.patient, mss.FileOptions{})
		if err != nil {
			return err
		}
		receipt, err := v.record.Submit(ctx, v.who, v.patient, dmp.Submission{Record: v.dossier, Documents: []*dmp.Document{document}})
		if err != nil {
			return err
		}
		d["document"] = receipt.Documents[0].ID
	}
	return nil
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
