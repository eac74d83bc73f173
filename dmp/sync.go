package dmp

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/xds"
)

// Synchronization says how the documents of a record are followed.
type Synchronization struct {
	// Record is what Exists said of this patient; mandatory.
	Record Record
	// Cursors keeps how far the record is known; mandatory.
	Cursors CursorStore
	// Key is that of the cursor in Cursors: the software's own key of the patient
	// and of the professional, for each sees documents of their own. Mandatory;
	// it should identify nobody to who reads it.
	Key string
	// Types are those that are followed; none: all.
	Types []socle.Code
	// Held reports whether the software has the document of that uniqueId from
	// elsewhere, such as a message of MSSanté; optional.
	Held func(uniqueID string) bool

	// Window is how far back acts may have begun that the first call finds; 0 is
	// two years, and more is refused: it is the most that is allowed of a search
	// that nobody asked for. The vaccination history is found whatever its age.
	Window time.Duration
	// Batch is how many documents are asked for at once; 0 is 20.
	Batch int
	// Overlap is how long before the last call lots are looked for again, since
	// their time is that of who sent them; 0 is one hour.
	Overlap time.Duration
	// Compare is after how long all that is known is compared with the record
	// again: deletions, and documents that were hidden, show in no lot. 0 is one
	// day; below zero is at each call.
	Compare time.Duration
}

// ChangeKind says what happened to a document.
type ChangeKind string

// Kinds of changes.
const (
	// DocumentAdded: a document that was not known.
	DocumentAdded ChangeKind = "added"
	// DocumentReplaced: a document took the place of the known document Replaces,
	// maybe over several versions.
	DocumentReplaced ChangeKind = "replaced"
	// DocumentChanged: the metadata of a known document are others: its
	// visibility, its status, its EntryUUID.
	DocumentChanged ChangeKind = "changed"
	// DocumentRemoved: a known document is no longer shown to the professional: it was
	// deleted, or hidden, or its place was taken by one that is not shown. Of the
	// Entry only the identifiers and the last known status are told.
	DocumentRemoved ChangeKind = "removed"
)

// Change is what happened to a document since the last call.
type Change struct {
	Kind     ChangeKind
	Entry    Entry
	Replaces string // uniqueId, of DocumentReplaced
	// Held says that the software had the document already: its identifiers in
	// the DMP are what is new.
	Held bool
}

// Pending is what a call of Sync found. It holds until Taken is called.
type Pending struct {
	Changes []Change
	// First says that the record was not known at all.
	First bool
	// Compared says that all that was known was compared with the record.
	Compared bool
	AskedAt  time.Time

	save func(context.Context) error
}

// Taken moves the cursor: the caller keeps the changes, and is not told of them
// again. Without it, the next call of Sync finds them again. It is called once
// the changes are kept durably; calling it again changes nothing. Its error is
// that of Cursors.
func (p *Pending) Taken(ctx context.Context) error { return p.save(ctx) }

// Sync finds what changed in the patient's record since the last call: the
// automatic consultation of the guide (dmp sheet §7, rule 13). The first call
// finds the documents in force of the last two years, and the vaccination
// history; the following ones the lots sent since (FindSubmissionSets,
// GetAssociations, GetDocumentsAndAssociations of ITI-18), chains of
// replacements and changes of metadata among them, and from time to time what is
// no longer there.
//
// Each change is told at least once: the cursor moves when Taken is called, and
// until then what was told is told again, or that it is gone. A caller that
// applies the changes in their order, and stands to be told one again, has what
// the professional may see of the record, within the window, whenever it stops.
// One call for a Key at a time: of two, the caller may be told of one what the
// other found.
//
// It has the rules and the errors of Search; a partial success is an error too,
// and nothing is found.
func (c *Client) Sync(ctx context.Context, who socle.Professional, patient ins.Identity, s Synchronization) (*Pending, error) {
	id, err := c.admitRead(ctx, opSearch, who, patient, s.Record)
	if err != nil {
		return nil, err
	}
	if err := s.complete(); err != nil {
		return nil, c.refused(ctx, opSearch, who, id, err)
	}
	saved, err := s.Cursors.Load(ctx, s.Key)
	if err != nil {
		return nil, &Error{Op: opSearch, Text: "the cursor cannot be read", Err: err, outcome: socle.OutcomeNotSent, ours: true}
	}
	at := c.cfg.Now()
	cur, err := readCursor(saved, c.cfg.AuditKey, id, patient.History())
	if err != nil {
		return nil, c.refused(ctx, opSearch, who, id, err)
	}
	g := newGathering(c, who, id, patient.History(), s.Batch)
	p := &Pending{First: cur.At.IsZero(), AskedAt: at}
	before := *cur // with what was told and may have been kept, whether or not Taken was called
	before.Known, before.Unsure = maps.Clone(cur.Known), maps.Clone(cur.Unsure)
	if p.First {
		cur.From = at.Add(-s.Window)
		p.Compared = true
		err = s.first(ctx, g, cur, at)
	} else {
		p.Compared = s.Compare < 0 || !at.Before(cur.Compared.Add(s.Compare)) || !slices.Equal(cur.Types, typeCodes(s.Types))
		err = s.next(ctx, g, cur, p.Compared)
	}
	if err != nil {
		return nil, err
	}
	for _, ch := range g.changes(cur, typeCodes(s.Types)) {
		ch.Held = ch.Kind != DocumentRemoved && s.Held != nil && s.Held(ch.Entry.ID)
		p.Changes = append(p.Changes, ch)
		before.Unsure[ch.Entry.key()] = known{ID: ch.Entry.ID, UUID: ch.Entry.EntryUUID}
	}
	if cur.At, cur.Types, cur.Unsure = at, typeCodes(s.Types), nil; p.Compared {
		cur.Compared = at
	}
	save := func(ctx context.Context, b []byte) error {
		if err := s.Cursors.Save(ctx, s.Key, b); err != nil {
			return &Error{Op: opSearch, Text: "the cursor cannot be kept", Err: err, ours: true}
		}
		return nil
	}
	if len(p.Changes) > 0 {
		if err := save(ctx, before.marshal()); err != nil {
			return nil, err
		}
	}
	after := cur.marshal()
	p.save = func(ctx context.Context) error { return save(ctx, after) }
	return p, nil
}

