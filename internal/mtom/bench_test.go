package mtom_test

import (
	"bytes"
	"crypto/sha1"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/mtom"
)

const benchSize = 5 << 20

// hashed reads from r and hashes what passes.
type hashed struct {
	io.Reader
}

func (hashed) Close() error { return nil }

// write5MiB writes a package with one document, hashed as it passes.
func write5MiB(doc, root []byte) ([]byte, error) {
	h := sha1.New()
	p, err := mtom.New(root, "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b", mtom.Part{
		ContentID: "doc@example", ContentType: "text/xml", Size: int64(len(doc)),
		Open: func() (io.ReadCloser, error) { return hashed{io.TeeReader(bytes.NewReader(doc), h)}, nil },
	})
	if err != nil {
		return nil, err
	}
	if _, err := p.WriteTo(io.Discard); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

func BenchmarkWrite5MiB(b *testing.B) {
	doc, root := make([]byte, benchSize), including("doc@example")
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := write5MiB(doc, root); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor copies the document and hashes it.
func BenchmarkWrite5MiBFloor(b *testing.B) {
	doc, to := make([]byte, benchSize), make([]byte, benchSize)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		copy(to, doc)
		sha1.Sum(to)
	}
}

func TestWriting5MiBAllocatesLittle(t *testing.T) {
	doc, root := bytes.Repeat([]byte{1}, benchSize), including("doc@example")
	want := sha1.Sum(doc)
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			got, err := write5MiB(doc, root)
			if err != nil || !bytes.Equal(got, want[:]) {
				b.Fatal("wrong hash", err)
			}
		}
	})
	require.Less(t, r.AllocedBytesPerOp(), int64(256<<10))
}
