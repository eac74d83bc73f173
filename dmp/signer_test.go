package dmp_test

import (
	"crypto"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// card is a key that is elsewhere, and does one thing at a time.
type card struct {
	crypto.Signer
	busy, signed atomic.Int32
	fail         atomic.Bool
}

func (c *card) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if c.busy.Add(1) > 1 {
		return nil, errors.New("two signatures at once")
	}
	defer c.busy.Add(-1)
	time.Sleep(time.Millisecond)
	if c.signed.Add(1); c.fail.Load() {
		return nil, errors.New("card removed")
	}
	return c.Signer.Sign(rand, digest, opts)
}

func TestACardSignsOneThingAtATime(t *testing.T) {
	t.Parallel()
	key := &card{Signer: keys().cardSign.PrivateKey.(crypto.Signer)}
	srv, c := setup(t, dmptest.Options{}, direct, func(cfg *dmp.Config) { cfg.Signature.PrivateKey = key })
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())
	key.signed.Store(0)
	_, err := c.Submit(t.Context(), pharmacist, patient, s)
	require.NoError(t, err)
	require.EqualValues(t, 2, key.signed.Load(), "the VIHF and the lot")
	require.Len(t, srv.Documents(find(t, "HALL").INS), 1)

	key.fail.Store(true)
	_, err = c.Submit(t.Context(), pharmacist, patient, prepared(t, client(t, srv, direct), patient, report()))
	var e *dmp.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.ErrorContains(t, err, "card removed")
}
