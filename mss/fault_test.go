package mss_test

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

func fault(op string, latency time.Duration) emulator.Fault {
	return emulator.Fault{Operation: op, Latency: latency}
}

func draft(t testing.TB) mss.Draft {
	return mss.Draft{To: []mss.Address{address(t, office)}, Subject: "Question", Text: "Bonjour"}
}

var errNotNow = errors.New("introspection does not answer")

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]msstest.Options{
		"challenge then refusal":    {},
		"challenge then disconnect": {DropAfterRefusal: true},
		"implicit TLS":              {ImplicitTLS: true},
	} {
		for _, initial := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := set(t, o, func(c *mss.Config) { c.Dialect.SubmissionInitialResponse = initial })
				stale, err := b.tokens.AccessToken(context.Background())
				require.NoError(t, err)
				b.tokens.expire()
				m := b.open(t)
				require.Equal(t, []string{stale}, b.tokens.evicted, "the refused token is evicted, and a fresh one opens")

				stale, err = b.tokens.AccessToken(context.Background())
				require.NoError(t, err)
				b.tokens.expire()
				r, err := m.Send(context.Background(), draft(t))
				require.NoError(t, err)
				require.True(t, r.SentCopy)
				require.Equal(t, stale, b.tokens.evicted[1])
				require.Len(t, b.server.Messages(office, "INBOX"), 1)
			})
		}
	}
}

func TestTokenRefusedTwiceIsAnError(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]bool{"refusal": false, "disconnect": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var dead sync.Map
			b := set(t, msstest.Options{DropAfterRefusal: drop})
			b.access.Address = address(t, office) // which this professional may not open
			_, err := b.client.Open(context.Background(), b.access)
			require.ErrorIs(t, err, mss.ErrTokenRefused)
			require.True(t, socle.Retryable(err))
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
			var refusal *mss.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, mss.Refusal{Status: "401", Schemes: "bearer", Scope: "mail"}, *refusal)
			require.Len(t, b.tokens.evicted, 2)
			for _, token := range b.tokens.evicted {
				_, twice := dead.LoadOrStore(token, true)
				require.False(t, twice, "the second token is another")
				require.NotContains(t, err.Error(), token)
			}
		})
	}
}

// same is a source that cannot give another token.
type same struct{ asked int }

func (s *same) AccessToken(context.Context) (string, error) { s.asked++; return "always", nil }

func TestSameTokenIsNotTriedTwice(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	source := &same{}
	b.access.Actor.Tokens = source
	_, err := b.client.Open(context.Background(), b.access)
	require.ErrorIs(t, err, mss.ErrTokenRefused)
	require.Equal(t, 2, source.asked)
	journal := b.server.Journal()
	require.Len(t, journal, 1, "one attempt on the wire")
}

func TestValidatorThatCannotAnswer(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	down := true
	var b *bench
	b = set(t, msstest.Options{Introspect: func(ctx context.Context, token string) (string, bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return "", false, errNotNow
		}
		return b.tokens.introspect(ctx, token)
	}})
	_, err := b.client.Open(context.Background(), b.access)
	require.ErrorIs(t, err, mss.ErrTokenRefused)
	require.True(t, socle.Retryable(err))
	require.ErrorContains(t, err, "UNAVAILABLE")
	require.Len(t, b.tokens.evicted, 2, "an operator may hide a dead token so")
	mu.Lock()
	down = false
	mu.Unlock()
	m := b.open(t)
	mu.Lock()
	down = true
	mu.Unlock()
	_, err = m.Send(context.Background(), draft(t))
	require.ErrorIs(t, err, mss.ErrTokenRefused)
	require.ErrorContains(t, err, "454 4.7.0")
}

type passing struct{}

func (passing) Error() string   { return "psc: unavailable" }
func (passing) Retryable() bool { return true }

func TestSourceThatGivesNoToken(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	b.tokens.fail(errors.New("psc: session over"))
	_, err := m.Send(context.Background(), draft(t))
	require.ErrorIs(t, err, mss.ErrSessionLost)
	require.False(t, socle.Retryable(err))
	for _, err := range m.List(context.Background(), mss.UID{}) {
		require.ErrorIs(t, err, mss.ErrSessionLost, "the mail session ended with it (ECO.1.2.6)")
	}
	b.tokens.fail(passing{})
	_, err = m.Send(context.Background(), draft(t))
	require.NotErrorIs(t, err, mss.ErrSessionLost)
	require.True(t, socle.Retryable(err))
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

func TestUntrustedOperator(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, func(c *mss.Config) { c.Roots = x509.NewCertPool() })
	_, err := b.client.Open(context.Background(), b.access)
	require.ErrorIs(t, err, mss.ErrUntrusted)
	require.ErrorContains(t, err, "IGC-Santé")
	require.False(t, socle.Retryable(err))
	require.Zero(t, len(b.server.Journal()), "no token was sent")

	b = set(t, msstest.Options{}, func(c *mss.Config) { c.Clock = func() time.Time { return time.Now().AddDate(20, 0, 0) } })
	_, err = b.client.Open(context.Background(), b.access)
	require.ErrorIs(t, err, mss.ErrUntrusted, "an expired certificate")

	b = set(t, msstest.Options{ImplicitTLS: true}, func(c *mss.Config) { c.Roots = x509.NewCertPool() })
	_, err = b.client.Open(context.Background(), b.access)
	require.ErrorIs(t, err, mss.ErrUntrusted)
}

