package ordonnance_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

func ExampleParseCDA() {
	// A document of our own; os.ReadFile gives a real one.
	document := ordonnancetest.Document(ordonnance.Patient{INS: mustINS(), Traits: testTraits()}, "01S2TBPZ2JCNZZYGHZ", start)

	p, err := ordonnance.ParseCDA(document)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Number, p.Prescriber.FullName())
	for _, l := range p.Lines {
		fmt.Printf("%d. %s: %s (CIP %s)\n", l.Index, l.Text, l.Drug.Dosing.Text, l.Drug.Product.CIP13())
	}
	// Output:
	// 01S2TBPZ2JCNZZYGHZ Camille ESSAI
	// 1. PARACETAMOL MYLAN 500 mg, comprimé: 1 à 2 comprimés toutes les 8 heures si douleur, pendant 5 jours (CIP 3400933516390)
	// 2. AMOXICILLINE BIOGARAN 500 mg, gélule: 1 à 2 gélules matin et soir pendant 6 jours (CIP 3400933857042)
}

func ExampleClient() {
	// The emulator, with one prescription in its base.
	server, err := ordonnancetest.NewServer(ordonnancetest.Options{Clock: emulator.NewClock(start)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	number, _ := server.Load(ordonnancetest.Document(ordonnance.Patient{INS: mustINS(), Traits: testTraits()}, "01S2TBPZ2JCNZZYGHZ", start))

	// The pharmacy: its certificate, its pharmacist (here without Pro Santé
	// Connect) and the patient's qualified identity.
	structure, _ := socle.ParseStructureID("1060016219")
	person, _ := socle.ParsePersonID("899900063480")
	certificate, _ := server.ClientCertificate(structure)
	actor := server.Actor(socle.Professional{ID: person, Profession: socle.Code{Code: socle.ProfessionPharmacist}, Structure: socle.Structure{ID: structure}})
	patient := exampleIdentity()

	client, err := ordonnance.New(ordonnance.Config{
		Environment: server.Environment(),
		Software:    socle.Software{Name: "LGO", Version: "1.0"},
		Certificate: certificate,
		Roots:       server.Authority().Roots(),
		Watch:       socle.Watch{Clock: server.Clock().Now},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	read := ordonnance.ReadRequest{Patient: patient, Number: number}
	claim, err := client.Read(ctx, actor, read)
	if socle.OutcomeOf(err) == socle.OutcomeUnknown {
		claim, err = client.Recover(ctx, actor, read) // the answer was lost
	}
	if err != nil {
		fmt.Println(err)
		return
	}

	// An outcome for every line: all as prescribed, but one.
	done := claim.Prescription.NewDispensation(start)
	done.Items[1] = ordonnance.Item{Line: 2, Outcome: ordonnance.NotDispensed, Reason: "allergie signalée par la patiente"}
	receipt, err := client.Dispense(ctx, actor, ordonnance.DispenseRequest{Patient: patient, Claim: claim, Dispensation: done})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(receipt.Status, receipt.Lines[1], receipt.Lines[2])
	// Output: partly-dispensed partial refused
}

func ExampleError() {
	server, _ := ordonnancetest.NewServer(ordonnancetest.Options{Clock: emulator.NewClock(start)})
	defer server.Close()
	number, _ := server.Load(ordonnancetest.Document(ordonnance.Patient{INS: mustINS(), Traits: testTraits()}, "01S2TBPZ2JCNZZYGHZ", start))
	pharmacy := func(finess string) (*ordonnance.Client, ordonnance.Actor) {
		structure, _ := socle.ParseStructureID(finess)
		person, _ := socle.ParsePersonID("899900063480")
		certificate, _ := server.ClientCertificate(structure)
		client, _ := ordonnance.New(ordonnance.Config{Environment: server.Environment(), Software: socle.Software{Name: "LGO", Version: "1.0"},
			Certificate: certificate, Roots: server.Authority().Roots(), Watch: socle.Watch{Clock: server.Clock().Now}})
		return client, server.Actor(socle.Professional{ID: person, Profession: socle.Code{Code: socle.ProfessionPharmacist}, Structure: socle.Structure{ID: structure}})
	}
	read := ordonnance.ReadRequest{Patient: exampleIdentity(), Number: number}
	first, firstActor := pharmacy("1060016219")
	second, secondActor := pharmacy("1580008803")
	_, _ = first.Read(context.Background(), firstActor, read)

	_, err := second.Read(context.Background(), secondActor, read)
	var e *ordonnance.Error
	if errors.Is(err, ordonnance.ErrAlreadyRead) && errors.As(err, &e) {
		fmt.Println("read by", e.Holder, "on", e.Since.Format(time.DateTime))
	}
	fmt.Println(err)
	// Output:
	// read by 1060016219 on 2026-03-02 10:00:00
	// ordonnance: Read: prescription already read by structure 1060016219 on 2026-03-02T10:00:00+01:00: a prescription is read once (already-read)
}

// exampleIdentity gives an identity that went through INSi and a document.
func exampleIdentity() ins.Identity {
	id, _ := ins.NewIdentity(testTraits())
	id, _ = id.Accept(ins.Result{Active: mustINS(), Traits: testTraits(), At: start}, ins.Acceptance{At: start, By: "example"})
	id, _ = id.Prove(ins.Evidence{Kind: ins.IDCard, At: start, By: "example"})
	return id
}
