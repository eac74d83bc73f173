package dmp_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

// actor is a professional with a card, who changes a record.
type actor struct {
	who     socle.Professional
	c       *dmp.Client
	patient ins.Identity
	record  dmp.Record
	made    map[string]*dmp.Document // by uniqueId
}

// entries gives what the actor may see and change.
func (a *actor) entries(t *rapid.T) []dmp.Entry {
	found, err := a.c.Search(context.Background(), a.who, a.patient, dmp.Query{Record: a.record, Statuses: []dmp.Status{dmp.StatusArchived}})
	if err != nil {
		t.Fatal(err)
	}
	return found.Entries
}

func (a *actor) submit(t *rapid.T, edition dmp.Edition) error {
	doc, err := a.c.NewDocument(a.who, a.patient, dmp.Report{Title: "Entretien", Type: dmp.Interview, Edition: edition,
		File: dmp.Bytes("application/pdf", []byte("%PDF-1.4 pdfaid:part"))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.c.Submit(context.Background(), a.who, a.patient, dmp.Submission{Record: a.record, Documents: []*dmp.Document{doc}})
	if err == nil {
		a.made[doc.ID()] = doc
	}
	return err
}

// act does something to the record, or nothing when there is nothing to do it to.
func (a *actor) act(t *rapid.T, action string) {
	ctx := context.Background()
	var err error
	if action == "submit" {
		err = a.submit(t, dmp.Edition{})
	} else if all := a.entries(t); len(all) > 0 {
		e := all[rapid.IntRange(0, len(all)-1).Draw(t, "entry")]
		switch action {
		case "replace":
			if old := a.made[e.ID]; old != nil {
				err = a.submit(t, old.Next())
			}
		case "archive":
			if e.Status == dmp.StatusArchived {
				_, err = a.c.Unarchive(ctx, a.who, a.patient, a.record, e)
			} else {
				_, err = a.c.Archive(ctx, a.who, a.patient, a.record, e)
			}
		case "delete":
			_, err = a.c.Delete(ctx, a.who, a.patient, a.record, e)
		case "hide":
			if e.HiddenFrom(dmp.HiddenFromProfessionals) {
				_, err = a.c.SetVisibility(ctx, a.who, a.patient, a.record, e)
			} else {
				_, err = a.c.SetVisibility(ctx, a.who, a.patient, a.record, e, dmp.HiddenFromProfessionals)
			}
		}
	}
	for _, refusal := range []error{nil, dmp.ErrNotAuthor, dmp.ErrState, dmp.ErrAccessDenied} {
		if refusal == err || refusal != nil && errors.Is(err, refusal) {
			return
		}
	}
	t.Fatal(action, err)
}

// shown is what the professional may see of the record, in short.
func shown(entries map[string]dmp.Entry) map[string]string {
	all := map[string]string{}
	for id, e := range entries {
		all[id] = fmt.Sprint(e.EntryUUID, e.Status, e.Visibility)
	}
	return all
}

// Whatever two professionals do to a record, and wherever one of them stops
// while following it, what they keep is in the end what the record shows them.
func TestSyncEndsWithWhatTheRecordShows(t *testing.T) {
	t.Parallel()
	everything := []string{"submit", "submit", "replace", "archive", "delete", "hide", "sync", "sync", "found", "kept", "compared"}
	// Without what shows in no lot, nothing has to be compared.
	inLots := []string{"submit", "submit", "replace", "archive", "sync", "sync", "found", "kept"}
	srv, err := dmptest.NewServer(dmptest.Options{Authority: keys().authority})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	colleague := pharmacist
	colleague.ID, colleague.FamilyName = rpps("10000000025"), "BARDANE"
	auth, sign, err := srv.Card(colleague)
	require.NoError(t, err)
	quick := func(cfg *dmp.Config) { cfg.Dialect.UnsignedDirect = true }
	mine := client(t, srv, direct, quick)
	theirs := client(t, srv, quick, func(cfg *dmp.Config) { cfg.Certificate, cfg.Signature, cfg.Mode = auth, sign, dmp.Direct })
	ortie, patients := find(t, "ORTIE"), 0
	for name, actions := range map[string][]string{"everything": everything, "in lots": inLots} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				patients++
				p := ortie
				p.INS, err = ins.Parse(keyed(fmt.Sprintf("28406920%05d", patients)), "1.2.250.1.213.1.4.10")
				require.NoError(t, err)
				require.NoError(t, srv.AddPatient(p))
				patient, err := p.Qualified(time.Now())
				require.NoError(t, err)
				actors := []*actor{{who: pharmacist, c: mine}, {who: colleague, c: theirs}}
				for _, a := range actors {
					a.patient, a.made = patient, map[string]*dmp.Document{}
					a.record, err = a.c.Exists(context.Background(), a.who, patient)
					require.NoError(t, err)
				}
				f := &following{t: t, c: mine, patient: patient, held: map[string]dmp.Entry{},
					Synchronization: dmp.Synchronization{Record: actors[0].record, Cursors: &dmp.MemoryCursors{}, Key: "k", Batch: 2, Compare: 1000 * time.Hour}}
				if rapid.Bool().Draw(t, "fed before") {
					actors[1].act(t, "submit")
				}
				require.LessOrEqual(t, len(f.sync()), 1)
				for range rapid.IntRange(2, 14).Draw(t, "steps") {
					switch action := rapid.SampledFrom(actions).Draw(t, "action"); action {
					case "sync":
						f.sync()
					case "found": // the caller stops before it keeps anything
						f.pending()
					case "kept": // and here before it says so
						f.keep(f.pending())
					case "compared":
						f.Compare = -1
						f.sync()
						f.Compare = 1000 * time.Hour
					default:
						actors[rapid.IntRange(0, 1).Draw(t, "actor")].act(t, action)
					}
				}
				if name == "everything" {
					f.Compare = -1
				}
				f.sync()
				want := map[string]dmp.Entry{}
				for _, e := range actors[0].entries(t) {
					want[e.ID] = e
				}
				require.Equal(t, shown(want), shown(f.held))
				require.Empty(t, f.sync())
			})
		})
	}
}

// keyed completes a number of 13 digits of our own with its key, 97 - (n mod 97).
func keyed(number string) string {
	n := 0
	for _, c := range number {
		n = (n*10 + int(c-'0')) % 97
	}
	return fmt.Sprintf("%s%02d", number, 97-n)
}
