// Package mtom writes and reads MTOM messages: multipart/related packages whose
// root is an XML document and whose other parts are the binary content that the
// root includes by reference.
//
// Both ways stream. A part to write is an opener with a known size, so that the
// length of a package is known before its first byte and the package can be
// written again for a retry; a part that is read is a reader. The root alone is
// held in memory, under a limit.
//
// Sources: XOP 1.0 §3–4, SOAP MTOM 1.0 §3.2, RFC 2387 (multipart/related),
// RFC 2392 (cid URLs).
package mtom

import (
	"errors"
	"net/url"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// NSXOP is the namespace of xop:Include.
const NSXOP = "http://www.w3.org/2004/08/xop/include"

// What the errors of this package wrap.
var (
	ErrMalformed    = errors.New("malformed package")
	ErrLimit        = errors.New("limit reached")
	ErrMissing      = errors.New("a part that the root includes is missing")
	ErrDuplicate    = errors.New("two parts, or two references, have the same content id")
	ErrUnreferenced = errors.New("a part that the root does not include")
	ErrSize         = errors.New("the part does not have the size that was announced")
)

// Href gives the URL that includes the part of that content id: "cid:" and the
// id percent-encoded (RFC 2392).
func Href(contentID string) string { return "cid:" + url.PathEscape(contentID) }

// References gives the content ids, percent-decoded, of the xop:Include elements
// under root, in document order. An include without a cid URL is ErrMalformed
// and one that comes twice ErrDuplicate.
func References(root *xmltree.Element) ([]string, error) {
	var ids []string
	seen := map[string]bool{}
	for e := range root.Descendants() {
		if !e.Is(NSXOP, "Include") {
			continue
		}
		href := e.Attr("href")
		if len(href) <= 4 || !strings.EqualFold(href[:4], "cid:") {
			return nil, failed(ErrMalformed, "an xop:Include has no cid URL")
		}
		id := decoded(href[4:])
		if seen[id] {
			return nil, failed(ErrDuplicate, "")
		}
		seen[id] = true
		ids = append(ids, id)
	}
	return ids, nil
}

// decoded gives the form under which content ids are compared.
func decoded(id string) string {
	if d, err := url.PathUnescape(id); err == nil {
		return d
	}
	return id
}

func failed(err error, what string) error {
	if what == "" {
		return &packageError{err, "mtom: " + err.Error()}
	}
	return &packageError{err, "mtom: " + err.Error() + ": " + what}
}

type packageError struct {
	err  error
	text string
}

func (e *packageError) Error() string { return e.text }
func (e *packageError) Unwrap() error { return e.err }
