package mss_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

func TestMain(m *testing.M) {
	if os.Getenv(operatorEnv) != "" {
		if err := runOperator(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

const (
	pharmacy   = "claire.officine@pharmacie.formation.mssante.fr"
	office     = "cabinet.medecin@medecin.formation.mssante.fr"
	pharmacist = "899900000003" // national identifier of a test professional
	stranger   = "899900000011"
	matricule  = "279035121518989" // a test patient of the public samples
)

// tokens is a source of tokens and the validator that knows them.
type tokens struct {
	mu      sync.Mutex
	serial  int
	live    map[string]string // token → national identifier
	current string
	who     string
	asked   int
	evicted []string
	err     error
}

func newTokens(who string) *tokens { return &tokens{who: who, live: map[string]string{}} }

func (t *tokens) AccessToken(context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked++
	if t.err != nil {
		return "", t.err
	}
	if t.current == "" {
		t.serial++
		t.current = fmt.Sprintf("tok.%d.%s", t.serial, strings.Repeat("k", 1400)) // as long as those of PSC
		t.live[t.current] = t.who
	}
	return t.current, nil
}

func (t *tokens) Evict(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.evicted = append(t.evicted, token)
	if t.current == token {
		t.current = ""
	}
}

// expire makes the tokens given so far dead at the operator, unknown to the source.
func (t *tokens) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.live)
}

func (t *tokens) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked
}

func (t *tokens) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

func (t *tokens) introspect(_ context.Context, token string) (string, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id, ok := t.live[token]
	return id, ok, nil
}

var authority = sync.OnceValues(func() (*pki.Authority, error) { return pki.NewAuthority() })

type bench struct {
	server *msstest.Server
	tokens *tokens
	client *mss.Client
	access mss.Access
}

func set(t testing.TB, o msstest.Options, change ...func(*mss.Config)) *bench {
	t.Helper()
	b := &bench{tokens: newTokens(pharmacist)}
	a, err := authority()
	require.NoError(t, err)
	o.Authority = a
	if o.Introspect == nil {
		o.Introspect = b.tokens.introspect
	}
	o.Mailboxes = append(o.Mailboxes,
		msstest.Mailbox{Address: pharmacy, Openers: []string{pharmacist}},
		msstest.Mailbox{Address: office, Openers: []string{stranger}})
	b.server, err = msstest.NewServer(o)
	require.NoError(t, err)
	t.Cleanup(b.server.Close)
	cfg := mss.Config{Environment: b.server.Environment(), Roots: b.server.Roots(), Software: software()}
	for _, f := range change {
		f(&cfg)
	}
	b.client, err = mss.New(cfg)
	require.NoError(t, err)
	b.access = mss.Access{Address: address(t, pharmacy), Actor: socle.Actor{Professional: actor(t), Tokens: b.tokens}}
	return b
}

func software() socle.Software {
	return socle.Software{Name: "LGO d'essai", Version: "1.0", Homologation: map[socle.Service]string{socle.ServiceMSS: "3734"}}
}

func actor(t testing.TB) socle.Professional {
	id, err := socle.ParsePersonID(pharmacist)
	require.NoError(t, err)
	return socle.Professional{ID: id, FamilyName: "Officine", GivenName: "CLAIRE", Structure: socle.Structure{Name: "Pharmacie du Marché"}}
}

func address(t testing.TB, s string) mss.Address {
	a, err := mss.ParseAddress(s)
	require.NoError(t, err)
	return a
}

