package mss

import (
	"bytes"
	"strings"
)

// Disposition is what became of a message, as its reader's notification says
// (RFC 8098 section 3.2.6.2).
type Disposition string

// Dispositions.
const (
	Displayed  Disposition = "displayed"  // shown to somebody
	Dispatched Disposition = "dispatched" // forwarded, printed, faxed
	Processed  Disposition = "processed"  // handled without being shown
	Deleted    Disposition = "deleted"    // read or not
)

// MDN is a message disposition notification (RFC 8098): its machine part,
// message/disposition-notification.
type MDN struct {
	Reporter string // Reporting-UA
	// OriginalRecipient is whom the message was sent to, FinalRecipient whom it
	// reached; zero when they cannot be read.
	OriginalRecipient, FinalRecipient Address
	OriginalMessageID                 string // without brackets
	// Manual says that somebody did what the disposition tells (manual-action),
	// SentManually that somebody agreed to tell it (MDN-sent-manually).
	Manual, SentManually bool
	Disposition          Disposition
	// Failed is the modifier "error"; Integration is then the code and the label
	// of the volet, zero when the notification gives none.
	Failed      bool
	Integration Integration
}

// ParseMDN reads the machine part of a notification. It takes what it can of
// one with slips, and refuses with a *ReceiptError one without a disposition.
func ParseMDN(b []byte) (MDN, error) {
	h, _, _ := parseHeader(bytes.TrimLeft(b, "\r\n"))
	var d MDN
	d.Reporter = cut(headerText(h.get("reporting-ua")), 200)
	d.OriginalRecipient = typedAddress(h.get("original-recipient"))
	d.FinalRecipient = typedAddress(h.get("final-recipient"))
	if ids := messageIDs(h.get("original-message-id")); len(ids) > 0 {
		d.OriginalMessageID = ids[0]
	} else if ids := messageIDs("<" + h.get("original-message-id") + ">"); len(ids) > 0 {
		d.OriginalMessageID = ids[0]
	}
	v := headerText(h.get("disposition"))
	modes, what, ok := strings.Cut(v, ";")
	if !ok {
		return d, &ReceiptError{ReceiptMDN, "Disposition: modes; type expected"}
	}
	modes = strings.ToLower(modes)
	d.Manual = strings.Contains(modes, "manual-action")
	d.SentManually = strings.Contains(modes, "mdn-sent-manually")
	kind, modifier, modified := strings.Cut(what, "/")
	switch d.Disposition = Disposition(strings.ToLower(strings.TrimSpace(kind))); d.Disposition {
	case Displayed, Dispatched, Processed, Deleted:
	default:
		return d, &ReceiptError{ReceiptMDN, "Disposition: displayed, dispatched, processed or deleted expected"}
	}
	if modified {
		name, text, _ := strings.Cut(modifier, ":")
		for n := range strings.SplitSeq(name, ",") {
			switch strings.ToLower(strings.TrimSpace(n)) {
			case "error", "failed", "failure":
				d.Failed = true
			}
		}
		if d.Failed {
			if strings.TrimSpace(text) == "" {
				text = headerText(h.get("error")) // RFC 8098 section 3.2.7
			}
			d.Integration, _ = parseIntegration(text)
		}
	}
	if d.Integration.Code == IntegrationAccepted {
		d.Failed = false
	}
	return d, nil
}

// longestLabel keeps the line of a disposition within those of mail.
const longestLabel = 250

// Wire writes the machine part, in ASCII: an integration's label loses its
// accents there, and what is beyond 250 characters.
func (d MDN) Wire() []byte {
	var b bytes.Buffer
	line := func(name, value string) {
		if value != "" {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	rfc822 := func(a Address) string {
		if a.IsZero() {
			return ""
		}
		return "rfc822; " + a.Wire()
	}
	line("Reporting-UA", withoutAccents(d.Reporter))
	line("Original-Recipient", rfc822(d.OriginalRecipient))
	line("Final-Recipient", rfc822(d.FinalRecipient))
	if d.OriginalMessageID != "" {
		line("Original-Message-ID", "<"+d.OriginalMessageID+">")
	}
	action, sending := "automatic-action", "MDN-sent-automatically"
	if d.Manual {
		action = "manual-action"
	}
	if d.SentManually {
		sending = "MDN-sent-manually"
	}
	v := action + "/" + sending + "; " + string(d.Disposition)
	if d.Failed {
		v += "/Error"
		if d.Integration.Code != "" {
			v += ": " + d.Integration.Code + "^" + strings.ReplaceAll(cut(withoutAccents(d.Integration.Label), longestLabel), "^", " ")
		}
	}
	line("Disposition", v)
	return b.Bytes()
}

// typedAddress reads "rfc822; address" of the fields of receipts (RFC 3464
// section 2.1.2), with brackets and xtext (RFC 3461 section 4) if need be.
func typedAddress(v string) Address {
	kind, s, ok := strings.Cut(v, ";")
	if !ok {
		s = kind
	} else if k := strings.ToLower(strings.TrimSpace(kind)); k != "rfc822" && k != "utf-8" {
		return Address{}
	}
	s = strings.Trim(strings.TrimSpace(s), "<>")
	a, err := ParseAddress(s)
	if plain, changed := unxtext(s); err != nil && changed {
		a, err = ParseAddress(plain)
	}
	if err != nil {
		return Address{}
	}
	return a
}

func unxtext(s string) (string, bool) {
	var b strings.Builder
	changed := false
	for i := 0; i < len(s); i++ {
		if s[i] == '+' && i+2 < len(s) {
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				changed = true
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), changed
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
