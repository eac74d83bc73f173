package dmp_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// zeros is a PDF of a given size that is nowhere.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), z.left)], "%PDF-1.4 pdfaid:part ")
	z.left -= int64(n)
	return n, nil
}

func (z *zeros) Close() error { return nil }

func nowhere(size int64) dmp.File {
	return dmp.File{MediaType: "application/pdf", Size: size, Open: func() (io.ReadCloser, error) { return &zeros{size}, nil }}
}

const successAnswer = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><r:RegistryResponse xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"/></s:Body></s:Envelope>`

// A service that reads everything, keeps nothing and answers Success.
func drain(cfg *dmp.Config) {
	cfg.Dialect.Uncorrelated = true
	cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		_, err := io.Copy(io.Discard, r.Body)
		r.Body.Close()
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {soapType}}, Body: io.NopCloser(strings.NewReader(successAnswer)), Request: r}, err
	})}
	cfg.MaxDocumentSize = 1 << 30
}

// Whatever the size of a document, sending it takes the same little memory.
func TestADocumentIsNeverHeldInMemory(t *testing.T) {
	srv, plain := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, plain, patient, report())
	c := client(t, srv, drain)
	send := func(size int64) uint64 {
		r := report()
		r.File = nowhere(size)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		doc, err := c.NewDocument(pharmacist, patient, r)
		require.NoError(t, err)
		_, err = c.Submit(context.Background(), pharmacist, patient, dmp.Submission{Record: s.Record, Documents: []*dmp.Document{doc}})
		require.NoError(t, err)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	send(1000)
	small, large := send(1000), send(64<<20)
	t.Logf("allocated: %d bytes for a document of 1 kB, %d for one of 64 MB", small, large)
	require.Less(t, large, small+512<<10) // the pieces of a large one
	require.Less(t, large, uint64(1<<20))
}

func BenchmarkSubmit5MiB(b *testing.B) {
	srv, plain := setup(b, dmptest.Options{})
	patient := qualified(b, "HALL")
	s := prepared(b, plain, patient, report())
	c := client(b, srv, drain)
	r := report()
	r.File = pdf(5 << 20)
	b.SetBytes(5 << 20)
	b.ReportAllocs()
	for b.Loop() {
		doc, err := c.NewDocument(pharmacist, patient, r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err = c.Submit(context.Background(), pharmacist, patient, dmp.Submission{Record: s.Record, Documents: []*dmp.Document{doc}}); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor is what no sender of that document can do without: the SHA-1 and one
// copy of the bytes that are sent, and the two signatures of the VIHF and of the
// lot. Reading the file and its base64 are not in it.
func BenchmarkSubmit5MiBFloor(b *testing.B) {
	sent := make([]byte, base64.StdEncoding.EncodedLen(5<<20))
	to := make([]byte, len(sent))
	key := keys().sign.PrivateKey.(*rsa.PrivateKey)
	digest := sha256.Sum256(nil)
	b.SetBytes(5 << 20)
	for b.Loop() {
		sha1.Sum(sent)
		copy(to, sent)
		for range 2 {
			if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
