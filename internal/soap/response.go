package soap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/xmltree"
)

// What a ResponseError wraps, beside ErrNotEnvelope, ErrNoBody, an
// *xmltree.SyntaxError or the error of the connection.
var (
	ErrEmpty    = errors.New("the answer is empty")
	ErrHTML     = errors.New("the answer is an HTML page, of a proxy or of a wrong address")
	ErrTooLarge = errors.New("the answer is larger than the limit")
	ErrNoFault  = errors.New("the status announces a failure but the envelope holds no fault")
)

// ResponseError says that an HTTP answer came which is not a SOAP envelope.
type ResponseError struct {
	Status      int    // HTTP status
	ContentType string // media type, without parameters
	Err         error
}

func (e *ResponseError) Error() string {
	media := e.ContentType
	if media == "" {
		media = "no content type"
	}
	return fmt.Sprintf("soap: HTTP %d (%s): %s", e.Status, media, strings.TrimPrefix(e.Err.Error(), "soap: "))
}

// Unwrap gives the cause.
func (e *ResponseError) Unwrap() error { return e.Err }

// Outcome is Refused for a status 4xx, but 408, and Unknown for any other: what
// answered may have passed the request on.
func (e *ResponseError) Outcome() socle.Outcome {
	if e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout {
		return socle.OutcomeRefused
	}
	return socle.OutcomeUnknown
}

// Retryable is true of the statuses that say "later" (408, 429, 502, 503, 504)
// and of an answer that was cut.
func (e *ResponseError) Retryable() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return errors.Is(e.Err, io.ErrUnexpectedEOF)
}

// ReadResponse reads the envelope of an HTTP answer, whatever its status, or of
// the root of an MTOM answer, whose parts it leaves. The caller closes the body. The error is a *Fault, with the
// envelope, when the envelope holds one, and else a *ResponseError.
func ReadResponse(r *http.Response, limits xmltree.Limits) (*Envelope, error) {
	e, _, err := readResponse(r, limits, mtom.Limits{})
	return e, err
}

// readResponse is ReadResponse that gives the package too, whose parts are left
// to read: it has none when the answer is one XML document.
func readResponse(r *http.Response, limits xmltree.Limits, packed mtom.Limits) (*Envelope, *mtom.Reader, error) {
	limits = bounded(limits)
	media := mediaType(r.Header.Get("Content-Type"))
	fail := func(err error) (*Envelope, *mtom.Reader, error) {
		return nil, nil, &ResponseError{Status: r.StatusCode, ContentType: media, Err: err}
	}
	var (
		pkg = &mtom.Reader{}
		b   []byte
		err error
	)
	if strings.HasPrefix(media, "multipart/") {
		packed.Root = limits.Bytes
		if pkg, err = mtom.Read(r.Header.Get("Content-Type"), r.Body, packed); err == nil {
			b = pkg.Root
		}
	} else {
		b, err = readAll(r, limits.Bytes)
	}
	switch {
	case err != nil:
		return fail(err)
	case len(b) > limits.Bytes:
		return fail(ErrTooLarge)
	case len(bytes.TrimSpace(b)) == 0:
		return fail(ErrEmpty)
	case isHTML(media, b):
		return fail(ErrHTML)
	}
	e, err := Parse(b, limits)
	switch {
	case err != nil:
		return fail(err)
	case e.Fault != nil:
		e.Fault.Status = r.StatusCode
		return e, pkg, e.Fault
	case r.StatusCode >= 300:
		return fail(ErrNoFault)
	}
	return e, pkg, nil
}

// mediaType gives the media type of a Content-Type without its parameters, and
// nothing when it has not the form of one. Most are those of SOAP to the letter.
func mediaType(contentType string) string {
	if media, _, _ := strings.Cut(contentType, ";"); media == MediaType {
		return MediaType
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return media
}

// readAll reads a body up to one byte over the limit, at once when its length
// is announced and small.
func readAll(r *http.Response, limit int) ([]byte, error) {
	body := io.LimitReader(r.Body, int64(limit)+1)
	if r.ContentLength < 0 || r.ContentLength > 64<<10 {
		return io.ReadAll(body)
	}
	b := bytes.NewBuffer(make([]byte, 0, r.ContentLength+bytes.MinRead))
	_, err := b.ReadFrom(body)
	return b.Bytes(), err
}

func isHTML(media string, b []byte) bool {
	if media == "text/html" || media == "application/xhtml+xml" {
		return true
	}
	head := bytes.TrimLeft(b[:min(len(b), 256)], "\xef\xbb\xbf \t\r\n")
	if len(head) < 2 || head[0] != '<' || head[1] != '!' && head[1] != 'h' && head[1] != 'H' {
		return false
	}
	head = bytes.ToLower(head)
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}
