package mss

import (
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// BounceCause is why a message was not delivered.
type BounceCause string

// Causes. Mon espace santé returns messages for the first four.
const (
	BounceClosed         BounceCause = "closed"          // the mailbox is closed
	BounceUnknownPatient BounceCause = "unknown patient" // no account of Mon espace santé
	BounceInvalidAddress BounceCause = "invalid address"
	BounceTooLarge       BounceCause = "too large" // more than 25 MB for a patient
	BounceOther          BounceCause = "other"
)

// BouncePattern tells the cause of a bounce by its words.
type BouncePattern struct {
	// Words are searched in the text and in the diagnostics, without regard to
	// case.
	Words *regexp.Regexp
	Cause BounceCause
}

// assumedBounces are guesses: no text gives the words with which Mon espace
// santé and the operators return messages. The first that matches decides.
var assumedBounces = []BouncePattern{
	{regexp.MustCompile(`(?i)taille maximale|trop volumineu|d[ée]passe.{0,40}(taille|25 ?mo)|too (large|big)|exceeds? .{0,40}(size|limit)|message size`), BounceTooLarge},
	{regexp.MustCompile(`(?i)(bo[îi]te|messagerie|bal|compte).{0,40}(cl[ôo]tur|ferm[ée]|d[ée]sactiv)|mailbox .{0,20}(disabled|closed|inactive)`), BounceClosed},
	{regexp.MustCompile(`(?i)(patient|usager|titulaire|b[ée]n[ée]ficiaire).{0,60}(introuvable|inconnu|inexistant|n.existe)|(aucun|pas de) .{0,40}mon espace sant`), BounceUnknownPatient},
	{regexp.MustCompile(`(?i)adresse.{0,60}(invalide|incorrecte|erron[ée]e|inconnue|introuvable)|(unknown|no such) (user|recipient|mailbox)|user unknown|(invalid|bad) (address|recipient)`), BounceInvalidAddress},
}

// assumedBounceSubject and assumedBounceSender tell a bounce in free text from
// a message: both must match.
var (
	assumedBounceSubject = regexp.MustCompile(`(?i)message non (distribu|d[ée]livr|remis)|undelivered mail|undeliver(able|ed)|mail delivery (failed|failure)|returned mail|delivery status notification \(failure\)|non[- ]remise`)
	assumedBounceSender  = regexp.MustCompile(`(?i)^(mailer-daemon|postmaster|no-?reply|ne-?pas-?repondre)([.+_-].*)?$`)
)

func (d Dialect) bounces() []BouncePattern {
	if d.Bounces == nil {
		return assumedBounces
	}
	return d.Bounces
}

// cause tells why a message was not delivered: by the status code (RFC 3463)
// where one tells, else by the words.
func (d Dialect) cause(code, words string, patient bool) BounceCause {
	class, detail, _ := strings.Cut(code, ".")
	if class == "5" {
		switch detail {
		case "2.3", "3.4":
			return BounceTooLarge
		case "2.1":
			return BounceClosed
		}
	}
	words = norm.NFC.String(words)
	for _, p := range d.bounces() {
		if p.Words != nil && p.Words.MatchString(words) {
			if p.Cause == BounceInvalidAddress && patient && code == "5.1.1" {
				return BounceUnknownPatient
			}
			return p.Cause
		}
	}
	if class == "5" {
		switch detail {
		case "1.1":
			if patient {
				return BounceUnknownPatient
			}
			return BounceInvalidAddress
		case "1.0", "1.2", "1.3", "1.6", "1.10", "4.4":
			return BounceInvalidAddress
		}
	}
	return BounceOther
}

var returnedHeader = regexp.MustCompile(`(?i)message-id:\s*(<[^<>]{3,900}>)`)

// bounce tells whether a message in free text returns another. It never takes a
// patient's message for one.
func (d Dialect) bounce(m *Message, about string) (Receipt, bool) {
	subject, sender := d.BounceSubject, d.BounceSender
	if subject == nil {
		subject = assumedBounceSubject
	}
	if sender == nil {
		sender = assumedBounceSender
	}
	if _, matricule := m.Sender.Address.Matricule(); matricule || !subject.MatchString(norm.NFC.String(m.fullSubject())) {
		return Receipt{}, false
	}
	if !m.origin.nullPath && !sender.MatchString(m.Sender.Address.parts().local) {
		return Receipt{}, false
	}
	text := m.Text
	if text == "" {
		text = m.HTML
	}
	text = cut(text, 20_000)
	if about == "" {
		if found := returnedHeader.FindStringSubmatch(text); found != nil {
			if ids := messageIDs(found[1]); len(ids) > 0 {
				about = ids[0]
			}
		}
	}
	r := Receipt{Kind: ReceiptBounce, MessageID: about, Status: StatusBounced, At: m.Date, Text: scrub(firstLine(text))}
	if c := statusCode.FindString(text); strings.HasPrefix(c, "5.") {
		r.Code = c
	}
	r.Recipient = failedRecipient(m, text)
	r.Cause = d.cause(r.Code, text, r.Recipient.IsPatient())
	return r, true
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}

var anyAddress = regexp.MustCompile(`[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]{1,64}@[A-Za-z0-9.-]{3,190}`)

// failedRecipient gives the recipient of a message returned when the header of
// that message, or else the text, names one and no other.
func failedRecipient(m *Message, text string) Address {
	own := map[Address]bool{m.Sender.Address: true}
	for _, a := range append(append([]Address{}, m.To...), m.Cc...) {
		own[a] = true
	}
	for _, a := range m.Attachments {
		if a.is("message/rfc822") || a.is("text/rfc822-headers") {
			h, _, _ := parseHeader(a.head())
			if l := append(addresses(h.get("to")), addresses(h.get("cc"))...); len(l) == 1 {
				return l[0]
			}
		}
	}
	var found Address
	for _, s := range anyAddress.FindAllString(text, 50) {
		a, err := ParseAddress(strings.TrimRight(s, "."))
		if err != nil || own[a] || a == found {
			continue
		}
		if !found.IsZero() {
			return Address{}
		}
		found = a
	}
	return found
}
