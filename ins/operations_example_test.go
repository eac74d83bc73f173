package ins_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/time/rate"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/pki"
)

// client makes a client of an emulator, as the other examples need it.
func client(srv *instest.Server, edit func(*ins.Config)) *ins.Client {
	cfg := ins.Config{Environment: srv.Environment(), Software: instest.Software(), Roots: srv.Roots()}
	edit(&cfg)
	c, err := ins.New(cfg)
	if err != nil {
		panic(err)
	}
	return c
}

// A professional's card signs the assertion; its key may stay in the card.
func ExampleNewCPx() {
	srv, err := instest.NewServer(instest.Options{Assertions: true})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	card, err := srv.Authority().Card(pki.Card{PersonID: "899900063480", FamilyName: "SPECIMEN", Profession: "21"}, pki.CardSign)
	if err != nil {
		panic(err)
	}
	byCard, err := ins.NewCPx(ins.CPxConfig{
		Card:       card, // with a smart card: its certificate, and its crypto.Signer as PrivateKey
		Attributes: ins.PSAttributes{BillingID: "991130972", Sector: "SA33"},
	})
	if err != nil {
		panic(err)
	}
	c := client(srv, func(cfg *ins.Config) { cfg.Authentication = byCard })
	defer c.Close()

	date, _ := ins.ParseBirthDate("1975-12-31")
	r, err := c.SearchByTraits(context.Background(), socle.Professional{}, ins.Traits{BirthName: "Adrun", GivenNames: "Zoé", Sex: ins.Female, BirthDate: date})
	fmt.Println(byCard, r.Active, err)
	// Output: card CPS INS-NIR [redacted] <nil>
}

// The carte Vitale in the reader is searched for one of its beneficiaries.
func ExampleClient_SearchByVitale() {
	srv, err := instest.NewServer(instest.Options{})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	certificate, err := srv.ClientCertificate("10B0152872")
	if err != nil {
		panic(err)
	}
	reader := srv.Reader() // the vendor's own implements ins.VitaleReader
	reader.Insert(instest.Cards()[0])
	c := client(srv, func(cfg *ins.Config) { cfg.Certificate, cfg.Vitale = certificate, reader })
	defer c.Close()

	data, err := reader.Read(2)
	if err != nil {
		panic(err)
	}
	r, err := c.SearchByVitale(context.Background(), socle.Professional{}, data)
	fmt.Println(r.Active, len(r.History), err)
	reader.Remove()
	_, err = c.SearchByVitale(context.Background(), socle.Professional{}, data)
	fmt.Println(err)
	// Output:
	// INS-NIA [redacted] 2 <nil>
	// ins: Vitale: the reader made no assertion; check that the card is in the reader: instest: no card in the reader, or it was not read
}

// A list is verified slowly, and goes on where it was stopped.
func ExampleBatchVerifier() {
	srv, err := instest.NewServer(instest.Options{})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	certificate, err := srv.ClientCertificate("10B0152872")
	if err != nil {
		panic(err)
	}
	c := client(srv, func(cfg *ins.Config) { cfg.Certificate = certificate })
	defer c.Close()
	dir, err := os.MkdirTemp("", "socle")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	journal, err := ins.OpenFileJournal(filepath.Join(dir, "verification.jsonl"))
	if err != nil {
		panic(err)
	}
	defer journal.Close()

	base := func(yield func(ins.Line, error) bool) { // the vendor's patients, in a stable order
		for i, p := range instest.Catalogue()[:6] {
			if i == 3 {
				p.Traits.BirthName = "WRONG"
			}
			if !yield(ins.Line{Ref: fmt.Sprintf("patient-%d", i), Claim: ins.Claim{INS: p.INS, Traits: p.Traits}}, nil) {
				return
			}
		}
	}
	verifier := ins.BatchVerifier{
		Verify: func(ctx context.Context, claim ins.Claim) (ins.Verification, error) {
			return c.Verify(ctx, socle.Professional{}, claim)
		},
		Journal: journal,
		Limiter: rate.NewLimiter(50, 1),
	}
	for range 2 { // the second run finds everything done
		tally, err := verifier.Run(context.Background(), base)
		fmt.Printf("%+v %v\n", tally, err)
	}
	for result, err := range journal.Results() {
		if err == nil && result.Outcome == ins.LineRefuted {
			fmt.Println("drop the INS of", result.Ref)
		}
	}
	// Output:
	// {Lines:6 Resumed:0 Confirmed:5 Refuted:1 Refused:0 Undetermined:0} <nil>
	// {Lines:6 Resumed:6 Confirmed:5 Refuted:1 Refused:0 Undetermined:0} <nil>
	// drop the INS of patient-3
}
