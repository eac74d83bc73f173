//go:build peers && unix

package mss_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/pki"
)

// peerPorts gives ports of the loopback that are free now.
func peerPorts(t testing.TB, n int) []int {
	t.Helper()
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out
}

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// peerFolder is a folder of the test that servers can reach whoever they run as.
func peerFolder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// peerFile writes a configuration from a template.
func peerFile(t testing.TB, path, text string, data any) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, template.Must(template.New("").Parse(text)).Execute(f, data))
}

// peerCertificate writes cert.pem, key.pem and the authorities, ca.pem.
func peerCertificate(t testing.TB, dir string, a *pki.Authority) {
	t.Helper()
	c, err := a.Server("localhost", "127.0.0.1")
	require.NoError(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	require.NoError(t, err)
	var authorities [][]byte
	for _, x := range a.Chain() {
		authorities = append(authorities, x.Raw)
	}
	for name, blocks := range map[string][]byte{"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"cert.pem": certificates(c.Certificate), "ca.pem": certificates(authorities)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), blocks, 0o600))
	}
}

func certificates(all [][]byte) (out []byte) {
	for _, der := range all {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

// peerProcess starts a server and waits until it answers at the addresses. It
// is stopped, with all its children, when the test ends. Its log is told when
// the test fails.
func peerProcess(t testing.TB, log string, addresses []string, program string, arguments ...string) {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	cmd := exec.Command(program, arguments...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = out.Close()
		if t.Failed() {
			b, _ := os.ReadFile(log)
			t.Logf("%s:\n%s", filepath.Base(log), b[max(0, len(b)-8000):])
		}
	})
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			b, _ := os.ReadFile(log)
			require.FailNow(t, fmt.Sprintf("%s ended: %v\n%s", program, err, b))
		default:
		}
		up := true
		for _, a := range addresses {
			c, err := net.DialTimeout("tcp", a, time.Second)
			if up = up && err == nil; err == nil {
				_ = c.Close()
			}
		}
		if up {
			return
		}
		require.True(t, time.Now().Before(end), "%s does not answer", program)
	}
}

// peerRoot is for servers that change users.
func peerRoot(t testing.TB, program string) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("SOCLE_REQUIRE") == "1" {
		t.Fatal(program + " runs as root only")
	}
	t.Skip("SKIPPED: " + program + " runs as root only")
}

// owner gives the user and the group that mail belongs to: nobody's, when the
// test runs as root.
func owner(t testing.TB) (uid, gid int) {
	t.Helper()
	if os.Getuid() != 0 {
		return os.Getuid(), os.Getgid()
	}
	u, err := user.Lookup("nobody")
	require.NoError(t, err)
	uid, err = strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err = strconv.Atoi(u.Gid)
	require.NoError(t, err)
	return uid, gid
}

// peerProgram finds a program, of /usr/sbin too.
func peerProgram(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{"/usr/sbin", "/usr/lib/postfix/sbin"} {
		if path := filepath.Join(dir, name); exists(path) {
			return path
		}
	}
	return oracle.Program(t, name)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
