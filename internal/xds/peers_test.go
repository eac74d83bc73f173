//go:build peers

package xds_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xds"
)

func validate(t *testing.T, schema string, b []byte) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "metadata.xml")
	require.NoError(t, os.WriteFile(file, b, 0o600))
	out, err := exec.Command(oracle.Program(t, "xmllint"), "--nonet", "--noout", "--schema", oracle.Corpus(t, "xds-xsd", schema), file).CombinedOutput()
	t.Log(string(out))
	return err
}

func TestPeerXmllintAcceptsWhatWeWrite(t *testing.T) {
	t.Parallel()
	b, err := sample().Marshal()
	require.NoError(t, err)
	require.NoError(t, validate(t, "ebRS30/lcm.xsd", b))
	require.Error(t, validate(t, "ebRS30/lcm.xsd", []byte(`<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"/>`)))

	b, err = sample().Provide([]xds.Part{{"Document01", "a@b"}, {"Signature01", "c@d"}})
	require.NoError(t, err)
	require.NoError(t, validate(t, "IHE/IHEXDSB.xsd", b))

	r := xds.Response{Status: xds.ResponseFailure, Errors: []xds.RegistryError{{Code: xds.CodeRegistryBusy, Context: "plus tard"}}}
	require.NoError(t, validate(t, "ebRS30/rs.xsd", r.Marshal()))
	require.NoError(t, validate(t, "ebRS30/rs.xsd", xds.Response{Status: xds.ResponseSuccess}.Marshal()))
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
