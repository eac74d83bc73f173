//go:build peers

package dmp_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/pki"
)

// runPeer gives a setting to a program of testdata/peer; hear reads its next
// line. The program ends with the test.
func runPeer(t *testing.T, program string, setting any) (hear func(any)) {
	t.Helper()
	node := oracle.Program(t, "node")
	dir := filepath.Join("testdata", "peer")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "soap")); err != nil {
		const missing = "the peer is not installed: run npm ci in dmp/testdata/peer"
		if os.Getenv("SOCLE_REQUIRE") == "1" {
			t.Fatal(missing)
		}
		t.Skip("SKIPPED: " + missing)
	}
	line, err := json.Marshal(setting)
	require.NoError(t, err)
	cmd := exec.Command(node, program)
	cmd.Dir = dir
	var complaints strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(append(line, '\n')), &complaints
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		killed := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer killed.Stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the peer said: %s", complaints.String())
		}
	})
	r := bufio.NewReader(out)
	return func(v any) {
		t.Helper()
		b, err := r.ReadBytes('\n')
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, v), string(b))
	}
}

// pemKeys gives what TLS of Node wants.
func pemKeys(t *testing.T, a *pki.Authority, pair tls.Certificate) map[string]string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	chain := func(all [][]byte) string {
		var b strings.Builder
		for _, der := range all {
			require.NoError(t, pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
		}
		return b.String()
	}
	var authorities [][]byte
	for _, c := range a.Chain() {
		authorities = append(authorities, c.Raw)
	}
	return map[string]string{
		"key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		"cert": chain(pair.Certificate), "ca": chain(authorities),
	}
}

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
	hear := runPeer(t, "client.mjs", object{
		"url": srv.Environment().Base, "tls": pemKeys(t, keys().authority, keys().cardAuth),
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
		hear(&line)
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
