package instest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

// A test of a software: a patient of its own, and INSi out of order.
func Example() {
	srv, err := instest.NewServer(instest.Options{})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	certificate, err := srv.ClientCertificate("10B0152872")
	if err != nil {
		panic(err)
	}
	client, err := ins.New(ins.Config{Environment: srv.Environment(), Software: instest.Software(), Certificate: certificate, Roots: srv.Roots(), Attempts: 1})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	traits := ins.Traits{BirthName: "SPECIMEN", GivenNames: "Anne", Sex: ins.Female, BirthDate: ins.BirthDate{Year: 1985, Month: 4, Day: 9}}
	if _, err := srv.AddPatient(traits); err != nil {
		panic(err)
	}
	r, err := client.SearchByTraits(context.Background(), socle.Professional{}, traits)
	fmt.Println(r.Active, err)

	outage := instest.Unavailable()
	srv.Inject(instest.Canned{Fault: &outage})
	_, err = client.SearchByTraits(context.Background(), socle.Professional{}, traits)
	fmt.Println(errors.Is(err, ins.ErrUnavailable), socle.Retryable(err))
	// Output:
	// INS-NIR-TEST [redacted] <nil>
	// true true
}
