package dmp

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/xds"
)

// gathering collects what the registry tells of documents: versions of their
// metadata by entryUUID, and which replaces which.
type gathering struct {
	client *Client
	who    socle.Professional
	id     ins.INS
	past   []ins.Past
	batch  int

	documents    map[string]*xds.DocumentEntry // by entryUUID
	order        []string                      // of the documents, as they came
	replacements []replacement
	asked        map[string]bool // entryUUIDs and uniqueIds
}

// replacement is a RPLC association, by entryUUIDs.
type replacement struct{ by, of string }

func newGathering(c *Client, who socle.Professional, id ins.INS, past []ins.Past, batch int) *gathering {
	return &gathering{client: c, who: who, id: id, past: past, batch: batch, documents: map[string]*xds.DocumentEntry{}, asked: map[string]bool{}}
}

// ask asks a stored query, whose answer must be whole.
func (g *gathering) ask(ctx context.Context, q *xds.Query) (*answered, error) {
	a, err := g.client.query(ctx, opSearch, g.who, g.id, g.past, q)
	if err != nil {
		return nil, err
	}
	for i := range a.Documents {
		d := &a.Documents[i]
		if isLotSignature(d) {
			continue
		}
		if g.documents[d.ID] == nil {
			g.order = append(g.order, d.ID)
		}
		g.documents[d.ID] = d
	}
	for _, x := range a.Associations {
		r := replacement{x.Source, x.Target}
		if (x.Type == xds.Replaces || x.Type == xds.TransformsAndReplaces) && !slices.Contains(g.replacements, r) {
			g.replacements = append(g.replacements, r)
		}
	}
	return a, nil
}

// find asks for the documents of a search.
func (g *gathering) find(ctx context.Context, q Query) error {
	stored, err := q.stored(g.id)
	if err == nil {
		_, err = g.ask(ctx, stored)
	}
	return err
}

// lots gives the entryUUIDs of the submission sets of a period, in the order of
// their times.
func (g *gathering) lots(ctx context.Context, p Period) ([]string, error) {
	a, err := g.ask(ctx, &xds.Query{ID: xds.FindSubmissionSets, Params: append([]xds.Param{
		{Name: xds.ParamSetPatient, Values: []string{g.id.CX()}},
		{Name: xds.ParamSetStatus, Form: xds.List, Values: []string{xds.StatusApproved}},
	}, append(moment(xds.ParamSetTimeFrom, p.From), moment(xds.ParamSetTimeTo, p.To)...)...)})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(a.Sets, func(x, y xds.SubmissionSet) int { return strings.Compare(x.Time, y.Time) })
	var all []string
	for _, s := range a.Sets {
		all = append(all, s.ID)
	}
	return all, nil
}

// sent gives the entryUUIDs of what the lots of a period brought or changed.
func (g *gathering) sent(ctx context.Context, p Period) (map[string]bool, error) {
	lots, err := g.lots(ctx, p)
	if err != nil {
		return nil, err
	}
	members, err := g.members(ctx, lots)
	all := map[string]bool{}
	for _, uuid := range members {
		all[uuid] = true
	}
	return all, err
}

// members gives the entryUUIDs of the documents of lots: those that they brought,
// and those whose status they changed.
func (g *gathering) members(ctx context.Context, lots []string) ([]string, error) {
	var all []string
	for batch := range slices.Chunk(lots, g.batch) {
		a, err := g.ask(ctx, &xds.Query{ID: xds.GetAssociations, Params: []xds.Param{{Name: xds.ParamUUID, Form: xds.List, Values: batch}}})
		if err != nil {
			return nil, err
		}
		for _, x := range a.Associations {
			if x.Type == xds.HasMember || x.Type == xds.UpdateAvailabilityStatus {
				all = append(all, x.Target)
			}
		}
	}
	return all, nil
}

// get asks for documents, in batches, with what is bound to them; those that
// were asked for are not again.
func (g *gathering) get(ctx context.Context, param string, ids []string) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "" || g.asked[id] })
	for batch := range slices.Chunk(ids, g.batch) {
		if _, err := g.ask(ctx, &xds.Query{ID: xds.GetDocumentsAndAssociations, Params: []xds.Param{{Name: param, Form: xds.List, Values: batch}}}); err != nil {
			return err
		}
		for _, id := range batch {
			g.asked[id] = true
		}
	}
	return nil
}

// maxRounds bounds how far chains of replacements are followed.
const maxRounds = 32

// follow asks for documents of these entryUUIDs, then for what is missing to
// tell what became of each: the documents that replace them, and the last
// version of the metadata of the known ones that are out of date.
func (g *gathering) follow(ctx context.Context, cur *cursor, uuids []string) error {
	asked := uuids
	for range maxRounds {
		if err := g.get(ctx, xds.ParamEntryUUID, uuids); err != nil {
			return err
		}
		// Known documents of which no version in force came: their last version.
		var ids []string
		latest := g.latest()
		for _, all := range []map[string]known{cur.Known, cur.Unsure} {
			for lid, k := range all {
				d := latest[lid]
				if (d != nil || slices.Contains(asked, k.UUID)) && !inForce(d) {
					ids = append(ids, k.ID)
				}
			}
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if err := g.get(ctx, xds.ParamUniqueID, ids); err != nil {
			return err
		}
		uuids = nil
		for _, r := range g.replacements {
			if g.documents[r.by] == nil && !g.asked[r.by] {
				uuids = append(uuids, r.by)
			}
		}
		if len(uuids) == 0 {
			return nil
		}
		asked = append(asked, uuids...)
	}
	return unusable(opSearch, "a chain of replacements has no end", nil)
}

// latest gives the last version of the metadata of each document, by logical id.
func (g *gathering) latest() map[string]*xds.DocumentEntry {
	all := map[string]*xds.DocumentEntry{}
	for _, uuid := range g.order {
		d := g.documents[uuid]
		old := all[logical(d)]
		if old == nil || inForce(d) && !inForce(old) || inForce(d) == inForce(old) && number(d.Version) >= number(old.Version) {
			all[logical(d)] = d
		}
	}
	return all
}

// logical gives the logical id of a document; a registry that knows none has
// one version of each.
func logical(d *xds.DocumentEntry) string {
	if d.LogicalID == "" {
		return d.UniqueID
	}
	return d.LogicalID
}

// number gives the number of a version of metadata: 2 of "2" and of "1.2".
func number(version string) int {
	n, _ := strconv.Atoi(version[strings.LastIndexByte(version, '.')+1:])
	return n
}

// inForce reports whether a document is one of the record today.
func inForce(d *xds.DocumentEntry) bool {
	return d != nil && d.Status != xds.StatusDeprecated && d.Status != xds.StatusDeleted
}

// isLotSignature reports whether an entry is the signature of a lot.
func isLotSignature(d *xds.DocumentEntry) bool {
	return d.Class.Code == "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1" || d.Type.Code == "E1762" && d.Type.System == "ASTM"
}