func (b *bench) open(t testing.TB) *mss.Mailbox {
	t.Helper()
	m, err := b.client.Open(context.Background(), b.access)
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func list(t testing.TB, m *mss.Mailbox, after mss.UID) []mss.Summary {
	t.Helper()
	var out []mss.Summary
	for s, err := range m.List(context.Background(), after) {
		require.NoError(t, err)
		out = append(out, s)
	}
	return out
}

func simple(from, subject, text string) []byte {
	return []byte("From: " + from + "\r\nTo: <" + pharmacy + ">\r\nSubject: " + subject + "\r\nDate: Mon, 05 Oct 2026 10:00:00 +0200\r\n" +
		"Message-ID: <1@medecin.formation.mssante.fr>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n")
}

func TestReadsAndAnswers(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	require.NoError(t, b.server.Deliver(pharmacy, simple("Dr_Paul_MEDECIN_Cabinet <"+office+">", "Renouvellement", "Bonjour")))
	m := b.open(t)

	l := list(t, m, mss.UID{})
	require.Len(t, l, 1)
	require.Equal(t, mss.SenderProfessional, l[0].Sender.Kind)
	require.Equal(t, mss.Label{Title: "Dr", GivenName: "Paul", FamilyName: "MEDECIN", Entity: "Cabinet"}, l[0].Sender.Label)
	require.Equal(t, "Renouvellement", l[0].Subject)
	require.False(t, l[0].Seen)

	msg, err := m.Read(context.Background(), l[0].UID)
	require.NoError(t, err)
	require.Equal(t, "Bonjour", msg.Text)
	require.Empty(t, msg.Faults)
	require.Empty(t, list(t, m, l[0].UID), "nothing comes after the last one")

	r, err := m.Reply(context.Background(), msg, mss.Draft{Text: "Bien reçu, à demain."})
	require.NoError(t, err)
	require.True(t, r.Submitted)
	require.True(t, r.SentCopy)
	require.Empty(t, r.Degraded)
	got := b.server.Messages(office, "INBOX")
	require.Len(t, got, 1)
	require.Equal(t, got, b.server.Messages(pharmacy, "Sent"), "the copy is the message")
	answer := mss.ParseMessage(got[0])
	require.Equal(t, "Re: Renouvellement", answer.Subject)
	require.Equal(t, "Bien reçu, à demain.", answer.Text)
	require.Equal(t, []string{msg.MessageID}, answer.References)
	require.Equal(t, msg.MessageID, answer.InReplyTo)
	require.Equal(t, r.MessageID, answer.MessageID)
	require.Equal(t, "3734", answer.Product)
	require.Equal(t, mss.Label{GivenName: "Claire", FamilyName: "OFFICINE", Entity: "Pharmacie du Marché"}, answer.Sender.Label)
	require.False(t, answer.XDM)
	require.Empty(t, answer.INS)
}

func TestCancellationReturnsWithin100ms(t *testing.T) {
	t.Parallel()
	var cancel context.CancelFunc
	var at time.Time
	b := set(t, msstest.Options{Struck: func(string) { at = time.Now(); cancel() }})
	m := b.open(t)
	for _, op := range []string{msstest.OpSearch, msstest.OpAuthenticateSMTP, msstest.OpMail, msstest.OpSubmit} {
		b.server.Fail(fault(op, 10*time.Second))
		var ctx context.Context
		ctx, cancel = context.WithCancel(context.Background())
		var err error
		if op == msstest.OpSearch {
			for _, err = range m.List(ctx, mss.UID{}) {
				break
			}
		} else {
			_, err = m.Send(ctx, draft(t))
		}
		require.Less(t, time.Since(at), 100*time.Millisecond, op)
		require.ErrorIs(t, err, context.Canceled, op)
		want := socle.OutcomeNotSent
		if op == msstest.OpSubmit {
			want = socle.OutcomeUnknown
		}
		require.Equal(t, want, socle.OutcomeOf(err), op)
		require.False(t, socle.Retryable(err))
	}
	require.Empty(t, list(t, m, mss.UID{}), "the mailbox opens its connection again")

	b.server.Fail(fault(msstest.OpAuthenticateIMAP, 10*time.Second))
	ctx, stop := context.WithCancel(context.Background())
	cancel = stop
	_, err := b.client.Open(ctx, b.access)
	require.Less(t, time.Since(at), 100*time.Millisecond)
	require.ErrorIs(t, err, context.Canceled)
	_, err = b.client.Open(ctx, b.access)
	require.ErrorIs(t, err, context.Canceled)
}
