package mss_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// What a sender has written never travels as lines that a server on the way
// could take for others: a lone CR or LF, a NUL, a line of more than 998 bytes.
func TestAcknowledgeSendsNoLinesOfASender(t *testing.T) {
	t.Parallel()
	const smuggled = "body\r.\rMAIL FROM:<x@y>\rand\x00nul\n.\nend"
	long := &mss.Integration{Code: "906", Label: "refusé\r\nBcc: z@z\r\n\r\n^" + strings.Repeat("é", 2000)}
	for name, c := range map[string]struct {
		asked, header, body string
		a                   mss.Acknowledgement
		want                string // of what comes back as message/rfc822
	}{
		"displayed":   {asked: office, header: "a\x00b\rc", body: smuggled},
		"long header": {asked: office, header: strings.Repeat("z", 5000), body: "Bonjour"},
		"failure":     {asked: office, header: "a\x00b\rc", body: smuggled, a: mss.Acknowledgement{Failure: &mss.Integration{Code: "902"}}, want: "body\r\n.\r\nMAIL FROM:<x@y>\r\nand nul\r\n.\r\nend\r\n"},
		"failure, long line": {asked: office, body: strings.Repeat("z", 1500), a: mss.Acknowledgement{Failure: &mss.Integration{Code: "902"}},
			want: strings.Repeat("z", 997) + "\r\n" + strings.Repeat("z", 503) + "\r\n"},
		"ordinary failure": {body: smuggled, a: mss.Acknowledgement{Failure: &mss.Integration{Code: "902"}}, want: "body\r\n.\r\nMAIL FROM:<x@y>\r\nand nul\r\n.\r\nend\r\n"},
		"label":            {asked: office, body: "Bonjour", a: mss.Acknowledgement{Failure: long}},
		"text":             {asked: office, body: "Bonjour", a: mss.Acknowledgement{Text: "a\r\nb\rc\x00d", Failure: &mss.Integration{Code: "902"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := set(t, msstest.Options{})
			m := b.open(t)
			raw := "From: <" + office + ">\r\nTo: <" + pharmacy + ">\r\nMessage-ID: <1@medecin.formation.mssante.fr>\r\nSubject: Compte rendu\r\nX-Odd: " + c.header + "\r\n"
			if c.asked != "" {
				raw += "Disposition-Notification-To: <" + c.asked + ">\r\n"
			}
			msg := mss.ParseMessage([]byte(raw + "\r\n" + c.body + "\r\n"))
			r, err := m.Acknowledge(context.Background(), msg, c.a)
			require.NoError(t, err)
			var sent []byte
			for _, e := range b.server.Journal() {
				if e.Operation == msstest.OpSubmit {
					sent = e.Request
				}
			}
			require.NotEmpty(t, sent)
			for line := range bytes.SplitSeq(sent, []byte("\r\n")) {
				require.LessOrEqual(t, len(line), 998)
				require.False(t, bytes.ContainsAny(line, "\r\n\x00"), "%.80q", line)
			}
			back := mss.ParseMessage(b.server.Messages(office, "INBOX")[0])
			require.Empty(t, back.Faults)
			receipts := back.Receipts()
			require.Len(t, receipts, 1)
			require.Equal(t, msg.MessageID, receipts[0].MessageID)
			if c.want == "" {
				return
			}
			require.Contains(t, fmt.Sprint(r.Degraded), "line ends")
			i := bytes.Index(sent, []byte("X-Odd:"))
			require.Positive(t, i)
			_, body, _ := bytes.Cut(sent[i:], []byte("\r\n\r\n"))
			require.True(t, bytes.HasPrefix(body, []byte(c.want)), "%q", body)
		})
	}
}
