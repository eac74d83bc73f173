package dp_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/dp/dptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ordonnance"
)

// A history is consulted and a box is fed, against the emulator.
func ExampleClient() {
	server, err := dptest.NewServer(dptest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	patient := somebody()
	id, _ := patient.Sendable()
	_ = server.AddHistory(id, dp.Entry{Line: dp.Line{Product: ordonnance.Product{Name: "IBUPROFENE 400 mg"}, HandedOver: time.Now().AddDate(0, -1, 0)},
		Pharmacy: "1580008803", PharmacyName: "PHARMACIE DU PORT"})

	// The pharmacy: its certificate, and its pharmacist, here without Pro Santé
	// Connect: a *psc.Session is a Session too.
	structure, _ := socle.ParseStructureID("1060016219")
	person, _ := socle.ParsePersonID("899900063480")
	certificate, err := server.ClientCertificate(structure)
	if err != nil {
		fmt.Println(err)
		return
	}
	actor := server.Actor(socle.Professional{
		ID:         person,
		Profession: socle.Code{Code: socle.ProfessionPharmacist, System: socle.OIDProfession},
		Structure:  socle.Structure{ID: structure, Sector: socle.Code{Code: "SA33", System: socle.OIDSector}},
	})
	client, err := dp.New(dp.Config{
		Environment: server.Environment(),
		Software:    socle.Software{Name: "LGO", Version: "1.0"},
		Certificate: certificate,
		Roots:       server.Authority().Roots(),
		Timeout:     10 * time.Second,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	visit, err := client.Open(actor, patient, dp.ForDispensation)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer visit.Close() // forgets the history
	ctx := context.Background()
	history, err := visit.Consult(ctx, dp.Query{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range history.Entries {
		fmt.Println(e.Product.Name, e.PharmacyName)
	}

	receipt, err := visit.Feed(ctx, []dp.Line{{
		ID:         "0e5a9c4e-1111-4222-8333-444455556661", // kept with the sale: feeding again changes nothing
		Product:    ordonnance.Product{Name: "PARACETAMOL MYLAN 500 mg", Codes: []socle.Code{{Code: "3400933516390", System: ordonnance.OIDCIP}}},
		Quantity:   ordonnance.Quantity{Value: 2, Unit: "30009000"},
		HandedOver: time.Now(),
	}})
	if errors.Is(err, dp.ErrUnavailable) {
		fmt.Println("feed later: the patient does not wait")
		return
	}
	fmt.Println(len(receipt.Fed), "line fed", err)
	// Output:
	// IBUPROFENE 400 mg PHARMACIE DU PORT
	// 1 line fed <nil>
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
