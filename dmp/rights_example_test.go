package dmp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

// atCounter gives a client in mode AIR of an emulator, and a patient of it: the
// pharmacist logged in with the e-CPS, and the pharmacy has its two certificates.
func atCounter(name string) (client *dmp.Client, patient ins.Identity, closeAll func()) {
	srv, err := dmptest.NewServer(dmptest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	auth, sign, err := srv.Organisation(pharmacy)
	if err != nil {
		log.Fatal(err)
	}
	environment := srv.Environment()
	environment.Web = "https://web-ps.example"
	client, err = dmp.New(dmp.Config{Environment: environment, Roots: srv.Roots(), Certificate: auth, Signature: sign, Software: software, Mode: dmp.AIR})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range dmptest.Patients() {
		if p.Traits.BirthName == name {
			if patient, err = p.Qualified(time.Now()); err != nil {
				log.Fatal(err)
			}
		}
	}
	return client, patient, func() { client.Close(); srv.Close() }
}

// A patient whose record the pharmacist may not read yet says yes at the counter.
func ExampleClient_Authorize() {
	client, patient, closeAll := atCounter("AUTORISEPAS")
	defer closeAll()
	ctx := context.Background()
	record, err := client.Exists(ctx, pharmacist, patient)
	if err != nil {
		log.Fatal(err)
	}
	if err := record.CanRead(); errors.Is(err, dmp.ErrNotAuthorized) {
		fmt.Println(err)
		consent := time.Now() // asked for, heard, and kept
		if _, err := client.Authorize(ctx, pharmacist, patient, dmp.Decision{Record: record, At: consent}); err != nil {
			log.Fatal(err)
		}
	}
	if record, err = client.Exists(ctx, pharmacist, patient); err != nil {
		log.Fatal(err)
	}
	fmt.Println("now:", record.Authorization, record.CanRead())
	// Output:
	// dmp: TD3.1a: the patient has not authorized the professional; ask for the patient's consent, then call Authorize
	// now: VALIDE <nil>
}

// The regulation of emergency calls looks for a patient who cannot say more than
// a name. What it finds are candidates: their traits are for choosing.
func ExampleClient_FindPatient() {
	client, _, closeAll := atCounter("DUCHAMPS")
	defer closeAll()
	regulation := client.With(dmp.Access{Mode: dmp.Regulation})
	found, err := regulation.FindPatient(context.Background(), pharmacist, dmp.PatientQuery{FamilyName: "Duch", Sex: ins.Female, City: "Lyon"})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range found.List {
		fmt.Println(c.Title(), c.Traits().GivenNames, c.UsedName(), c.Traits().BirthDate.Wire(), c.Score, "%", c.State)
		fmt.Println(c.INS(), c.OpposesRegulation)
	}
	fmt.Println(found.Remaining, "more")
	// Output:
	// Mme PATRICIA DUCHAMPS 1904-01-28 80 % open
	// INS-NIR-TEST [redacted] false
	// 0 more
}

// A button opens the vaccination book of the patient in the browser: the
// address holds the matricule, and shows it nowhere.
func ExampleClient_WebURL() {
	client, patient, closeAll := atCounter("HALL")
	defer closeAll()
	u, err := client.WebURL(context.Background(), pharmacist, patient, dmp.PageVaccinationBook)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u)
	fmt.Println(len(u.Open()) - len("https://web-ps.example/AccesDirect/CarnetVaccination/")) // openBrowser(u.Open())
	// Output:
	// https://web-ps.example/AccesDirect/CarnetVaccination/[redacted]
	// 15
}

// A patient in danger cannot authorize anybody: the professional breaks the glass, and
// tells why. The administrative data say whether the patient opposes it.
func ExampleClient_With() {
	client, patient, closeAll := atCounter("URGENCE")
	defer closeAll()
	ctx := context.Background()
	record, err := client.Exists(ctx, pharmacist, patient)
	if err != nil {
		log.Fatal(err)
	}
	known, err := client.Administrative(ctx, pharmacist, patient, record)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Search(ctx, pharmacist, patient, dmp.Query{Record: known.Record})
	fmt.Println(errors.Is(err, dmp.ErrNotAuthorized))

	glass := client.With(dmp.Access{Mode: dmp.BreakGlass, Reason: "patient inconscient au comptoir"})
	found, err := glass.Search(ctx, pharmacist, patient, dmp.Query{Record: known.Record})
	fmt.Println(len(found.Entries), "documents,", err)
	// Output:
	// true
	// 0 documents, <nil>
}

// The shop is testing, and wants the DMP itself to refuse: the rule is set aside, and the
// audit trail says so.
func ExampleClient_Override() {
	client, patient, closeAll := atCounter("BLOCH")
	defer closeAll()
	ctx := context.Background()
	record, err := client.Exists(ctx, pharmacist, patient)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Search(ctx, pharmacist, patient, dmp.Query{Record: record})
	fmt.Println(errors.Is(err, dmp.ErrBlocked))
	_, err = client.Override("scénario d'homologation", dmp.RuleAuthorization).Search(ctx, pharmacist, patient, dmp.Query{Record: record})
	fmt.Println(errors.Is(err, dmp.ErrAccessDenied))
	// Output:
	// true
	// true
}
