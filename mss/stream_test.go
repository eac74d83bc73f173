package mss_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// photo gives a message with an attachment of n bytes, and their hash.
func photo(n int) ([]byte, [32]byte) {
	content := make([]byte, n)
	_, _ = rand.New(rand.NewSource(1)).Read(content)
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: <%s>\r\nSubject: Photo\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nVoil=C3=A0\r\n--B\r\nContent-Type: image/jpeg; name=\"../ordonnance.jpg\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n", office)
	encoded := base64.StdEncoding.EncodeToString(content)
	for len(encoded) > 76 {
		b.WriteString(encoded[:76] + "\r\n")
		encoded = encoded[76:]
	}
	b.WriteString(encoded + "\r\n--B--\r\n")
	return b.Bytes(), sha256.Sum256(content)
}

// A large attachment is read as it comes: neither it nor the message is held.
func TestLargeAttachmentIsStreamed(t *testing.T) { // not parallel: it measures
	const size = 25 << 20
	raw, hash := photo(size)
	b := set(t, msstest.Options{}, func(c *mss.Config) { c.ReadLimit = 1 << 20 })
	require.NoError(t, b.server.Fill(pharmacy, 1, func(int) []byte { return raw }))
	m := b.open(t)
	ctx := context.Background()
	id := list(t, m, mss.UID{})[0].UID
	_, err := m.Read(ctx, id)
	require.ErrorIs(t, err, mss.ErrTooLarge)
	parts, err := m.Parts(ctx, id)
	require.NoError(t, err)
	require.Len(t, parts, 2)
	require.Equal(t, "text/plain", parts[0].MediaType)
	require.Equal(t, "2", parts[1].Number)
	require.Equal(t, "ordonnance.jpg", parts[1].Name)
	require.True(t, parts[1].Attached)
	require.Greater(t, parts[1].Size, int64(size*4/3))

	r, err := m.OpenPart(ctx, id, "2")
	require.NoError(t, err)
	sum := sha256.New()
	_, err = io.CopyN(sum, r, 1) // the emulator now holds what it will hold
	require.NoError(t, err)
	var base, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&base)
	peak, n := uint64(0), int64(1)
	for {
		k, err := io.CopyN(sum, r, 2<<20)
		n += k
		runtime.GC()
		runtime.ReadMemStats(&now)
		if now.HeapAlloc > base.HeapAlloc {
			peak = max(peak, now.HeapAlloc-base.HeapAlloc)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.EqualValues(t, size, n)
	require.Equal(t, hash[:], sum.Sum(nil))
	t.Logf("at most %d kB more than after the first byte", peak>>10)
	require.Less(t, peak, uint64(4<<20))

	var whole bytes.Buffer
	saved, err := m.Save(ctx, id, &whole)
	require.NoError(t, err)
	require.EqualValues(t, len(raw), saved)
	require.True(t, bytes.Equal(raw, whole.Bytes()))
	require.False(t, list(t, m, mss.UID{})[0].Seen)
}

func TestPartsAreDecoded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := set(t, msstest.Options{})
	m := b.open(t)
	read := func(id mss.UID, number string) string {
		r, err := m.OpenPart(ctx, id, number)
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		return string(content)
	}
	raw, _ := photo(1000)
	for _, raw := range [][]byte{
		raw,
		[]byte("From: <" + office + ">\r\nContent-Transfer-Encoding: base64\r\n\r\nQm9uam91cg=\r\n"), // padding that lacks
		[]byte("From: <" + office + ">\r\n\r\nBonjour\r\n"),
		// A misspelt field of a public sample, and a message within the message.
		[]byte("From: <" + office + ">\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: multipart/alternative; boundary=C\r\n\r\n--C\r\nContent-Type: text/plain\r\nContent-Transfert-Encoding: base64\r\n\r\nQm9uam91cg==\r\n--C\r\nContent-Type: text/html\r\n\r\n<p>\r\n--C--\r\n--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nDedans\r\n--B--\r\n"),
	} {
		require.NoError(t, b.server.Deliver(pharmacy, raw))
	}
	l := list(t, m, mss.UID{})
	require.Equal(t, "Voilà", read(l[0].UID, "1"))
	require.Equal(t, "Bonjour", read(l[1].UID, "1"))
	require.Equal(t, "Bonjour\r\n", read(l[2].UID, "1"))
	require.Equal(t, "Bonjour", read(l[3].UID, "1.1"))
	require.Equal(t, "Subject: x\r\n\r\nDedans", read(l[3].UID, "2"))
	for _, bad := range []string{"", "9", "1.1", "0", "-1", "a"} {
		_, err := m.OpenPart(ctx, l[0].UID, bad)
		require.ErrorIs(t, err, mss.ErrNoMessage, bad)
	}
	gone := l[0].UID
	gone.Number = 99
	_, err := m.Parts(ctx, gone)
	require.ErrorIs(t, err, mss.ErrNoMessage)
	_, err = m.Save(ctx, gone, io.Discard)
	require.ErrorIs(t, err, mss.ErrNoMessage)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", mss.Part{Name: "SECRET"}, mss.Part{Name: "SECRET"}, []mss.Part{{Name: "SECRET"}}), "SECRET")
}

