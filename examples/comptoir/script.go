package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/dp/dptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/mss/msstest"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
	"github.com/soclesante/socle/psc/psctest"
)

// script is what a visit is about: who comes in, with which prescription, and
// which report goes to their record.
type script struct {
	traits   ins.Traits // as typed at the counter
	report   dmp.File
	document []byte // eP-MED-DM; nil is one of our own for who comes in
	written  ordonnance.Prescription

	number ordonnance.Number // of the prescription in the base
}

// newScript reads the files and the traits of the command line, each of which
// may be empty.
func newScript(prescription, patient, document string) (*script, error) {
	s := &script{}
	var err error
	if prescription != "" {
		if s.document, err = readFile(prescription); err != nil {
			return nil, fmt.Errorf("-ordonnance : %w", err)
		}
		if s.written, err = ordonnance.ParseCDA(s.document); err != nil {
			return nil, fmt.Errorf("-ordonnance : ce fichier n'est pas une prescription eP-MED-DM lisible (%w)", err)
		}
		s.traits = s.written.Patient.Traits
	} else {
		s.traits = instest.Catalogue()[0].Traits
	}
	if patient != "" {
		if s.traits, err = parseTraits(patient); err != nil {
			return nil, fmt.Errorf("-patient : %w", err)
		}
	}
	s.report = dmp.Bytes("application/pdf", reportPDF("Compte rendu d'entretien pharmaceutique", "", "Rappel des prises et des précautions d'emploi.", "Prochain entretien dans trois mois."))
	if document != "" {
		b, err := readPDF(document)
		if err != nil {
			return nil, fmt.Errorf("-document : %w", err)
		}
		s.report = dmp.Bytes("application/pdf", b)
	}
	return s, nil
}

// set puts the people, their records and the prescription into the services.
func (s *script) set(to *stage) error {
	now := to.clock.Now()
	var visitor instest.Person
	add := func(p instest.Person) error {
		if d := ins.Compare(s.traits, p.Traits); visitor.INS.IsZero() && len(d.Discordances()) == 0 {
			visitor = p
		}
		to.dp.SetDossier(p.INS, dptest.Dossier{State: dptest.StateOpen})
		return errors.Join(
			to.ins.AddPerson(p),
			to.dmp.AddPatient(dmptest.Patient{INS: p.INS, Traits: p.Traits, State: dmp.StateOpen}),
			to.dp.AddHistory(p.INS, taken(now)...),
		)
	}

	load := ordonnancetest.Loading{Validity: ordonnance.Period{Start: now.AddDate(0, 0, -1), End: now.AddDate(0, 3, 0)}}
	if s.document != nil {
		holder := instest.Person{INS: s.written.Patient.INS, Traits: s.written.Patient.Traits}
		if holder.INS.IsZero() { // a prescription written without a qualified identity
			var err error
			if holder, err = to.ins.AddPatient(holder.Traits); err != nil {
				return fmt.Errorf("-ordonnance : patient du document : %w", err)
			}
			load.Patient = holder.INS
		}
		if err := add(holder); err != nil {
			return fmt.Errorf("-ordonnance : patient du document : %w", err)
		}
	}
	for _, p := range instest.Catalogue() {
		// The same people, under the OID that the test platforms of the other services know.
		p.INS.OID = ins.OIDTest
		if s.document != nil && p.INS.Matricule == s.written.Patient.INS.Matricule {
			continue
		}
		if err := add(p); err != nil {
			return err
		}
	}
	if visitor.INS.IsZero() { // INSi will say that it knows nobody
		return nil
	}
	own := ordonnancetest.Document(ordonnance.Patient{INS: visitor.INS, Traits: visitor.Traits}, "", now)
	document := s.document
	if document == nil {
		document = own
	}
	var err error
	if s.number, err = to.ordonnance.LoadAs(document, load); err != nil {
		return fmt.Errorf("-ordonnance : %w", err)
	}
	if _, err := to.dmp.AddDocument(visitor.INS, ordonnancetest.Document(ordonnance.Patient{INS: visitor.INS, Traits: visitor.Traits}, "", now.AddDate(0, -1, 0))); err != nil {
		return err
	}
	matricule := visitor.INS.Matricule.Wire()
	if _, err := to.mss.AddPatient(matricule); err != nil {
		return err
	}
	_, err = to.mss.DeliverFromPatient(mailbox, msstest.PatientMessage{
		Matricule: matricule, Name: visitor.Traits.First() + " " + visitor.Traits.BirthName,
		Subject: "Mon ordonnance", Text: "Bonjour, voici mon ordonnance. Est-elle prête ?",
		Documents: [][]byte{own},
	})
	return err
}

// taken is what was dispensed elsewhere before the visit.
func taken(now time.Time) []dp.Entry {
	box := func(cip, name, lot string, ago int) dp.Entry {
		return dp.Entry{
			Line: dp.Line{
				ID: uuid(), Lot: lot, HandedOver: now.AddDate(0, 0, -ago),
				Product:  ordonnance.Product{Name: name, Codes: []socle.Code{{Code: cip, System: ordonnance.OIDCIP}}},
				Quantity: ordonnance.Quantity{Value: 1, Unit: "30009000"},
			},
			Pharmacy: psctest.OtherPharmacy, PharmacyName: "PHARMACIE VOISINE",
		}
	}
	return []dp.Entry{
		box("3400930039946", "Médicament pris ailleurs", "L2407", 40),
		box("3400937916059", "Médicament de fond", "K1193", 12),
	}
}

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// lines tells the lines of a prescription.
func lines(p ordonnance.Prescription) []string {
	var out []string
	for _, l := range p.Lines {
		text := l.Text
		if l.Drug != nil && l.Drug.Product.Name != "" {
			text = l.Drug.Product.Name
		}
		if l.Drug != nil && l.Drug.Dosing.Text != "" {
			text += " — " + l.Drug.Dosing.Text
		}
		out = append(out, strings.Join(strings.Fields(text), " "))
	}
	return out
}
