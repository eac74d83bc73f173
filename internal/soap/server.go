package soap

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/xmltree"
)

// ReadRequest reads the SOAP message that r carries. It refuses, with the fault
// to answer, another method than POST, another media type than those of SOAP,
// a body over the limits, what does not parse, and an action parameter that is
// not the wsa:Action. Addressing is checked apart, by CheckAddressing.
func ReadRequest(r *http.Request, limits xmltree.Limits) (*Envelope, *Fault) {
	if r.Method != http.MethodPost {
		return nil, &Fault{Code: Sender, Status: http.StatusMethodNotAllowed, Reason: "POST expected, got " + r.Method, Lang: "en"}
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != MediaType && media != "text/xml" {
		return nil, &Fault{Code: Sender, Status: http.StatusUnsupportedMediaType, Lang: "en",
			Reason: fmt.Sprintf("Content-Type %s expected, got %.80q", MediaType, r.Header.Get("Content-Type"))}
	}
	limits = bounded(limits)
	b, err := io.ReadAll(io.LimitReader(r.Body, int64(limits.Bytes)+1))
	if err != nil {
		return nil, &Fault{Code: Sender, Status: http.StatusBadRequest, Reason: "the request body was cut", Lang: "en"}
	}
	return ReadEnvelope(b, params["action"], limits)
}

// ReadEnvelope reads a message whose bytes, and whose action parameter (empty
// when there was none), were taken from an MTOM package. It refuses as
// ReadRequest does.
func ReadEnvelope(b []byte, action string, limits xmltree.Limits) (*Envelope, *Fault) {
	e, err := Parse(b, limits)
	if err != nil {
		f := &Fault{Code: Sender, Status: http.StatusBadRequest, Reason: err.Error(), Lang: "en"}
		if errors.Is(err, xmltree.ErrLimit) {
			f.Status = http.StatusRequestEntityTooLarge
		}
		return nil, f
	}
	if action != "" && e.Action != "" && action != e.Action {
		return e, addressing("ActionMismatch", "The Content-Type action and the wsa:Action are not the same: "+
			strconv.Quote(action)+" and "+strconv.Quote(e.Action))
	}
	return e, nil
}

// CheckAddressing gives the fault to answer when a request misses one of the
// headers Action, MessageID, To (which may be empty) and ReplyTo, or when its
// ReplyTo asks for an answer elsewhere than on the connection, or one comes
// twice. Nil means that they are all there.
func (e *Envelope) CheckAddressing() *Fault {
	for _, h := range []struct {
		name  string
		value string
	}{{"Action", e.Action}, {"MessageID", e.MessageID}, {"ReplyTo", e.ReplyTo}, {"To", "present"}} {
		n := 0
		for range e.Header.All(NSWSA, h.name) {
			n++
		}
		switch {
		case n == 0 || h.value == "":
			return addressing("MessageAddressingHeaderRequired",
				"A required header representing a Message Addressing Property is not present: wsa:"+h.name)
		case n > 1:
			f := addressing("InvalidAddressingHeader", "A header representing a Message Addressing Property is not valid and the message cannot be processed: wsa:"+h.name+" comes twice")
			f.Subcodes = append(f.Subcodes, "InvalidCardinality")
			return f
		}
	}
	if e.ReplyTo != Anonymous {
		return addressing("OnlyAnonymousAddressSupported", "wsa:ReplyTo expected "+Anonymous)
	}
	return nil
}

func addressing(subcode, reason string) *Fault {
	return &Fault{Code: Sender, Subcodes: []string{subcode}, Space: NSWSA, Reason: reason, Lang: "en"}
}

// WriteResponse answers a request with m, to which it gives a MessageID when it
// has none and the RelatesTo of inReplyTo, which may be nil.
func WriteResponse(w http.ResponseWriter, inReplyTo *Envelope, m Message) {
	write(w, http.StatusOK, inReplyTo, m)
}

// WriteFault answers a request with f, in SOAP 1.2 and with HTTP status 500
// unless f has another.
func WriteFault(w http.ResponseWriter, inReplyTo *Envelope, f *Fault) {
	m, status := f.message()
	write(w, status, inReplyTo, m)
}

// WritePackage is WriteResponse as an MTOM package (multipart/related), which
// some services answer even without parts.
func WritePackage(w http.ResponseWriter, inReplyTo *Envelope, m Message, parts ...mtom.Part) error {
	return writePackage(w, http.StatusOK, inReplyTo, m, parts)
}

// WriteFaultPackage is WriteFault as an MTOM package.
func WriteFaultPackage(w http.ResponseWriter, inReplyTo *Envelope, f *Fault) error {
	m, status := f.message()
	return writePackage(w, status, inReplyTo, m, nil)
}

// message gives the message that carries f, and its HTTP status.
func (f *Fault) message() (Message, int) {
	m := Message{Action: ActionSOAPFault, Body: f.marshal()}
	if f.Space == NSWSA {
		m.Action = ActionFault
	}
	if f.Status != 0 {
		return m, f.Status
	}
	return m, http.StatusInternalServerError
}

func writePackage(w http.ResponseWriter, status int, inReplyTo *Envelope, m Message, parts []mtom.Part) error {
	m = m.inReplyTo(inReplyTo)
	p, err := mtom.New(m.Marshal(), m.Action, parts...)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", p.ContentType())
	w.Header().Set("Content-Length", strconv.FormatInt(p.Length(), 10))
	w.WriteHeader(status)
	_, err = p.WriteTo(w)
	return err
}

// inReplyTo completes m as an answer to e, which may be nil.
func (m Message) inReplyTo(e *Envelope) Message {
	if m.MessageID == "" {
		m.MessageID = NewMessageID()
	}
	if e != nil && m.RelatesTo == "" {
		m.RelatesTo = e.MessageID
	}
	if m.To == "" {
		m.To = Anonymous
	}
	return m
}

func write(w http.ResponseWriter, status int, inReplyTo *Envelope, m Message) {
	m = m.inReplyTo(inReplyTo)
	b := m.Marshal()
	w.Header().Set("Content-Type", m.ContentType())
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
