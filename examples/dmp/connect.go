package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

// desk is the counter: who works there, who stands before it, and what is known
// of the record.
type desk struct {
	client   *dmp.Client
	who      socle.Professional
	patient  ins.Identity
	record   dmp.Record
	found    []dmp.Entry // the last list
	accesses func() []dmptest.Access
	out      io.Writer
}

// connect gives a counter before an emulator of the DMP in this program. For the
// real service, Environment becomes dmp.Production(), the two certificates
// those of the pharmacy (socle.LoadPKCS12), Roots those of the IGC-Santé, and
// Software holds the CNDA's homologation number; the professional comes from a
// session of Pro Santé Connect (psc.Session.Professional), the patient from INSi (package ins).
func connect(name, reason string) (d *desk, closeAll func(), err error) {
	srv, err := dmptest.NewServer(dmptest.Options{})
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			srv.Close()
		}
	}()
	who, err := pharmacist("810000000017", "ARNICA", "Paule", "1750000010", "PHARMACIE DES ARCADES")
	if err != nil {
		return nil, nil, err
	}
	client, err := clientOf(srv, who)
	if err != nil {
		return nil, nil, err
	}
	d = &desk{client: client, who: who}
	known, err := find(name)
	if err == nil {
		d.patient, err = known.Qualified(time.Now())
	}
	if err == nil && known.State == dmp.StateOpen {
		err = feedElsewhere(srv, d.patient, known.INS)
	}
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	if reason != "" {
		d.client = client.With(dmp.Access{Mode: dmp.BreakGlass, Reason: reason})
	}
	d.accesses = func() []dmptest.Access { return srv.Accesses(known.INS) }
	return d, func() { client.Close(); srv.Close() }, nil
}

func clientOf(srv *dmptest.Server, who socle.Professional) (*dmp.Client, error) {
	auth, sign, err := srv.Organisation(who.Structure)
	if err != nil {
		return nil, err
	}
	return dmp.New(dmp.Config{
		Environment: srv.Environment(), Roots: srv.Roots(), Certificate: auth, Signature: sign,
		Mode: dmp.AIR, // the organisation vouches for a professional whom e-CPS authenticated
		Software: socle.Software{Name: "LGO Démo", Version: "1.0", Install: "5f3c9d8e-2b41-4c7a-9d2e-0a1b2c3d4e5f", OID: "1.2.250.1.999.7",
			Homologation: map[socle.Service]string{socle.ServiceDMP: "DMP-0001"}},
	})
}

func pharmacist(id, family, given, structure, name string) (who socle.Professional, err error) {
	who = socle.Professional{FamilyName: family, GivenName: given,
		Profession: socle.Code{Code: socle.ProfessionPharmacist}, Speciality: socle.Code{Code: "A"}, // titulaire d'officine
		Structure: socle.Structure{Name: name, Sector: socle.Code{Code: "SA33"}},
		Authn:     socle.Authentication{Means: socle.MeansMobile, At: time.Now()},
	}
	if who.ID, err = socle.ParsePersonID(id); err == nil {
		who.Structure.ID, err = socle.ParseStructureID(structure)
	}
	return who, err
}

// find gives a patient of the emulator.
func find(name string) (dmptest.Patient, error) {
	for _, p := range dmptest.Patients() {
		if p.Traits.BirthName == name {
			return p, nil
		}
	}
	return dmptest.Patient{}, fmt.Errorf("patient inconnu de l'émulateur : %q", name)
}

// feedElsewhere puts a document of another pharmacy into the record.
func feedElsewhere(srv *dmptest.Server, patient ins.Identity, id ins.INS) error {
	other, err := pharmacist("810000000025", "VERVEINE", "Rose", "1750000028", "PHARMACIE DE LA PLACE")
	if err != nil {
		return err
	}
	client, err := clientOf(srv, other)
	if err != nil {
		return err
	}
	defer client.Close()
	report, err := client.NewDocument(other, patient, dmp.Report{
		Title: "Bilan partagé de médication", Type: dmp.MedicationReview, Date: time.Now().AddDate(0, -1, 0),
		File: dmp.Bytes("text/plain", []byte("Observance bonne. Revoir le matin la prise du diurétique.\n")),
	})
	if err != nil {
		return err
	}
	r, err := report.Open()
	if err != nil {
		return err
	}
	content, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	_, err = srv.AddDocument(id, content)
	return err
}
