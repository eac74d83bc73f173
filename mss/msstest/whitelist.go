package msstest

import (
	"bytes"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"net/http"
	"sync"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
)

// WhiteList serves the white list of domains over TLS.
type WhiteList struct {
	http *emulator.Server

	mu      sync.Mutex
	domains []string
}

// NewWhiteList starts a server of the domains given. Close must be called.
func NewWhiteList(authority *pki.Authority, domains ...string) (*WhiteList, error) {
	w := &WhiteList{domains: domains}
	var err error
	w.http, err = emulator.New(emulator.Options{Authority: authority, Operation: func(*http.Request) string { return "whitelist" }}, http.HandlerFunc(w.serve))
	if err != nil {
		return nil, fmt.Errorf("msstest: %w", err)
	}
	return w, nil
}

// Close stops the server.
func (w *WhiteList) Close() { w.http.Close() }

// URL gives the address of the list.
func (w *WhiteList) URL() string { return w.http.URL + "/listeblanchemssante.xml" }

// Roots gives the pool that a client trusts.
func (w *WhiteList) Roots() *x509.CertPool { return w.http.Roots() }

// Fail plans a fault of the operation "whitelist".
func (w *WhiteList) Fail(f emulator.Fault) { w.http.Fail(f) }

// Journal gives the last exchanges.
func (w *WhiteList) Journal() []emulator.Entry { return w.http.Journal() }

// Set replaces the domains.
func (w *WhiteList) Set(domains ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.domains = domains
}

func (w *WhiteList) serve(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Path != "/listeblanchemssante.xml" {
		http.NotFound(rw, r)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var b bytes.Buffer
	b.WriteString(xml.Header + `<ListeBlanche xmlns="https://listeblanche.mssante.fr/schema">`)
	for _, d := range w.domains {
		b.WriteString("<Domaine><Nom>")
		_ = xml.EscapeText(&b, []byte(d))
		b.WriteString("</Nom></Domaine>")
	}
	b.WriteString("</ListeBlanche>")
	rw.Header().Set("Content-Type", "application/xml")
	_, _ = rw.Write(b.Bytes())
}
