package dmp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

// serving answers TD3.2 with a document of a size that is nowhere.
func serving(size int64) func(*dmp.Config) { return servingFrom(size, nowhere(size).Open) }

func servingFrom(size int64, open func() (io.ReadCloser, error)) func(*dmp.Config) {
	return func(cfg *dmp.Config) {
		cfg.Dialect.Uncorrelated = true
		cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			r.Body.Close()
			answer := &xds.RetrieveResponse{Response: xds.Response{Status: xds.ResponseSuccess}, Documents: []xds.Retrieved{
				{DocumentRequest: xds.DocumentRequest{Repository: "1.2.250.1.213.4.1.1.1.2", UniqueID: "1.2.3"}, MimeType: "text/xml", ContentID: "a@b"}}}
			m := soap.Message{Action: "urn:ihe:iti:2007:RetrieveDocumentSetResponse", Body: answer.Marshal()}
			p, err := mtom.New(m.Marshal(), m.Action, mtom.Part{ContentID: "a@b", ContentType: "text/xml", Size: size, Open: open})
			if err != nil {
				return nil, err
			}
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {p.ContentType()}}, Body: p.Open(), Request: r}, nil
		})}
	}
}

// served is the entry of that document.
func served(t testing.TB, size int64) dmp.Entry {
	h := sha1.New()
	_, err := io.Copy(h, &zeros{size})
	require.NoError(t, err)
	return dmp.Entry{ID: "1.2.3", Hash: hex.EncodeToString(h.Sum(nil)), Size: size}
}

// Whatever the size of a document, receiving it takes the same little memory.
func TestARetrievedDocumentIsNeverHeldInMemory(t *testing.T) {
	srv, plain := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	rec := record(t, plain, patient)
	receive := func(size int64) uint64 {
		c, e := client(t, srv, direct, serving(size)), served(t, size)
		buf := make([]byte, 32<<10)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for doc, err := range c.Retrieve(context.Background(), pharmacist, patient, dmp.Retrieval{Record: rec, Entries: []dmp.Entry{e}}) {
			require.NoError(t, err)
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, doc, buf)
			require.NoError(t, err)
			require.Equal(t, size, n)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	receive(1000)
	small, large := receive(1000), receive(100<<20)
	t.Logf("allocated: %d bytes for a document of 1 kB, %d for one of 100 MiB", small, large)
	require.Less(t, large, small+128<<10)
}

func BenchmarkRetrieve5MiB(b *testing.B) {
	srv, plain := setup(b, dmptest.Options{}, direct)
	patient := qualified(b, "ORTIE")
	r := dmp.Retrieval{Record: record(b, plain, patient), Entries: []dmp.Entry{served(b, 5<<20)}}
	content, err := io.ReadAll(&zeros{5 << 20})
	require.NoError(b, err)
	c := client(b, srv, direct, servingFrom(5<<20, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }))
	buf := make([]byte, 32<<10)
	b.SetBytes(5 << 20)
	b.ReportAllocs()
	for b.Loop() {
		for doc, err := range c.Retrieve(context.Background(), pharmacist, patient, r) {
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, doc, buf); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// The floor is what no reader of that document can do without: its bytes, their
// SHA-1, and the signature of the VIHF.
func BenchmarkRetrieve5MiBFloor(b *testing.B) {
	key := keys().cardSign.PrivateKey.(*rsa.PrivateKey)
	digest := sha256.Sum256(nil)
	content, buf := make([]byte, 5<<20), make([]byte, 32<<10)
	b.SetBytes(5 << 20)
	for b.Loop() {
		h := sha1.New()
		for at := 0; at < len(content); at += len(buf) {
			h.Write(buf[:copy(buf, content[at:])])
		}
		if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}
