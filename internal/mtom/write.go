package mtom

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// rootID is the content id of the root of the packages that we write.
const rootID = "root@socle"

// Part is a part to write: content of a known size that can be opened as many
// times as the package is written.
type Part struct {
	ContentID   string
	ContentType string
	Size        int64
	Open        func() (io.ReadCloser, error)
}

// Package is a package to write. It is immutable: it may be opened several
// times, at once too, as far as its parts can.
type Package struct {
	parts    []Part
	frames   [][]byte // what stands before, between and after the parts
	length   int64
	boundary string
	action   string
}

// New makes a package of a SOAP 1.2 envelope and its parts. The action is that
// of the SOAP message. It refuses content ids that are empty, repeated or hold
// characters that a header cannot, and sizes below zero. That the root includes
// each part is the caller's business: see Href.
func New(root []byte, action string, parts ...Part) (*Package, error) {
	p := &Package{parts: parts, boundary: "socle-" + rand.Text(), action: action}
	if !printable(action) {
		return nil, failed(ErrMalformed, "action")
	}
	ids := map[string]bool{rootID: true}
	frame := fmt.Appendf(nil, "--%s\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"\r\n"+
		"Content-Transfer-Encoding: binary\r\nContent-ID: <%s>\r\n\r\n", p.boundary, rootID)
	frame = append(frame, root...)
	for _, part := range parts {
		id := decoded(part.ContentID)
		switch {
		case id == "" || !printable(part.ContentID) || !printable(part.ContentType) || part.Open == nil:
			return nil, failed(ErrMalformed, "a part needs a content id, a content type and an opener")
		case ids[id]:
			return nil, failed(ErrDuplicate, "")
		case part.Size < 0:
			return nil, failed(ErrSize, "below zero")
		}
		ids[id] = true
		frame = fmt.Appendf(frame, "\r\n--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <%s>\r\n\r\n",
			p.boundary, part.ContentType, part.ContentID)
		p.frames = append(p.frames, frame)
		p.length += int64(len(frame)) + part.Size
		frame = nil
	}
	frame = fmt.Appendf(frame, "\r\n--%s--\r\n", p.boundary)
	p.frames = append(p.frames, frame)
	p.length += int64(len(frame))
	return p, nil
}

// printable reports whether s can stand in a header, within quotes or angle brackets.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '<' || r == '>' || r == '\\' })
}

// ContentType gives the Content-Type header of the package.
func (p *Package) ContentType() string {
	ct := `multipart/related; type="application/xop+xml"; start="<` + rootID + `>"; start-info="application/soap+xml"; boundary="` + p.boundary + `"`
	if p.action != "" {
		ct += `; action="` + p.action + `"`
	}
	return ct
}

// Length gives the exact number of bytes of the package.
func (p *Package) Length() int64 { return p.length }

// Open gives the package as a stream. Each part is opened when its turn comes,
// and closed. A part that does not have its size ends the stream with ErrSize.
func (p *Package) Open() io.ReadCloser { return &stream{p: p, frame: p.frames[0]} }

// WriteTo writes the package to w.
func (p *Package) WriteTo(w io.Writer) (int64, error) {
	s := p.Open()
	defer s.Close()
	return io.CopyBuffer(struct{ io.Writer }{w}, s, make([]byte, 64<<10))
}

// Request gives the POST request that carries the package to url: its length is
// known, and it can be sent again.
func (p *Package) Request(ctx context.Context, url string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, p.Open())
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", p.ContentType())
	r.ContentLength = p.length
	r.GetBody = func() (io.ReadCloser, error) { return p.Open(), nil }
	return r, nil
}

// stream goes through frame 0, part 0, frame 1, part 1 … the last frame. Close
// may be called during a Read, that a part may hold back.
type stream struct {
	p     *Package
	next  int    // the part after frame
	frame []byte // what is left of it
	left  int64  // of part
	err   error

	mu     sync.Mutex // guards what follows
	part   io.ReadCloser
	closed bool
}

func (s *stream) Read(b []byte) (int, error) {
	for s.err == nil {
		if len(s.frame) > 0 {
			n := copy(b, s.frame)
			s.frame = s.frame[n:]
			return n, nil
		}
		part := s.current()
		if part == nil {
			break
		}
		if s.left == 0 {
			s.endPart(part)
			continue
		}
		if len(b) == 0 {
			return 0, nil
		}
		n, err := part.Read(b[:min(int64(len(b)), s.left)])
		s.left -= int64(n)
		switch {
		case err == io.EOF && s.left > 0:
			s.err = failed(ErrSize, "shorter")
		case err != nil && err != io.EOF:
			s.err = err
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, s.err
}

// current gives the part whose turn it is, which it opens, and nil with s.err set
// after the last or once the stream is closed.
func (s *stream) current() io.ReadCloser {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		s.err = io.ErrClosedPipe
	case s.part != nil:
	case s.next == len(s.p.parts):
		s.err = io.EOF
	default:
		part, err := s.p.parts[s.next].Open()
		if err != nil {
			s.err = err
			return nil
		}
		s.part, s.left = part, s.p.parts[s.next].Size
	}
	return s.part
}

// endPart checks that the part ends here and goes on to the next frame.
func (s *stream) endPart(part io.Reader) {
	var one [1]byte
	n, err := io.ReadFull(part, one[:])
	switch {
	case n > 0:
		s.err = failed(ErrSize, "longer")
	case err != nil && err != io.EOF:
		s.err = err
	}
	if err := s.closePart(); err != nil && s.err == nil {
		s.err = err
	}
	s.next++
	s.frame = s.p.frames[s.next]
}

// closePart closes the part being read, once.
func (s *stream) closePart() error {
	s.mu.Lock()
	part := s.part
	s.part = nil
	s.mu.Unlock()
	if part == nil {
		return nil
	}
	return part.Close()
}

// Close closes the part being read.
func (s *stream) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	return s.closePart()
}
