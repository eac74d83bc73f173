package ins_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

// An identity at the counter: searched, accepted, proved, then sent with.
func Example() {
	srv, err := instest.NewServer(instest.Options{OID: ins.OIDTest}) // INSi, on this machine
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	certificate, err := srv.ClientCertificate("10B0152872")
	if err != nil {
		panic(err)
	}
	client, err := ins.New(ins.Config{
		Environment: srv.Environment(),
		Software:    instest.Software(),
		Certificate: certificate,
		Roots:       srv.Roots(),
	})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	date, _ := ins.ParseBirthDate("2009-07-14")
	identity, err := ins.NewIdentity(ins.Traits{BirthName: "Ecetinsi", FirstGivenName: "Pierre-Alain", Sex: ins.Male, BirthDate: date})
	if err != nil {
		panic(err)
	}
	fmt.Println(identity.Status())

	search, err := client.Search(context.Background(), socle.Professional{}, identity)
	if err != nil {
		panic(err)
	}
	fmt.Println(search.Attempts[0].Asked, search.Attempts[0].Code)

	// The user sees the traits of INSi and says that it is this person.
	identity, err = identity.Accept(search.Result, ins.Acceptance{At: time.Now(), By: "the pharmacist"})
	if err != nil {
		panic(err)
	}
	fmt.Println(identity.Status())
	_, err = identity.Sendable()
	fmt.Println(errors.Is(err, ins.ErrNotQualified))

	// The person shows a passport.
	identity, err = identity.Prove(ins.Evidence{Kind: ins.Passport, At: time.Now(), By: "the pharmacist"})
	if err != nil {
		panic(err)
	}
	id, err := identity.Sendable()
	fmt.Println(identity.Status(), err)
	fmt.Println("logged as", id)
	fmt.Println("sent as", id.CX())
	// Output:
	// provisoire
	// given name 1 00
	// récupérée
	// true
	// qualifiée <nil>
	// logged as INS-NIR-TEST [redacted]
	// sent as 109076322083489^^^&1.2.250.1.213.1.4.10&ISO^NH
}

func ExampleParseMatricule() {
	m, err := ins.ParseMatricule("180032B02040123")
	fmt.Println(m, m.Key(), err)
	_, err = ins.ParseMatricule("180032B02040124")
	fmt.Println(err)
	// Output:
	// [redacted] 23 <nil>
	// ins: matricule: wrong key: the last two digits do not follow from the first 13 characters
}

func ExampleTraits_Normalize() {
	t, err := ins.Traits{
		BirthName:  "d’Artagnan de l’Hérault",
		GivenNames: "Cœur-Æmilien",
		Sex:        ins.Male,
		BirthDate:  ins.BirthDate{Year: 2001, Month: 6, Day: 17},
		BirthPlace: "2a020",
	}.Normalize()
	fmt.Println(t.BirthName, t.First(), t.BirthPlace, err)
	_, err = ins.Traits{BirthName: "L0UIS", GivenNames: "Jean ", Sex: "H", BirthDate: ins.BirthDate{Year: 2001, Month: 2, Day: 30}}.Normalize()
	fmt.Println(err)
	// Output:
	// D'ARTAGNAN DE L'HERAULT COEUR-AEMILIEN 2A020 <nil>
	// ins: traits: birth name: it holds a character other than letters, space, apostrophe and hyphen (EF_INS10_01, EF_INS10_02)
	// ins: traits: sex: M, F or I expected (SC.INS/va1.21)
	// ins: birth date: this month has no such day
}

func ExampleCompare() {
	local := ins.Traits{BirthName: "DE L'HERAULT", FirstGivenName: "JEAN-CHRISTOPHE", Sex: ins.Male}
	insi := ins.Traits{BirthName: "DE L HERAULT", GivenNames: "JEAN CHRISTOPHE PIERRE", Sex: ins.Male, BirthPlace: "63220"}
	c := ins.Compare(local, insi)
	fmt.Println(c.BirthName, c.FirstGivenName, c.BirthPlace, c.Sex)
	fmt.Println(c.Worst())
	// Output:
	// cosmetic cosmetic completed identical
	// completed
}

func ExampleBirthDate_Estimate() {
	d, _ := ins.ParseBirthDate("1952-00-00")
	e, estimated := d.Estimate()
	fmt.Println(e.Wire(), estimated)
	// Output: 1952-12-31 true
}
