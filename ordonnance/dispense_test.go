package ordonnance_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

// The prescription of the tests has two drugs: paracetamol, which may be
// delivered twice, and amoxicillin, once.

func (p counter) dispense(w *world, claim ordonnance.Claim, d ordonnance.Dispensation) (ordonnance.Receipt, error) {
	return p.Dispense(context.Background(), p.actor, ordonnance.DispenseRequest{Patient: w.patient, Claim: claim, Dispensation: d})
}

func TestDispenseAsPrescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.pharmacy(t, finessA), w.pharmacy(t, finessB)
	claim := a.read(t, w)
	d := claim.Prescription.NewDispensation(start)
	require.Len(t, d.Items, 2)
	r, err := a.dispense(w, claim, d)
	require.NoError(t, err)
	require.Equal(t, ordonnance.Receipt{Number: w.number, Dispensation: d.ID, At: r.At, Status: ordonnance.StatusPartlyDispensed,
		Lines: map[int]ordonnance.LineStatus{1: ordonnance.LinePartial, 2: ordonnance.LineComplete}}, r)
	require.True(t, start.Equal(r.At))

	_, err = a.dispense(w, claim, claim.Prescription.NewDispensation(start))
	require.ErrorIs(t, err, ordonnance.ErrInvalidTransition, "the claim is over")

	// The renewal, a month later, elsewhere.
	w.srv.Clock().Advance(30 * 24 * time.Hour)
	claim = b.read(t, w)
	require.Equal(t, 1, claim.Prescription.Lines[0].Delivered)
	require.Equal(t, ordonnance.LineComplete, claim.Prescription.Lines[1].Status)
	d = claim.Prescription.NewDispensation(w.srv.Clock().Now())
	require.Len(t, d.Items, 1, "the closed line is left out")
	r, err = b.dispense(w, claim, d)
	require.NoError(t, err)
	require.Equal(t, ordonnance.StatusDispensed, r.Status)

	_, err = a.Read(context.Background(), a.actor, w.request())
	require.ErrorIs(t, err, ordonnance.ErrInvalidTransition)
	st, ok := w.srv.State(w.number)
	require.True(t, ok)
	require.Equal(t, []int{2, 1}, st.Delivered)
	require.Equal(t, 2, st.Dispensations)
}

