package soap

import (
	"strconv"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xmltree"
)

// Standard fault codes of SOAP 1.2. Those of SOAP 1.1, Client and Server, are
// read as Sender and Receiver.
const (
	Sender          = "Sender"
	Receiver        = "Receiver"
	MustUnderstand  = "MustUnderstand"
	VersionMismatch = "VersionMismatch"
)

// Fault is a SOAP fault. It is an error.
type Fault struct {
	Code     string   // Sender, Receiver, MustUnderstand, VersionMismatch …
	Subcodes []string // local parts, outermost first
	// Space is the namespace of the first subcode. In a fault to write, empty
	// means that of the envelope.
	Space  string
	Reason string // the service's words, untouched: they may quote what was sent
	Lang   string // of Reason, "fr" when a fault to write has none
	Detail []byte // the children of the detail element, as received
	// DetailElement is the detail element, nil when there is none.
	DetailElement *xmltree.Element
	Status        int    // HTTP status; of a fault to write, 0 means 500
	MessageID     string // of the request, or else of the answer that holds the fault
}

// Error gives the codes. It leaves the reason out: the service may quote there
// what it was sent, a name as well as a number.
func (f *Fault) Error() string {
	s := "soap: fault " + transport.Code(f.Code)
	for _, c := range f.Subcodes {
		s += "/" + transport.Code(c)
	}
	if f.Status != 0 && f.Status != 500 {
		s += " (HTTP " + strconv.Itoa(f.Status) + ")"
	}
	return s
}

// GoString gives the same as Error: Reason and Detail may quote what was sent.
func (f *Fault) GoString() string { return f.Error() }

// Subcode gives the innermost subcode, empty when there is none.
func (f *Fault) Subcode() string {
	if len(f.Subcodes) == 0 {
		return ""
	}
	return f.Subcodes[len(f.Subcodes)-1]
}

// Has reports whether code is the code or one of the subcodes of f.
func (f *Fault) Has(code string) bool {
	if f.Code == code {
		return true
	}
	for _, c := range f.Subcodes {
		if c == code {
			return true
		}
	}
	return false
}

// Outcome is Unknown for a fault of the Receiver, which may have broken down
// after the work, and Refused for any other.
func (f *Fault) Outcome() socle.Outcome {
	if f.Code == Receiver {
		return socle.OutcomeUnknown
	}
	return socle.OutcomeRefused
}

// Retryable is true of a fault of the Receiver (SOAP 1.2 Part 1 §5.4.6).
func (f *Fault) Retryable() bool { return f.Code == Receiver }

// fault reads e.Body.
func (e *Envelope) fault(ns string) *Fault {
	f := &Fault{MessageID: e.RelatesTo}
	if f.MessageID == "" {
		f.MessageID = e.MessageID
	}
	if e.Version == "1.1" {
		e.fault11(f)
	} else {
		code := e.Body.First(ns, "Code")
		_, f.Code = qname(code.First(ns, "Value"))
		for sub := code.First(ns, "Subcode"); sub != nil; sub = sub.First(ns, "Subcode") {
			space, local := qname(sub.First(ns, "Value"))
			if len(f.Subcodes) == 0 {
				f.Space = space
			}
			f.Subcodes = append(f.Subcodes, local)
		}
		text := e.Body.First(ns, "Reason").First(ns, "Text")
		f.Reason = text.Trimmed()
		f.Lang, _ = text.LookupAttr(xmltree.NSXML, "lang")
		f.DetailElement = e.Body.First(ns, "Detail")
	}
	if f.DetailElement != nil {
		f.Detail = e.inside(f.DetailElement)
	}
	return f
}

// fault11 reads a SOAP 1.1 fault: unqualified children, dotted codes.
func (e *Envelope) fault11(f *Fault) {
	child := func(local string) *xmltree.Element {
		for c := range e.Body.Elements() {
			if c.Name.Local == local && (c.Name.Space == "" || c.Name.Space == NS11) {
				return c
			}
		}
		return nil
	}
	el := child("faultcode")
	space, code := qname(el)
	standard, rest, dotted := strings.Cut(code, ".")
	switch standard {
	case "Client":
		standard = Sender
	case "Server":
		standard = Receiver
	}
	switch {
	case dotted:
		f.Code, f.Subcodes, f.Space = standard, []string{rest}, space
	case space != NS11 && space != "" && code != "":
		// A service's own code stands where SOAP 1.1 has no subcode.
		f.Code, f.Subcodes, f.Space = Sender, []string{code}, space
	default:
		f.Code = standard
	}
	text := child("faultstring")
	f.Reason = text.Trimmed()
	f.Lang, _ = text.LookupAttr(xmltree.NSXML, "lang")
	f.DetailElement = child("detail")
}

// inside gives the bytes between the tags of el.
func (e *Envelope) inside(el *xmltree.Element) []byte {
	if len(el.Children) == 0 {
		return nil
	}
	b := e.Doc.Of(el)
	open, quote := 0, byte(0)
	for ; open < len(b); open++ { // the end of the start tag; '>' may stand in a value
		switch c := b[open]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
			continue
		case c == '"' || c == '\'':
			quote = c
			continue
		case c != '>':
			continue
		}
		break
	}
	end := strings.LastIndex(string(b), "</")
	if open+1 > end {
		return nil
	}
	return b[open+1 : end]
}

// qname resolves the text of el, a qualified name, in the scope of el.
func qname(el *xmltree.Element) (space, local string) {
	prefix, local, ok := strings.Cut(el.Trimmed(), ":")
	if !ok {
		prefix, local = "", prefix
	}
	if el != nil {
		space, _ = el.Namespace(prefix)
	}
	return space, local
}

// marshal gives the soap:Fault element of a SOAP 1.2 envelope.
func (f *Fault) marshal() []byte {
	var w xmltree.Writer
	w.Start("soap:Fault", "xmlns:soap", NS12)
	w.Start("soap:Code").Leaf("soap:Value", "soap:"+f.Code)
	for _, c := range f.Subcodes {
		w.Start("soap:Subcode")
		switch f.Space {
		case "", NS12:
			w.Leaf("soap:Value", "soap:"+c)
		default:
			w.Leaf("soap:Value", "f:"+c, "xmlns:f", f.Space)
		}
	}
	for range f.Subcodes {
		w.End()
	}
	w.End()
	lang := f.Lang
	if lang == "" {
		lang = "fr"
	}
	w.Start("soap:Reason").Leaf("soap:Text", f.Reason, "xml:lang", lang).End()
	if len(f.Detail) > 0 {
		w.Start("soap:Detail").Raw(f.Detail).End()
	}
	return w.End().Bytes()
}
