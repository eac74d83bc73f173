//go:build peers

package ordonnancetest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

// The document that the emulator writes follows the CDA schema.
func TestPeerDocumentFollowsTheSchema(t *testing.T) {
	t.Parallel()
	xmllint, schema := oracle.Program(t, "xmllint"), oracle.Corpus(t, "cda-xsd", "CDA_extended.xsd")
	file := filepath.Join(t.TempDir(), "document.xml")
	require.NoError(t, os.WriteFile(file, ordonnancetest.Document(patient(t), "01S2TBPZ2JCNZZYGHZ", time.Now()), 0o600))
	out, err := exec.Command(xmllint, "--noout", "--nonet", "--schema", schema, file).CombinedOutput()
	require.NoError(t, err, string(out))
}
