package dmp_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// A set has a name when nobody gives it one, and the action of TD2.1 may be
// replaced as the others.
func TestNameOfTheSetAndAction(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var last string
	c := client(t, srv, air, tampering(func(b []byte) []byte { last = string(b); return b }), func(cfg *dmp.Config) {
		cfg.Dialect.Actions = map[string]string{"TD2.1": "urn:other"}
	})
	r := checked(t, c, pharmacist, "HALL")
	doc, err := c.NewDocument(pharmacist, qualified(t, "HALL"), dmp.Report{Title: "Avis", Type: dmp.Consultation, File: dmp.Bytes("text/plain", []byte("bonjour"))})
	require.NoError(t, err)
	_, err = c.Submit(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Submission{Record: r, Documents: []*dmp.Document{doc}})
	require.Error(t, err, "the emulator knows of no such action")
	require.Contains(t, last, ">urn:other<")
	require.Regexp(t, `<rim:RegistryPackage [^>]*>.*?<rim:Name><rim:LocalizedString [^>]*value="Avis"`, last)

	plain := client(t, srv, air, tampering(func(b []byte) []byte { last = string(b); return b }))
	_, err = plain.Submit(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Submission{Record: r, Documents: []*dmp.Document{doc}, Title: "Lot du matin"})
	require.NoError(t, err)
	require.Contains(t, last, `value="Lot du matin"`)
	found, err := plain.Search(t.Context(), pharmacist, qualified(t, "HALL"), dmp.Query{Record: r, Created: dmp.Period{From: time.Now().Add(-time.Hour)}})
	require.NoError(t, err)
	require.NotEmpty(t, found.Entries)
	_, err = plain.SetVisibility(t.Context(), pharmacist, qualified(t, "HALL"), r, found.Entries[0], dmp.HiddenFromProfessionals)
	require.NoError(t, err)
	require.Regexp(t, `<rim:RegistryPackage [^>]*>.*?<rim:Name><rim:LocalizedString [^>]*value="Mise à jour"`, last)
}
