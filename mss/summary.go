package mss

import (
	"fmt"
	"log/slog"
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// UID names a message of a folder. When the operator renumbers the folder,
// Validity changes and older UIDs name nothing any more (RFC 3501 section
// 2.3.1.1). When the message is moved, it has another UID.
type UID struct {
	Folder   string // "" for the inbox
	Validity uint32
	Number   uint32
}

func (u UID) reference() string { return fmt.Sprintf("%d/%d", u.Validity, u.Number) }

// Summary is what a list of messages shows.
type Summary struct {
	UID      UID
	Seen     bool
	Flags    []Flag
	Received time.Time // when the operator received it
	Size     int64     // bytes, as sent

	Date       time.Time // the Date header, zero when it cannot be read
	MessageID  string    // without its brackets
	InReplyTo  string
	References []string
	Sender     Sender
	To, Cc     []Address
	// Subject is shown without the prefix XDM/1.0/DDM+ (ECO.3.1.3).
	Subject string

	// XDM reports that the message announces an IHE_XDM.ZIP, by its subject or
	// its X-MSS-CODECDA.
	XDM bool
	// Codes are the codes of the CDA documents that X-MSS-CODECDA announces,
	// one for each document.
	Codes []string
	// INS is X-MSS-INS: "O" when the sender says that a qualified INS is in the
	// archive, "N" when not, empty without an archive.
	INS string
	// Product is X-MSS-NIL, the product reference of the sender's software.
	Product string
	// Final reports X-MSS-MES: FIN, or [FIN] in the subject, with which a
	// professional closes an exchange with a patient (ECO.2.2.8).
	Final bool
}

// String tells the number of the message and the kind of its sender.
func (s Summary) String() string { return fmt.Sprintf("message %d from %s", s.UID.Number, s.Sender) }

// GoString is String.
func (s Summary) GoString() string { return s.String() }

// MarshalText is String.
func (s Summary) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue shows the number, the kind of sender and whether documents are announced.
func (s Summary) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Uint64("uid", uint64(s.UID.Number)),
		slog.String("sender", s.Sender.String()),
		slog.Bool("xdm", s.XDM),
	)
}

// listed are the header fields that a Summary is made of.
var listed = []string{"From", "To", "Cc", "Date", "Subject", "Message-ID", "In-Reply-To", "References",
	"X-MSS-CODECDA", "X-MSS-INS", "X-MSS-NIL", "X-MSS-MES"}

// finMark is the older way to close an exchange, in the subject; the header is
// preferred (ENS Messagerie §7).
const finMark = "[FIN]"

const (
	maxReferences = 200
	maxMessageID  = 250 // of those that are made
	longMessageID = 900 // of those that are read: an answer must fit it in a line
)

func summarize(h header) Summary {
	s := Summary{
		Sender:  parseSender(h.get("from")),
		To:      addresses(h.get("to")),
		Cc:      addresses(h.get("cc")),
		INS:     strings.ToUpper(headerText(h.get("x-mss-ins"))),
		Product: headerText(h.get("x-mss-nil")),
		Final:   strings.EqualFold(headerText(h.get("x-mss-mes")), "FIN"),
	}
	s.Subject, s.XDM = withoutPrefix(headerText(h.get("subject")))
	if s.Sender.Kind == SenderProfessional && strings.Contains(strings.ToUpper(s.Subject), finMark) {
		s.Final = true
	}
	for c := range strings.SplitSeq(headerText(h.get("x-mss-codecda")), ",") {
		if c = strings.TrimSpace(c); c != "" {
			s.Codes, s.XDM = append(s.Codes, c), true
		}
	}
	if d, err := mail.ParseDate(h.get("date")); err == nil {
		s.Date = d
	}
	if ids := messageIDs(h.get("message-id")); len(ids) > 0 {
		s.MessageID = ids[0]
	}
	if ids := messageIDs(h.get("in-reply-to")); len(ids) > 0 {
		s.InReplyTo = ids[0]
	}
	s.References = messageIDs(h.get("references"))
	return s
}

var xdmPrefix = regexp.MustCompile(`(?i)^((?:(?:re|tr|fwd?|ré)\s*:\s*)*)XDM/1\.0/DDM\s*\+?\s*`)

func withoutPrefix(subject string) (string, bool) {
	if m := xdmPrefix.FindStringSubmatchIndex(subject); m != nil {
		return strings.TrimSpace(subject[:m[3]] + subject[m[1]:]), true
	}
	return subject, false
}

// messageIDs gives the identifiers of a field. White space inside an
// identifier, which some senders fold in, is dropped.
func messageIDs(v string) []string {
	var out []string
	for len(out) < maxReferences {
		_, rest, ok := strings.Cut(v, "<")
		if !ok {
			break
		}
		id, after, ok := strings.Cut(rest, ">")
		if !ok {
			break
		}
		v = after
		if id = strings.Join(strings.Fields(id), ""); id != "" && len(id) <= longMessageID && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
			out = append(out, id)
		}
	}
	return out
}
