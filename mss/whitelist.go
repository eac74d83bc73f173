package mss

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/idna"

	"github.com/soclesante/socle/internal/xmltree"
)

// WhiteListAddress is where the ANS publishes the domains of the MSSanté space.
// Its certificate is one of the IGC-Santé.
const WhiteListAddress = "https://espacedeconfiance.mssante.fr/listeblanchemssante.xml"

const nsWhiteList = "https://listeblanche.mssante.fr/schema"

// WhiteList is the list of the domains of the MSSanté space ("liste blanche").
// It is immutable.
type WhiteList struct{ domains map[string]struct{} }

// WhiteListError tells why a list was refused.
type WhiteListError struct {
	Text string
	Err  error
}

// Error tells the reason.
func (e *WhiteListError) Error() string {
	if e.Err != nil {
		return "mss: white list: " + e.Text + ": " + e.Err.Error()
	}
	return "mss: white list: " + e.Text
}

// Unwrap gives the cause.
func (e *WhiteListError) Unwrap() error { return e.Err }

const (
	maxWhiteList = 32 << 20
)

// ReadWhiteList reads the list in XML: the elements Nom of the elements Domaine
// of its namespace, wherever they are; its other elements are not public. A name
// that is no domain is left out. The signature, of which nothing is public, is
// not verified: get the list over TLS under the roots of the IGC-Santé. The
// error is a *WhiteListError, for a list without any domain too: an empty list
// would refuse everybody.
func ReadWhiteList(r io.Reader) (*WhiteList, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxWhiteList+1))
	if err != nil {
		return nil, &WhiteListError{"cannot be read", err}
	}
	if len(b) > maxWhiteList {
		return nil, &WhiteListError{Text: fmt.Sprintf("more than %d bytes", maxWhiteList)}
	}
	doc, err := xmltree.Parse(b, xmltree.Limits{Bytes: maxWhiteList, Depth: 32})
	if err != nil {
		return nil, &WhiteListError{"no XML document", err}
	}
	w := &WhiteList{domains: map[string]struct{}{}}
	for e := range doc.Root.Descendants() {
		if !e.Is(nsWhiteList, "Domaine") {
			continue
		}
		for n := range e.All(nsWhiteList, "Nom") {
			if d, ok := asciiDomain(n.Trimmed()); ok {
				w.domains[d] = struct{}{}
			}
		}
	}
	if len(w.domains) == 0 {
		return nil, &WhiteListError{Text: "no Domaine with a Nom in the namespace " + nsWhiteList}
	}
	return w, nil
}

// Len gives the number of domains.
func (w *WhiteList) Len() int { return len(w.domains) }

// Contains reports whether a domain is in the list. Domains with accents may be
// given in either form.
func (w *WhiteList) Contains(domain string) bool {
	d, ok := asciiDomain(domain)
	if !ok {
		return false
	}
	_, found := w.domains[d]
	return found
}

// Allows reports whether the domain of an address is in the list.
func (w *WhiteList) Allows(a Address) bool { return !a.IsZero() && w.Contains(a.Domain()) }

var domainNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(true))

// asciiDomain gives a domain name in lower case with A-labels (RFC 5891), the
// form in which domains are compared.
func asciiDomain(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".")
	if len(s) > 500 {
		return "", false
	}
	d, err := domainNames.ToASCII(s)
	if err != nil || !isDomain(d) {
		return "", false
	}
	return d, true
}

// asciiAddress puts the domain of an address in A-labels, when it can be.
func asciiAddress(s string) string {
	local, domain, ok := cutLast(s, '@')
	if !ok {
		return s
	}
	if d, ok := asciiDomain(domain); ok {
		return local + "@" + d
	}
	return s
}
