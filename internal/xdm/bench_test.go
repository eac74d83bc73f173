package xdm_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xdm"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// large is a CDA of 5 MB: a small header and a file in base64.
func large(b *testing.B) (*xdm.Archive, []byte) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	r := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 5_000_000)
	for i := range text {
		text[i] = letters[r.IntN(64)]
	}
	doc := bytes.Replace(document("1", matricule), []byte("</ClinicalDocument>"),
		append(append([]byte(`<component><nonXMLBody><text mediaType="application/pdf" representation="B64">`), text...), []byte("</text></nonXMLBody></component></ClinicalDocument>")...), 1)
	parsed, err := cda.Parse(doc, xmltree.Limits{})
	require.NoError(b, err)
	e := xds.FromCDA(parsed, "", 0)
	code := socle.Code{Code: "x", System: "1.2.3"}
	e.Class, e.Type, e.Format, e.Facility, e.Practice, e.Confidentiality = code, code, code, code, code, []socle.Code{code}
	e.Authors = []xds.Author{{Person: xds.XCN{ID: "8", Authority: xds.HD{ID: "1.2.3", Type: "ISO"}}}}
	e.CreationTime, e.Language = "20261005080000", "fr-FR"
	return &xdm.Archive{Subsets: []xdm.Subset{{
		Submission: &xds.Submission{Set: xds.SubmissionSet{ID: "SubmissionSet01", Authors: e.Authors, PatientID: e.PatientID, ContentType: code,
			SourceID: "1.2.3", UniqueID: "1.2.3.4", Time: "20261005080000"}},
		Documents: []xdm.Document{{Entry: e, Data: doc}},
	}}}, doc
}

func BenchmarkWriteXDM5MB(b *testing.B) {
	a, doc := large(b)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		require.NoError(b, xdm.Write(io.Discard, a, about))
	}
}

func BenchmarkWriteXDM5MBFloor(b *testing.B) {
	_, doc := large(b)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		sum := sha1.Sum(doc)
		z := zip.NewWriter(io.Discard)
		w, err := z.Create("a")
		require.NoError(b, err)
		_, err = w.Write(doc)
		require.NoError(b, err)
		_, err = w.Write(sum[:])
		require.NoError(b, err)
		require.NoError(b, z.Close())
	}
}

func BenchmarkReadXDM5MB(b *testing.B) {
	a, doc := large(b)
	var file bytes.Buffer
	require.NoError(b, xdm.Write(&file, a, about))
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		read, err := xdm.Read(file.Bytes(), xdm.Limits{})
		require.NoError(b, err)
		require.NoError(b, read.Subsets[0].Documents[0].Err)
	}
}

func BenchmarkReadXDM5MBFloor(b *testing.B) {
	a, doc := large(b)
	var file bytes.Buffer
	require.NoError(b, xdm.Write(&file, a, about))
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		z, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
		require.NoError(b, err)
		r, err := z.File[3].Open()
		require.NoError(b, err)
		h := sha1.New()
		_, err = io.Copy(h, r)
		require.NoError(b, err)
		_ = h.Sum(nil)
	}
}
