package dmp_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

// following is a record that is followed.
type following struct {
	t       require.TestingT
	c       *dmp.Client
	patient ins.Identity
	dmp.Synchronization
	held map[string]dmp.Entry // what the caller keeps, by uniqueId
}

func follow(t testing.TB, c *dmp.Client, patient ins.Identity) *following {
	return &following{t: t, c: c, patient: patient, held: map[string]dmp.Entry{},
		Synchronization: dmp.Synchronization{Record: record(t, c, patient), Cursors: &dmp.MemoryCursors{}, Key: "patient 12/pharmacist 3"}}
}

// pending finds the changes, and takes none.
func (f *following) pending() *dmp.Pending {
	p, err := f.c.Sync(context.Background(), pharmacist, f.patient, f.Synchronization)
	require.NoError(f.t, err)
	return p
}

// keep does to what the caller keeps what the changes say.
func (f *following) keep(p *dmp.Pending) []string {
	var all []string
	for _, ch := range p.Changes {
		short := string(ch.Kind) + " " + ch.Entry.ID
		switch ch.Kind {
		case dmp.DocumentReplaced:
			short += " for " + ch.Replaces
			delete(f.held, ch.Replaces)
		case dmp.DocumentRemoved:
			delete(f.held, ch.Entry.ID)
		}
		if ch.Kind != dmp.DocumentRemoved {
			f.held[ch.Entry.ID] = ch.Entry
		}
		all = append(all, short)
	}
	return all
}

// sync takes the changes, as a caller would, and gives them in short.
func (f *following) sync() []string {
	p := f.pending()
	all := f.keep(p)
	require.NoError(f.t, p.Taken(context.Background()))
	return all
}

func TestSyncFindsTheWindowThenWhatChanges(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	recent := feed(t, c, patient, nil).ID()
	feed(t, c, patient, func(r *dmp.Report) { r.Date = time.Now().AddDate(-3, 0, 0) })
	history := feed(t, c, patient, func(r *dmp.Report) {
		r.Date, r.Type, r.Class = time.Now().AddDate(-9, 0, 0), socle.Code{Code: "11369-6"}, socle.Code{Code: "11", System: "1.2.250.1.213.1.1.4.1"}
	}).ID()
	f := follow(t, c, patient)
	p := f.pending()
	require.True(t, p.First)
	require.Len(t, p.Changes, 2)
	require.ElementsMatch(t, []string{"added " + recent, "added " + history}, f.sync(), "what was not taken is found again")
	require.Empty(t, f.sync())

	more := feed(t, c, patient, nil).ID()
	before := len(srv.Journal())
	require.Equal(t, []string{"added " + more}, f.sync())
	require.Len(t, srv.Journal(), before+3, "the lots, their documents, the documents")
	old := feed(t, c, patient, func(r *dmp.Report) { r.Date = time.Now().AddDate(-3, 0, 0) }).ID()
	require.Equal(t, []string{"added " + old}, f.sync(), "what is new is told, whatever it is about")
	require.Empty(t, f.sync())
}

func TestSyncInBatches(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	f := follow(t, c, patient)
	f.Batch = 2
	require.Empty(t, f.sync())
	var want []string
	for range 5 {
		want = append(want, "added "+feed(t, c, patient, nil).ID())
	}
	before := len(srv.Journal())
	require.ElementsMatch(t, want, f.sync())
	require.Len(t, srv.Journal(), before+1+3+5, "the lots, then batches of two: of five lots, of ten members, signatures among them")
}

func TestSyncTellsWhatCameFromElsewhere(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	mailed, other := feed(t, c, patient, nil).ID(), feed(t, c, patient, nil).ID()
	f := follow(t, c, patient)
	f.Held = func(id string) bool { return id == mailed }
	p := f.pending()
	require.Len(t, p.Changes, 2)
	for _, ch := range p.Changes {
		require.Equal(t, ch.Entry.ID == mailed, ch.Held)
	}
	_ = other
}

func TestSyncOfSomeTypes(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	interview := feed(t, c, patient, nil).ID()
	review := func(r *dmp.Report) { r.Type = dmp.MedicationReview }
	first := feed(t, c, patient, review).ID()
	f := follow(t, c, patient)
	f.Types = []socle.Code{{Code: "56445-0"}}
	require.Equal(t, []string{"added " + first}, f.sync())
	feed(t, c, patient, nil)
	second := feed(t, c, patient, review).ID()
	require.Equal(t, []string{"added " + second}, f.sync())
	// The professional extends the search: what was left out is found.
	f.Types = nil
	got := f.sync()
	require.Len(t, got, 2)
	require.Contains(t, got, "added "+interview)
}

type brokenStore struct{ load, save error }

func (b brokenStore) Load(context.Context, string) ([]byte, error) { return nil, b.load }
func (b brokenStore) Save(context.Context, string, []byte) error   { return b.save }

