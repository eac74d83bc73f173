package mss

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
)

// said is a server that says its part whatever comes.
type said struct {
	*strings.Reader
	heard bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) { return s.heard.Write(b) }

func TestNegotiation(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", negotiationLine+1)
	for name, c := range map[string]struct {
		protocol, said string
		kind           error // nil with retryable: not now
		retryable, eof bool
		ok             bool
	}{
		"IMAP":                    {protocol: protocolIMAP, said: "* OK ready\r\ns1 OK begin\r\n", ok: true},
		"IMAP with data":          {protocol: protocolIMAP, said: "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n* CAPABILITY IMAP4rev1\r\nS1 ok begin\r\n", ok: true},
		"IMAP without STARTTLS":   {protocol: protocolIMAP, said: "* OK ready\r\ns1 BAD unknown\r\n", kind: ErrInsecure},
		"IMAP PREAUTH":            {protocol: protocolIMAP, said: "* PREAUTH welcome\r\ns1 OK begin\r\n", kind: ErrInsecure},
		"IMAP BYE":                {protocol: protocolIMAP, said: "* BYE too many\r\n", retryable: true},
		"IMAP another service":    {protocol: protocolIMAP, said: "220 ready\r\n", kind: ErrInsecure},
		"IMAP endless":            {protocol: protocolIMAP, said: "* OK\r\n" + strings.Repeat("* 1 EXISTS\r\n", 200), kind: ErrInsecure},
		"IMAP long line":          {protocol: protocolIMAP, said: long, kind: ErrInsecure},
		"IMAP cut":                {protocol: protocolIMAP, said: "* OK ready\r\ns1 O", eof: true},
		"SMTP":                    {protocol: protocolSMTP, said: "220-a\r\n220 b\r\n250-here\r\n250 STARTTLS\r\n220 go\r\n", ok: true},
		"SMTP stripped":           {protocol: protocolSMTP, said: "220 b\r\n250-here\r\n250 AUTH XOAUTH2 PLAIN\r\n", kind: ErrInsecure},
		"SMTP bare":               {protocol: protocolSMTP, said: "220\r\n250\r\n", kind: ErrInsecure},
		"SMTP refused STARTTLS":   {protocol: protocolSMTP, said: "220 b\r\n250-here\r\n250 starttls\r\n502 no\r\n", kind: ErrInsecure},
		"SMTP no TLS now":         {protocol: protocolSMTP, said: "220 b\r\n250-here\r\n250 STARTTLS\r\n454 later\r\n", retryable: true},
		"SMTP overloaded":         {protocol: protocolSMTP, said: "421 later\r\n", retryable: true},
		"SMTP another service":    {protocol: protocolSMTP, said: "* OK IMAP\r\n", kind: ErrInsecure},
		"SMTP codes that differ":  {protocol: protocolSMTP, said: "220-a\r\n250 b\r\n", kind: ErrInsecure},
		"SMTP endless":            {protocol: protocolSMTP, said: strings.Repeat("220-a\r\n", 200), kind: ErrInsecure},
		"SMTP nothing after EHLO": {protocol: protocolSMTP, said: "220 b\r\n", eof: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &said{Reader: strings.NewReader(c.said)}
			_, err := negotiate(s, c.protocol)
			switch {
			case c.ok:
				require.NoError(t, err)
				require.Zero(t, s.Len())
			case c.eof:
				require.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
			default:
				require.Error(t, err)
				require.Equal(t, c.retryable, socle.Retryable(err))
				require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
				if c.kind != nil {
					require.ErrorIs(t, err, c.kind)
				}
			}
		})
	}
}

// What follows the answer in clear is left where TLS finds it.
func TestNegotiationReadsNoByteTooMuch(t *testing.T) {
	t.Parallel()
	for protocol, answers := range map[string]string{
		protocolIMAP: "* OK ready\r\ns1 OK begin\r\n",
		protocolSMTP: "220 b\r\n250-here\r\n250 STARTTLS\r\n220 go\r\n",
	} {
		s := &said{Reader: strings.NewReader(answers + "injected\r\n")}
		_, err := negotiate(s, protocol)
		require.NoError(t, err)
		rest, err := io.ReadAll(s.Reader)
		require.NoError(t, err)
		require.Equal(t, "injected\r\n", string(rest))
	}
}

func FuzzNegotiation(f *testing.F) {
	f.Add("* OK [CAPABILITY IMAP4rev1 STARTTLS]\r\ns1 OK\r\n", true)
	f.Add("* PREAUTH\r\n", true)
	f.Add("220-a\r\n220 b\r\n250-here\r\n250 STARTTLS\r\n220 go\r\n", false)
	f.Add("220\r\n250\r\n", false)
	f.Fuzz(func(t *testing.T, in string, imap bool) {
		protocol := protocolSMTP
		if imap {
			protocol = protocolIMAP
		}
		s := &said{Reader: strings.NewReader(in)}
		_, err := negotiate(s, protocol)
		if n := s.heard.Len(); n > 100 || strings.Contains(strings.ToUpper(s.heard.String()), "AUTH") {
			t.Fatal("said too much")
		}
		if err == nil && !strings.Contains(s.heard.String(), "STARTTLS\r\n") {
			t.Fatal("secured without asking")
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Fatal("unbounded")
		}
	})
}
