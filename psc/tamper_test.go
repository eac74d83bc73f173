package psc_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
)

// mutual is a connection to the emulator with a certificate.
func mutual(w *world, cert tls.Certificate) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.Roots(), Certificates: []tls.Certificate{cert}, Time: w.Clock().Now}}
}

// rewrite changes a member of a JSON answer.
func rewrite(resp *http.Response, member string, change func(string) string) error {
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return err
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	if v, ok := m[member].(string); ok {
		m[member] = change(v)
	}
	if b, err = json.Marshal(m); err != nil {
		return err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	resp.Header.Del("Content-Length")
	return nil
}
