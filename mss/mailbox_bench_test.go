package mss_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// The floors ask the same emulator for the same bytes over TLS and look for the
// end of each answer, no more.

const listed = 1000

func BenchmarkList1000(b *testing.B) {
	o := set(b, msstest.Options{ImplicitTLS: true})
	require.NoError(b, o.server.Fill(pharmacy, listed, func(i int) []byte { return numbered(i) }))
	m := o.open(b)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range m.List(context.Background(), mss.UID{}) {
			require.NoError(b, err)
			n++
		}
		require.Equal(b, listed, n)
	}
}

func BenchmarkList1000Floor(b *testing.B) {
	o := set(b, msstest.Options{ImplicitTLS: true})
	require.NoError(b, o.server.Fill(pharmacy, listed, func(i int) []byte { return numbered(i) }))
	w := bare(b, o)
	w.ask(b, "EXAMINE INBOX")
	b.ReportAllocs()
	for b.Loop() {
		w.ask(b, "NOOP")
		w.ask(b, "UID SEARCH RETURN (ALL) UID 1:*")
		n := 0
		for i := 1; i <= listed; i += 100 {
			w.ask(b, "NOOP")
			n += w.ask(b, fmt.Sprintf("UID FETCH %d:%d (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (\"From\" \"To\" \"Cc\" \"Date\" \"Subject\" "+
				"\"Message-ID\" \"In-Reply-To\" \"References\" \"X-MSS-CODECDA\" \"X-MSS-INS\" \"X-MSS-NIL\" \"X-MSS-MES\")]<0.65536>)", i, i+99))
		}
		require.Equal(b, listed, n)
	}
}

const streamed = 8 << 20

func BenchmarkStreamPart8MB(b *testing.B) {
	o := set(b, msstest.Options{ImplicitTLS: true})
	raw, _ := photo(streamed)
	require.NoError(b, o.server.Deliver(pharmacy, raw))
	m := o.open(b)
	id := list(b, m, mss.UID{})[0].UID
	b.SetBytes(streamed)
	b.ReportAllocs()
	for b.Loop() {
		r, err := m.OpenPart(context.Background(), id, "2")
		require.NoError(b, err)
		n, err := io.Copy(io.Discard, r)
		require.NoError(b, err)
		require.EqualValues(b, streamed, n)
	}
}

func BenchmarkStreamPart8MBFloor(b *testing.B) {
	o := set(b, msstest.Options{ImplicitTLS: true})
	raw, _ := photo(streamed)
	require.NoError(b, o.server.Deliver(pharmacy, raw))
	w := bare(b, o)
	w.ask(b, "EXAMINE INBOX")
	b.SetBytes(streamed)
	b.ReportAllocs()
	for b.Loop() {
		r, write := io.Pipe()
		done := make(chan int64)
		go func() {
			n, _ := io.Copy(io.Discard, base64.NewDecoder(base64.StdEncoding, r))
			done <- n
		}()
		for i, left := 0, int64(1); left > 0; i++ {
			left = w.literal(b, fmt.Sprintf("UID FETCH 1 (UID BODY.PEEK[2]<%d.%d>)", i<<20, 1<<20), write)
			if left < 1<<20 {
				left = 0
			}
		}
		_ = write.Close()
		require.EqualValues(b, streamed, <-done)
	}
}

// bareWire is an IMAP connection with no client.
type bareWire struct {
	*tls.Conn
	in *bufio.Reader
}

func bare(b *testing.B, o *bench) *bareWire {
	conn, err := tls.Dial("tcp", o.server.Environment().IMAP, &tls.Config{RootCAs: o.server.Roots(), ServerName: "localhost"})
	require.NoError(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	w := &bareWire{conn, bufio.NewReaderSize(conn, 64<<10)}
	_, err = w.in.ReadSlice('\n')
	require.NoError(b, err)
	token, err := o.tokens.AccessToken(context.Background())
	require.NoError(b, err)
	w.ask(b, "AUTHENTICATE XOAUTH2 "+base64.StdEncoding.EncodeToString([]byte("user="+pharmacy+"\x01auth=Bearer "+token+"\x01\x01")))
	return w
}

// ask sends a command and reads to the end of its answer. It gives how many lines
// begin a FETCH.
func (w *bareWire) ask(b *testing.B, command string) (n int) {
	_, err := fmt.Fprintf(w, "a %s\r\n", command)
	require.NoError(b, err)
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		if line[0] == '*' && strings.Contains(string(line[:min(len(line), 20)]), " FETCH ") {
			n++
		}
		if line[0] == 'a' && line[1] == ' ' {
			require.True(b, strings.HasPrefix(string(line), "a OK"), "%s", line)
			return n
		}
	}
}

// literal sends a FETCH of one literal and copies it.
func (w *bareWire) literal(b *testing.B, command string, to io.Writer) (size int64) {
	_, err := fmt.Fprintf(w, "a %s\r\n", command)
	require.NoError(b, err)
	line, err := w.in.ReadString('\n')
	require.NoError(b, err)
	_, err = fmt.Sscanf(line[strings.LastIndexByte(line, '{'):], "{%d}", &size)
	require.NoError(b, err)
	_, err = io.CopyN(to, w.in, size)
	require.NoError(b, err)
	for line[0] != 'a' {
		if line, err = w.in.ReadString('\n'); err != nil {
			b.Fatal(err)
		}
	}
	return size
}