// twoYears is the most that an automatic search may look back.
const twoYears = 2 * 365 * 24 * time.Hour

func (s *Synchronization) complete() error {
	switch {
	case s.Cursors == nil:
		return refusal(opSearch, ErrQuery, "Synchronization.Cursors: mandatory", "a MemoryCursors does for a test")
	case s.Key == "":
		return refusal(opSearch, ErrQuery, "Synchronization.Key: mandatory", "")
	case s.Window < 0 || s.Batch < 0 || s.Overlap < 0:
		return refusal(opSearch, ErrQuery, "Synchronization.Window, Batch, Overlap: below zero", "")
	case s.Window > twoYears:
		return refusal(opSearch, ErrQuery, "Synchronization.Window: two years at most, of a search that nobody asked for", "Search finds older documents when the professional asks")
	}
	if s.Window == 0 {
		s.Window = twoYears
	}
	if s.Batch == 0 {
		s.Batch = 20
	}
	if s.Overlap == 0 {
		s.Overlap = time.Hour
	}
	if s.Compare == 0 {
		s.Compare = 24 * time.Hour
	}
	return nil
}

// vaccinations is the type of the vaccination history.
var vaccinations = socle.Code{Code: "11369-6"}

// first finds the documents of the window, and the lots that brought them lately.
func (s *Synchronization) first(ctx context.Context, g *gathering, cur *cursor, at time.Time) error {
	var err error
	if cur.Seen, err = g.lots(ctx, Period{From: at.Add(-s.Overlap)}); err != nil {
		return err
	}
	if err := s.window(ctx, g, cur, nil); err != nil {
		return err
	}
	return g.follow(ctx, cur, cur.unsure())
}

// window finds the documents in force, and those of other statuses, whose act
// began in the window of the cursor, and the vaccination history.
func (s *Synchronization) window(ctx context.Context, g *gathering, cur *cursor, statuses []Status) error {
	if err := g.find(ctx, Query{Types: s.Types, Statuses: statuses, Started: Period{From: cur.From}}); err != nil {
		return err
	}
	if len(s.Types) > 0 && !slices.ContainsFunc(s.Types, func(c socle.Code) bool { return c.Code == vaccinations.Code }) {
		return nil
	}
	return g.find(ctx, Query{Types: []socle.Code{vaccinations}, Statuses: statuses})
}

// next finds what came since the cursor and, when all is compared, what is gone.
func (s *Synchronization) next(ctx context.Context, g *gathering, cur *cursor, compare bool) error {
	seen, err := g.lots(ctx, Period{From: cur.At.Add(-s.Overlap)})
	if err != nil {
		return err
	}
	var fresh []string
	for _, id := range seen {
		if !slices.Contains(cur.Seen, id) {
			fresh = append(fresh, id)
		}
	}
	cur.Seen = seen
	touched, err := g.members(ctx, fresh)
	if err != nil {
		return err
	}
	touched = append(touched, cur.unsure()...)
	if compare {
		found := newGathering(g.client, g.who, g.id, g.past, g.batch)
		if err := s.window(ctx, found, cur, []Status{StatusArchived}); err != nil {
			return err
		}
		shown := map[string]bool{}
		for _, uuid := range found.order {
			d := found.documents[uuid]
			shown[logical(d)] = true
			k, ok := cur.Known[logical(d)]
			if !ok && d.Status == xds.StatusArchived { // as the first call left it out
				continue
			}
			if k.UUID != uuid || k.Status != d.Status {
				touched = append(touched, uuid)
			}
		}
		for lid, k := range cur.Known {
			if !shown[lid] {
				touched = append(touched, k.UUID)
			}
		}
	}
	slices.Sort(touched)
	return g.follow(ctx, cur, slices.Compact(touched))
}
