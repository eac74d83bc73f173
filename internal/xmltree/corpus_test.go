package xmltree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xmltree"
)

// Real documents are accepted by the strict reader.
func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"cda", "xds"} {
		files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, folder), "*.xml"))
		require.NoError(t, err)
		require.NotEmpty(t, files, folder)
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			_, err = xmltree.Parse(b, xmltree.Limits{})
			require.NoError(t, err, filepath.Base(f))
		}
		t.Logf("%s: %d documents", folder, len(files))
	}
}
