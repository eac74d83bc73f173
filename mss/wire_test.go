package mss_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
	"github.com/soclesante/socle/psc"
)

var _ socle.TokenSource = (*psc.Session)(nil)

// scripted is a server that answers each line as answer says, and keeps the
// lines. An answer that begins with "!" is the last one.
type scripted struct {
	mu    sync.Mutex
	lines []string
}

func (s *scripted) serve(t *testing.T, greeting string, secure bool, answer func(line string) string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if secure {
		a, err := authority()
		require.NoError(t, err)
		c, err := a.Server("127.0.0.1")
		require.NoError(t, err)
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{c}})
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				if _, err := c.Write([]byte(greeting + "\r\n")); err != nil {
					return
				}
				for in := bufio.NewScanner(c); in.Scan(); {
					s.mu.Lock()
					s.lines = append(s.lines, in.Text())
					s.mu.Unlock()
					out, last := strings.CutPrefix(answer(in.Text()), "!")
					if _, err := c.Write([]byte(out)); err != nil || last {
						return
					}
				}
			})
		}
	})
	return l.Addr().String()
}

func (s *scripted) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func opening(t *testing.T, e mss.Environment, tokens socle.TokenSource) (*mss.Client, mss.Access) {
	a, err := authority()
	require.NoError(t, err)
	c, err := mss.New(mss.Config{Environment: e, Roots: a.Roots(), Software: software()})
	require.NoError(t, err)
	return c, mss.Access{Address: address(t, pharmacy), Actor: socle.Actor{Professional: actor(t), Tokens: tokens}}
}

// A server without SASL-IR asks for the token, and its refusal is answered with
// one byte 0x01: "=" would be an error (mss.md §4.1).
func TestIMAPWithoutInitialResponse(t *testing.T) {
	t.Parallel()
	var s scripted
	tag, state := "", 0
	addr := s.serve(t, "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] ready", true, func(line string) string {
		switch {
		case strings.Contains(line, " AUTHENTICATE "):
			tag, _, _ = strings.Cut(line, " ")
			state = 1
			return "+ \r\n"
		case state == 1:
			state = 2
			return "+ eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJtYWlsIn0=\r\n"
		case line == "AQ==":
			return tag + " NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"
		}
		return "!" + tag + " BAD Invalid base64 data in continued response\r\n"
	})
	c, a := opening(t, mss.Environment{IMAP: addr, Submission: addr, ImplicitTLS: true}, socle.TokenFunc(func(context.Context) (string, error) { return "jeton", nil }))
	_, err := c.Open(context.Background(), a)
	require.ErrorIs(t, err, mss.ErrTokenRefused)
	require.ErrorContains(t, err, "AUTHENTICATIONFAILED")
	lines := strings.Split(s.heard(), "\n")
	require.Len(t, lines, 3)
	require.True(t, strings.HasSuffix(lines[0], " AUTHENTICATE XOAUTH2"))
	sent, err := base64.StdEncoding.DecodeString(lines[1])
	require.NoError(t, err)
	require.Equal(t, "user="+pharmacy+"\x01auth=Bearer jeton\x01\x01", string(sent))
}

// Without STARTTLS no token leaves.
func TestNoTokenWithoutTLS(t *testing.T) {
	t.Parallel()
	var s scripted
	imap := s.serve(t, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready", false, func(line string) string {
		tag, _, _ := strings.Cut(line, " ")
		return tag + " BAD unknown command\r\n"
	})
	tokens := socle.TokenFunc(func(context.Context) (string, error) { return "jeton", nil })
	c, a := opening(t, mss.Environment{IMAP: imap, Submission: imap}, tokens)
	_, err := c.Open(context.Background(), a)
	require.ErrorIs(t, err, mss.ErrInsecure)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))

	b := set(t, msstest.Options{})
	smtp := s.serve(t, "220 ready ESMTP", false, func(line string) string {
		if strings.HasPrefix(line, "EHLO") {
			return "250-here\r\n250 AUTH XOAUTH2 PLAIN\r\n"
		}
		return "500 unknown\r\n"
	})
	e := b.server.Environment()
	e.Submission = smtp
	c, a = opening(t, e, b.tokens)
	m, err := c.Open(context.Background(), a)
	require.NoError(t, err)
	defer m.Close()
	_, err = m.Send(context.Background(), draft(t))
	require.ErrorIs(t, err, mss.ErrInsecure)
	require.False(t, socle.Retryable(err))
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	heard := s.heard()
	require.NotContains(t, heard, "AUTH")
	require.NotContains(t, heard, base64.StdEncoding.EncodeToString([]byte("user="))[:5])
}

// What is injected in clear behind the answer to STARTTLS is not believed.
func TestInjectionBeforeTLS(t *testing.T) {
	t.Parallel()
	var s scripted
	address := s.serve(t, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready", false, func(line string) string {
		return "s1 OK begin TLS\r\n* PREAUTH [CAPABILITY IMAP4rev1 AUTH=PLAIN] welcome\r\ns2 OK done\r\n"
	})
	tokens := socle.TokenFunc(func(context.Context) (string, error) { return "jeton", nil })
	c, a := opening(t, mss.Environment{IMAP: address, Submission: address}, tokens)
	_, err := c.Open(context.Background(), a)
	require.ErrorIs(t, err, mss.ErrInsecure)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.NotContains(t, s.heard(), "AUTHENTICATE")

	b := set(t, msstest.Options{})
	var mail scripted
	e := b.server.Environment()
	e.Submission = mail.serve(t, "220 ready", false, func(line string) string {
		if strings.HasPrefix(line, "EHLO") {
			return "250-here\r\n250 STARTTLS\r\n"
		}
		return "220 go ahead\r\n250-here\r\n250 AUTH PLAIN\r\n"
	})
	c, a = opening(t, e, b.tokens)
	m, err := c.Open(context.Background(), a)
	require.NoError(t, err)
	defer m.Close()
	_, err = m.Send(context.Background(), draft(t))
	require.ErrorIs(t, err, mss.ErrInsecure)
	require.NotContains(t, mail.heard(), "AUTH")
}
