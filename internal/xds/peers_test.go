//go:build peers

package xds_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xds"
)

func validate(t *testing.T, schema string, b []byte) error {
	t.Helper()
	return xmllint(t, oracle.Corpus(t, "xds-xsd", schema), b)
}

func xmllint(t *testing.T, schema string, b []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "metadata.xml")
	require.NoError(t, os.WriteFile(file, b, 0o600))
	out, err := exec.Command(oracle.Program(t, "xmllint"), "--nonet", "--noout", "--schema", schema, file).CombinedOutput()
	t.Log(string(out))
	return err
}

func TestPeerXmllintAcceptsWhatWeWrite(t *testing.T) {
	t.Parallel()
	b, err := sample().Marshal()
	require.NoError(t, err)
	require.NoError(t, validate(t, "ebRS30/lcm.xsd", b))
	require.Error(t, validate(t, "ebRS30/lcm.xsd", []byte(`<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"/>`)))

	r := xds.Response{Status: xds.ResponseFailure, Errors: []xds.RegistryError{{Code: xds.CodeRegistryBusy, Context: "plus tard"}}}
	require.NoError(t, validate(t, "ebRS30/rs.xsd", r.Marshal()))
	require.NoError(t, validate(t, "ebRS30/rs.xsd", xds.Response{Status: xds.ResponseSuccess}.Marshal()))
}

// The schema knows the documents in line: what an xop:Include stands for.
func TestPeerXmllintAcceptsTheRequest(t *testing.T) {
	t.Parallel()
	b, err := sample().Provide([]xds.Part{{"Document01", "a@b"}, {"Signature01", "c@d"}})
	require.NoError(t, err)
	b = regexp.MustCompile(`<xop:Include[^>]*></xop:Include>`).ReplaceAll(b, []byte("AAAA"))
	// xmllint needs the two schemas of this namespace as one.
	driver := filepath.Join(t.TempDir(), "driver.xsd")
	require.NoError(t, os.WriteFile(driver, fmt.Appendf(nil, `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace=%q><xs:include schemaLocation=%q/><xs:include schemaLocation=%q/></xs:schema>`,
		xds.NSXDSB, oracle.Corpus(t, "xds-xsd", "IHE", "IHEXDSB.xsd"), oracle.Corpus(t, "xds-xsd", "IHE", "xcf.xsd")), 0o600))
	require.NoError(t, xmllint(t, driver, b))
	require.Error(t, xmllint(t, driver, bytes.Replace(b, []byte("xdsb:Document id"), []byte("xdsb:Document ID"), 1)))
}

// Every document of the corpus gives metadata that the schema accepts.
func TestPeerXmllintAcceptsDerivedMetadata(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	for _, f := range files {
		s := sample()
		e := derive(t, filepath.Base(f))
		e.ID, e.URI = "Document01", "DOC0001.XML"
		s.Set.PatientID, s.Documents, s.Associations = e.PatientID, []xds.DocumentEntry{e}, s.Associations[:1]
		b, err := s.Marshal()
		require.NoError(t, err, f)
		require.NoError(t, validate(t, "ebRS30/lcm.xsd", b), f)
	}
}

func TestPeerXmllintFindsItCanonical(t *testing.T) {
	t.Parallel()
	b, err := sample().Marshal()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "metadata.xml")
	require.NoError(t, os.WriteFile(file, b, 0o600))
	out, err := exec.Command(oracle.Program(t, "xmllint"), "--nonet", "--exc-c14n", file).Output()
	require.NoError(t, err)
	require.Equal(t, string(b), string(out))
}

func TestPeerXmllintAcceptsQueries(t *testing.T) {
	t.Parallel()
	for _, q := range []*xds.Query{query(), {ID: xds.GetDocuments, References: true, Params: []xds.Param{{Name: xds.ParamUniqueID, Form: xds.List, Values: []string{"1.2.3"}}}}} {
		b, err := q.Marshal()
		require.NoError(t, err)
		require.NoError(t, validate(t, "ebRS30/query.xsd", b))
		require.Error(t, validate(t, "ebRS30/query.xsd", bytes.ReplaceAll(b, []byte("returnType"), []byte("returntype"))))
	}
	require.NoError(t, validate(t, "ebRS30/query.xsd", answer().Marshal()))
	failed := xds.QueryResponse{Response: xds.Response{Status: xds.ResponseFailure, Errors: []xds.RegistryError{{Code: xds.CodeTooManyResults}}}, Total: -1}
	require.NoError(t, validate(t, "ebRS30/query.xsd", failed.Marshal()))
}

func TestPeerXmllintAcceptsRetrievals(t *testing.T) {
	t.Parallel()
	driver := filepath.Join(t.TempDir(), "driver.xsd")
	require.NoError(t, os.WriteFile(driver, fmt.Appendf(nil, `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace=%q><xs:include schemaLocation=%q/><xs:include schemaLocation=%q/></xs:schema>`,
		xds.NSXDSB, oracle.Corpus(t, "xds-xsd", "IHE", "IHEXDSB.xsd"), oracle.Corpus(t, "xds-xsd", "IHE", "xcf.xsd")), 0o600))
	b, err := xds.MarshalRetrieve([]xds.DocumentRequest{{"1.2", "1.2.3"}, {"1.2", "1.2.4"}})
	require.NoError(t, err)
	require.NoError(t, xmllint(t, driver, b))
	require.Error(t, xmllint(t, driver, bytes.ReplaceAll(b, []byte("DocumentUniqueId"), []byte("DocumentUniqueID"))))
	r := xds.RetrieveResponse{Response: xds.Response{Status: xds.ResponsePartial, Errors: []xds.RegistryError{{Code: xds.CodeDocumentUniqueIdError}}},
		Documents: []xds.Retrieved{{DocumentRequest: xds.DocumentRequest{"1.2", "1.2.3"}, MimeType: "text/xml", Inline: []byte("<a/>")}}}
	require.NoError(t, xmllint(t, driver, r.Marshal()))
}

func TestPeerXmllintAcceptsUpdates(t *testing.T) {
	t.Parallel()
	for _, s := range []*xds.Submission{archiving(), revised()} {
		b, err := s.MarshalUpdate()
		require.NoError(t, err)
		require.NoError(t, validate(t, "ebRS30/lcm.xsd", b))
	}
}
