package mss

import (
	"bytes"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// Action is what became of a message on its way (RFC 3464 section 2.3.3).
type Action string

// Actions.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed" // to a system that will tell no more
	Expanded  Action = "expanded"
)

// DSN is a delivery status notification (RFC 3464): its machine part,
// message/delivery-status.
type DSN struct {
	Reporter   string // Reporting-MTA, without its type
	EnvelopeID string // Original-Envelope-Id
	Arrived    time.Time
	Recipients []Delivery
}

// Delivery is what became of a message for one recipient.
type Delivery struct {
	// Original is the address that the message was sent to, when it is told;
	// Final the one that it reached or failed at.
	Original, Final Address
	Action          Action
	Code            string // status code of RFC 3463, such as 5.1.1
	// Diagnostic are the words of the server, without what identifies.
	Diagnostic string
	At         time.Time // Last-Attempt-Date
}

// Recipient gives the address that the message was sent to.
func (d Delivery) Recipient() Address {
	if d.Original.IsZero() {
		return d.Final
	}
	return d.Original
}

const maxDeliveries = 1000

var (
	statusCode = regexp.MustCompile(`\b([245]\.[0-9]{1,3}\.[0-9]{1,3})\b`)
	blankLines = regexp.MustCompile(`\r?\n[ \t]*(\r?\n)+`)
)

// ParseDSN reads the machine part of a notification: the fields of the message,
// then groups of fields for recipients, 1000 at most. It takes what it can, and
// refuses with a *ReceiptError one that tells of no recipient.
func ParseDSN(b []byte) (DSN, error) {
	var d DSN
	if len(b) > 4<<20 {
		return d, &ReceiptError{ReceiptDSN, "more than 4 MiB"}
	}
	for i, group := range blankLines.Split(strings.Trim(string(b), "\r\n"), maxDeliveries+2) {
		h, _, _ := parseHeader([]byte(group))
		if i == 0 {
			_, mta, ok := strings.Cut(headerText(h.get("reporting-mta")), ";")
			if !ok {
				mta = headerText(h.get("reporting-mta"))
			}
			d.Reporter = cut(strings.TrimSpace(mta), 200)
			d.EnvelopeID, _ = unxtext(cut(h.get("original-envelope-id"), 200))
			d.Arrived, _ = mail.ParseDate(h.get("arrival-date"))
		}
		if h.get("action") == "" && h.get("final-recipient") == "" {
			continue // fields of the message, or an empty group
		}
		r := Delivery{
			Original:   typedAddress(h.get("original-recipient")),
			Final:      typedAddress(h.get("final-recipient")),
			Action:     Action(strings.ToLower(firstWord(h.get("action")))),
			Diagnostic: scrub(headerText(h.get("diagnostic-code"))),
		}
		if m := statusCode.FindStringSubmatch(h.get("status")); m != nil {
			r.Code = m[1]
		} else if m := statusCode.FindStringSubmatch(h.get("diagnostic-code")); m != nil {
			r.Code = m[1]
		}
		r.At, _ = mail.ParseDate(h.get("last-attempt-date"))
		switch r.Action {
		case Failed, Delayed, Delivered, Relayed, Expanded:
		default:
			r.Action = ""
			switch { // Action is mandatory; the code tells enough without it
			case strings.HasPrefix(r.Code, "5."):
				r.Action = Failed
			case strings.HasPrefix(r.Code, "4."):
				r.Action = Delayed
			case strings.HasPrefix(r.Code, "2."):
				r.Action = Delivered
			}
		}
		if r.Action != "" && len(d.Recipients) < maxDeliveries {
			d.Recipients = append(d.Recipients, r)
		}
	}
	if len(d.Recipients) == 0 {
		return d, &ReceiptError{ReceiptDSN, "no recipient with an Action or a Status"}
	}
	return d, nil
}

func firstWord(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return f[0]
	}
	return ""
}

// Wire writes the machine part.
func (d DSN) Wire() []byte {
	var b bytes.Buffer
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, withoutAccents(value))
		}
	}
	date := func(name string, t time.Time) {
		if !t.IsZero() {
			line(name, t.Format(time.RFC1123Z))
		}
	}
	if d.Reporter != "" {
		line("Reporting-MTA", "dns; "+d.Reporter)
	}
	line("Original-Envelope-Id", d.EnvelopeID)
	date("Arrival-Date", d.Arrived)
	for _, r := range d.Recipients {
		b.WriteString("\r\n")
		if !r.Original.IsZero() {
			line("Original-Recipient", "rfc822; "+r.Original.Wire())
		}
		if !r.Final.IsZero() {
			line("Final-Recipient", "rfc822; "+r.Final.Wire())
		}
		line("Action", string(r.Action))
		line("Status", r.Code)
		if r.Diagnostic != "" {
			line("Diagnostic-Code", "smtp; "+r.Diagnostic)
		}
		date("Last-Attempt-Date", r.At)
	}
	return b.Bytes()
}
