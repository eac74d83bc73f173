//go:build peers

package dmp_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/oracle"
)

// TestPeerSchemas gives to xmllint all that goes over the wire for TD2.1: the
// metadata, the document, and the answers of the emulator.
func TestPeerSchemas(t *testing.T) {
	t.Parallel()
	lcm, rs := oracle.Corpus(t, "xds-xsd", "ebRS30", "lcm.xsd"), oracle.Corpus(t, "xds-xsd", "ebRS30", "rs.xsd")
	cda := oracle.Corpus(t, "cda-xsd", "CDA_extended.xsd")
	valid := validator(t)

	srv, _ := setup(t, dmptest.Options{})
	var contentType string
	var body []byte
	c := client(t, srv, tampering(func(b []byte) []byte { body = b; return b }), func(cfg *dmp.Config) {
		next := cfg.HTTPClient.Transport
		cfg.HTTPClient.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			contentType = r.Header.Get("Content-Type")
			return next.RoundTrip(r)
		})
	})
	patient := qualified(t, "HALL")
	for name, change := range map[string]func(*dmp.Report){
		"PDF":  func(*dmp.Report) {},
		"text": func(r *dmp.Report) { r.File = dmp.Bytes("text/plain", []byte("bonjour & au revoir")) },
		"hidden, coded": func(r *dmp.Report) {
			r.Visibility = []dmp.Visibility{dmp.HiddenFromPatient, dmp.HiddenFromProfessionals}
			r.Type, r.Comments, r.Title = dmp.MedicationReview, "à revoir <bientôt>", "Bilan & conseils"
		},
	} {
		r := report()
		change(&r)
		s := prepared(t, c, patient, r)
		s.Title = "Envoi de l'officine"
		valid(name, cda, content(t, s.Documents[0]))
		_, err := c.Submit(t.Context(), pharmacist, patient, s)
		require.NoError(t, err, name)

		_, params, err := mime.ParseMediaType(contentType)
		require.NoError(t, err)
		root, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).NextRawPart()
		require.NoError(t, err)
		envelope, err := io.ReadAll(root)
		require.NoError(t, err)
		valid(name, lcm, cut(t, envelope, "<lcm:SubmitObjectsRequest", "</lcm:SubmitObjectsRequest>"))
	}
	const answer, end = "<rs:RegistryResponse", "</rs:RegistryResponse>"
	last := func() []byte { j := srv.Journal(); return j[len(j)-1].Response }
	valid("success", rs, cut(t, last(), answer, end))
	s := prepared(t, c, patient, report())
	for _, f := range []dmptest.Failure{
		{Registry: []dmp.RegistryError{{Code: "XDSRegistryBusy", Context: "x", Location: "y", Severity: "Error"}, {Code: "A", Severity: "Warning"}}},
		{Registry: []dmp.RegistryError{{Code: "A", Context: "x", Severity: "Warning"}}},
	} {
		srv.Refuse(f)
		_, _ = c.Submit(t.Context(), pharmacist, patient, s)
		valid("failure", rs, cut(t, last(), answer, end))
	}
}

func cut(t testing.TB, b []byte, start, end string) []byte {
	t.Helper()
	i, j := bytes.Index(b, []byte(start)), bytes.Index(b, []byte(end))
	require.True(t, i >= 0 && j > i)
	return b[i : j+len(end)]
}

// validator gives a document to xmllint.
func validator(t *testing.T) func(name, schema string, doc []byte) {
	xmllint := oracle.Program(t, "xmllint")
	return func(name, schema string, doc []byte) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "doc.xml")
		require.NoError(t, os.WriteFile(path, doc, 0o600))
		out, err := exec.Command(xmllint, "--noout", "--nonet", "--huge", "--schema", schema, path).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
	}
}

// TestPeerSchemasOfLotsAndChanges gives to xmllint the metadata of a lot of
// several documents, of a replacement and of the changes TD3.3, and the documents.
func TestPeerSchemasOfLotsAndChanges(t *testing.T) {
	t.Parallel()
	valid := validator(t)
	lcm, cda := oracle.Corpus(t, "xds-xsd", "ebRS30", "lcm.xsd"), oracle.Corpus(t, "cda-xsd", "CDA_extended.xsd")
	srv, _ := setup(t, dmptest.Options{})
	var body []byte
	c := client(t, srv, direct, tampering(func(b []byte) []byte { body = b; return b }))
	sent := func(name string, err error) {
		t.Helper()
		require.NoError(t, err, name)
		valid(name, lcm, cut(t, body, "<lcm:SubmitObjectsRequest", "</lcm:SubmitObjectsRequest>"))
	}
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())
	n, err := c.NewVaccinationNote(pharmacist, patient, note())
	require.NoError(t, err)
	s.Documents = append(s.Documents, n)
	_, err = c.Submit(t.Context(), pharmacist, patient, s)
	sent("two documents", err)
	xmlsec1(t, "two documents", srv.Documents(find(t, "HALL").INS)[1].Signature)

	r := report()
	r.Edition = s.Documents[0].Next()
	next, err := c.NewDocument(pharmacist, patient, r)
	require.NoError(t, err)
	again := note()
	again.Edition = n.Next()
	corrected, err := c.NewVaccinationNote(pharmacist, patient, again)
	require.NoError(t, err)
	s.Documents = []*dmp.Document{next, corrected}
	_, err = c.Submit(t.Context(), pharmacist, patient, s)
	sent("two replacements", err)
	for _, d := range s.Documents {
		valid("replacement", cda, content(t, d))
	}
	xmlsec1(t, "two replacements", srv.Documents(find(t, "HALL").INS)[3].Signature)

	entries := func() []dmp.Entry {
		found, err := c.Search(t.Context(), pharmacist, patient, dmp.Query{Record: s.Record, Statuses: []dmp.Status{dmp.StatusArchived}})
		require.NoError(t, err)
		return found.Entries
	}
	_, err = c.SetVisibility(t.Context(), pharmacist, patient, s.Record, entries()[0], dmp.HiddenFromProfessionals)
	sent("visibility", err)
	_, err = c.Archive(t.Context(), pharmacist, patient, s.Record, entries()[0])
	sent("archived", err)
	_, err = c.Unarchive(t.Context(), pharmacist, patient, s.Record, entries()[0])
	sent("unarchived", err)
	_, err = c.Delete(t.Context(), pharmacist, patient, s.Record, entries()[0])
	sent("deleted", err)
}

// xmlsec1 verifies the signature of a lot.
func xmlsec1(t *testing.T, name string, signature []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "signature.xml")
	require.NoError(t, os.WriteFile(path, signature, 0o600))
	out, err := exec.Command(oracle.Program(t, "xmlsec1"), "--verify", "--insecure", "--ignore-manifests", "--id-attr:Id", "Manifest", "--id-attr:Id", "SignedProperties", path).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}

// TestPeerXMLSec gives the signature of a lot to xmlsec1.
func TestPeerXMLSec(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*dmp.Config){
		"SHA-1":   func(*dmp.Config) {},
		"SHA-256": func(cfg *dmp.Config) { cfg.Dialect.LotSHA256 = true },
		"card":    direct,
	} {
		srv, c := setup(t, dmptest.Options{}, change)
		patient := qualified(t, "HALL")
		_, err := c.Submit(t.Context(), pharmacist, patient, prepared(t, c, patient, report()))
		require.NoError(t, err)
		xmlsec1(t, name, srv.Documents(find(t, "HALL").INS)[0].Signature)
	}
}
