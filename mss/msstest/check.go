package msstest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/soclesante/socle/mss"
)

// patientLimit is what Mon espace santé takes: 25 MB (ENS Messagerie §6).
const patientLimit = 25_000_000

// violation is a rule that a message breaks.
type violation struct{ rule, expected, got string }

// Error tells the rule, what was expected and what came.
func (v *violation) Error() string {
	return fmt.Sprintf("%s: %s expected, %s came", v.rule, v.expected, v.got)
}

func broken(rule, expected, format string, args ...any) error {
	return &violation{rule, expected, fmt.Sprintf(format, args...)}
}

// submitted is a message as the operator's own parser sees it.
type submitted struct {
	header   mail.Header
	patients int // recipients of Mon espace santé
	texts    []leaf
	files    []leaf
}

type leaf struct {
	media, charset, name string
	content              []byte
}

// check holds a message of a mailbox against the rules of Référentiel #2.
func check(raw []byte, from Mailbox, to []string) error {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return broken("RFC 5322", "a header that can be read", "%v", err)
	}
	s := &submitted{header: m.Header}
	for _, r := range to {
		if a, err := mss.ParseAddress(r); err == nil && a.IsPatient() {
			s.patients++
		}
	}
	for _, rule := range []func() error{
		s.once,
		func() error { return plainWire(raw) },
		func() error { return s.origin(from) },
		s.identifiers,
		func() error { return s.recipients(to) },
		func() error { return s.notified(from) },
		s.product,
		s.closing,
		func() error { return s.body(m.Header.Get("Content-Type"), m.Body) },
		func() error { return s.archive(to) },
	} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

var (
	personLabel = regexp.MustCompile(`^([^_]+_)?[^_]*\p{Ll}[^_]*_[^_\p{Ll}]*\p{Lu}[^_\p{Ll}]*(_.+)?$|^([^_]+_)?\p{Lu}_[^_\p{Ll}]*\p{Lu}[^_\p{Ll}]*(_.+)?$`)
	entityLabel = regexp.MustCompile(`^[^_]+$`)
	messageID   = regexp.MustCompile(`^<[^<>@\s]+@[^<>@\s]+>$`)
)

// origin checks From (ECO.2.2.7).
func (s *submitted) origin(box Mailbox) error {
	l, err := s.header.AddressList("From")
	if err != nil || len(l) != 1 {
		return broken("RFC 5322", "one address in From", "%d", len(l))
	}
	if fold(l[0].Address) != fold(box.Address) {
		return broken("RFC 5322", "the address of the mailbox in From", "another")
	}
	switch {
	case box.signsAsEntity() && !entityLabel.MatchString(l[0].Name):
		return broken("ECO.2.2.7", "the functional entity as display name of From", "%q", l[0].Name)
	case !box.signsAsEntity() && !personLabel.MatchString(l[0].Name):
		return broken("ECO.2.2.7", "Titre_Prenom_NOM_Entite as display name of From", "%q", l[0].Name)
	}
	return nil
}

// once checks the fields that a message has once, or never (RFC 5322 section 3.6).
func (s *submitted) once() error {
	for _, f := range []string{"From", "To", "Cc", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Reply-To", "Sender",
		"Disposition-Notification-To", "Content-Type", "Content-Transfer-Encoding"} {
		if n := len(s.header[f]); n > 1 {
			return broken("RFC 5322 3.6", "one "+f, "%d", n)
		}
	}
	switch {
	case len(s.header["Bcc"]) > 0:
		return broken("RFC 5322 3.6.3", "no Bcc in what leaves", "one")
	case len(s.header["To"])+len(s.header["Cc"]) == 0:
		return broken("RFC 5322 3.6.3", "recipients in To or Cc", "none")
	case len(s.header["Subject"]) == 0:
		return broken("RFC 5322 3.6.5", "a Subject", "none")
	}
	return nil
}

// plainWire checks the lines (RFC 5322 section 2.1.1) and that the header is in
// ASCII (section 2.2).
func plainWire(raw []byte) error {
	inHeader := true
	for line := range bytes.SplitSeq(raw, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		switch {
		case len(line) == 0:
			inHeader = false
		case len(line) > 998:
			return broken("RFC 5322 2.1.1", "lines of 998 bytes at most", "one of %d", len(line))
		case bytes.ContainsAny(line, "\r\x00"):
			return broken("RFC 5322 2.3", "no CR alone and no NUL", "one")
		case inHeader && bytes.ContainsFunc(line, func(r rune) bool { return r > '~' }):
			return broken("RFC 5322 2.2", "a header in ASCII", "other characters")
		}
	}
	return nil
}

// notified checks that a receipt is asked for the mailbox itself (ECO.2.3.1).
func (s *submitted) notified(box Mailbox) error {
	v := s.header.Get("Disposition-Notification-To")
	if v == "" {
		return nil
	}
	if l, err := s.header.AddressList("Disposition-Notification-To"); err != nil || len(l) != 1 || fold(l[0].Address) != fold(box.Address) {
		return broken("ECO.2.3.1", "the mailbox itself in Disposition-Notification-To", "another address")
	}
	return nil
}

