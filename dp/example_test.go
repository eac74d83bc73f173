package dp_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/dp/dptest"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/ordonnance"
)

func ExampleClient() {
	// The emulator, with a patient who was given ibuprofen last month.
	server, err := dptest.NewServer(dptest.Options{Clock: emulator.NewClock(start)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	_ = server.AddHistory(testINS(), dp.Entry{Line: dp.Line{Product: ordonnance.Product{Name: "IBUPROFENE 400 mg"}, HandedOver: start.AddDate(0, -1, 0)},
		Pharmacy: "1580008803", PharmacyName: "PHARMACIE DU PORT"})

	// The pharmacy: its certificate, its pharmacist (here without Pro Santé
	// Connect) and the patient's qualified identity.
	structure, _ := socle.ParseStructureID("1060016219")
	person, _ := socle.ParsePersonID("899900063480")
	certificate, _ := server.ClientCertificate(structure)
	actor := server.Actor(socle.Professional{ID: person, Profession: socle.Code{Code: socle.ProfessionPharmacist},
		Structure: socle.Structure{ID: structure, Sector: socle.Code{Code: "SA33", System: socle.OIDSector}}})

	client, err := dp.New(dp.Config{
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
	visit, err := client.Open(actor, qualified(), dp.ForDispensation)
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
		fmt.Println(e.HandedOver.Format(time.DateOnly), e.Product.Name, e.PharmacyName)
	}

	receipt, err := visit.Feed(ctx, []dp.Line{{
		ID:         "0e5a9c4e-1111-4222-8333-444455556661", // kept with the sale: feeding again changes nothing
		Product:    ordonnance.Product{Name: "PARACETAMOL MYLAN 500 mg", Codes: []socle.Code{{Code: "3400933516390", System: ordonnance.OIDCIP}}},
		Quantity:   ordonnance.Quantity{Value: 2, Unit: "30009000"},
		HandedOver: start,
	}})
	if errors.Is(err, dp.ErrUnavailable) {
		fmt.Println("feed later; the patient does not wait")
		return
	}
	fmt.Println(len(receipt.Fed), "line fed", err)
	// Output:
	// 2026-02-02 IBUPROFENE 400 mg PHARMACIE DU PORT
	// 1 line fed <nil>
}

func ExampleCheckCIP13() {
	fmt.Println(dp.CheckCIP13("3400933516390"))
	fmt.Println(dp.CheckCIP13("3400933516391"))
	// Output:
	// <nil>
	// dp: CheckCIP13: unknown product: wrong key: the last digit does not follow from the others
}
