package dmp_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/soap"
)

func TestAnAnswerToAnotherMessageIsRefused(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, air)
	patient, r := qualified(t, "ORTIE"), checked(t, plain, pharmacist, "ORTIE")
	fed := feed(t, plain, patient, func(*dmp.Report) {})
	found, err := plain.Search(t.Context(), pharmacist, patient, dmp.Query{Record: r})
	require.NoError(t, err)
	calls := map[string]func(c *dmp.Client) error{
		"TD0.2": func(c *dmp.Client) error { _, err := c.Exists(t.Context(), pharmacist, patient); return err },
		"TD0.3": func(c *dmp.Client) error {
			_, err := c.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: time.Now()})
			return err
		},
		"TD0.4": func(c *dmp.Client) error {
			_, err := c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: time.Now().Add(-time.Hour)})
			return err
		},
		"TD0.5": func(c *dmp.Client) error {
			_, err := c.With(regulation).FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "ORTIE"})
			return err
		},
		"TD1.3b": func(c *dmp.Client) error {
			a, err := plain.Administrative(t.Context(), pharmacist, patient, r)
			require.NoError(t, err)
			_, err = c.Amend(t.Context(), pharmacist, patient, dmp.Amendment{Administrative: a})
			return err
		},
		"TD1.6": func(c *dmp.Client) error {
			_, err := c.ListProfessionals(t.Context(), pharmacist, patient, r, "")
			return err
		},
		"TD2.1": func(c *dmp.Client) error {
			doc, err := c.NewDocument(pharmacist, patient, report())
			require.NoError(t, err)
			_, err = c.Submit(t.Context(), pharmacist, patient, dmp.Submission{Record: r, Documents: []*dmp.Document{doc}})
			return err
		},
		"TD3.1b": func(c *dmp.Client) error {
			_, err := c.TechnicalID(t.Context(), pharmacist, patient, r, fed.ID())
			return err
		},
		"TD3.2": func(c *dmp.Client) error {
			for _, err := range c.Retrieve(t.Context(), pharmacist, patient, dmp.Retrieval{Record: r, Entries: found.Entries[:1]}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"TD3.3d": func(c *dmp.Client) error {
			doc := feed(t, plain, patient, func(*dmp.Report) {})
			all, err := plain.Search(t.Context(), pharmacist, patient, dmp.Query{Record: r})
			require.NoError(t, err)
			for _, e := range all.Entries {
				if e.ID == doc.ID() {
					_, err = c.Archive(t.Context(), pharmacist, patient, r, e)
				}
			}
			return err
		},
	}
	lenient := func(cfg *dmp.Config) { cfg.Dialect.Uncorrelated = true }
	same := func(cfg *dmp.Config) {}
	// An answer to TD3.2 is a package: its bytes change, not its type.
	altered := func(change func([]byte) []byte) func(*dmp.Config) { return changedMessages(change) }
	for name, x := range map[string]struct {
		change func([]byte) []byte
		config func(*dmp.Config)
		want   error
	}{
		"as it came":            {func(b []byte) []byte { return b }, same, nil},
		"no RelatesTo":          {pattern(`<wsa:RelatesTo.*?</wsa:RelatesTo>`, ""), same, soap.ErrUnrelated},
		"no RelatesTo, lenient": {pattern(`<wsa:RelatesTo.*?</wsa:RelatesTo>`, ""), lenient, nil},
		"another's, lenient":    {pattern(`(<wsa:RelatesTo[^>]*>)[^<]*`, "${1}urn:uuid:0"), lenient, soap.ErrUnrelated},
		"another action":        {pattern(`(<wsa:Action[^>]*>)[^<]*`, "${1}urn:x"), same, soap.ErrAction},
		"the request's action":  {pattern(`(<wsa:Action[^>]*>.*?)(-?Response|308UV02|306UV02|ResponseUV02)<`, "${1}<"), same, soap.ErrAction},
		"no action":             {pattern(`<wsa:Action.*?</wsa:Action>`, ""), same, soap.ErrAction},
	} {
		c := client(t, srv, air, altered(x.change), x.config)
		for op, call := range calls {
			err := call(c)
			if x.want == nil {
				require.NoError(t, err, "%s %s", op, name)
				continue
			}
			require.ErrorIs(t, err, dmp.ErrAnswer, "%s %s", op, name)
			require.ErrorIs(t, err, x.want, "%s %s", op, name)
		}
	}
}

func TestATechnicalIdentifierIsAUUID(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, direct)
	patient, r := qualified(t, "ORTIE"), checked(t, plain, pharmacist, "ORTIE")
	doc := feed(t, plain, patient, func(*dmp.Report) {})
	for _, to := range []string{`id="x`, `id="urn:uuid:x`, `id="`} {
		c := client(t, srv, direct, changedAnswers(replace(`<rim:ObjectRef id="urn:uuid:`, `<rim:ObjectRef `+to)))
		id, err := c.TechnicalID(t.Context(), pharmacist, patient, r, doc.ID())
		require.ErrorIs(t, err, dmp.ErrAnswer, to)
		require.Empty(t, id)
	}
}