func TestStreamSurvivesALostConnection(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := set(t, msstest.Options{})
	raw, hash := photo(5 << 20)
	require.NoError(t, b.server.Deliver(pharmacy, raw))
	m := b.open(t)
	id := list(t, m, mss.UID{})[0].UID
	r, err := m.OpenPart(ctx, id, "2")
	require.NoError(t, err)
	sum := sha256.New()
	for err == nil {
		b.server.Disconnect(pharmacy, "") // and the token is dead
		b.tokens.expire()
		_, err = io.CopyN(sum, r, 1<<20)
	}
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, hash[:], sum.Sum(nil))

	r, err = m.OpenPart(ctx, id, "2")
	require.NoError(t, err)
	b.tokens.fail(errors.New("psc: session over"))
	b.server.Disconnect(pharmacy, "")
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, mss.ErrSessionLost)

	b.tokens.fail(nil)
	r, err = m.OpenPart(ctx, id, "2")
	require.NoError(t, err)
	require.NoError(t, b.server.Renumber(pharmacy))
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, mss.ErrNoMessage, "it could be another message")
}

// Broken messages are listed, streamed and read; what is wrong is told.
func TestBrokenMessagesAreListedAndReadable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := set(t, msstest.Options{})
	broken := map[string]string{
		"no header":               "\r\nCorps\r\n",
		"nothing":                 "",
		"no blank line":           "From: <" + office + ">\r\nSubject: x",
		"LF alone":                "From: <" + office + ">\nSubject: x\n\nCorps\n",
		"8-bit header":            "From: Hélène <" + office + ">\r\nSubject: \xe9t\xe9\r\n\r\nCorps\r\n",
		"wrong charset":           "From: <" + office + ">\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xe9t\xe9\r\n",
		"unknown charset":         "From: <" + office + ">\r\nContent-Type: text/plain; charset=klingon\r\n\r\nCorps\r\n",
		"no end":                  "From: <" + office + ">\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\nCorps",
		"no boundary":             "From: <" + office + ">\r\nContent-Type: multipart/mixed\r\n\r\nCorps\r\n",
		"broken base64":           "From: <" + office + ">\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!A\r\n",
		"nested deep":             nest(40),
		"field without end":       "From: <" + office + ">\r\nSubject: " + strings.Repeat("a", 300_000) + "\r\n\r\nCorps\r\n",
		"nul bytes":               "From: <" + office + ">\r\nSubject: a\x00b\r\n\r\nCo\x00rps\r\n",
		"lines that are no field": "From: <" + office + ">\r\nthis is no field\r\n\r\nCorps\r\n",
	}
	var names []string
	for name, raw := range broken {
		require.NoError(t, b.server.Deliver(pharmacy, []byte(raw)))
		names = append(names, name)
	}
	m := b.open(t)
	l := list(t, m, mss.UID{})
	require.Len(t, l, len(broken))
	for i, s := range l {
		msg, err := m.Read(ctx, s.UID)
		require.NoError(t, err, names[i])
		if names[i] != "LF alone" && names[i] != "no blank line" && names[i] != "8-bit header" && names[i] != "nul bytes" {
			require.NotEmpty(t, msg.Faults, names[i])
		}
		for _, f := range msg.Faults {
			var fault *mss.Fault
			require.ErrorAs(t, f, &fault, names[i])
		}
		var raw bytes.Buffer
		_, err = m.Save(ctx, s.UID, &raw)
		require.NoError(t, err, names[i])
		require.Equal(t, broken[names[i]], raw.String(), names[i])
		parts, err := m.Parts(ctx, s.UID)
		require.NoError(t, err, names[i])
		for _, p := range parts {
			r, err := m.OpenPart(ctx, s.UID, p.Number)
			require.NoError(t, err, names[i])
			_, _ = io.Copy(io.Discard, r) // it may not be decodable
		}
	}
}

