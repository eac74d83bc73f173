package ordonnance_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xmltree"
	"github.com/soclesante/socle/ordonnance"
)

func published2024(b *testing.B) []byte {
	b.Helper()
	doc, err := os.ReadFile(oracle.Corpus(b, "cda", "eP-MED-DM_2024.01_PosoStruct.xml"))
	require.NoError(b, err)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	return doc
}

// BenchmarkParseCDA reads a published document of 227 kB, most of it its PDF.
func BenchmarkParseCDA(b *testing.B) {
	doc := published2024(b)
	for b.Loop() {
		if _, err := ordonnance.ParseCDA(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseCDAFloor makes the tree of the same document, which any reader
// needs, and nothing of it.
func BenchmarkParseCDAFloor(b *testing.B) {
	doc := published2024(b)
	for b.Loop() {
		if _, err := xmltree.Parse(doc, xmltree.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
