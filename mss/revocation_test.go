package mss_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

func TestRevokedOperatorsAreRefused(t *testing.T) {
	t.Parallel()
	var status *pki.Status
	var down atomic.Bool
	told := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		status.ServeHTTP(w, r)
	}))
	t.Cleanup(told.Close)
	a, err := pki.NewAuthority(pki.WithStatus(told.URL, told.URL))
	require.NoError(t, err)
	status = a.Status()
	b := &bench{tokens: newTokens(pharmacist)}
	b.server, err = msstest.NewServer(msstest.Options{Authority: a, Introspect: b.tokens.introspect,
		Mailboxes: []msstest.Mailbox{{Address: pharmacy, Openers: []string{pharmacist}}, {Address: office}}})
	require.NoError(t, err)
	t.Cleanup(b.server.Close)
	client := func(mode mss.RevocationMode) *mss.Client {
		c, err := mss.New(mss.Config{Environment: b.server.Environment(), Roots: b.server.Roots(), Software: software(), Revocation: mss.Revocation{Mode: mode}})
		require.NoError(t, err)
		return c
	}
	access := mss.Access{Address: address(t, pharmacy), Actor: socle.Actor{Professional: actor(t), Tokens: b.tokens}}
	open := func(mode mss.RevocationMode) (*mss.Mailbox, error) {
		return client(mode).Open(context.Background(), access)
	}

	m, err := open(mss.RevocationHard)
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	require.Equal(t, []string{"ocsp", "crl", "ocsp", "crl"}, status.Asked(), "the operator's certificate and its issuer's, and a list for later (ECO.1.1.7)")
	_, err = m.Send(context.Background(), draft(t))
	require.NoError(t, err)
	require.Len(t, status.Asked(), 4, "held for the other connection")

	down.Store(true)
	_, err = open(mss.RevocationHard)
	require.ErrorIs(t, err, mss.ErrStatusUnknown)
	require.True(t, socle.Retryable(err))
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	for _, mode := range []mss.RevocationMode{mss.RevocationSoft, mss.RevocationOff} {
		m, err := open(mode)
		require.NoError(t, err)
		require.NoError(t, m.Close())
	}
	down.Store(false)
	for _, c := range a.Chain()[:1] { // the issuer of operators' certificates
		status.Revoke(c)
	}
	for _, mode := range []mss.RevocationMode{mss.RevocationHard, mss.RevocationSoft} {
		_, err = open(mode)
		require.ErrorIs(t, err, mss.ErrRevoked)
		require.ErrorIs(t, err, mss.ErrUntrusted)
		require.False(t, socle.Retryable(err))
	}
	m, err = open(mss.RevocationOff)
	require.NoError(t, err)
	require.NoError(t, m.Close())
}

// A source of statuses that does not answer holds no cancellation back.
func TestCancellationDuringTheRevocationCheck(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	release := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(stuck.Close)
	t.Cleanup(func() { close(release) })
	a, err := pki.NewAuthority(pki.WithStatus(stuck.URL, ""))
	require.NoError(t, err)
	tokens := newTokens(pharmacist)
	server, err := msstest.NewServer(msstest.Options{Authority: a, Introspect: tokens.introspect, Mailboxes: []msstest.Mailbox{{Address: pharmacy, Openers: []string{pharmacist}}}})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	c, err := mss.New(mss.Config{Environment: server.Environment(), Roots: server.Roots(), Software: software()})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	at := make(chan time.Time, 1)
	go func() { <-asked; at <- time.Now(); cancel() }()
	_, err = c.Open(ctx, mss.Access{Address: address(t, pharmacy), Actor: socle.Actor{Professional: actor(t), Tokens: tokens}})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(<-at), 100*time.Millisecond)
}
