//go:build peers

package ins_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/oracle"
)

// dmtxread (libdmtx) reads the symbols that we draw.
func TestPeerDmtxread(t *testing.T) {
	t.Parallel()
	program := oracle.Program(t, "dmtxread")
	long := patTrois(t, ins.OIDNIR).Traits()
	long.BirthName, long.GivenNames = strings.Repeat("AB'", 33), strings.TrimSpace(strings.Repeat("ZOE ", 24))
	long.FirstGivenName = "ZOE"
	for _, id := range []ins.Identity{patTrois(t, ins.OIDNIR), patTrois(t, ins.OIDTest), qualified(t, long, "279035121518989", ins.OIDNIR)} {
		want, err := id.Datamatrix()
		require.NoError(t, err)
		symbol, err := id.Symbol()
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "symbol.png")
		f, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, symbol.WritePNG(f, 6))
		require.NoError(t, f.Close())
		out, err := exec.CommandContext(t.Context(), program, "--stop-after=1", path).Output()
		require.NoError(t, err)
		require.Equal(t, want, string(out))
		scan, err := ins.ParseDatamatrix(string(out))
		require.NoError(t, err)
		require.Equal(t, id.Traits(), scan.Traits)
	}
}
