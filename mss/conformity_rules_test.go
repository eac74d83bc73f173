package mss_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// ECO.2.2.2: References are the whole thread, and the parent at its end.
func TestAnswersCarryTheWholeThread(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	h := "From: <" + office + ">\r\nSubject: s\r\nMessage-ID: <c@x.fr>\r\nIn-Reply-To: <b@x.fr>\r\n"
	for references, want := range map[string][]string{
		"References: <a@x.fr> <b@x.fr>\r\n": {"a@x.fr", "b@x.fr", "c@x.fr"},
		"":                                  {"b@x.fr", "c@x.fr"}, // RFC 5322 section 3.6.4
	} {
		_, err := m.Reply(context.Background(), mss.ParseMessage([]byte(h+references+"\r\nx")), mss.Draft{Text: "x"})
		require.NoError(t, err)
		got := b.latest(t, office)
		require.Equal(t, "c@x.fr", got.InReplyTo)
		require.Equal(t, want, got.References)
	}
}

// ECO.2.2.1: no two messages have one identifier, and it is of the mailbox's domain.
func TestNoTwoMessagesHaveOneIdentifier(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	seen := map[string]bool{}
	for range 5 {
		r, err := m.Send(context.Background(), draft(t))
		require.NoError(t, err)
		require.Equal(t, r.MessageID, b.latest(t, office).MessageID)
		require.True(t, strings.HasSuffix(r.MessageID, "@pharmacie.formation.mssante.fr"))
		seen[r.MessageID] = true
	}
	require.Len(t, seen, 5)
}

// ECO.2.3.1: a receipt is asked for by RFC 3461, of success and of failure.
func TestDeliveryReceiptsAreAskedForInTheEnvelope(t *testing.T) {
	t.Parallel()
	for asked, want := range map[bool][]string{
		true:  {"RET=HDRS", "ENVID=suivi.1@pharmacie.formation.mssante.fr", "NOTIFY=SUCCESS,FAILURE", "ORCPT=RFC822;" + office},
		false: nil,
	} {
		var mu sync.Mutex
		var envelope string
		m := submission(t, "XOAUTH2", func(line string) string {
			if strings.HasPrefix(line, "EHLO") {
				return "250-here\r\n250-DSN\r\n250 AUTH XOAUTH2\r\n"
			}
			if strings.HasPrefix(line, "MAIL") || strings.HasPrefix(line, "RCPT") {
				mu.Lock()
				defer mu.Unlock()
				envelope += line + "\n"
				return "250 2.1.0 done\r\n"
			}
			if line == "DATA" {
				return "554 5.0.0 enough\r\n"
			}
			return ""
		})
		d := draft(t)
		d.DeliveryReceipt, d.MessageID = asked, "suivi.1@pharmacie.formation.mssante.fr"
		_, err := m.Send(context.Background(), d)
		require.ErrorContains(t, err, "DATA")
		mu.Lock()
		for _, w := range want {
			require.Contains(t, envelope, w)
		}
		if !asked {
			for _, w := range []string{"RET=", "ENVID=", "NOTIFY=", "ORCPT="} {
				require.NotContains(t, envelope, w)
			}
		}
		mu.Unlock()
	}
}

// ECO.2.4.2: an INS is qualified with all that it is made of, and nothing less.
func TestEachTraitOfAQualifiedINSIsNeeded(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	for name, change := range map[string][]string{
		"matricule":  {matricule, "2790351215"},
		"key":        {matricule, matricule[:13] + "00"},
		"OID":        {"1.2.250.1.213.1.4.10", "1.2.250.1.999.4"},
		"birth name": {`<family qualifier="BR">ESSAI-FICTIF</family>`, `<family qualifier="SP">ESSAI-FICTIF</family>`},
		"given name": {`<given>ANNE MARIE</given><given qualifier="BR">ANNE</given>`, ""},
		"birth date": {`<birthTime value="19790328"/>`, ""},
		"sex":        {`<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>`, ""},
		"":           nil,
	} {
		d := draft(t)
		d.Documents = []mss.Outgoing{{CDA: small("1", change...), PDF: pdfa}}
		r, err := m.Send(context.Background(), d)
		if name == "" {
			require.NoError(t, err)
			require.Equal(t, "O", r.INS)
			continue
		}
		require.Equal(t, "N", r.INS, name)
		require.Contains(t, fmt.Sprint(r.Degraded), "{ECO.2.4.2 ", name)
	}
}

// ECO.1.2.5: the token is neither logged at any level nor observed nor audited.
func TestTheTokenIsNeverLogged(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var all bytes.Buffer
	b := set(t, msstest.Options{}, func(c *mss.Config) {
		c.Logger = slog.New(slog.NewTextHandler(lockedWriter{&mu, &all}, &slog.HandlerOptions{Level: slog.LevelDebug - 100}))
		c.Observe = func(_ context.Context, x socle.Exchange) {
			fmt.Fprintf(lockedWriter{&mu, &all}, "%+v %s %s\n", x, x.Request, x.Response)
		}
		c.Audit = func(_ context.Context, r socle.AuditRecord) { fmt.Fprintf(lockedWriter{&mu, &all}, "%+v\n", r) }
	})
	_, err := b.tokens.AccessToken(context.Background())
	require.NoError(t, err)
	b.tokens.expire() // refused once, then replaced
	m := b.open(t)
	_, err = m.Send(context.Background(), draft(t))
	require.NoError(t, err)
	b.tokens.expire()
	_, err = m.Send(context.Background(), draft(t))
	require.NoError(t, err)
	require.NoError(t, m.Close())
	mu.Lock()
	defer mu.Unlock()
	require.Contains(t, all.String(), "token refused", "the log was written")
	require.NotContains(t, all.String(), "kkkk")
	require.NotContains(t, all.String(), "a2tr", "nor in base64")
	require.NotContains(t, all.String(), "tok.")
}

type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// ECO.2.1.6: the date in the name of a PDF is that of the act, or else that of
// the document.
func TestThePDFIsNamedByTheDateOfTheAct(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	m := b.open(t)
	for want, change := range map[string][]string{
		"20260928": {`<low value="20261005090000+0200"/>`, `<low value="20260928090000+0200"/>`},
		"20261005": {`<low value="20261005090000+0200"/>`, `<low nullFlavor="UNK"/>`, "20261005093000+0200", "20261005093000+0200"},
	} {
		d := draft(t)
		d.Documents = []mss.Outgoing{{CDA: small("1", change...), PDF: pdfa, Number: "D77"}}
		_, err := m.Send(context.Background(), d)
		require.NoError(t, err)
		require.Equal(t, want+"_Intervention_pharmaceutique_ESSAI_FICTIF_ANNE_D77.pdf", b.latest(t, office).Attachments[0].Name)
	}
}
