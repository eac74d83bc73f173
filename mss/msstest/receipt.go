package msstest

import (
	"bytes"
	"net/mail"
	"regexp"
	"strings"
)

// failedIntegration is what the subject of a document that could not be filed
// begins with.
var failedIntegration = regexp.MustCompile(`^\[KO Intégration système !\]\[[0-9]{1,3}\] `)

// check holds a message against the rules: those of a receipt when it is one.
func (t *submission) check(raw []byte) error {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return broken("RFC 5322", "a header that can be read", "%v", err)
	}
	report := strings.HasPrefix(strings.ToLower(m.Header.Get("Content-Type")), "multipart/report")
	switch {
	case t.from == "" && !report:
		return broken("RFC 5321", "a sender in MAIL FROM of what is no receipt", "none")
	case report && t.from != "":
		return broken("RFC 8098 2.1", "no sender in MAIL FROM of a receipt", "one")
	}
	if err := check(raw, t.box.Mailbox, t.to); err != nil || !report {
		return err
	}
	return checkReceipt(raw, t.box.Address)
}

var (
	dispositionForm = regexp.MustCompile(`(?i)^(manual-action/MDN-sent-manually|automatic-action/MDN-sent-automatically); (displayed|deleted|dispatched|processed)(/Error: [0-9]{1,3}\^[ -~]+)?$`)
	rfc822Form      = regexp.MustCompile(`(?i)^rfc822; ?(\S+@\S+)$`)
)

// checkReceipt checks a disposition notification (RFC 8098, and the volet for
// one of a failed integration).
func checkReceipt(raw []byte, box string) error {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return broken("RFC 5322", "a header that can be read", "%v", err)
	}
	if m.Header.Get("Disposition-Notification-To") != "" {
		return broken("RFC 8098 2.1", "no Disposition-Notification-To in a receipt", "one")
	}
	s := &submitted{header: m.Header}
	header := map[string][]string{"Content-Type": {m.Header.Get("Content-Type")}}
	if err := s.leaves(header, m.Body, 0); err != nil {
		return err
	}
	if len(s.files) < 2 || s.files[0].media != "message/disposition-notification" {
		return broken("RFC 6522 3", "text, message/disposition-notification and the message", "%d parts after the text", len(s.files))
	}
	fields, err := mail.ReadMessage(bytes.NewReader(append(bytes.Clone(s.files[0].content), "\r\n"...)))
	if err != nil {
		return broken("RFC 8098 3.1", "fields in message/disposition-notification", "%v", err)
	}
	final := rfc822Form.FindStringSubmatch(fields.Header.Get("Final-Recipient"))
	switch {
	case final == nil || fold(final[1]) != fold(box):
		return broken("RFC 8098 3.2.4", "Final-Recipient: rfc822; the mailbox", "another")
	case !messageID.MatchString(fields.Header.Get("Original-Message-ID")):
		return broken("RFC 8098 3.2.5", "Original-Message-ID", "none")
	case rfc822Form.FindString(fields.Header.Get("Original-Recipient")) == "":
		return broken("volet LPS-CDA-MSS", "Original-Recipient", "none")
	}
	disposition := fields.Header.Get("Disposition")
	if !dispositionForm.MatchString(disposition) {
		return broken("RFC 8098 3.2.6", "Disposition: modes; type[/Error: code^label]", "%q", disposition)
	}
	failed := strings.Contains(disposition, "/Error")
	subject := decoded(m.Header.Get("Subject"))
	if failed != failedIntegration.MatchString(subject) {
		return broken("volet LPS-CDA-MSS", "[KO Intégration système !][code] in the subject of a failure, and only there", "another subject")
	}
	if failed && s.files[1].media != "message/rfc822" {
		return broken("volet LPS-CDA-MSS", "message/rfc822 with the message as third part", "%s", s.files[1].media)
	}
	return nil
}