func TestDispenseEveryOutcome(t *testing.T) {
	t.Parallel()
	consent := &ordonnance.Consent{By: "Dr Camille ESSAI, par téléphone", At: start}
	generic := ordonnance.Product{Name: "PARACETAMOL VIATRIS 500 mg", Codes: []socle.Code{{Code: "3400930020784", System: ordonnance.OIDCIP}}}
	for name, c := range map[string]struct {
		change func(*ordonnance.Item)
		status ordonnance.LineStatus
		sent   []string // found in the request
	}{
		"as prescribed":       {func(*ordonnance.Item) {}, ordonnance.LinePartial, []string{`"FFC"`, `"30009000"`, `"3400933516390"`, `"as-prescribed"`}},
		"with lot and expiry": {func(i *ordonnance.Item) { i.Lot, i.Serial, i.Expiry = "12345", "S1", start.AddDate(1, 0, 0) }, ordonnance.LinePartial, []string{`"lotNumber":"12345"`, `"2027-03-02"`, `"S1"`}},
		"generic":             {func(i *ordonnance.Item) { i.Outcome, i.Product = ordonnance.SubstitutedGeneric, generic }, ordonnance.LinePartial, []string{`"wasSubstituted":true`, `"code":"G"`}},
		"other product": {func(i *ordonnance.Item) {
			i.Outcome, i.Product, i.Reason = ordonnance.SubstitutedOther, generic, "rupture"
		}, ordonnance.LinePartial, []string{`"reason":[{"text":"rupture"}]`}},
		"posology changed": {func(i *ordonnance.Item) {
			i.Outcome, i.Posology, i.Consent = ordonnance.PosologyChanged, "1 par jour", consent
		}, ordonnance.LinePartial, []string{`"1 par jour"`, "Camille"}},
		"less than prescribed": {func(i *ordonnance.Item) { i.Outcome, i.Quantity.Value = ordonnance.QuantityChanged, 1 }, ordonnance.LinePartial, []string{`"FFP"`}},
		"not dispensed": {func(i *ordonnance.Item) {
			*i = ordonnance.Item{Line: 1, Outcome: ordonnance.NotDispensed, Reason: "le patient en a"}
		}, ordonnance.LineRefused, []string{`"declined"`, "le patient en a"}},
		"postponed": {func(i *ordonnance.Item) {
			*i = ordonnance.Item{Line: 1, Outcome: ordonnance.Postponed, Reason: "commandé"}
		}, ordonnance.LineOpen, []string{`"on-hold"`}},
		"with a note":         {func(i *ordonnance.Item) { i.Note = "expliqué" }, ordonnance.LinePartial, []string{"expliqué"}},
		"stated completeness": {func(i *ordonnance.Item) { i.Completeness = ordonnance.FirstPartial }, ordonnance.LinePartial, []string{`"FFP"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.pharmacy(t, finessA)
			claim := a.read(t, w)
			d := claim.Prescription.NewDispensation(start)
			d.Receiver = "sa fille"
			c.change(d.Item(1))
			r, err := a.dispense(w, claim, d)
			require.NoError(t, err)
			require.Equal(t, c.status, r.Lines[1])
			journal := w.srv.Journal()
			sent := string(journal[len(journal)-1].Request)
			for _, s := range append(c.sent, "sa fille", testNIR, "899900063480", finessA) {
				require.Contains(t, sent, s)
			}
			require.NotContains(t, journal[len(journal)-1].Path, claim.Secret.Reveal())
		})
	}
}

func TestDispenseAddedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.pharmacy(t, finessA)
	claim := a.read(t, w)
	d := claim.Prescription.NewDispensation(start)
	d.Items = append(d.Items, ordonnance.Item{Outcome: ordonnance.AddedByHand, Product: ordonnance.Product{Name: "sérum physiologique"}, Quantity: ordonnance.Quantity{Value: 1, Unit: "30009000"}})
	r, err := a.dispense(w, claim, d)
	require.NoError(t, err)
	require.Len(t, r.Lines, 2)
}

func TestDispenseCheckedBeforeTheNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.pharmacy(t, finessA)
	claim := a.read(t, w)
	calls := len(w.srv.Journal())
	other := ordonnance.Product{Name: "autre", Codes: []socle.Code{{Code: "3400930020784", System: ordonnance.OIDCIP}}}
	for name, c := range map[string]struct {
		change func(*ordonnance.Dispensation)
		want   error
		code   string
		line   int
	}{
		"no id":              {func(d *ordonnance.Dispensation) { d.ID = "" }, ordonnance.ErrValidation, ordonnance.IssueID, 0},
		"no time":            {func(d *ordonnance.Dispensation) { d.At = time.Time{} }, ordonnance.ErrValidation, ordonnance.IssueTime, 0},
		"before the doctor":  {func(d *ordonnance.Dispensation) { d.At = start.AddDate(0, -1, 0) }, ordonnance.ErrValidation, ordonnance.IssueTime, 0},
		"a line forgotten":   {func(d *ordonnance.Dispensation) { d.Items = d.Items[:1] }, ordonnance.ErrValidation, ordonnance.IssueMissing, 2},
		"a line twice":       {func(d *ordonnance.Dispensation) { d.Items = append(d.Items, d.Items[1]) }, ordonnance.ErrValidation, ordonnance.IssueTwice, 2},
		"a line that is not": {func(d *ordonnance.Dispensation) { d.Items[0].Line = 7 }, ordonnance.ErrLineUnknown, "", 0},
		"no outcome":         {func(d *ordonnance.Dispensation) { d.Items[0].Outcome = "" }, ordonnance.ErrValidation, ordonnance.IssueOutcome, 1},
		"unknown outcome":    {func(d *ordonnance.Dispensation) { d.Items[0].Outcome = "done" }, ordonnance.ErrValidation, ordonnance.IssueOutcome, 1},
		"refusal, no reason": {func(d *ordonnance.Dispensation) {
			d.Items[0] = ordonnance.Item{Line: 1, Outcome: ordonnance.NotDispensed}
		}, ordonnance.ErrValidation, ordonnance.IssueReason, 1},
		"owed, no reason": {func(d *ordonnance.Dispensation) { d.Items[0] = ordonnance.Item{Line: 1, Outcome: ordonnance.Postponed} }, ordonnance.ErrValidation, ordonnance.IssueReason, 1},
		"other, no reason": {func(d *ordonnance.Dispensation) {
			d.Items[0].Outcome, d.Items[0].Product = ordonnance.SubstitutedOther, other
		}, ordonnance.ErrValidation, ordonnance.IssueReason, 1},
		"posology, no word":   {func(d *ordonnance.Dispensation) { d.Items[0].Outcome = ordonnance.PosologyChanged }, ordonnance.ErrValidation, ordonnance.IssueConsent, 1},
		"another product":     {func(d *ordonnance.Dispensation) { d.Items[0].Product = other }, ordonnance.ErrValidation, ordonnance.IssueProduct, 1},
		"no product":          {func(d *ordonnance.Dispensation) { d.Items[0].Product = ordonnance.Product{} }, ordonnance.ErrValidation, ordonnance.IssueProduct, 1},
		"same, substituted":   {func(d *ordonnance.Dispensation) { d.Items[0].Outcome = ordonnance.SubstitutedGeneric }, ordonnance.ErrValidation, ordonnance.IssueProduct, 1},
		"another quantity":    {func(d *ordonnance.Dispensation) { d.Items[0].Quantity.Value = 3 }, ordonnance.ErrValidation, ordonnance.IssueQuantity, 1},
		"no quantity":         {func(d *ordonnance.Dispensation) { d.Items[0].Quantity.Value = 0 }, ordonnance.ErrValidation, ordonnance.IssueQuantity, 1},
		"refill that is not":  {func(d *ordonnance.Dispensation) { d.Items[0].Completeness = ordonnance.RefillComplete }, ordonnance.ErrValidation, ordonnance.IssueCompleteness, 1},
		"by hand with a line": {func(d *ordonnance.Dispensation) { d.Items[0].Outcome = ordonnance.AddedByHand }, ordonnance.ErrValidation, ordonnance.IssueOutcome, 1},
		"owed yet complete": {func(d *ordonnance.Dispensation) {
			d.Items[0] = ordonnance.Item{Line: 1, Outcome: ordonnance.Postponed, Reason: "x", Completeness: ordonnance.FirstComplete}
		}, ordonnance.ErrValidation, ordonnance.IssueCompleteness, 1},
	} {
		d := claim.Prescription.NewDispensation(start)
		c.change(&d)
		_, err := a.dispense(w, claim, d)
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		if c.code != "" {
			var e *ordonnance.Error
			require.ErrorAs(t, err, &e, name)
			require.True(t, slices.ContainsFunc(e.Issues, func(i ordonnance.Issue) bool { return i.Code == c.code && i.Line == c.line }), "%s: %v", name, e.Issues)
		}
	}

	other2 := qualified(t, func() ins.INS {
		i, err := ins.ParseLenient("277076322082910", ordonnance.OIDINSTest)
		require.NoError(t, err)
		return i
	}(), testTraits())
	ctx, d := context.Background(), claim.Prescription.NewDispensation(start)
	_, err := a.Dispense(ctx, a.actor, ordonnance.DispenseRequest{Patient: other2, Claim: claim, Dispensation: d})
	require.ErrorIs(t, err, ordonnance.ErrPatientMismatch)
	_, err = a.Dispense(ctx, a.actor, ordonnance.DispenseRequest{Patient: w.patient, Dispensation: d})
	require.ErrorIs(t, err, ordonnance.ErrInvalidTransition)
	b := w.pharmacy(t, finessB)
	_, err = b.dispense(w, claim, d)
	require.ErrorIs(t, err, ordonnance.ErrWrongSecret, "the claim of another pharmacy")
	closed := claim
	closed.Prescription.Lines = slices.Clone(claim.Prescription.Lines)
	closed.Prescription.Lines[0].Status = ordonnance.LineComplete
	_, err = a.dispense(w, closed, d)
	require.ErrorIs(t, err, ordonnance.ErrRepeatMismatch)
	require.Len(t, w.srv.Journal(), calls, "nothing was sent")
}

func TestSubstitutionThatWasRefused(t *testing.T) {
	t.Parallel()
	p, err := ordonnance.ParseCDA([]byte(strings.Replace(sample(t), `<code code="G" codeSystem="2.16.840.1.113883.5.1070"/>`,
		`<code code="N" codeSystem="2.16.840.1.113883.5.1070"><originalText>MTE</originalText></code>`, 1)))
	require.NoError(t, err)
	d := p.NewDispensation(start)
	d.Items[0].Outcome = ordonnance.SubstitutedGeneric
	d.Items[0].Product = ordonnance.Product{Name: "autre", Codes: []socle.Code{{Code: "3400930020784", System: ordonnance.OIDCIP}}}
	err = d.Check(p)
	require.ErrorIs(t, err, ordonnance.ErrValidation)
	var e *ordonnance.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, []ordonnance.Issue{{Line: 1, Code: ordonnance.IssueSubstitution, Text: e.Issues[0].Text}}, e.Issues)
	d.Items[0].Consent = &ordonnance.Consent{By: "Dr ESSAI", At: start}
	require.NoError(t, d.Check(p))
}

func TestDispenseAnswerLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.pharmacy(t, finessA)
	claim := a.read(t, w)
	d := claim.Prescription.NewDispensation(start)
	w.srv.Fail(emulator.Fault{Operation: "Dispense", ResetAfter: true})
	_, err := a.dispense(w, claim, d)
	require.Error(t, err)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.Len(t, w.srv.Journal(), 2, "no second attempt by itself")

	r, err := a.dispense(w, claim, d)
	require.NoError(t, err)
	require.True(t, r.Replayed)
	require.Equal(t, ordonnance.StatusPartlyDispensed, r.Status)
	st, _ := w.srv.State(w.number)
	require.Equal(t, 1, st.Dispensations)
	require.Equal(t, []int{1, 1}, st.Delivered, "once")

	d.Items[0].Note = "another content"
	_, err = a.dispense(w, claim, d)
	require.ErrorIs(t, err, ordonnance.ErrDuplicateID)
}

func TestDispenseRefusedByTheService(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(*testing.T, *world, *counter, *ordonnance.Claim, *ordonnance.Dispensation)
		want   error
		code   string
	}{
		"wrong secret": {func(_ *testing.T, _ *world, _ *counter, c *ordonnance.Claim, _ *ordonnance.Dispensation) {
			c.Secret = ordonnance.NewSecret("0000")
		}, ordonnance.ErrWrongSecret, "wrong-secret"},
		"cancelled meanwhile": {func(t *testing.T, w *world, _ *counter, c *ordonnance.Claim, _ *ordonnance.Dispensation) {
			require.NoError(t, w.srv.Cancel(c.Number))
		}, ordonnance.ErrCancelled, "cancelled"},
		"unknown number": {func(_ *testing.T, _ *world, _ *counter, c *ordonnance.Claim, _ *ordonnance.Dispensation) {
			c.Number = "01ZZZZZZZZZZZZZZZZ"
		}, ordonnance.ErrNotFound, "not-found"},
		"line of another prescription": {func(_ *testing.T, _ *world, _ *counter, c *ordonnance.Claim, _ *ordonnance.Dispensation) {
			c.Prescription.Lines[0].Ref = "l9"
		}, ordonnance.ErrLineUnknown, "line-unknown"},
		"in the future": {func(_ *testing.T, _ *world, _ *counter, _ *ordonnance.Claim, d *ordonnance.Dispensation) {
			d.At = start.Add(time.Hour)
		}, ordonnance.ErrValidation, "validation"},
		"an expired product": {func(_ *testing.T, _ *world, _ *counter, _ *ordonnance.Claim, d *ordonnance.Dispensation) {
			d.Items[1].Expiry = start.AddDate(0, -1, 0)
		}, ordonnance.ErrValidation, "validation"},
		"a CIP that fails its key": {func(_ *testing.T, _ *world, _ *counter, c *ordonnance.Claim, d *ordonnance.Dispensation) {
			d.Items[1].Product = ordonnance.Product{Name: "x", Codes: []socle.Code{{Code: "3400933857043", System: ordonnance.OIDCIP}, {Code: "69118175", System: ordonnance.OIDCIS}}}
		}, ordonnance.ErrValidation, "validation"},
		"token expired": {func(t *testing.T, w *world, p *counter, _ *ordonnance.Claim, _ *ordonnance.Dispensation) {
			p.actor.Tokens = token(w.srv.Token(p.actor.Professional))
			w.srv.Clock().Advance(ordonnancetest.TokenLife)
		}, ordonnance.ErrUnauthorized, "token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.pharmacy(t, finessA)
			claim := a.read(t, w)
			d := claim.Prescription.NewDispensation(start)
			c.before(t, w, &a, &claim, &d)
			_, err := a.dispense(w, claim, d)
			require.ErrorIs(t, err, c.want)
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
			var e *ordonnance.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.code, e.Code)
			if errors.Is(err, ordonnance.ErrValidation) {
				require.NotEmpty(t, e.Issues)
			}
			st, ok := w.srv.State(w.number)
			require.True(t, ok)
			require.Zero(t, st.Dispensations, "nothing was done")
		})
	}
}

// The state machine: whatever two pharmacies do, one claim holds at a time,
// deliveries never exceed what is prescribed, and nothing is done twice.
func TestPrescriptionLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pharmacies := []counter{w.pharmacy(t, finessA), w.pharmacy(t, finessB)}
	rapid.Check(t, func(t *rapid.T) {
		doc := ordonnancetest.Document(ordonnance.Patient{INS: mustINS(), Traits: testTraits()}, "", start.Add(-time.Hour))
		n, err := w.srv.Load(doc)
		if err != nil {
			t.Fatal(err)
		}
		claims := make([]*ordonnance.Claim, 2)
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			i := rapid.IntRange(0, 1).Draw(t, "pharmacy")
			p := pharmacies[i]
			before, _ := w.srv.State(n)
			if rapid.Bool().Draw(t, "read") {
				c, err := p.Read(context.Background(), p.actor, ordonnance.ReadRequest{Patient: w.patient, Number: n})
				open := before.Status == ordonnance.StatusToDispense || before.Status == ordonnance.StatusPartlyDispensed
				if (err == nil) != open {
					t.Fatalf("read of a prescription %s: %v", before.Status, err)
				}
				if err == nil {
					claims[i] = &c
				}
				continue
			}
			if claims[i] == nil {
				continue
			}
			d := claims[i].Prescription.NewDispensation(start)
			if j := rapid.IntRange(0, len(d.Items)).Draw(t, "refuse"); j < len(d.Items) {
				d.Items[j] = ordonnance.Item{Line: d.Items[j].Line, Outcome: ordonnance.NotDispensed, Reason: "refus"}
			}
			holds := before.Status == ordonnance.StatusInDispense && before.Holder == claims[i].Pharmacy
			_, err := p.dispense(w, *claims[i], d)
			if err == nil && !holds {
				t.Fatalf("dispensed without holding it (%s)", before.Status)
			}
			if after, _ := w.srv.State(n); err == nil && after.Dispensations != before.Dispensations+1 {
				t.Fatal("an accepted dispensation was not counted once")
			}
		}
		if st, _ := w.srv.State(n); st.Delivered[0] > 2 || st.Delivered[1] > 1 {
			t.Fatalf("more was delivered than prescribed: %v", st.Delivered)
		}
	})
}

func mustINS() ins.INS {
	i, err := ins.Parse(testNIR, ordonnance.OIDINSTest)
	if err != nil {
		panic(err)
	}
	return i
}

func TestItemIDs(t *testing.T) {
	t.Parallel()
	d := ordonnance.Dispensation{ID: "0E5A9C4E-1111-4222-8333-444455556666"}
	lower := ordonnance.Dispensation{ID: strings.ToLower(d.ID)}
	require.Equal(t, d.ItemID(0), lower.ItemID(0))
	require.NotEqual(t, d.ItemID(0), d.ItemID(1))
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, d.ItemID(0))
}

func TestParseCompleteness(t *testing.T) {
	t.Parallel()
	c, err := ordonnance.ParseCompleteness("FFC ") // as the published value set writes it
	require.NoError(t, err)
	require.Equal(t, ordonnance.FirstComplete, c)
	_, err = ordonnance.ParseCompleteness("FFX")
	require.ErrorIs(t, err, ordonnance.ErrMalformed)
}
