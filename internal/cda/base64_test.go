package cda

import (
	"bytes"
	"encoding/base64"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBase64IsThatOfTheLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
		got := make([]byte, base64.StdEncoding.EncodedLen(len(b)))
		encodeBase64(got, b)
		require.Equal(t, base64.StdEncoding.EncodeToString(b), string(got))
	})
}

// However it is read, and however its source gives its bytes, a content gives
// the same base64.
func TestContentIsReadInAnyPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "bytes")
		var src io.Reader = bytes.NewReader(b)
		switch rapid.IntRange(0, 2).Draw(t, "source") {
		case 1:
			src = iotest.OneByteReader(src)
		case 2:
			src = iotest.DataErrReader(src)
		}
		e := &encoder{src: src, left: int64(len(b))}
		var got []byte
		for {
			p := make([]byte, rapid.IntRange(1, 90).Draw(t, "piece"))
			n, err := e.Read(p)
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
		}
		require.Equal(t, base64.StdEncoding.EncodeToString(b), string(got))
	})
}

func BenchmarkBase64(b *testing.B) {
	src, dst := make([]byte, 24<<10), make([]byte, 32<<10)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		encodeBase64(dst, src)
	}
}

// The floor is the encoder of the standard library.
func BenchmarkBase64Floor(b *testing.B) {
	src, dst := make([]byte, 24<<10), make([]byte, 32<<10)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		base64.StdEncoding.Encode(dst, src)
	}
}
