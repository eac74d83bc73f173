package dmp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// Nothing that identifies the patient, and nothing of their documents, is in an
// error, a log, an exchange, an audit record or a printed value of reading.
func TestReadingTellsNothing(t *testing.T) {
	t.Parallel()
	srv, feeder := setup(t, dmptest.Options{}, direct)
	var said bytes.Buffer
	var mu sync.Mutex
	say := func(v ...any) {
		mu.Lock()
		defer mu.Unlock()
		for _, v := range v {
			fmt.Fprintf(&said, "%v\n%+v\n%#v\n", v, v, v)
		}
	}
	p := find(t, "PAT-TROIS")
	matricule := p.INS.Matricule.Wire()
	patient := qualified(t, "PAT-TROIS")
	const title = "Sevrage tabagique"
	feed(t, feeder, patient, func(r *dmp.Report) { r.Title, r.Comments = title, title })
	c := client(t, srv, direct, func(cfg *dmp.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.AuditKey = []byte("key")
		cfg.Audit = func(_ context.Context, r socle.AuditRecord) { say(r) }
		cfg.Observe = func(_ context.Context, x socle.Exchange) { say(string(x.Request), string(x.Response), x.Code, x.Err) }
	})
	rec := record(t, c, patient)
	n := 0
	read := func() {
		q := dmp.Query{Record: rec, Author: "ARNICA"}
		found, err := c.Search(context.Background(), pharmacist, patient, q)
		say(q, found, err)
		uuid, err := c.TechnicalID(context.Background(), pharmacist, patient, rec, "1.2.3")
		say(uuid, err)
		r := dmp.Retrieval{Record: rec, Entries: found.Entries}
		for doc, err := range c.Retrieve(context.Background(), pharmacist, patient, r) {
			say(r, doc, err)
			if doc != nil {
				_, err := io.Copy(io.Discard, doc)
				say(doc, err)
				n++
			}
		}
		s := dmp.Synchronization{Record: rec, Cursors: &dmp.MemoryCursors{}, Key: "k"}
		pending, err := c.Sync(context.Background(), pharmacist, patient, s)
		say(s, pending, err)
		if err == nil {
			say(*pending, pending.Taken(context.Background()))
		}
		say(s.Cursors)
	}
	read()
	names := p.Traits.BirthName + " " + p.Traits.GivenNames + " " + matricule
	for _, op := range []string{"TD3.1a", "TD3.1b", "TD3.2"} {
		for _, f := range []dmptest.Failure{
			{Fault: &dmptest.Fault{Subcode: "X", Reason: "Mme " + names}},
			{Fault: &dmptest.Fault{Code: "Receiver", Reason: names}},
			{Registry: []dmp.RegistryError{{Code: names, Context: names, Location: names, Severity: "Error"}, {Code: "XDSRegistryError", Context: names, Severity: "Error"}}},
			{Registry: []dmp.RegistryError{{Code: "XDSExtraMetadataNotSaved", Context: names, Location: names, Severity: "Warning"}}},
			{Registry: []dmp.RegistryError{{Code: "XDSRegistryError", Context: names, Location: names}}, Partial: true},
			{Defect: dmptest.AnotherPatient}, {Defect: dmptest.EntityBomb}, {Defect: dmptest.Altered}, {Defect: dmptest.Cut}, {Defect: dmptest.InLineAlone},
		} {
			f.Operation = op
			if op != "TD3.2" && (f.Defect == dmptest.Altered || f.Defect == dmptest.Cut || f.Defect == dmptest.InLineAlone) || op == "TD3.2" && f.Defect == dmptest.AnotherPatient {
				continue
			}
			srv.Refuse(f)
			read()
		}
	}
	require.Greater(t, n, 10)
	for _, secret := range []string{matricule, "PAT-TROIS", "DOMINIQUE", "19790328", "JVBERi", "tabagique"} {
		for _, line := range strings.Split(said.String(), "\n") {
			require.NotContains(t, line, secret)
		}
	}
}
