package ordonnance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ordonnance"
)

// vendor is a Transport of a vendor's own.
type vendor struct {
	claim   ordonnance.Claim
	receipt ordonnance.Receipt
	err     error
	calls   int
}

func (v *vendor) Read(context.Context, ordonnance.ReadCall) (ordonnance.Claim, error) {
	v.calls++
	return v.claim, v.err
}

func (v *vendor) Recover(context.Context, ordonnance.ReadCall) (ordonnance.Claim, error) {
	v.calls++
	return v.claim, v.err
}

func (v *vendor) Dispense(context.Context, ordonnance.DispenseCall) (ordonnance.Receipt, error) {
	v.calls++
	return v.receipt, v.err
}

func TestTransportOfAVendor(t *testing.T) {
	t.Parallel()
	p, err := ordonnance.ParseCDA([]byte(sample(t)))
	require.NoError(t, err)
	structure := pharmacist(t, finessA).Structure.ID
	good := ordonnance.Claim{Number: "01S2TBPZ2JCNZZYGHZ", Secret: ordonnance.NewSecret("s"), Pharmacy: structure, Prescription: p}
	patient := qualified(t, testINS(t), testTraits())
	actor := socle.Actor{Professional: pharmacist(t, finessA), Tokens: token("t")}
	client := func(v *vendor) *ordonnance.Client {
		c, err := ordonnance.New(ordonnance.Config{Software: socle.Software{Name: "LGO", Version: "1"}, Transport: v})
		require.NoError(t, err)
		return c
	}
	read := ordonnance.ReadRequest{Patient: patient, Number: good.Number}
	ctx := context.Background()

	claim, err := client(&vendor{claim: good}).Read(ctx, actor, read)
	require.NoError(t, err)
	require.Len(t, claim.Prescription.Lines, 2)

	// The prescription of somebody else is not shown, but the claim is given.
	other := good
	other.Prescription.Patient.INS, err = ins.ParseLenient("277076322082910", ordonnance.OIDINSTest)
	require.NoError(t, err)
	for _, call := range []func(*ordonnance.Client) (ordonnance.Claim, error){
		func(c *ordonnance.Client) (ordonnance.Claim, error) { return c.Read(ctx, actor, read) },
		func(c *ordonnance.Client) (ordonnance.Claim, error) { return c.Recover(ctx, actor, read) },
	} {
		claim, err = call(client(&vendor{claim: other}))
		require.ErrorIs(t, err, ordonnance.ErrPatientMismatch)
		require.Equal(t, socle.OutcomeDone, socle.OutcomeOf(err))
		require.Empty(t, claim.Prescription.Lines)
		require.Equal(t, "s", claim.Secret.Reveal())
	}

	// Answers to another question.
	wrong := good
	wrong.Number = "01AAAAAAAAAAAAAAAA"
	for _, c := range []ordonnance.Claim{{}, wrong, {Number: good.Number, Prescription: p}} {
		_, err = client(&vendor{claim: c}).Read(ctx, actor, read)
		require.ErrorIs(t, err, ordonnance.ErrAnswer)
		require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	}
	d := p.NewDispensation(start)
	_, err = client(&vendor{}).Dispense(ctx, actor, ordonnance.DispenseRequest{Patient: patient, Claim: good, Dispensation: d})
	require.ErrorIs(t, err, ordonnance.ErrAnswer)
	r, err := client(&vendor{receipt: ordonnance.Receipt{Dispensation: d.ID, Status: ordonnance.StatusDispensed}}).Dispense(ctx, actor,
		ordonnance.DispenseRequest{Patient: patient, Claim: good, Dispensation: d})
	require.NoError(t, err)
	require.Equal(t, ordonnance.StatusDispensed, r.Status)

	// Its errors keep what they know.
	boom := errors.New("boom")
	_, err = client(&vendor{err: boom}).Read(ctx, actor, read)
	require.ErrorIs(t, err, boom)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	_, err = client(&vendor{err: ordonnance.NewError("Read", ordonnance.ErrExpired, "E42", "périmée", nil)}).Read(ctx, actor, read)
	require.ErrorIs(t, err, ordonnance.ErrExpired)
	require.Equal(t, "ordonnance: Read: prescription expired: périmée (E42)", err.Error())
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	down := &vendor{err: ordonnance.NewError("Read", ordonnance.ErrUnavailable, "", "", nil)}
	_, err = client(down).Read(ctx, actor, read)
	require.ErrorIs(t, err, ordonnance.ErrUnavailable)
	require.Equal(t, 1, down.calls, "refused is not unsent: not tried again by itself")
}
