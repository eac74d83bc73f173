package mtom

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// Limits bounds what is read; a zero field takes its default.
type Limits struct {
	Bytes int64 // the whole body; default 64 MiB
	Root  int   // the root part; default 8 MiB
	Parts int   // parts beside the root; default 32
}

func (l Limits) defaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 64 << 20
	}
	if l.Root <= 0 {
		l.Root = 8 << 20
	}
	if l.Parts <= 0 {
		l.Parts = 32
	}
	return l
}

// Reader reads a package: its root first, then each part in the order of the stream.
type Reader struct {
	// Root is the root part, or the whole body when it was not a package.
	Root []byte
	// RootType is the Content-Type of the root part.
	RootType string
	// Action is the action parameter of the package or else of the root part.
	Action string
	// Multipart is false when the body was one XML document.
	Multipart bool

	parts    *multipart.Reader
	limits   Limits
	seen     map[string]bool
	expected []string // nil until Resolve
	resolved bool
}

// Incoming is a part being read. Its bytes must be read, as far as they are
// wanted, before the next part is asked for.
type Incoming struct {
	ContentID   string // without angle brackets, percent-decoded
	ContentType string
	io.Reader
}

// Read begins to read a message of that Content-Type: a multipart/related
// package, or one XML document, which some services answer in its place. The
// root must be the first part of a package. Errors wrap ErrMalformed, ErrLimit
// or that of body.
func Read(contentType string, body io.Reader, limits Limits) (*Reader, error) {
	r := &Reader{limits: limits.defaults(), seen: map[string]bool{}}
	body = &capped{r: body, left: r.limits.Bytes}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, failed(ErrMalformed, "Content-Type")
	}
	r.Action = params["action"]
	if !strings.HasPrefix(media, "multipart/") {
		if media != "text/xml" && media != "application/xml" && !strings.HasSuffix(media, "+xml") {
			return nil, failed(ErrMalformed, "Content-Type is neither multipart/related nor XML")
		}
		r.RootType = contentType
		r.Root, err = r.readRoot(body)
		return r, err
	}
	if media != "multipart/related" || params["boundary"] == "" {
		return nil, failed(ErrMalformed, "multipart/related with a boundary expected")
	}
	r.Multipart = true
	r.parts = multipart.NewReader(body, params["boundary"])
	root, err := r.parts.NextRawPart()
	if err != nil {
		return nil, broken(err)
	}
	id := contentID(root.Header)
	if start := trimID(params["start"]); start != "" && decoded(start) != id {
		return nil, failed(ErrMalformed, "the first part is not the one that start names")
	}
	r.seen[id] = true
	r.RootType = root.Header.Get("Content-Type")
	if _, p, err := mime.ParseMediaType(r.RootType); err == nil && r.Action == "" {
		r.Action = p["action"]
	}
	content, err := decodedContent(root)
	if err != nil {
		return nil, err
	}
	r.Root, err = r.readRoot(content)
	return r, err
}

func (r *Reader) readRoot(body io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(body, int64(r.limits.Root)+1))
	switch {
	case err != nil:
		return nil, broken(err)
	case len(b) > r.limits.Root:
		return nil, failed(ErrLimit, "the root part is too large")
	}
	return bytes.TrimSpace(b), nil
}

// Resolve reads the references of the parsed root. From then on NextPart
// refuses a part that the root does not include, and the end of a package that
// lacks one.
func (r *Reader) Resolve(root *xmltree.Element) ([]string, error) {
	ids, err := References(root)
	if err != nil {
		return nil, err
	}
	r.expected, r.resolved = slices.Clone(ids), true
	return ids, nil
}

// NextPart gives the next part, and io.EOF after the last. Other errors wrap
// ErrDuplicate, ErrUnreferenced, ErrMissing, ErrLimit, ErrMalformed or the error
// of the body, such as io.ErrUnexpectedEOF.
func (r *Reader) NextPart() (*Incoming, error) {
	if r.parts == nil {
		return nil, r.end()
	}
	part, err := r.parts.NextRawPart()
	if err == io.EOF {
		return nil, r.end()
	}
	if err != nil {
		return nil, broken(err)
	}
	if len(r.seen) > r.limits.Parts {
		return nil, failed(ErrLimit, "too many parts")
	}
	in := &Incoming{ContentID: contentID(part.Header), ContentType: part.Header.Get("Content-Type")}
	if r.seen[in.ContentID] {
		return nil, failed(ErrDuplicate, "")
	}
	r.seen[in.ContentID] = true
	if r.resolved {
		i := slices.Index(r.expected, in.ContentID)
		if i < 0 {
			return nil, failed(ErrUnreferenced, "")
		}
		r.expected = slices.Delete(r.expected, i, i+1)
	}
	in.Reader, err = decodedContent(part)
	return in, err
}

func (r *Reader) end() error {
	if len(r.expected) > 0 {
		return failed(ErrMissing, "")
	}
	return io.EOF
}

func contentID(h textproto.MIMEHeader) string { return decoded(trimID(h.Get("Content-Id"))) }

func trimID(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
}

func decodedContent(part *multipart.Part) (io.Reader, error) {
	content := &partReader{part}
	switch strings.ToLower(strings.TrimSpace(part.Header.Get("Content-Transfer-Encoding"))) {
	case "", "binary", "8bit", "7bit":
		return content, nil
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, content), nil
	case "quoted-printable":
		return quotedprintable.NewReader(content), nil
	}
	return nil, failed(ErrMalformed, "unknown Content-Transfer-Encoding")
}

type partReader struct{ r io.Reader }

func (p *partReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if err != nil && err != io.EOF {
		err = broken(err)
	}
	return n, err
}

// broken sorts the errors of mime/multipart: a body that ends or fails stays
// what it is, the rest is a package that is not well made.
func broken(err error) error {
	var own *packageError
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return failed(io.ErrUnexpectedEOF, "the package was cut")
	case errors.Is(err, multipart.ErrMessageTooLarge), strings.HasPrefix(err.Error(), "multipart:"), isProtocol(err):
		return failed(ErrMalformed, "part headers")
	}
	return err
}

func isProtocol(err error) bool {
	var pe textproto.ProtocolError
	return errors.As(err, &pe)
}

// capped fails, and does not merely end, when the limit is passed.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(b []byte) (int, error) {
	if int64(len(b)) > c.left+1 {
		b = b[:c.left+1]
	}
	n, err := c.r.Read(b)
	if int64(n) > c.left {
		return int(c.left), failed(ErrLimit, "the body is too large")
	}
	c.left -= int64(n)
	return n, err
}