func TestReadingSurvivesALostConnection(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Deliver(pharmacy, simple("<"+office+">", "Un", "Un")))
	m := b.open(t)
	id := list(t, m, mss.UID{})[0].UID
	for _, f := range []emulator.Fault{{Operation: msstest.OpFetch, ResetBefore: true}, {Operation: msstest.OpFetch, ResetAfter: true}, {Operation: msstest.OpSearch, ResetBefore: true}} {
		b.server.Fail(f)
		require.Len(t, list(t, m, mss.UID{}), 1)
		_, err := m.Read(context.Background(), id)
		require.NoError(t, err)
	}
	b.server.Fail(emulator.Fault{Operation: msstest.OpFetch, ResetBefore: true, Times: -1})
	_, err := m.Read(context.Background(), id)
	require.Error(t, err)
	require.True(t, socle.Retryable(err))
	b.server.Recover()
	_, err = m.Read(context.Background(), id)
	require.NoError(t, err)
	b.server.Fail(emulator.Fault{Operation: msstest.OpSelect, Status: 400})
	require.NoError(t, m.Close())
	_, err = b.client.Open(context.Background(), b.access)
	require.ErrorContains(t, err, "UNAVAILABLE")
	require.True(t, socle.Retryable(err))
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	_, err = m.Read(context.Background(), id)
	require.ErrorIs(t, err, mss.ErrClosed)
	_, err = m.Send(context.Background(), draft(t))
	require.ErrorIs(t, err, mss.ErrClosed)
	require.NoError(t, m.Close())
}

func TestLossAfterDataIsUnknownAndNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		fault     emulator.Fault
		outcome   socle.Outcome
		retryable bool
		delivered int
	}{
		{"before the work", emulator.Fault{Operation: msstest.OpSubmit, ResetBefore: true}, socle.OutcomeUnknown, false, 0},
		{"after the work", emulator.Fault{Operation: msstest.OpSubmit, ResetAfter: true}, socle.OutcomeUnknown, false, 1},
		{"before DATA", emulator.Fault{Operation: msstest.OpMail, ResetBefore: true}, socle.OutcomeNotSent, true, 0},
		{"at authentication", emulator.Fault{Operation: msstest.OpAuthenticateSMTP, ResetBefore: true}, socle.OutcomeNotSent, true, 0},
		{"refused for now", emulator.Fault{Operation: msstest.OpSubmit, Status: 451}, socle.OutcomeRefused, true, 0},
		{"refused", emulator.Fault{Operation: msstest.OpSubmit, Status: 554}, socle.OutcomeRefused, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := set(t, msstest.Options{})
			m := b.open(t)
			b.server.Fail(c.fault)
			r, err := m.Send(context.Background(), draft(t))
			require.Error(t, err)
			require.Equal(t, c.outcome, socle.OutcomeOf(err))
			require.Equal(t, c.retryable, socle.Retryable(err))
			require.NotEmpty(t, r.MessageID)
			require.False(t, r.Submitted)
			require.Len(t, b.server.Messages(office, "INBOX"), c.delivered)
			require.Empty(t, b.server.Messages(pharmacy, "Sent"))
			tried := func() (n int) {
				for _, e := range b.server.Journal() {
					if e.Operation == c.fault.Operation {
						n++
					}
				}
				return n
			}
			// The connection is cut before the server has journalled why.
			require.Eventually(t, func() bool { return tried() > 0 }, 10*time.Second, time.Millisecond)
			require.Equal(t, 1, tried(), "tried once")

			again := draft(t) // the user decides to send it again, under the same identifier
			again.MessageID = r.MessageID
			r2, err := m.Send(context.Background(), again)
			require.NoError(t, err)
			require.Equal(t, r.MessageID, r2.MessageID)
			got := b.server.Messages(office, "INBOX")
			require.Equal(t, r.MessageID, mss.ParseMessage(got[len(got)-1]).MessageID)
		})
	}
}

