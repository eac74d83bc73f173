package msstest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/pki"
)

const testBox = "officine@pharmacie.formation.mssante.fr"

func imapServer(t testing.TB, o Options) *Server {
	t.Helper()
	o.Introspect = func(_ context.Context, token string) (string, bool, error) {
		return "899900000003", token == "jeton", nil
	}
	o.Mailboxes = []Mailbox{{Address: testBox, Openers: []string{"899900000003"}}}
	if o.Authority == nil {
		a, err := pki.NewAuthority()
		require.NoError(t, err)
		o.Authority = a
	}
	s, err := NewServer(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// line is a connection of a client that types.
type line struct {
	net.Conn
	in *bufio.Reader
}

func typing(t testing.TB, s *Server) *line {
	c, err := tls.Dial("tcp", s.Environment().IMAP, &tls.Config{RootCAs: s.Roots(), ServerName: "localhost"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	l := &line{c, bufio.NewReader(c)}
	greeting, err := l.in.ReadString('\n')
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(greeting, "* OK [CAPABILITY IMAP4rev1"))
	return l
}

// say types a command and gives its answer, the tagged line last.
func (l *line) say(t testing.TB, command string) string {
	_, err := fmt.Fprintf(l, "t %s\r\n", command)
	require.NoError(t, err)
	var b strings.Builder
	for {
		s, err := l.in.ReadString('\n')
		require.NoError(t, err, b.String())
		b.WriteString(s)
		if strings.HasPrefix(s, "t ") || strings.HasPrefix(s, "+ ") {
			return b.String()
		}
	}
}

func (l *line) login(t testing.TB) *line {
	x := base64.StdEncoding.EncodeToString([]byte("user=" + testBox + "\x01auth=Bearer jeton\x01\x01"))
	require.Contains(t, l.say(t, "AUTHENTICATE XOAUTH2 "+x), "t OK [CAPABILITY")
	return l
}

func TestIMAPRefuses(t *testing.T) {
	t.Parallel()
	s := imapServer(t, Options{ImplicitTLS: true})
	require.NoError(t, s.Deliver(testBox, []byte("Subject: x\r\n\r\ny\r\n")))
	l := typing(t, s)
	for _, c := range []string{"SELECT INBOX", "LIST \"\" *", "IDLE"} {
		require.Contains(t, l.say(t, c), "t BAD "+c[:4], c)
	}
	require.Contains(t, l.say(t, "LOGIN a b"), "t NO")
	require.Contains(t, l.say(t, "AUTHENTICATE PLAIN"), "t NO [CANNOT]")
	require.Contains(t, l.say(t, "AUTHENTICATE XOAUTH2 ="), "+ ")
	_, err := fmt.Fprint(l, "=\r\n")
	require.NoError(t, err)
	bad, err := l.in.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, bad, "t BAD", "= is an initial response and nothing else")
	l.login(t)
	for command, want := range map[string]string{
		"FETCH 1 FLAGS":                   "t BAD", // nothing is selected
		"SELECT Absent":                   "t NO [NONEXISTENT]",
		"XYZ":                             "t BAD",
		"CREATE Sent":                     "t NO [ALREADYEXISTS]",
		"DELETE INBOX":                    "t NO [CANNOT]",
		"RENAME INBOX x":                  "t NO [CANNOT]",
		"SELECT \"unfinished":             "t BAD",
		"STATUS INBOX (NONSENSE)":         "t BAD",
		"LIST \"\"":                       "t BAD",
		"AUTHENTICATE XOAUTH2 eA==":       "t BAD",
		"STARTTLS":                        "t BAD",
		"APPEND Sent {99999999999}":       "t NO [TOOBIG]",
		"SELECT (((((((((((((((((((((((a": "t BAD",
		"SELECT INBOX (QRESYNC (1 1))":    "t BAD", // not enabled
		"ENABLE XYZ":                      "t OK",
		"NAMESPACE extra":                 "t BAD",
	} {
		require.Contains(t, l.say(t, command), want, command)
	}
	require.Contains(t, l.say(t, "EXAMINE INBOX"), "t OK [READ-ONLY]")
	for command, want := range map[string]string{
		"STORE 1 +FLAGS (\\Seen)": "t NO [NOPERM]",
		"EXPUNGE":                 "t NO [NOPERM]",
		"UID MOVE 1 Trash":        "t NO [NOPERM]",
		"ENABLE QRESYNC":          "t BAD", // after SELECT
		"UID FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)": "t BAD",
		"FETCH 0 FLAGS":                                         "t BAD",
		"FETCH 1 NONSENSE":                                      "t BAD",
		"SEARCH NONSENSE":                                       "t BAD",
		"SEARCH CHARSET X-KLINGON ALL":                          "t NO [BADCHARSET]",
		"UID COPY 1 Absent":                                     "t NO [TRYCREATE]",
		"UID SEARCH UID 1 SUBJECT x UNSEEN":                     "* SEARCH 1\r\nt OK",
		"UID SEARCH RETURN (ALL COUNT) OR SEEN NOT SEEN":        "COUNT 1\r\nt OK",
		"UID FETCH 1 (BODY.PEEK[HEADER.FIELDS (subject)]<0.9>)": "BODY[HEADER.FIELDS (SUBJECT)]<0> {9}\r\nSubject: )\r\nt OK",
		"FETCH 1 BODY[TEXT]":                                    "{3}\r\ny\r\n)\r\nt OK",
	} {
		require.Contains(t, l.say(t, command), want, command)
	}
	require.Contains(t, l.say(t, "IDLE"), "+ ")
	require.NoError(t, s.Deliver(testBox, []byte("Subject: z\r\n\r\n")))
	pushed, err := l.in.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "* 2 EXISTS\r\n", pushed)
	_, err = fmt.Fprint(l, "DONE\r\n")
	require.NoError(t, err)
	done, err := l.in.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, done, "t OK")
	require.Contains(t, l.say(t, "LOGOUT"), "* BYE")
}

