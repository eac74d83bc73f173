package mss

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle"
)

const (
	protocolIMAP = "IMAP"
	protocolSMTP = "SMTP"
)

// secured is a connection under TLS as the mail libraries read it. After
// STARTTLS it begins with a bare greeting of our own: nothing that was said in
// clear is believed, neither capabilities nor PREAUTH.
type secured struct {
	net.Conn
	imap     bool
	greeting io.Reader

	mu     sync.Mutex
	broken error
}

// Read keeps what broke the connection: the libraries do not always tell.
func (s *secured) Read(b []byte) (int, error) {
	if n, _ := s.greeting.Read(b); n > 0 {
		return n, nil
	}
	n, err := s.Conn.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.broken = err
	}
	return n, err
}

// Write corrects an empty answer to a challenge, which the IMAP library writes
// as "=": that is an empty initial response, and an error anywhere else (RFC
// 9051 section 6.2.2). No command is a line of that one character.
func (s *secured) Write(b []byte) (int, error) {
	if s.imap && string(b) == "=\r\n" {
		_, err := s.Conn.Write(b[1:])
		return len(b), err
	}
	return s.Conn.Write(b)
}

// because adds what broke the connection to an error of a library.
func (s *secured) because(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || s.broken == nil {
		return err
	}
	return errors.Join(err, s.broken)
}

// connect opens a connection and secures it: by STARTTLS (ECO.1.0.1,
// ECO.1.0.2), or at once. The error may be an *Error.
func (c *Client) connect(ctx context.Context, protocol, address string, l login) (*secured, error) {
	conn, err := c.cfg.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &secured{imap: protocol == protocolIMAP, greeting: strings.NewReader("")}
	err = whileOpen(ctx, conn, func() error {
		if !c.cfg.Environment.ImplicitTLS {
			// Line by line up to the last byte of the answer: whatever follows it
			// in clear, as an injection would, is no TLS record.
			_ = conn.SetDeadline(time.Now().Add(negotiationTime))
			greeting, err := negotiate(conn, protocol)
			if err != nil {
				return err
			}
			_ = conn.SetDeadline(time.Time{})
			s.greeting = strings.NewReader(greeting)
		}
		t := tls.Client(conn, c.tlsConfig(ctx, address, l.auth.certificate))
		s.Conn = t
		return t.HandshakeContext(ctx)
	})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

const (
	negotiationTime  = 30 * time.Second
	negotiationLine  = 8 << 10
	negotiationLines = 100
)

// negotiate asks for TLS and stops right after the answer. It gives the greeting
// that the library shall see.
func negotiate(conn io.ReadWriter, protocol string) (string, error) {
	if protocol == protocolIMAP {
		return "* OK secured\r\n", negotiateIMAP(conn)
	}
	return "220 secured\r\n", negotiateSMTP(conn)
}

func negotiateIMAP(conn io.ReadWriter) error {
	line, err := readLine(conn)
	switch word := strings.ToUpper(line); {
	case err != nil:
		return err
	case strings.HasPrefix(word, "* BYE"):
		return notNow("it refuses connections: " + line[len("* BYE"):])
	case strings.HasPrefix(word, "* PREAUTH"):
		return insecure("the session begins authenticated and in clear (PREAUTH)")
	case !strings.HasPrefix(word, "* OK"):
		return insecure("what answers is no IMAP server: the address may be that of another service, or want Config.Environment.ImplicitTLS")
	}
	if _, err := io.WriteString(conn, "s1 STARTTLS\r\n"); err != nil {
		return err
	}
	for range negotiationLines {
		line, err := readLine(conn)
		if err != nil {
			return err
		}
		switch status, tagged := strings.CutPrefix(strings.ToUpper(line), "S1 "); {
		case !tagged:
		case strings.HasPrefix(status, "OK"):
			return nil
		default:
			return insecure("it refuses STARTTLS: " + line[len("s1 "):])
		}
	}
	return insecure(fmt.Sprintf("it says more than %d lines instead of answering STARTTLS", negotiationLines))
}

func negotiateSMTP(conn io.ReadWriter) error {
	if code, lines, err := readReply(conn); err != nil {
		return err
	} else if code != "220" {
		return notNow("it refuses connections: " + code + " " + lines[0])
	}
	if _, err := io.WriteString(conn, "EHLO localhost\r\n"); err != nil {
		return err
	}
	code, lines, err := readReply(conn)
	if err != nil {
		return err
	}
	offered := false
	for _, l := range lines[1:] {
		offered = offered || strings.EqualFold(strings.TrimSpace(l), "STARTTLS")
	}
	if code != "250" || !offered {
		return insecure("it offers no STARTTLS")
	}
	if _, err := io.WriteString(conn, "STARTTLS\r\n"); err != nil {
		return err
	}
	switch code, lines, err := readReply(conn); {
	case err != nil:
		return err
	case code[0] == '4':
		return notNow("no TLS for now: " + code + " " + lines[0])
	case code != "220":
		return insecure("it refuses STARTTLS: " + code + " " + lines[0])
	}
	return nil
}

// readReply reads an SMTP reply (RFC 5321 section 4.2.1).
func readReply(r io.Reader) (code string, lines []string, err error) {
	for range negotiationLines {
		l, err := readLine(r)
		if err != nil {
			return "", nil, err
		}
		if len(l) < 3 || strings.ContainsFunc(l[:3], func(r rune) bool { return r < '0' || r > '9' }) ||
			len(l) > 3 && l[3] != '-' && l[3] != ' ' || code != "" && l[:3] != code {
			return "", nil, insecure("what answers is no SMTP server: the address may be that of another service, or want Config.Environment.ImplicitTLS")
		}
		code = l[:3]
		if len(l) == 3 {
			return code, append(lines, ""), nil
		}
		lines = append(lines, l[4:])
		if l[3] == ' ' {
			return code, lines, nil
		}
	}
	return "", nil, insecure(fmt.Sprintf("a reply of more than %d lines", negotiationLines))
}

// readLine reads to the end of the line and not one byte further.
func readLine(r io.Reader) (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < negotiationLine {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b[0])
	}
	return "", insecure(fmt.Sprintf("a line of more than %d bytes", negotiationLine))
}

func insecure(text string) *Error {
	return &Error{kind: ErrInsecure, Text: scrub(text), outcome: socle.OutcomeNotSent}
}

func notNow(text string) *Error {
	return &Error{Text: scrub(text), outcome: socle.OutcomeNotSent, retryable: true}
}
