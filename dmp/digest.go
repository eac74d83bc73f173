package dmp

import (
	"crypto"
	"crypto/sha1"
	"hash"
	"io"
	"runtime"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xmlsec"
)

// digest reads the document once, for its hashes and for what its file looks like.
func (m *made) digest(f File, header cda.Document, lot xmlsec.Algorithm) (*inspected, error) {
	var seen *inspected
	header.Content.Open = func() (io.ReadCloser, error) {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		seen = &inspected{ReadCloser: r}
		return seen, nil
	}
	encoded, err := header.Marshal()
	if err != nil {
		return nil, invalid(err)
	}
	r, err := encoded.Open()
	if err != nil {
		return nil, invalid(err)
	}
	defer r.Close()
	hashes := map[crypto.Hash]hash.Hash{crypto.SHA1: sha1.New()}
	writers := []io.Writer{hashes[crypto.SHA1]}
	if h := lot.Hash(); h != crypto.SHA1 {
		hashes[h] = h.New()
		writers = append(writers, hashes[h])
	}
	if err := pour(io.MultiWriter(writers...), r, encoded.Size()); err != nil {
		return nil, invalid(err)
	}
	for h, sum := range hashes {
		m.digests[h] = sum.Sum(nil)
	}
	return seen, nil
}

// A large document is hashed in pieces, while the next ones are read.
const (
	pieces    = 3
	pieceSize = 128 << 10
)

// rooms holds the memory of the pieces, for as many documents at once as there
// are processors: more would only wait for each other.
var rooms = func() chan *[pieces * pieceSize]byte {
	all := make(chan *[pieces * pieceSize]byte, runtime.GOMAXPROCS(0))
	for range cap(all) {
		all <- nil // made when it is needed
	}
	return all
}()

// pour gives to w, which never fails, the size bytes that r has.
func pour(w io.Writer, r io.Reader, size int64) error {
	if size > pieceSize {
		select {
		case room := <-rooms:
			if room == nil {
				room = new([pieces * pieceSize]byte)
			}
			defer func() { rooms <- room }()
			return pourAhead(w, r, room)
		default:
		}
	}
	_, err := io.CopyBuffer(w, struct{ io.Reader }{r}, make([]byte, max(1, min(size, 32<<10))))
	return err
}

// pourAhead reads the next pieces while w works.
func pourAhead(w io.Writer, r io.Reader, room *[pieces * pieceSize]byte) error {
	free, full, done := make(chan []byte, pieces), make(chan []byte, pieces), make(chan struct{})
	go func() {
		defer close(done)
		for b := range full {
			_, _ = w.Write(b)
			free <- b[:cap(b)]
		}
	}()
	defer func() { close(full); <-done }()
	for i := range pieces {
		free <- room[i*pieceSize : (i+1)*pieceSize : (i+1)*pieceSize]
	}
	for {
		b := <-free
		n, err := io.ReadFull(r, b)
		full <- b[:n]
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return nil
		default:
			return err
		}
	}
}
