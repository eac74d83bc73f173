//go:build peers

package pki_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/pki"
)

// OpenSSL reads what the authority makes: chains, purposes and names.
func TestPeerOpenSSL(t *testing.T) {
	t.Parallel()
	openssl := oracle.Program(t, "openssl")
	run := func(args ...string) (string, error) {
		out, err := exec.Command(openssl, args...).CombinedOutput()
		return string(out), err
	}
	a := authority(t)
	dir := t.TempDir()
	write := func(name string, ders ...[]byte) string {
		var b []byte
		for _, der := range ders {
			b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
		}
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".pem")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		return path
	}
	chain := a.Chain()
	between := write("between", chain[0].Raw, chain[1].Raw)
	roots := write("roots", chain[2].Raw, chain[3].Raw)

	purposes := map[string][]string{
		"org auth": {"sslclient"}, "org sign": {"smimesign"}, "server": {"sslserver"}, "card auth": {"sslclient"}, "card sign": {"smimesign"},
	}
	for name, c := range every(t, a) {
		if name == "authority" || name == "org conf" {
			continue
		}
		path := write(name, c.Raw)
		for _, purpose := range []string{"sslclient", "sslserver", "smimesign"} {
			out, err := run("verify", "-attime", "1772452800", "-CAfile", roots, "-untrusted", between, "-purpose", purpose, path)
			if purpose == purposes[name][0] {
				require.NoError(t, err, "%s as %s: %s", name, purpose, out)
			} else {
				require.Error(t, err, "%s as %s: %s", name, purpose, out)
			}
		}
		out, err := run("x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8")
		require.NoError(t, err)
		subject := strings.TrimPrefix(strings.TrimSpace(out), "subject=")
		require.True(t, pki.EqualDN(pki.DN(c), subject), "%s\n%s", pki.DN(c), subject)
	}
}
