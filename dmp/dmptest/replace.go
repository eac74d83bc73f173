package dmptest

import (
	"slices"
	"strconv"

	"github.com/soclesante/socle/internal/xds"
)

// checkReplaced checks the associations RPLC of a lot: the document that each
// replaces is in the record of this patient, Approved and of this author, and
// the CDA of the new one says the same. s.mu is held.
func (l *lot) checkReplaced(s *Server, r *record) {
	seen := map[string]bool{}
	for _, a := range l.metadata.Associations {
		if a.Type != xds.Replaces {
			continue
		}
		i := slices.IndexFunc(l.metadata.Documents, func(d xds.DocumentEntry) bool { return d.ID == a.Source && !isSignature(d) })
		if i < 0 {
			l.fail("XDSRegistryMetadataError", "RPLC/@sourceObject: expected a document of the lot", a.Source)
			continue
		}
		d := l.metadata.Documents[i]
		if seen[a.Target] || seen[a.Source] {
			l.fail(codeReplace, "RPLC: expected one for a document, and for what it replaces", d.ID)
			continue
		}
		seen[a.Target], seen[a.Source] = true, true
		if old := l.replaceable(s, r, a.Target, d.ID); old != nil {
			l.checkVersions(d, old)
		}
	}
	for _, d := range l.metadata.Documents {
		if seen[d.ID] || isSignature(d) {
			continue
		}
		c, err := readCDA(l.parts[d.ID])
		if err != nil {
			continue // told already
		}
		for _, id := range c.replaced() {
			if old := r.document(id); old != nil && old.entry.Status == xds.StatusApproved {
				l.fail(codeReplace, "CDA relatedDocument RPLC: expected an association RPLC to the document that it names", d.ID)
			}
		}
	}
}

// replaceable gives the version that a lot may replace, nil when it may not.
func (l *lot) replaceable(s *Server, r *record, uuid, location string) *version {
	old := r.entry(uuid)
	switch {
	case old == nil && s.elsewhere(uuid):
		l.fail("XDSPatientIdDoesNotMatch", "RPLC/@targetObject: expected a document of the patient of the VIHF", location)
	case old == nil || isSignature(old.entry) || old.entry.Status == xds.StatusDeleted:
		l.fail("UnresolvedReferenceException", "RPLC/@targetObject: expected the entryUUID of a document of the registry", location)
	case old.entry.Status != xds.StatusApproved:
		l.fail("XDSRegistryDeprecatedDocumentError", "RPLC/@targetObject: expected a document of status Approved, got "+short(old.entry.Status), location)
	case !l.who.own(old):
		l.fail(codeReplace, "RPLC/@targetObject: expected a document of the same author", location)
	default:
		return old
	}
	return nil
}

// checkVersions compares the headers of a document and of the one it replaces.
func (l *lot) checkVersions(d xds.DocumentEntry, old *version) {
	next, err := readCDA(l.parts[d.ID])
	if err != nil {
		return // told already
	}
	previous, err := readCDA(old.content)
	if err != nil {
		return
	}
	bad := func(text string) { l.fail("InvalidDocumentContent", "CDA "+text, d.ID) }
	if !slices.Contains(next.replaced(), old.entry.UniqueID) {
		bad("relatedDocument: expected RPLC with the uniqueId of the document that the association RPLC replaces")
	}
	if unique(next.root.Path("setId")) != unique(previous.root.Path("setId")) {
		bad("setId: expected that of the document that is replaced")
	}
	was, is := number(previous), number(next)
	if is <= was {
		bad("versionNumber: expected more than " + strconv.Itoa(was) + ", got " + strconv.Itoa(is))
	}
}

func number(c cdaDocument) int {
	n, _ := strconv.Atoi(c.root.Path("versionNumber").Attr("value"))
	return n
}

// elsewhere reports whether a record, of any patient, has an entry of that
// UUID. s.mu is held.
func (s *Server) elsewhere(uuid string) bool {
	for _, r := range s.records {
		if r.entry(uuid) != nil {
			return true
		}
	}
	return false
}

// deprecate closes what the associations RPLC of a stored lot replace. s.mu is held.
func (r *record) deprecate(associations []xds.Association) {
	for _, a := range associations {
		if a.Type != xds.Replaces {
			continue
		}
		if old := r.entry(a.Target); old != nil {
			old.entry.Status = xds.StatusDeprecated
		}
	}
}