func TestSyncRefusals(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{}, direct, func(cfg *dmp.Config) { cfg.AuditKey = []byte("key") })
	ortie, other := qualified(t, "ORTIE"), qualified(t, "PAT-TROIS")
	ctx := context.Background()
	f := follow(t, c, ortie)
	feed(t, c, ortie, nil)
	f.sync()
	// The cursor of one patient is not that of another.
	s := f.Synchronization
	s.Record = record(t, c, other)
	before := len(srv.Journal())
	_, err := c.Sync(ctx, pharmacist, other, s)
	require.ErrorIs(t, err, dmp.ErrPatientMismatch)
	for name, change := range map[string]func(*dmp.Synchronization){
		"no store": func(s *dmp.Synchronization) { s.Cursors = nil },
		"no key":   func(s *dmp.Synchronization) { s.Key = "" },
		"batch":    func(s *dmp.Synchronization) { s.Batch = -1 },
		"window":   func(s *dmp.Synchronization) { s.Window = -1 },
		"3 years":  func(s *dmp.Synchronization) { s.Window = 3 * 365 * 24 * time.Hour },
	} {
		s := f.Synchronization
		change(&s)
		_, err := c.Sync(ctx, pharmacist, ortie, s)
		require.ErrorIs(t, err, dmp.ErrQuery, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
	}
	full := errors.New("disk full")
	s = f.Synchronization
	s.Cursors = brokenStore{load: full}
	_, err = c.Sync(ctx, pharmacist, ortie, s)
	require.ErrorIs(t, err, full)
	require.Len(t, srv.Journal(), before, "nothing was sent")
	s.Cursors = brokenStore{save: full}
	_, err = c.Sync(ctx, pharmacist, ortie, s)
	require.ErrorIs(t, err, full)
	// What a store gave is verified.
	store := &dmp.MemoryCursors{}
	require.NoError(t, store.Save(ctx, "k", []byte(`{"format":9}`)))
	s.Cursors, s.Key = store, "k"
	_, err = c.Sync(ctx, pharmacist, ortie, s)
	require.ErrorIs(t, err, dmp.ErrQuery)
	// An answer that is not whole gives nothing, and moves nothing.
	srv.Refuse(dmptest.Failure{Operation: "TD3.1a", Partial: true, Registry: []dmp.RegistryError{{Code: "XDSRegistryError"}}})
	_, err = c.Sync(ctx, pharmacist, ortie, f.Synchronization)
	require.Error(t, err)
	require.Empty(t, f.sync())
	srv.Refuse(dmptest.Failure{Operation: "TD3.1a", Defect: dmptest.AnotherPatient})
	fresh := f.Synchronization
	fresh.Key = "another"
	_, err = c.Sync(ctx, pharmacist, ortie, fresh)
	if err == nil { // the lots of the overlap came first, and there are some
		t.Fatal("lots of another patient were taken")
	}
	require.ErrorIs(t, err, dmp.ErrPatientMismatch)
}

// The cursor identifies nobody.
func TestCursorHoldsNoIdentity(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	feed(t, c, patient, nil)
	f := follow(t, c, patient)
	f.sync()
	b, err := f.Cursors.Load(context.Background(), f.Key)
	require.NoError(t, err)
	for _, s := range []string{find(t, "ORTIE").INS.Matricule.Wire(), "ORTIE", "entretien"} {
		require.NotContains(t, string(b), s)
	}
}

func TestSyncFollowsWhatBecomesOfADocument(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	ctx := context.Background()
	first := feed(t, c, patient, nil)
	f := follow(t, c, patient)
	f.sync()
	// Two versions at once: the last takes the place of the one that is known.
	second := feed(t, c, patient, func(r *dmp.Report) { r.Edition = first.Next() })
	third := feed(t, c, patient, func(r *dmp.Report) { r.Edition = second.Next() })
	require.Equal(t, []string{"replaced " + third.ID() + " for " + first.ID()}, f.sync())

	e := f.held[third.ID()]
	_, err := c.SetVisibility(ctx, pharmacist, patient, f.Record, e, dmp.HiddenFromProfessionals)
	require.NoError(t, err)
	require.Equal(t, []string{"changed " + third.ID()}, f.sync())
	require.True(t, f.held[third.ID()].HiddenFrom(dmp.HiddenFromProfessionals))
	require.NotEqual(t, e.EntryUUID, f.held[third.ID()].EntryUUID)
	require.Equal(t, e.LogicalID, f.held[third.ID()].LogicalID)

	_, err = c.Archive(ctx, pharmacist, patient, f.Record, f.held[third.ID()])
	require.NoError(t, err)
	require.Equal(t, []string{"changed " + third.ID()}, f.sync())
	require.Equal(t, dmp.StatusArchived, f.held[third.ID()].Status)

	// A deletion shows in no lot: only a comparison finds it.
	_, err = c.Delete(ctx, pharmacist, patient, f.Record, f.held[third.ID()])
	require.NoError(t, err)
	require.Empty(t, f.sync())
	f.Compare = -1
	p := f.pending()
	require.True(t, p.Compared)
	require.Equal(t, dmp.DocumentRemoved, p.Changes[0].Kind)
	require.Equal(t, e.LogicalID, p.Changes[0].Entry.LogicalID)
	require.Equal(t, []string{"removed " + third.ID()}, f.sync())
	require.Empty(t, f.held)
	require.Empty(t, f.sync())
}

// A caller that kept what it was told, and stopped before it said so, is told
// what became of it.
func TestSyncAfterACallerThatStopped(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	f := follow(t, c, patient)
	f.sync()
	doc := feed(t, c, patient, nil)
	require.Equal(t, []string{"added " + doc.ID()}, f.keep(f.pending()))
	require.Equal(t, []string{"added " + doc.ID()}, f.keep(f.pending()))
	_, err := c.Delete(context.Background(), pharmacist, patient, f.Record, f.held[doc.ID()])
	require.NoError(t, err)
	require.Equal(t, []string{"removed " + doc.ID()}, f.sync(), "without any comparison")
	require.Empty(t, f.sync())

	// The same of a first call.
	g := follow(t, c, patient)
	g.Key = "another"
	doc = feed(t, c, patient, nil)
	require.Equal(t, []string{"added " + doc.ID()}, g.keep(g.pending()))
	_, err = c.Delete(context.Background(), pharmacist, patient, g.Record, g.held[doc.ID()])
	require.NoError(t, err)
	require.Equal(t, []string{"removed " + doc.ID()}, g.sync())
	require.Empty(t, g.held)
}
