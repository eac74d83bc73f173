package dmptest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
)

// The emulator's own reading of CDA documents, on real ones.
func TestRealDocumentsAreRead(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	files := 0
	for _, path := range paths {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		c, err := readCDA(b)
		require.NoError(t, err, filepath.Base(path))
		require.NotEmpty(t, c.root.Path("id").Attr("root"), filepath.Base(path))
		if c.root.Path("component", "nonXMLBody") == nil {
			continue
		}
		file, err := c.file()
		require.NoError(t, err, filepath.Base(path))
		require.True(t, bytes.HasPrefix(file, []byte("%PDF-")), filepath.Base(path))
		files++
	}
	require.NotZero(t, files)
}
