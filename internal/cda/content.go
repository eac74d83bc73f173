package cda

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
)

// Content is a file to put into a document of level 1. It is read by streaming,
// each time the document is opened.
type Content struct {
	MediaType string // "application/pdf"
	Size      int64  // exact number of bytes
	Open      func() (io.ReadCloser, error)
}

// Bytes gives the content of a file in memory.
func Bytes(mediaType string, b []byte) Content {
	return Content{MediaType: mediaType, Size: int64(len(b)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// Encoded is a document ready to be sent. Its bytes are canonical XML, so that
// their hash is that of the canonical form too.
type Encoded struct {
	head, tail []byte
	content    Content
}

// Size gives the number of bytes of the document.
func (e *Encoded) Size() int64 {
	return int64(len(e.head)) + int64(base64.StdEncoding.EncodedLen(int(e.content.Size))) + int64(len(e.tail))
}

// Open gives the bytes of the document. It may be called any number of times,
// each opens the content anew. A content whose size is not what it was said to
// be is an *Error of Read.
func (e *Encoded) Open() (io.ReadCloser, error) {
	if e.content.Open == nil { // a structured document has no file
		return io.NopCloser(bytes.NewReader(e.head)), nil
	}
	c, err := e.content.Open()
	if err != nil {
		return nil, &Error{Op: "write", Path: "component/nonXMLBody", Text: "the content cannot be opened", Err: err}
	}
	return &reader{
		Reader: io.MultiReader(bytes.NewReader(e.head), &encoder{src: c, left: e.content.Size}, bytes.NewReader(e.tail)),
		Closer: c,
	}, nil
}

type reader struct {
	io.Reader
	io.Closer
}

// encoder gives the base64 of exactly left bytes of src. It encodes into the
// buffer of who reads, when there is room for a group.
type encoder struct {
	src  io.Reader
	left int64
	in   [24 << 10]byte // a multiple of 3
	out  [4]byte
	buf  []byte // what of out is still to give
	err  error
}

func (e *encoder) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(e.buf) == 0 {
		in := e.fill(len(p) / 4 * 3)
		if e.err != nil {
			return 0, e.err
		}
		if len(p) >= len(e.out) {
			encodeBase64(p, in)
			return base64.StdEncoding.EncodedLen(len(in)), nil
		}
		encodeBase64(e.out[:], in)
		e.buf = e.out[:]
	}
	n := copy(p, e.buf)
	e.buf = e.buf[n:]
	return n, nil
}

// fill gives the next bytes of the source, a multiple of 3 but at the end: room
// of them at most, one group at least.
func (e *encoder) fill(room int) []byte {
	if e.err != nil {
		return nil
	}
	want := min(e.left, int64(max(room, 3)), int64(len(e.in)))
	if want == 0 {
		if n, err := io.ReadFull(e.src, e.in[:1]); n > 0 {
			e.err = &Error{Op: "write", Path: "component/nonXMLBody", Text: "the content is longer than its Size"}
		} else if err != io.EOF {
			e.err = unreadable(err)
		} else {
			e.err = io.EOF
		}
		return nil
	}
	n, err := io.ReadFull(e.src, e.in[:want])
	if err != nil {
		e.err = unreadable(err)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			e.err = &Error{Op: "write", Path: "component/nonXMLBody", Text: fmt.Sprintf("the content is shorter than its Size by %d bytes", e.left-int64(n)), Err: io.ErrUnexpectedEOF}
		}
		return nil
	}
	e.left -= want
	return e.in[:n]
}

func unreadable(err error) error {
	return &Error{Op: "write", Path: "component/nonXMLBody", Text: "the content cannot be read", Err: err}
}
