//go:build peers

package xdm_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xdm"
)

// The archive opens with Info-ZIP, and the schema accepts every METADATA.XML.
func TestPeerOthersReadWhatWeWrite(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, xdm.Write(&b, corpus(t), about))
	file := filepath.Join(t.TempDir(), xdm.FileName)
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	out, err := exec.Command(oracle.Program(t, "unzip"), "-tq", file).CombinedOutput()
	require.NoError(t, err, string(out))
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	n := 0
	for _, f := range z.File {
		if path.Base(f.Name) != "METADATA.XML" {
			continue
		}
		r, err := f.Open()
		require.NoError(t, err)
		metadata, err := io.ReadAll(r)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "METADATA.XML")
		require.NoError(t, os.WriteFile(file, metadata, 0o600))
		out, err := exec.Command(oracle.Program(t, "xmllint"), "--nonet", "--noout", "--schema", oracle.Corpus(t, "xds-xsd", "ebRS30/lcm.xsd"), file).CombinedOutput()
		require.NoError(t, err, string(out))
		n++
	}
	require.Positive(t, n)
}
