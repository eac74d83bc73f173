//go:build peers

package cda_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
)

func TestPeerXmllintAcceptsWhatWeWrite(t *testing.T) {
	t.Parallel()
	xmllint := oracle.Program(t, "xmllint")
	xsd := oracle.Corpus(t, "cda-xsd", "CDA_extended.xsd")
	check := func(b []byte) (string, error) {
		file := filepath.Join(t.TempDir(), "document.xml")
		require.NoError(t, os.WriteFile(file, b, 0o600))
		out, err := exec.Command(xmllint, "--nonet", "--noout", "--schema", xsd, file).CombinedOutput()
		return string(out), err
	}
	for name, b := range map[string][]byte{"sample": marshal(t, sample()), "full": marshal(t, full())} {
		out, err := check(b)
		require.NoError(t, err, name+": "+out)
	}
	out, err := check([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><title>no</title></ClinicalDocument>`))
	require.Error(t, err, "the schema must refuse a document without its mandatory parts: %s", out)
}

// Our bytes are canonical: canonicalising them changes nothing, so that their
// hash is the one that a signature of the set needs.
func TestPeerXmllintFindsItCanonical(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "document.xml")
	b := marshal(t, full())
	require.NoError(t, os.WriteFile(file, b, 0o600))
	for _, form := range []string{"--c14n", "--exc-c14n"} {
		out, err := exec.Command(oracle.Program(t, "xmllint"), "--nonet", form, file).Output()
		require.NoError(t, err)
		require.Equal(t, string(b), string(out), form)
	}
}