func TestMessageSentWithoutCopyIsSent(t *testing.T) {
	t.Parallel()
	for _, f := range []emulator.Fault{{Status: 400}, {ResetBefore: true}, {ResetAfter: true}} {
		b := set(t, msstest.Options{})
		m := b.open(t)
		f.Operation = msstest.OpAppend
		b.server.Fail(f)
		r, err := m.Send(context.Background(), draft(t))
		require.NoError(t, err)
		require.True(t, r.Submitted)
		require.False(t, r.SentCopy)
		require.Len(t, r.Degraded, 1)
		require.Equal(t, "Sent", r.Degraded[0].Rule)
		require.LessOrEqual(t, len(b.server.Messages(pharmacy, "Sent")), 1)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	for range 5 {
		require.NoError(t, b.server.Deliver(pharmacy, simple("<"+office+">", "Un", "Un")))
	}
	m := b.open(t)
	ids := list(t, m, mss.UID{})
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			switch i % 3 {
			case 0:
				n := 0
				for s, err := range m.List(context.Background(), mss.UID{}) {
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := m.Read(context.Background(), s.UID); err != nil { // inside the loop: no deadlock
						t.Error(err)
					}
					n++
				}
				if n != len(ids) {
					t.Errorf("%d listed", n)
				}
			case 1:
				if msg, err := m.Read(context.Background(), ids[i%5].UID); err != nil || msg.Text != "Un" {
					t.Error(err)
				}
			case 2:
				if _, err := m.Send(context.Background(), draft(t)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, b.server.Messages(office, "INBOX"), 4)
	require.Len(t, b.server.Messages(pharmacy, "Sent"), 4)
}

func TestWatch(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []socle.Exchange
	var audit []socle.AuditRecord
	b := set(t, msstest.Options{}, func(c *mss.Config) {
		c.Observe = func(_ context.Context, x socle.Exchange) { mu.Lock(); defer mu.Unlock(); seen = append(seen, x) }
		c.Audit = func(_ context.Context, r socle.AuditRecord) { mu.Lock(); defer mu.Unlock(); audit = append(audit, r) }
	})
	m := b.open(t)
	r, err := m.Send(context.Background(), draft(t))
	require.NoError(t, err)
	b.server.Fail(emulator.Fault{Operation: msstest.OpSubmit, Status: 554})
	_, err = m.Send(context.Background(), draft(t))
	require.Error(t, err)
	var ops []string
	for i, x := range seen {
		ops = append(ops, x.Operation)
		require.Equal(t, x.Operation, audit[i].Operation)
		require.Equal(t, b.access.Actor.ID, audit[i].Actor)
		require.Equal(t, pharmacy, audit[i].Account)
		require.WithinDuration(t, time.Now(), audit[i].At, time.Minute)
		server := b.server.Environment().IMAP
		if strings.HasPrefix(x.Operation, "smtp.") {
			server = b.server.Environment().Submission
		}
		require.Equal(t, server, audit[i].Server, "ECO.4.1.1: the server that was asked")
		require.NotContains(t, string(x.Request), "Bonjour")
	}
	require.Equal(t, []string{"imap.open", "smtp.send", "imap.append", "smtp.send"}, ops)
	i := slices.IndexFunc(seen, func(x socle.Exchange) bool { return x.Operation == "smtp.send" })
	require.Equal(t, r.MessageID, seen[i].MessageID)
	require.Equal(t, socle.OutcomeRefused, audit[3].Outcome)
	require.Equal(t, "554 5.0.0", audit[3].Code)
}

func TestStoredMessageCannotBreakTheHeader(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Deliver(pharmacy, simple("<"+office+">", "Un", "Un")))
	m := b.open(t)
	msg, err := m.Read(context.Background(), list(t, m, mss.UID{})[0].UID)
	require.NoError(t, err)
	msg.References = []string{"a@b", "c@d>\r\nX-MSS-MES: FIN\r\nX: <e@f"}
	msg.Subject = "x\r\nX-MSS-MES: FIN"
	_, err = m.Reply(context.Background(), msg, mss.Draft{Text: "x"})
	require.NoError(t, err)
	msg.MessageID = "a@b\r\nX-MSS-MES: FIN"
	_, err = m.Reply(context.Background(), msg, mss.Draft{Text: "x"})
	require.NoError(t, err)
	for _, raw := range b.server.Messages(office, "INBOX") {
		require.False(t, mss.ParseMessage(raw).Final)
	}
	msg.MessageID = ""
	r, err := m.Reply(context.Background(), msg, mss.Draft{Text: "x"})
	require.NoError(t, err)
	require.Equal(t, "ECO.2.2.2", r.Degraded[0].Rule)
}