// identifiers checks Message-ID (ECO.2.2.1) and the thread (ECO.2.2.2).
func (s *submitted) identifiers() error {
	if id := s.header.Get("Message-ID"); !messageID.MatchString(id) {
		return broken("ECO.2.2.1", "Message-ID: <left@right>", "%d characters of another form", len(id))
	}
	if _, err := s.header.Date(); err != nil {
		return broken("RFC 5322", "a Date", "none that can be read")
	}
	reply, references := strings.Fields(s.header.Get("In-Reply-To")), strings.Fields(s.header.Get("References"))
	if len(reply) > 0 && !slices.Contains(references, reply[0]) {
		return broken("ECO.2.2.2", "References that hold In-Reply-To", "%d references without it", len(references))
	}
	if len(references) > 0 && len(reply) == 0 {
		return broken("ECO.2.2.2", "In-Reply-To beside References", "none")
	}
	return nil
}

// recipients checks that the header and the envelope agree.
func (s *submitted) recipients(to []string) error {
	var named []string
	for _, f := range []string{"To", "Cc"} {
		if s.header.Get(f) == "" {
			continue
		}
		l, err := s.header.AddressList(f)
		if err != nil {
			return broken("RFC 5322", "addresses in "+f, "something else")
		}
		for _, a := range l {
			named = append(named, fold(a.Address))
		}
	}
	for _, n := range named {
		if !slices.ContainsFunc(to, func(r string) bool { return fold(r) == n }) {
			return broken("RFC 5321", "every recipient of the header in the envelope", "one that is not")
		}
	}
	return nil
}

// product checks X-MSS-NIL (ECO.2.4.3).
func (s *submitted) product() error {
	if v := s.header["X-Mss-Nil"]; len(v) != 1 || v[0] == "" || strings.ContainsFunc(v[0], func(r rune) bool { return r <= ' ' || r > '~' }) {
		return broken("ECO.2.4.3", "one X-MSS-NIL with the product reference", "%d", len(v))
	}
	return nil
}

// closing checks X-MSS-MES (ECO.2.2.8).
func (s *submitted) closing() error {
	switch v := s.header["X-Mss-Mes"]; {
	case len(v) == 0:
		return nil
	case len(v) > 1 || v[0] != "FIN":
		return broken("ECO.2.2.8", "X-MSS-MES: FIN", "%q", v)
	case s.patients == 0:
		return broken("ECO.2.2.8", "X-MSS-MES only to a patient", "it without one")
	}
	return nil
}

// body checks the structure (ECO.2.2.4) and the charset of texts (ECO.2.2.3).
func (s *submitted) body(contentType string, r io.Reader) error {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return broken("RFC 2045", "a Content-Type", "none that can be read")
	}
	if media != "text/plain" && media != "multipart/alternative" && media != "multipart/mixed" && media != "multipart/report" {
		return broken("ECO.2.2.4", "text/plain or multipart/alternative, inside multipart/mixed with files", "%s", media)
	}
	header := map[string][]string{"Content-Type": {contentType}, "Content-Transfer-Encoding": {s.header.Get("Content-Transfer-Encoding")}}
	if err := s.leaves(header, r, 0); err != nil {
		return err
	}
	if len(s.texts) == 0 || s.texts[0].media != "text/plain" {
		return broken("ECO.2.2.4", "a text/plain", "none")
	}
	for _, t := range s.texts {
		if !strings.EqualFold(t.charset, "utf-8") || !utf8.Valid(t.content) {
			return broken("ECO.2.2.3", "texts in UTF-8", "charset %q", t.charset)
		}
	}
	return nil
}

func (s *submitted) leaves(header map[string][]string, r io.Reader, depth int) error {
	get := func(name string) string {
		if v := header[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	media, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil || depth > 5 {
		return broken("RFC 2045", "parts with a Content-Type, 5 deep at most", "something else")
	}
	if strings.HasPrefix(media, "multipart/") {
		for parts := multipart.NewReader(r, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return broken("RFC 2046", "parts that end with the boundary", "%v", err)
			}
			if err := s.leaves(p.Header, p, depth+1); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(get("Content-Transfer-Encoding")) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return broken("RFC 2045", "content in its transfer encoding", "%v", err)
	}
	disposition, about, _ := mime.ParseMediaType(get("Content-Disposition"))
	l := leaf{media: media, charset: params["charset"], name: about["filename"], content: content}
	if l.name == "" {
		l.name = params["name"]
	}
	if strings.HasPrefix(media, "text/") && media != "text/rfc822-headers" && disposition != "attachment" {
		s.texts = append(s.texts, l)
	} else {
		s.files = append(s.files, l)
	}
	return nil
}
