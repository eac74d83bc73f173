package soap

import (
	"errors"

	"github.com/soclesante/socle/internal/xmltree"
)

// Limits that an envelope is read under when the caller gives none. An
// envelope holds no document, those are MTOM parts, so it is small.
const (
	defaultBytes = 8 << 20
	defaultDepth = 64
	defaultNodes = 400_000
)

func bounded(l xmltree.Limits) xmltree.Limits {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Depth <= 0 {
		l.Depth = defaultDepth
	}
	if l.Nodes <= 0 {
		l.Nodes = defaultNodes
	}
	return l
}

// Envelope is a message that was read.
type Envelope struct {
	Doc     *xmltree.Document
	Version string // "1.2" or "1.1"
	// Addressing, empty when the header is absent.
	Action, MessageID, RelatesTo, To, ReplyTo string

	Header *xmltree.Element // soap:Header, nil when there is none
	Body   *xmltree.Element // the first child of soap:Body, nil when it is empty
	Fault  *Fault           // set when Body is a fault
}

// Errors of Parse, beside *xmltree.SyntaxError.
var (
	ErrNotEnvelope = errors.New("soap: the document is XML but not a SOAP envelope")
	ErrNoBody      = errors.New("soap: the envelope has no body")
)

// Parse reads an envelope. A zero field of limits takes a default made for
// messages without documents: 8 MiB, depth 64, 400,000 nodes. The error is
// ErrNotEnvelope, ErrNoBody or an *xmltree.SyntaxError.
func Parse(b []byte, limits xmltree.Limits) (*Envelope, error) {
	doc, err := xmltree.Parse(b, bounded(limits))
	if err != nil {
		return nil, err
	}
	e := &Envelope{Doc: doc}
	ns := doc.Root.Name.Space
	switch {
	case doc.Root.Is(NS12, "Envelope"):
		e.Version = "1.2"
	case doc.Root.Is(NS11, "Envelope"):
		e.Version = "1.1"
	default:
		return nil, ErrNotEnvelope
	}
	e.Header = doc.Root.First(ns, "Header")
	body := doc.Root.First(ns, "Body")
	if body == nil {
		return nil, ErrNoBody
	}
	for c := range body.Elements() {
		e.Body = c
		break
	}
	e.Action = e.Header.First(NSWSA, "Action").Trimmed()
	e.MessageID = e.Header.First(NSWSA, "MessageID").Trimmed()
	e.RelatesTo = e.Header.First(NSWSA, "RelatesTo").Trimmed()
	e.To = e.Header.First(NSWSA, "To").Trimmed()
	e.ReplyTo = e.Header.First(NSWSA, "ReplyTo").First(NSWSA, "Address").Trimmed()
	if e.Body.Is(ns, "Fault") {
		e.Fault = e.fault(ns)
	}
	return e, nil
}

// Block gives the first header block of that namespace and local name, or nil.
func (e *Envelope) Block(space, local string) *xmltree.Element {
	return e.Header.First(space, local)
}

// Bytes gives the bytes of an element of the envelope as they were received.
func (e *Envelope) Bytes(el *xmltree.Element) []byte {
	if el == nil {
		return nil
	}
	return e.Doc.Of(el)
}
