//go:build peers

package dmp_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/oracle"
)

// unsent gives the envelope and the parts that a client would send.
func unsent(t *testing.T, srv *dmptest.Server, submit func(*dmp.Client) error) (envelope []byte, parts map[string][]byte) {
	t.Helper()
	stopped := errors.New("not sent")
	var contentType string
	var body []byte
	err := submit(client(t, srv, direct, func(cfg *dmp.Config) {
		cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			var err error
			contentType = r.Header.Get("Content-Type")
			body, err = io.ReadAll(r.Body)
			return nil, errors.Join(stopped, err)
		})}
	}))
	require.ErrorIs(t, err, stopped)
	_, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	root, err := r.NextRawPart()
	require.NoError(t, err)
	envelope, err = io.ReadAll(root)
	require.NoError(t, err)
	parts = map[string][]byte{}
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return envelope, parts
		}
		require.NoError(t, err)
		name, _, _ := strings.Cut(strings.Trim(p.Header.Get("Content-Id"), "<>"), ".")
		parts[name], err = io.ReadAll(p)
		require.NoError(t, err)
	}
}

// TestPeerSOAPClient puts our emulator before a SOAP client that we did not
// write. The envelope, the addressing headers, the XOP includes and the MIME
// package are its own, both ways; the VIHF, the metadata and the signature of the
// lot are ours.
func TestPeerSOAPClient(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())
	n, err := c.NewVaccinationNote(pharmacist, patient, note())
	require.NoError(t, err)
	s.Documents = append(s.Documents, n)
	envelope, parts := unsent(t, srv, func(c *dmp.Client) error {
		_, err := c.Submit(t.Context(), pharmacist, patient, s)
		return err
	})
	require.Len(t, parts, 3)
	part := func(id string) map[string]string {
		b := parts[strings.ToLower(id)]
		require.NotEmpty(t, b)
		return map[string]string{"id": id, "body": base64.StdEncoding.EncodeToString(b)}
	}
	const provide, retrieve = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b", "urn:ihe:iti:2007:RetrieveDocumentSet"
	type object = map[string]any
	all := []any{part("Document01"), part("Document02"), part("Signature01")}
	metadata := string(cut(t, envelope, "<lcm:SubmitObjectsRequest", "</lcm:SubmitObjectsRequest>"))
	id := find(t, "HALL").INS
	peer := oracle.StartNode(t, "client.mjs")
	peer.Say(object{
		"url": srv.Environment().Base, "tls": oracle.NodeKeys(t, keys().authority.Chain(), keys().cardAuth),
		"security": string(cut(t, envelope, "<wsse:Security", "</wsse:Security>")),
		"questions": []object{
			{"operation": "exists", "action": "urn:hl7-org:v3:PRPA_IN201307UV02",
				"args": object{"root": id.OID.String(), "extension": id.Matricule.Wire(), "lps": software.OID}},
			{"operation": "provide", "action": provide, "args": object{"metadata": metadata, "parts": all, "omit": 1}},
			{"operation": "provide", "action": provide, "args": object{"metadata": metadata, "parts": all}},
			{"operation": "provide", "action": provide, "args": object{"metadata": metadata, "parts": all}},
			{"operation": "retrieve", "action": retrieve, "args": object{"id": s.Documents[0].ID()}},
			{"operation": "retrieve", "action": retrieve, "args": object{"id": "1.2.3"}},
		},
	})
	answer := func() (result object, text string, parts []struct {
		Headers map[string]string
		Body    []byte
	}) {
		t.Helper()
		var line struct {
			Result object
			Fault  object
			Text   string
			Parts  []struct {
				Headers map[string]string
				Body    []byte
			}
		}
		peer.Hear(&line)
		return line.Result, line.Text + fmt.Sprint(line.Fault), line.Parts
	}
	at := func(v any, path ...string) any {
		for _, p := range path {
			m, ok := v.(object)
			require.True(t, ok, "%v: %v", path, v)
			v = m[p]
		}
		return v
	}
	r, text, _ := answer()
	require.NotNil(t, r, text)
	require.Equal(t, "AA", at(r, "acknowledgement", "attributes", "typeCode"))
	require.Equal(t, "OK", at(r, "controlActProcess", "queryAck", "queryResponseCode", "attributes", "code"))

	r, text, _ = answer() // the signature of the lot is missing
	require.Contains(t, fmt.Sprint(r, text), "XDSMissingDocument")
	require.Empty(t, srv.Documents(id))
	r, text, _ = answer()
	require.NotNil(t, r, text)
	require.Equal(t, "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success", at(r, "attributes", "status"), "%v", r)
	stored := srv.Documents(id)
	require.Len(t, stored, 2)
	for i, d := range s.Documents {
		require.Equal(t, content(t, d), stored[i].Content)
	}
	r, text, _ = answer() // the same lot again
	require.Contains(t, fmt.Sprint(r, text), "XDSDuplicateUniqueIdInRegistry")

	r, text, got := answer()
	require.NotNil(t, r, text)
	require.Len(t, got, 1)
	require.Equal(t, stored[0].Content, got[0].Body, "the peer reads the MTOM package of the emulator")
	require.Equal(t, s.Documents[0].ID(), at(r, "DocumentResponse", "DocumentUniqueId"))
	r, text, _ = answer()
	require.Contains(t, fmt.Sprint(r, text), "XDSDocumentUniqueIdError")
}