func TestIMAPWithout(t *testing.T) {
	t.Parallel()
	s := imapServer(t, Options{ImplicitTLS: true, Without: []string{"IDLE", "MOVE", "UIDPLUS", "CONDSTORE", "QRESYNC", "ESEARCH", "ENABLE", "SASL-IR", "NAMESPACE"}})
	l := typing(t, s)
	x := base64.StdEncoding.EncodeToString([]byte("user=" + testBox + "\x01auth=Bearer jeton\x01\x01"))
	require.Contains(t, l.say(t, "AUTHENTICATE XOAUTH2 "+x), "t BAD")
	require.Contains(t, l.say(t, "AUTHENTICATE XOAUTH2"), "+ ")
	_, err := fmt.Fprint(l, x+"\r\n")
	require.NoError(t, err)
	ok, err := l.in.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, ok, "t OK")
	for _, gone := range s.options.Without {
		require.NotContains(t, ok, " "+gone+" ")
	}
	selected := l.say(t, "SELECT INBOX")
	require.NotContains(t, selected, "HIGHESTMODSEQ")
	require.Contains(t, l.say(t, "SELECT INBOX (CONDSTORE)"), "t BAD")
	require.Contains(t, l.say(t, "SELECT INBOX"), "t OK")
	for _, c := range []string{"IDLE", "UID MOVE 1 Trash", "UID EXPUNGE 1", "ENABLE QRESYNC", "NAMESPACE", "UID SEARCH RETURN (ALL) ALL",
		"UID FETCH 1 (MODSEQ)", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)"} {
		if c == "UID FETCH 1 (MODSEQ)" {
			require.NoError(t, s.Deliver(testBox, []byte("\r\n")))
			require.Contains(t, l.say(t, "NOOP"), "* 1 EXISTS")
		}
		require.Contains(t, l.say(t, c), "t BAD", c)
	}
}

// typed is a connection that has said all that it will say.
type typed struct {
	net.Conn
	io.Reader
}

func (t typed) Read(b []byte) (int, error)       { return t.Reader.Read(b) }
func (typed) Write(b []byte) (int, error)        { return len(b), nil }
func (typed) Close() error                       { return nil }
func (typed) SetReadDeadline(time.Time) error    { return nil }
func (typed) SetWriteDeadline(t time.Time) error { return nil }

func FuzzIMAPCommands(f *testing.F) {
	s := imapServer(f, Options{})
	require.NoError(f, s.Deliver(testBox, []byte("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ny\r\n--b--\r\n")))
	for _, seed := range []string{
		"a ENABLE QRESYNC\r\na SELECT INBOX (CONDSTORE)\r\na UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\r\n",
		"a SELECT INBOX\r\na FETCH 1 (BODYSTRUCTURE BODY[1.MIME] BODY.PEEK[HEADER.FIELDS.NOT (a \"b\")]<3.4>)\r\n",
		"a SELECT INBOX\r\na UID SEARCH RETURN () CHARSET UTF-8 OR (SUBJECT {1}\r\nx) NOT BEFORE 1-Jan-2020\r\n",
		"a APPEND Sent (\\Seen) \"05-Oct-2026 10:00:00 +0200\" {3+}\r\nabc\r\na COPY 1 Sent\r\na IDLE\r\nDONE\r\n",
		"a CREATE &AOk-\r\na RENAME &AOk- b\r\na LIST (SPECIAL-USE) \"\" (% *) RETURN (SPECIAL-USE)\r\na STATUS b (MESSAGES UNSEEN)\r\na DELETE b\r\n",
		"a LIST ()0 \x80\n",
		"a SELECT INBOX\r\na UID STORE 1 -FLAGS.SILENT (\\Seen x)\r\na UID MOVE 9 Trash\r\na UID EXPUNGE 9\r\na CLOSE\r\na LOGOUT\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &session{server: s, wake: make(chan struct{}, 1)}
		c.use(typed{Reader: bytes.NewReader(b)})
		c.box = newBox(Mailbox{Address: testBox})
		_, _, err := c.box.append(folderInbox, []byte("Subject: x\r\n\r\ny\r\n"), time.Now())
		require.NoError(t, err)
		c.serve()
		c.leave()
	})
}
