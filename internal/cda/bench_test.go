package cda_test

import (
	"crypto/sha1"
	"encoding/base64"
	"io"
	"testing"

	"github.com/soclesante/socle/internal/cda"
)

const benchSize = 5 << 20

func benchContent() []byte {
	b := make([]byte, benchSize)
	_, _ = (&pattern{}).Read(b)
	return b
}

// BenchmarkHash5MiB makes a document of a 5 MiB file and hashes it.
func BenchmarkHash5MiB(b *testing.B) {
	d := sample()
	d.Content = cda.Bytes("application/pdf", benchContent())
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		e, err := d.Marshal()
		if err != nil {
			b.Fatal(err)
		}
		r, err := e.Open()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(sha1.New(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHash5MiBFloor encodes the same bytes in base64, in blocks, and hashes them.
func BenchmarkHash5MiBFloor(b *testing.B) {
	content := benchContent()
	out := make([]byte, 32<<10)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		h := sha1.New()
		for p := content; len(p) > 0; {
			n := min(len(p), 24<<10)
			base64.StdEncoding.Encode(out, p[:n])
			h.Write(out[:base64.StdEncoding.EncodedLen(n)])
			p = p[n:]
		}
	}
}
