// Package soap writes and reads SOAP 1.2 messages with WS-Addressing 1.0, on
// both sides of the wire.
//
// What is written is SOAP 1.2, canonical, with the headers in the order Action,
// MessageID, ReplyTo or RelatesTo, To, then the caller's own. What is read is
// decoded by namespace and local name, never by prefix; SOAP 1.1 envelopes are
// read too, because services answer with them, and faults are read whatever the
// HTTP status that carries them.
//
// Sources: SOAP 1.2 Part 1 §5 (envelope, faults) and Part 2 §7 (HTTP binding);
// WS-Addressing 1.0 Core §3 and SOAP Binding §5–6.
package soap

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/soclesante/socle/internal/xmltree"
)

// Namespaces of the two SOAP versions and of WS-Addressing.
const (
	NS12  = "http://www.w3.org/2003/05/soap-envelope"
	NS11  = "http://schemas.xmlsoap.org/soap/envelope/"
	NSWSA = "http://www.w3.org/2005/08/addressing"
)

// Anonymous is the WS-Addressing address of "answer on the same connection".
const Anonymous = "http://www.w3.org/2005/08/addressing/anonymous"

// ActionFault is the wsa:Action of a fault that WS-Addressing itself defines,
// and ActionSOAPFault that of any other fault.
const (
	ActionFault     = "http://www.w3.org/2005/08/addressing/fault"
	ActionSOAPFault = "http://www.w3.org/2005/08/addressing/soap/fault"
)

// MediaType is the media type of a SOAP 1.2 message.
const MediaType = "application/soap+xml"

// Message is a message to write.
type Message struct {
	Action    string // wsa:Action
	MessageID string // wsa:MessageID, see NewMessageID
	// RelatesTo is the MessageID that this message answers. An answer has it
	// in place of the ReplyTo of a request.
	RelatesTo string
	To        string   // wsa:To; written empty in a request, as Anonymous in an answer
	Headers   [][]byte // further header blocks, canonical, such as wsse:Security
	Body      []byte   // the child of soap:Body, canonical; may be empty
}

// Marshal gives the SOAP 1.2 envelope in canonical form, without XML declaration.
func (m Message) Marshal() []byte {
	var w xmltree.Writer
	w.Start("soap:Envelope", "xmlns:soap", NS12)
	m.header(&w)
	return w.Start("soap:Body").Raw(m.Body).End().End().Bytes()
}

func (m Message) header(w *xmltree.Writer) {
	w.Start("soap:Header")
	if m.Action != "" {
		w.Leaf("wsa:Action", m.Action, "xmlns:wsa", NSWSA, "soap:mustUnderstand", "true")
	}
	if m.MessageID != "" {
		w.Leaf("wsa:MessageID", m.MessageID, "xmlns:wsa", NSWSA)
	}
	to := m.To
	if m.RelatesTo != "" {
		w.Leaf("wsa:RelatesTo", m.RelatesTo, "xmlns:wsa", NSWSA)
		if to == "" {
			to = Anonymous
		}
	} else if m.MessageID != "" && to != Anonymous {
		w.Start("wsa:ReplyTo", "xmlns:wsa", NSWSA, "soap:mustUnderstand", "true").Leaf("wsa:Address", Anonymous).End()
	}
	if m.MessageID != "" {
		w.Leaf("wsa:To", to, "xmlns:wsa", NSWSA)
	}
	for _, h := range m.Headers {
		w.Raw(h)
	}
	w.End()
}

// ContentType gives the Content-Type header of m: SOAP 1.2, UTF-8, with the
// action parameter when there is an Action.
func (m Message) ContentType() string {
	ct := MediaType + "; charset=UTF-8"
	if m.Action != "" {
		ct += `; action="` + m.Action + `"`
	}
	return ct
}

// NewMessageID draws a message identifier: "urn:uuid:" and a random UUID (RFC 9562 §5.4).
func NewMessageID() string { return "urn:uuid:" + NewUUID() }

// NewUUID draws a random UUID in its text form.
func NewUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}
