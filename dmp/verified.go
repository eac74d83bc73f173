package dmp

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/transport"
)

// verified is the bytes of a document: its end is io.EOF only when they are
// those that its metadata describe.
type verified struct {
	source io.Reader
	hash   hash.Hash
	entry  Entry
	size   int64
	max    int64
	header header
	err    error // of the last Read; sticks
}

func newVerified(r io.Reader, e Entry, limit int64, h header) verified {
	return verified{source: r, hash: sha1.New(), entry: e, max: limit, header: h}
}

// Read gives the next bytes of the document.
func (v *verified) Read(b []byte) (int, error) {
	if v.err != nil || len(b) == 0 {
		return 0, v.err
	}
	n, err := v.source.Read(b)
	_, _ = v.hash.Write(b[:n])
	v.size += int64(n)
	switch {
	case v.entry.Size > 0 && v.size > v.entry.Size:
		v.err = altered(fmt.Sprintf("it has more than the %d bytes that the registry says", v.entry.Size))
	case v.size > v.max:
		v.err = &Error{Op: opRetrieve, Text: fmt.Sprintf("the document has more than %d bytes", v.max), Fix: "raise Retrieval.MaxSize",
			kind: ErrDocumentTooLarge, outcome: socle.OutcomeUnknown, ours: true}
	case v.header.take(b[:n], err != nil):
		v.err = &Error{Op: opRetrieve, Text: "the document names another patient", Fix: "do not use what was read; tell the DMP's support the MessageID",
			kind: ErrPatientMismatch, outcome: socle.OutcomeUnknown, ours: true}
	case err == io.EOF:
		v.err = v.end()
	case err != nil:
		v.err = cut(err)
	}
	if v.err != nil && v.err != io.EOF { // the last bytes of what must not be used
		return 0, v.err
	}
	return n, v.err
}

// end compares the whole document with its metadata.
func (v *verified) end() error {
	sum := hex.EncodeToString(v.hash.Sum(nil))
	switch {
	case v.size == 0:
		return altered("it has no bytes")
	case v.entry.Size > 0 && v.size != v.entry.Size:
		return altered(fmt.Sprintf("it has %d bytes, the registry says %d", v.size, v.entry.Size))
	case v.entry.Hash != "" && !strings.EqualFold(sum, v.entry.Hash):
		return altered("its SHA-1 is not the one that the registry says")
	}
	return io.EOF
}

// cut is a document that broke off: by the connection, the caller's context, or
// a package that is not well made.
func cut(err error) error {
	e := called(opRetrieve, "", err).(*Error)
	switch {
	case e.kind != nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, mtom.ErrMalformed), errors.Is(err, mtom.ErrLimit), errors.Is(err, transport.ErrTooLarge):
		e.kind = ErrAnswer
	default:
		e.kind, e.retry = ErrUnavailable, true
	}
	return e
}

// close ends the reading: the source is no longer valid.
func (v *verified) close() {
	if v.err == nil {
		v.err = &Error{Op: opRetrieve, Text: "the document was left before its end", Fix: "read it before the next one is asked for; do not use what was read",
			kind: ErrIntegrity, outcome: socle.OutcomeUnknown, ours: true}
	}
}

func altered(text string) error {
	return &Error{Op: opRetrieve, Text: "the document is not the one of its metadata: " + text, Fix: "search again, then retrieve again; do not use what was read",
		kind: ErrIntegrity, outcome: socle.OutcomeUnknown, ours: true}
}
