package dmp

import (
	"maps"
	"slices"

	"github.com/soclesante/socle/internal/xds"
)

// changes tells what the documents that were gathered are to who knows those of
// the cursor, and makes them known. A document that replaces one that is known
// goes by itself, at the end of its chain; one of another type than those that
// are followed is left out unless it does.
func (g *gathering) changes(cur *cursor, types []string) []Change {
	latest := g.latest()
	lid := map[string]string{} // of each entryUUID
	for l, k := range cur.Known {
		lid[k.UUID] = l
	}
	for uuid, d := range g.documents {
		lid[uuid] = logical(d)
	}
	replaced := map[string][]string{} // what each document replaces, by logical ids
	for _, r := range g.replacements {
		if by, of := lid[r.by], lid[r.of]; by != "" && of != "" && by != of {
			replaced[by] = append(replaced[by], of)
		}
	}
	var all []Change
	told := map[string]bool{}
	for _, uuid := range g.order {
		l := logical(g.documents[uuid])
		d := latest[l]
		if told[l] || !inForce(d) {
			continue
		}
		told[l] = true
		_, unsure := cur.Unsure[l]
		is := known{ID: d.UniqueID, UUID: d.ID, Version: d.Version, Status: d.Status}
		if was, ok := cur.Known[l]; ok {
			if was != is || unsure {
				cur.Known[l] = is
				all = append(all, Change{Kind: DocumentChanged, Entry: entryOf(d, &g.id)})
			}
			continue
		}
		old := ancestors(l, replaced, cur.Known)
		switch {
		case len(old) > 0:
			all = append(all, Change{Kind: DocumentReplaced, Entry: entryOf(d, &g.id), Replaces: cur.Known[old[0]].ID})
			delete(cur.Known, old[0])
		case len(types) > 0 && !slices.Contains(types, d.Type.Code) && !unsure:
			continue
		default:
			all = append(all, Change{Kind: DocumentAdded, Entry: entryOf(d, &g.id)})
		}
		cur.Known[l] = is
	}
	return append(all, g.gone(cur, latest)...)
}

// ancestors gives the known documents that a document replaces, over any number
// of versions that are not known, the nearest first.
func ancestors(l string, replaced map[string][]string, all map[string]known) []string {
	var found []string
	seen := map[string]bool{l: true}
	for next := replaced[l]; len(next) > 0; {
		var further []string
		for _, old := range next {
			if seen[old] {
				continue
			}
			if seen[old] = true; all[old] != (known{}) {
				found = append(found, old)
			}
			further = append(further, replaced[old]...)
		}
		next = further
	}
	return found
}

// gone tells of the documents that the caller knows, or may know, that were
// asked for and of which no version in force came, and forgets them.
func (g *gathering) gone(cur *cursor, latest map[string]*xds.DocumentEntry) []Change {
	lids := map[string]known{}
	for _, all := range []map[string]known{cur.Unsure, cur.Known} {
		for l, k := range all {
			if g.asked[k.ID] && !inForce(latest[l]) {
				lids[l] = k
			}
		}
	}
	var all []Change
	for _, l := range slices.Sorted(maps.Keys(lids)) {
		k := lids[l]
		delete(cur.Known, l)
		e := Entry{ID: k.ID, EntryUUID: k.UUID, LogicalID: l, Version: k.Version, Status: statusOf(k.Status), patient: &g.id}
		if d := latest[l]; d != nil {
			e.Status = statusOf(d.Status)
		}
		all = append(all, Change{Kind: DocumentRemoved, Entry: e})
	}
	return all
}

// key is the logical id of an entry, as [logical] gives it.
func (e Entry) key() string {
	if e.LogicalID == "" {
		return e.ID
	}
	return e.LogicalID
}
