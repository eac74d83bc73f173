package socletest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/socletest"
)

// A vendor's own test: an answer that is lost once, seen by the emulator.
func Example() {
	clock := socletest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	authority, err := socletest.NewAuthority(clock)
	if err != nil {
		log.Fatal(err)
	}
	srv, err := dmptest.NewServer(dmptest.Options{Authority: authority, Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	pharmacy := socletest.Organisation{Structure: "10B0152872", Name: "PHARMACIE DU MARCHE", State: "Paris (75)", CommonName: "LGO"}
	auth, err := authority.Organisation(pharmacy, socletest.AuthClient)
	if err != nil {
		log.Fatal(err)
	}
	sign, err := authority.Organisation(pharmacy, socletest.Sign)
	if err != nil {
		log.Fatal(err)
	}
	client, err := dmp.New(dmp.Config{
		Environment: srv.Environment(), Roots: authority.Roots(), Certificate: auth, Signature: sign,
		Software: socle.Software{Name: "LGO Démo", Version: "1.0", Install: "5f3c9d8e-2b41-4c7a-9d2e-0a1b2c3d4e5f", OID: "1.2.250.1.999.7",
			Homologation: map[socle.Service]string{socle.ServiceDMP: "DMP-0001"}},
		Watch: socle.Watch{Clock: clock.Now},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	who := professional(pharmacy.Structure)
	patient, err := dmptest.Patients()[0].Qualified(clock.Now())
	if err != nil {
		log.Fatal(err)
	}

	srv.Fail(socletest.Fault{Operation: "TD0.2", Status: 503, Times: 3}) // as often as the client tries
	_, err = client.Exists(context.Background(), who, patient)
	fmt.Println(errors.Is(err, dmp.ErrUnavailable), socle.Retryable(err))
	record, err := client.Exists(context.Background(), who, patient)
	fmt.Println(record.State, err)
	for _, e := range srv.Journal() {
		fmt.Println(e.Operation, e.Status, e.Fault)
	}
	// Output:
	// true true
	// open <nil>
	// TD0.2 503 status 503
	// TD0.2 503 status 503
	// TD0.2 503 status 503
	// TD0.2 200
}

func professional(structure string) socle.Professional {
	id, err := socle.ParsePersonID("899900063480")
	if err != nil {
		log.Fatal(err)
	}
	place, err := socle.ParseStructureID(structure)
	if err != nil {
		log.Fatal(err)
	}
	return socle.Professional{ID: id, FamilyName: "ARNICA", GivenName: "Paule", Profession: socle.Code{Code: socle.ProfessionPharmacist},
		Speciality: socle.Code{Code: "A"}, Structure: socle.Structure{ID: place, Name: "PHARMACIE DU MARCHE", Sector: socle.Code{Code: "SA33"}}}
}
