package ins_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// theDay is when the examples take place.
var theDay = time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)

// exampleIdentity is an official fictitious patient whose identity is qualifiée.
func exampleIdentity() ins.Identity {
	id, err := ins.Parse("279035121518989", "1.2.250.1.213.1.4.10")
	if err != nil {
		panic(err)
	}
	t, err := ins.Traits{BirthName: "PAT-TROIS", GivenNames: "DOMINIQUE MARIE-LOUISE", Sex: ins.Female,
		BirthDate: ins.BirthDate{Year: 1979, Month: 3, Day: 28}, BirthPlace: "51215"}.Normalize()
	if err != nil {
		panic(err)
	}
	identity, err := ins.NewIdentity(t)
	if err == nil {
		identity, err = identity.Accept(ins.Result{Active: id, Traits: t, At: theDay}, ins.Acceptance{At: theDay})
	}
	if err == nil {
		identity, err = identity.Prove(ins.Evidence{Kind: ins.IDCard, At: theDay})
	}
	if err != nil {
		panic(err)
	}
	return identity
}

// What a screen shows before the user takes the answer of INSi.
func ExampleDifferences() {
	local := ins.Traits{BirthName: "DUPRÉ", FirstGivenName: "ZOÉ", Sex: ins.Female, BirthDate: ins.BirthDate{Year: 1975, Month: 12, Day: 31}}
	insi := ins.Traits{BirthName: "DUPRES", GivenNames: "ZOE MARIE", Sex: ins.Female, BirthDate: ins.BirthDate{Year: 1975, Month: 12, Day: 31}, BirthPlace: "63220"}
	for _, d := range ins.Differences(local, insi) {
		fmt.Printf("%s: %q %q %s\n", d.Label, d.Local, d.INSi, d.Grade)
	}
	fmt.Println("to decide:", ins.Compare(local, insi).Discordances())
	// Output:
	// nom de naissance: "DUPRÉ" "DUPRES" discordant
	// premier prénom de naissance: "ZOÉ" "ZOE" cosmetic
	// liste des prénoms de naissance: "ZOÉ" "ZOE MARIE" completed
	// sexe: "F" "F" identical
	// date de naissance: "31/12/1975" "31/12/1975" identical
	// lieu de naissance: "" "63220" completed
	// to decide: [birth name]
}

// INSi no longer confirms an INS: it falls, and whoever received it must be told.
func ExampleIdentity_Downgrade() {
	identity := exampleIdentity()
	identity, err := identity.Downgrade(ins.VerificationFailed, ins.Validee, theDay, "the pharmacist")
	fmt.Println(identity.Status(), err)
	_, err = identity.Sendable()
	fmt.Println(errors.Is(err, ins.ErrNotQualified))
	last := identity.Changes()[2]
	fmt.Println(last.Event, last.Requirement, "- withdrawn:", last.Withdrawn)
	// Output:
	// validée <nil>
	// true
	// downgraded SC.INS/va1.08 - withdrawn: INS-NIR-TEST [redacted]
}

func ExampleIdentity_Mark() {
	identity, err := exampleIdentity().Mark(ins.Douteuse, theDay, "the pharmacist")
	fmt.Println(identity.Status(), err)
	fmt.Println(identity.CanQuery())
	_, err = identity.Prove(ins.Evidence{Kind: ins.Passport, At: theDay})
	fmt.Println(err)
	// Output:
	// provisoire <nil>
	// ins: identity: INSi may not be asked about an identity that is douteuse (EXI SI 09, SC.INS/va1.20)
	// ins: identity: an identity that is douteuse stays provisoire (EXI SI 09, SC.INS/va1.44)
}

func ExampleReverification() {
	identity := exampleIdentity()
	for _, years := range []int{0, 3, 5} {
		d := ins.Reverification{}.Of(identity, theDay.AddDate(years, 0, 0))
		fmt.Println(years, "years:", d.State)
	}
	// Output:
	// 0 years: confirmed
	// 3 years: due
	// 5 years: overdue
}

func ExampleAuditor() {
	auditor := ins.Auditor{Reference: "record 7", Watch: socle.Watch{
		AuditKey: []byte("a key of the structure"),
		Audit: func(_ context.Context, r socle.AuditRecord) {
			fmt.Println(r.Operation, r.Code, r.Reference, r.Patient != "", r.Reason)
		},
	}}
	before := exampleIdentity()
	after, err := before.Mark(ins.Fictive, theDay, "the pharmacist")
	if err != nil {
		panic(err)
	}
	auditor.Tell(context.Background(), before, after) // once after is stored
	// Output:
	// identity.marked QUAL>PROV record 7 true the identity is fictive (EXI ID 24, SC.INS/va1.44)
}
