package mss

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sent is a connection that gives bytes in pieces of a size.
type sent struct {
	net.Conn
	bytes.Reader
	piece int
}

func (s *sent) Read(b []byte) (int, error) {
	return s.Reader.Read(b[:min(len(b), s.piece)])
}

func passing(b []byte, piece int) (string, error) {
	s := &sent{piece: piece}
	s.Reset(b)
	c := newIMAPConn(&secured{Conn: s, greeting: strings.NewReader("")})
	out, err := io.ReadAll(c)
	return string(out), err
}

func TestLibrarySeesNoVanished(t *testing.T) {
	t.Parallel()
	long := "* SEARCH" + strings.Repeat(" 123456", 3000) + "\r\n"
	set := "* VANISHED (EARLIER) " + strings.Repeat("1:2,4,", 3000) + "9\r\n"
	literal := "* 3 FETCH (UID 7 BODY[] {24}\r\n* VANISHED 1\r\n* VANISHED FLAGS (\\Seen))\r\n"
	for _, piece := range []int{1, 7, 4096, 1 << 20} {
		got, err := passing([]byte("* OK hello {3}\r\n* VANISHED 1:3\r\n"+long+set+literal+"* vanished 4\r\n* LIST () \"/\" \"a \\\" ( {5}\"\r\nT1 OK done\r\n+ \r\n"), piece)
		require.NoError(t, err)
		require.Equal(t, "* OK hello {3}\r\n"+long+literal+"* LIST () \"/\" \"a \\\" ( {5}\"\r\nT1 OK done\r\n+ \r\n", got)
	}
}

func TestOperatorsExcessesAreBounded(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"* 1 FETCH (BODYSTRUCTURE " + strings.Repeat("(", 5000):                                                      "nested deeper than",
		"* 1 FETCH (BODY[] {" + fmt.Sprint(maxLiteral+1) + "}\r\n":                                                   "bytes where",
		"* 1 FETCH (ENVELOPE (NIL {99999999999}\r\n":                                                                 "bytes where",
		"* SEARCH" + strings.Repeat(" 123456789", maxResponse/10+1000):                                               "more than",
		"* VANISHED " + strings.Repeat("1,", maxOwnLine/2+4096):                                                      "too long a list",
		"* 1 FETCH (" + strings.Repeat(fmt.Sprintf("X {%d}\r\n%s ", 1, "y")+strings.Repeat("z", 1000), 70_000) + ")": "more than",
		"* 1 FETCH (BODYSTRUCTURE (" + strings.Repeat("{1000000}\r\n"+strings.Repeat("a", 1_000_000)+" ", 80):        "more than",
	} {
		_, err := passing([]byte(text), 4096)
		require.ErrorContains(t, err, want)
		var e *tooMuch
		require.ErrorAs(t, err, &e)
	}
}

func TestOwnCommand(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	c := newIMAPConn(&secured{Conn: near, greeting: strings.NewReader("")})
	library := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(c)
		library <- string(b)
	}()
	go func() {
		b := make([]byte, 100)
		n, _ := far.Read(b)
		_, _ = far.Write([]byte("* 9 EXISTS\r\n* 3 FETCH (UID 5 FLAGS (\\Seen))\r\n* VANISHED (EARLIER) 1:2\r\n" + strings.TrimSpace(string(b[:n]))[:2] + " OK done\r\n"))
		_, _ = far.Read(b)
		_, _ = far.Write([]byte(string(b[:2]) + " NO [NOPERM] never\r\n"))
		_, _ = far.Read(b)
		_ = far.Close()
	}()
	var lines []string
	each := func(l string) { lines = append(lines, l) }
	require.NoError(t, c.command("UID FETCH 1:9 (FLAGS)", each, nil))
	require.Equal(t, []string{"* 3 FETCH (UID 5 FLAGS (\\Seen))", "* VANISHED (EARLIER) 1:2"}, lines)
	require.ErrorContains(t, c.command("X", each, nil), "never")
	require.ErrorIs(t, c.command("Y", each, nil), io.EOF)
	require.Equal(t, "* 9 EXISTS\r\n", <-library)
	_ = near.Close()
}

func TestParseFlags(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`* 12 FETCH (UID 5 FLAGS (\Seen $Forwarded) MODSEQ (33))`: `5 \Seen $Forwarded true`,
		`* 12 FETCH (MODSEQ (33) FLAGS () UID 5)`:                 `5  true`,
		`* 12 FETCH (flags (a) uid 5)`:                            `5 a true`,
		`* 12 FETCH (UID 5)`:                                      `5  false`,
		`* 12 FETCH (FLAGS (\Seen))`:                              `0 \Seen false`,
		`* 12 FETCH (UID 5 FLAGS (\Seen)`:                         `0  false`,
		`* 12 FETCH (UID x FLAGS ())`:                             `0  false`,
		`* 12 FETCH`:                                              `0  false`,
	} {
		uid, flags, ok := parseFlags(line)
		require.Equal(t, want, fmt.Sprint(uid, " ", flags, " ", ok), line)
	}
}

func FuzzIMAPConn(f *testing.F) {
	f.Add([]byte("* OK hello\r\n* VANISHED 1:3\r\n* 1 FETCH (BODY[] {5}\r\nabcde)\r\nT1 OK\r\n"), 3)
	f.Add([]byte("* 3 FETCH (UID 7 BODY[] {24}\r\n* VANISHED 1\r\n* VANISHED FLAGS (\\Seen))\r\n"), 1)
	f.Add([]byte("* LIST (\"\\\"\" {99}\r\n"), 9)
	f.Fuzz(func(t *testing.T, b []byte, piece int) {
		got, err := passing(b, max(1, piece%5000))
		if err != nil {
			var e *tooMuch
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Contains(bytes.ToUpper(b), []byte("* VANISHED")) && got != string(b) {
			t.Fatalf("%q became %q", b, got)
		}
		whole, _ := passing(b, 1<<20)
		if whole != got {
			t.Fatalf("in pieces %q, at once %q", got, whole)
		}
		for line := range strings.Lines(string(b)) {
			_, _, _ = parseFlags(line)
			l, err := parseVanished(line, span{1, 100})
			for _, v := range l {
				if err == nil && (v.first < 1 || v.last > 100 || v.first > v.last) {
					t.Fatal(v)
				}
			}
		}
	})
}
