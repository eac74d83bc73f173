package oracle

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Node is a program of testdata/peer, which speaks with the test in lines of
// JSON. It ends with the test.
type Node struct {
	t   testing.TB
	in  io.WriteCloser
	out *bufio.Reader
}

// StartNode starts a program of testdata/peer of the package under test. A
// machine without Node, or without what the program needs, misses an oracle.
func StartNode(t testing.TB, program string) *Node {
	t.Helper()
	node := Program(t, "node")
	dir := filepath.Join("testdata", "peer")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		missing(t, "the peer is not installed: run npm ci in testdata/peer of this package")
	}
	cmd := exec.Command(node, program)
	cmd.Dir = dir
	var complaints strings.Builder
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close() // ends it
		killed := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer killed.Stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the peer said: %s", complaints.String())
		}
	})
	return &Node{t, in, bufio.NewReader(out)}
}

// Say writes a line to the program.
func (n *Node) Say(v any) {
	n.t.Helper()
	check(n.t, json.NewEncoder(n.in).Encode(v))
}

// Hear reads the next line of the program into v.
func (n *Node) Hear(v any) {
	n.t.Helper()
	b, err := n.out.ReadBytes('\n')
	check(n.t, err)
	if err := json.Unmarshal(b, v); err != nil {
		n.t.Fatalf("the peer said %q: %v", b, err)
	}
}

// NodeKeys gives what TLS of Node wants, as PEM: a pair, and the authorities
// that it trusts.
func NodeKeys(t testing.TB, authorities []*x509.Certificate, pair tls.Certificate) map[string]string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	check(t, err)
	certificate := func(der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	var chain, trusted strings.Builder
	for _, der := range pair.Certificate {
		chain.WriteString(certificate(der))
	}
	for _, c := range authorities {
		trusted.WriteString(certificate(c.Raw))
	}
	return map[string]string{"key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})), "cert": chain.String(), "ca": trusted.String()}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
