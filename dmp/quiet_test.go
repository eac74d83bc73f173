package dmp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
)

// Nothing that identifies the patient is in an error, a log, an exchange, an
// audit record or a printed value, whatever happens.
func TestNothingTellsWhoThePatientIs(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var said bytes.Buffer
	var mu sync.Mutex
	say := func(v ...any) {
		mu.Lock()
		defer mu.Unlock()
		for _, v := range v {
			fmt.Fprintf(&said, "%v\n%+v\n%#v\n", v, v, v)
		}
	}
	watched := func(cfg *dmp.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.AuditKey = []byte("key")
		cfg.Audit = func(_ context.Context, r socle.AuditRecord) { say(r) }
		cfg.Observe = func(_ context.Context, x socle.Exchange) {
			x.Request, x.Response = bytes.Clone(x.Request), bytes.Clone(x.Response)
			say(string(x.Request), string(x.Response), x.Code, x.Err)
		}
	}
	p := find(t, "PAT-TROIS")
	secret := p.INS.Matricule.Wire()
	patient := qualified(t, "PAT-TROIS")
	call := func(c *dmp.Client, id ins.Identity) {
		record, err := c.Exists(context.Background(), pharmacist, id)
		say(record, err)
		doc, err := c.NewDocument(pharmacist, id, report())
		say(doc, err)
		if doc != nil {
			say(*doc)
		}
		s := dmp.Submission{Record: record, Documents: []*dmp.Document{doc}}
		r, err := c.Submit(context.Background(), pharmacist, id, s)
		say(s, r, err)
	}
	c := client(t, srv, watched)
	call(c, patient)
	srv.Refuse(dmptest.Failure{Operation: "TD0.2", Fault: &dmptest.Fault{Subcode: "X", Reason: "le patient " + secret + " est inconnu"}})
	call(c, patient)
	srv.Refuse(dmptest.Failure{Operation: "TD2.1", Registry: []dmp.RegistryError{{Code: "XDSRegistryError", Context: "patientId " + secret + "^^^&1.2&ISO", Severity: "Error"}}})
	_, err := c.Submit(context.Background(), pharmacist, patient, prepared(t, c, patient, report()))
	require.Error(t, err)
	fmt.Fprintln(&said, err)
	require.Contains(t, err.(*dmp.Error).Text, secret, "the service's words stay whole for the user")
	// A name is no number that could be recognised: none of the words are shown.
	names := p.Traits.BirthName + " " + p.Traits.GivenNames
	for _, f := range []dmptest.Failure{
		{Operation: "TD0.2", Fault: &dmptest.Fault{Subcode: "X", Reason: "Mme " + names}},
		{Operation: "TD0.2", Ack: &dmp.Detail{Code: names, Text: "Mme " + names}},
		{Operation: "TD2.1", Fault: &dmptest.Fault{Code: "Receiver", Reason: names}},
		{Operation: "TD2.1", Registry: []dmp.RegistryError{{Code: names, Context: names, Location: names, Severity: "Error"}, {Code: "XDSRegistryError", Context: names, Severity: "Error"}}},
		{Operation: "TD2.1", Registry: []dmp.RegistryError{{Code: "XDSExtraMetadataNotSaved", Context: names, Location: names, Severity: "Warning"}}},
	} {
		srv.Refuse(f)
		call(c, patient)
	}
	file := report()
	file.File.Open = func() (io.ReadCloser, error) { return os.Open("/nowhere/" + names + ".pdf") }
	_, err = c.NewDocument(pharmacist, patient, file)
	say(err)
	opened := 0
	file.File.Open = func() (io.ReadCloser, error) {
		if opened++; opened == 1 {
			return report().File.Open()
		}
		return io.NopCloser(iotest.ErrReader(&fs.PathError{Op: "read", Path: names, Err: fs.ErrInvalid})), nil
	}
	doc, err := c.NewDocument(pharmacist, patient, file)
	require.NoError(t, err)
	_, err = c.Submit(context.Background(), pharmacist, patient, dmp.Submission{Record: prepared(t, c, patient, report()).Record, Documents: []*dmp.Document{doc}})
	require.ErrorIs(t, err, dmp.ErrInvalidDocument)
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	say(err)
	srv.Fail(emulator.Fault{ResetBefore: true, Times: 4})
	call(c, patient)
	call(client(t, srv, watched, tampering(replace("PRPA_IN201307UV02 ", "X"))), patient)
	call(c, ins.Identity{})

	for _, secret := range []string{secret, "PAT-TROIS", "DOMINIQUE", "19790328", "JVBERi"} {
		for _, line := range strings.Split(said.String(), "\n") {
			require.NotContains(t, line, secret)
		}
	}
}
