package dmp_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// The same of rights, searches by traits and administrative data.
func TestNothingTellsWhoAsksWhatOfWhom(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var said bytes.Buffer
	var mu sync.Mutex
	say := func(v ...any) {
		mu.Lock()
		defer mu.Unlock()
		for _, v := range v {
			fmt.Fprintf(&said, "%v\n%+v\n%#v\n", v, v, v)
			slog.New(slog.NewTextHandler(&said, nil)).Info("said", "value", v)
		}
	}
	c := client(t, srv, air, func(cfg *dmp.Config) {
		cfg.Environment.Web = "https://web.example"
		cfg.Logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.AuditKey = []byte("key")
		cfg.Audit = func(_ context.Context, r socle.AuditRecord) { say(r) }
		cfg.Observe = func(_ context.Context, x socle.Exchange) {
			x.Request, x.Response = bytes.Clone(x.Request), bytes.Clone(x.Response)
			say(string(x.Request), string(x.Response), x.Code, x.Err)
		}
	})
	p := find(t, "PAT-TROIS")
	p.Title, p.UsedName = "Mme", "PERVENCHE"
	p.Contact = dmp.Contact{Telecoms: []dmp.Telecom{{URL: "tel:0199887766", Use: "MC"}, {URL: "mailto:pervenche@example.org"}},
		Address: dmp.Address{Lines: []string{"7 rue Cachée"}, Additional: "Escalier Secret", PostalCode: "9Z9Z9", City: "VILLE-TUE"}}
	p.Representatives = []dmp.Representative{{Relation: socle.Code{Code: "MTH", System: "2.16.840.1.113883.1.11.19579"}, FamilyName: "AUBEPINE", GivenName: "LUCIE", Contact: p.Contact}}
	require.NoError(t, srv.AddPatient(p))
	patient := qualified(t, "PAT-TROIS")
	for _, refused := range []string{"", "TD0.3", "TD1.6", "TD0.4", "TD0.5", "TD1.3a", "TD1.3b", "TD1.4"} {
		if refused != "" {
			srv.Refuse(dmptest.Failure{Operation: refused, Fault: &dmptest.Fault{Subcode: "X", Reason: "Mme PERVENCHE, née PAT-TROIS, 7 rue Cachée, est inconnue"}})
		}
		r, err := c.Exists(t.Context(), pharmacist, patient)
		say(r, err)
		g, err := c.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: time.Now()})
		say(g, err)
		list, err := c.ListProfessionals(t.Context(), pharmacist, patient, r, dmp.AllProfessionals)
		say(list, err)
		mine, err := c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: time.Now().AddDate(-1, 0, 0)})
		say(mine, err)
		q := dmp.PatientQuery{FamilyName: "PAT-TROIS", GivenName: "DOMINIQUE", BirthDate: p.Traits.BirthDate, City: "VILLE-TUE"}
		found, err := c.With(regulation).FindPatient(t.Context(), pharmacist, q)
		say(q, found, err)
		a, err := c.Administrative(t.Context(), pharmacist, patient, r)
		say(a, err)
		if err == nil {
			require.Equal(t, p.Contact, a.Contact)
			amendment := dmp.Amendment{Administrative: a, Title: "Mme", UsedName: "PERVENCHE"}
			ack, err := c.Amend(t.Context(), pharmacist, patient, amendment)
			say(ack, err, amendment)
		}
		u, err := c.WebURL(t.Context(), pharmacist, patient, dmp.PageDocuments)
		say(u, err)
		if refused == "TD1.4" {
			ack, err := c.CloseRecord(t.Context(), pharmacist, patient, dmp.Closure{Record: r, At: time.Now(), Text: "mots"})
			say(ack, err)
		}
	}
	// No digits that a clock could show by chance.
	for _, secret := range []string{p.INS.Matricule.Wire(), "PAT-TROIS", "PERVENCHE", "DOMINIQUE", "1979-03-28", `"19790328"`, "0199887766", "pervenche@", "rue Cachée", "Escalier", "9Z9Z9", "VILLE-TUE", "AUBEPINE", "LUCIE"} {
		for _, line := range strings.Split(said.String(), "\n") {
			if i := strings.Index(line, secret); i >= 0 {
				t.Fatalf("%s: %s", secret, line[max(0, i-200):min(len(line), i+60)])
			}
		}
	}
}
