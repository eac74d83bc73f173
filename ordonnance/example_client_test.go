package ordonnance_test

import (
	"context"
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

// A prescription is read, then dispensed, against the emulator.
func ExampleClient() {
	server, err := ordonnancetest.NewServer(ordonnancetest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	patient, written := somebody(), time.Now().Add(-time.Hour)
	id, _ := patient.Sendable()
	number, err := server.Load(ordonnancetest.Document(ordonnance.Patient{INS: id, Traits: patient.Traits()}, "", written))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, actor, err := pharmacy(server, "1060016219")
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	read := ordonnance.ReadRequest{Patient: patient, Number: number}
	claim, err := client.Read(ctx, actor, read)
	if err != nil && socle.OutcomeOf(err) == socle.OutcomeUnknown {
		claim, err = client.Recover(ctx, actor, read) // the answer was lost
	}
	if err != nil {
		fmt.Println(err)
		return
	}

	// An outcome for every line: all as prescribed, but one.
	done := claim.Prescription.NewDispensation(time.Now())
	done.Items[1] = ordonnance.Item{Line: 2, Outcome: ordonnance.NotDispensed, Reason: "allergie signalée par la patiente"}
	receipt, err := client.Dispense(ctx, actor, ordonnance.DispenseRequest{Patient: patient, Claim: claim, Dispensation: done})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(receipt.Status, receipt.Lines[1], receipt.Lines[2])
	// Output: partly-dispensed partial refused
}

// pharmacy gives a client with the certificate of a structure, and its
// pharmacist, here without Pro Santé Connect: a *psc.Session is a Session too.
func pharmacy(server *ordonnancetest.Server, finess string) (*ordonnance.Client, socle.Actor, error) {
	structure, err := socle.ParseStructureID(finess)
	if err != nil {
		return nil, socle.Actor{}, err
	}
	person, err := socle.ParsePersonID("899900063480")
	if err != nil {
		return nil, socle.Actor{}, err
	}
	certificate, err := server.ClientCertificate(structure)
	if err != nil {
		return nil, socle.Actor{}, err
	}
	client, err := ordonnance.New(ordonnance.Config{
		Environment: server.Environment(),
		Software:    socle.Software{Name: "LGO", Version: "1.0"},
		Certificate: certificate,
		Roots:       server.Authority().Roots(),
	})
	return client, server.Actor(socle.Professional{
		ID:         person,
		Profession: socle.Code{Code: socle.ProfessionPharmacist, System: socle.OIDProfession},
		Structure:  socle.Structure{ID: structure, Sector: socle.Code{Code: "SA33", System: socle.OIDSector}},
	}), err
}

// somebody gives an identity that INSi confirmed and a document proved: package
// ins makes it at the counter.
func somebody() ins.Identity {
	now := time.Now()
	number, _ := ins.Parse("279035121518989", "1.2.250.1.213.1.4.10")
	traits := ins.Traits{BirthName: "PAT-TROIS", GivenNames: "DOMINIQUE", Sex: ins.Female, BirthDate: ins.BirthDate{Year: 1979, Month: 3, Day: 28}}
	id, _ := ins.NewIdentity(traits)
	id, _ = id.Accept(ins.Result{Active: number, Traits: traits, At: now}, ins.Acceptance{At: now, By: "example"})
	id, _ = id.Prove(ins.Evidence{Kind: ins.IDCard, At: now, By: "example"})
	return id
}