func nest(depth int) string {
	out := "From: <" + office + ">\r\n"
	for i := range depth {
		out += fmt.Sprintf("Content-Type: multipart/mixed; boundary=B%d\r\n\r\n--B%d\r\n", i, i)
	}
	return out + "\r\nCorps\r\n"
}

// An operator that lies about sizes and numbers does no harm.
func TestOperatorThatLies(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, c := range map[string]struct{ fetch, want string }{
		"another message":      {"* 1 FETCH (UID 7 RFC822.SIZE 3 BODY[]<0> {3}\r\nabc)\r\n", "no such message"},
		"no UID":               {"* 1 FETCH (RFC822.SIZE 3 BODY[]<0> {3}\r\nabc)\r\n", "no such message"},
		"more than asked":      {"* 1 FETCH (UID 1 BODY[]<0> {2000000}\r\n" + strings.Repeat("a", 2_000_000) + ")\r\n", "where"},
		"a whole gigabyte":     {"* 1 FETCH (UID 1 BODY[]<0> {1000000000}\r\naaaa", "where"},
		"too large, it says":   {"* 1 FETCH (UID 1 RFC822.SIZE 999999999999 BODY[]<0> {3}\r\nabc)\r\n", "too large"},
		"lists without end":    {"* 1 FETCH (BODYSTRUCTURE " + strings.Repeat("(", 200_000) + "\r\n", "nested"},
		"a smaller size":       {"* 1 FETCH (UID 1 RFC822.SIZE 1 BODY[]<0> {16}\r\nSubject: abc\r\n\r\n)\r\n", ""},
		"twice the message":    {"* 1 FETCH (UID 1 BODY[]<0> {4}\r\n\r\n1\r)\r\n* 1 FETCH (UID 1 BODY[]<0> {4}\r\n\r\n2\r)\r\n", ""},
		"flags without end":    {"* 1 FETCH (UID 1 FLAGS (" + strings.Repeat("a ", 5000) + "b) BODY[]<0> {2}\r\n\r\n)\r\n", ""},
		"what was not asked":   {"* 99 EXISTS\r\n* 1 EXPUNGE\r\n* VANISHED 1\r\n* 1 FETCH (UID 1 BODY[]<0> {2}\r\n\r\n)\r\n", ""},
		"an answer of nothing": {"", "no such message"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, access := operator(t, func(tag, rest string) string {
				if strings.HasPrefix(rest, "UID FETCH") {
					return c.fetch + tag + " OK done\r\n"
				}
				return ""
			})
			m, err := client.Open(ctx, access)
			require.NoError(t, err)
			defer m.Close()
			msg, err := m.Read(ctx, mss.UID{Validity: 1, Number: 1})
			if c.want == "" {
				require.NoError(t, err)
				require.LessOrEqual(t, len(msg.Flags), 100)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

// An operator that says nothing any more is given up, and asked again.
func TestSilenceEnds(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, func(c *mss.Config) { c.Silence = 2 * time.Second })
	require.NoError(t, b.server.Deliver(pharmacy, numbered(1)))
	m := b.open(t)
	b.server.Fail(emulator.Fault{Operation: msstest.OpFetch, Latency: time.Minute})
	require.Len(t, list(t, m, mss.UID{}), 1, "on another connection")
	b.server.Fail(emulator.Fault{Operation: msstest.OpMove, Latency: time.Minute})
	_, err := m.Move(context.Background(), "Archive", list(t, m, mss.UID{})[0].UID)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.NotContains(t, err.Error(), "context")
}
