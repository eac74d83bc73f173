package dmp

import (
	"regexp"
	"strings"

	"github.com/soclesante/socle/internal/cda"
)

// Edition places a document among its versions. The zero value is the first
// version of a new document.
type Edition struct {
	// ID is the identifier of this version (uniqueId), an OID; empty draws one
	// under Software.OID.
	ID string
	// SetID is common to all versions; empty is ID.
	SetID string
	// Version begins at 1; 0 is 1.
	Version int
	// Replaces is the identifier (uniqueId) of the version that this one
	// replaces: relatedDocument RPLC. It needs SetID and a Version above 1.
	Replaces string
}

// Next gives the edition of a document that replaces d: the same set, the next
// version, a new identifier.
func (d *Document) Next() Edition {
	e := d.made.edition
	return Edition{SetID: e.SetID, Version: e.Version + 1, Replaces: e.ID}
}

// uniqueForm is that of the identifier of a document, which may be of other times.
var uniqueForm = regexp.MustCompile(`^([0-2](\.(0|[1-9][0-9]*))+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(\^[^\^]+)?$`)

// complete gives an edition its defaults and checks it.
func (e Edition) complete(id string) (Edition, error) {
	switch {
	case e.Replaces != "" && !uniqueForm.MatchString(e.Replaces):
		return e, refusal(opDocument, ErrInvalidDocument, "Edition.Replaces: the uniqueId of a document expected, an OID or a UUID without urn", "take Document.Next or CDA.Next")
	case e.SetID != "" && !uniqueForm.MatchString(e.SetID):
		return e, refusal(opDocument, ErrInvalidDocument, "Edition.SetID: an OID or a UUID expected", "take Document.Next or CDA.Next")
	case e.Version < 0:
		return e, refusal(opDocument, ErrInvalidDocument, "Edition.Version: below zero", "")
	case e.Replaces == "":
	case e.Replaces == id:
		return e, refusal(opDocument, ErrInvalidDocument, "Edition.Replaces: a document cannot replace itself", "leave Edition.ID empty")
	case e.SetID == "" || e.Version < 2:
		return e, refusal(opDocument, ErrInvalidDocument, "Edition.Replaces: the SetID of the versions and a Version above 1 come with it", "take Document.Next")
	}
	if e.ID = id; e.SetID == "" {
		e.SetID = id
	}
	if e.Version == 0 {
		e.Version = 1
	}
	return e, nil
}

// related gives the link to the version that is replaced.
func (e Edition) related() []cda.Related {
	if e.Replaces == "" {
		return nil
	}
	return []cda.Related{{Type: "RPLC", IDs: []cda.ID{identifier(e.Replaces)}}}
}

// identifier reads an identifier in the form of XDS: a root, or a root, a
// circumflex and an extension.
func identifier(s string) cda.ID {
	root, extension, _ := strings.Cut(s, "^")
	return cda.ID{Root: root, Extension: extension}
}

// editionOf reads the edition of a document; Replaces is the first of those that
// it replaces.
func editionOf(d *cda.Document) Edition {
	e := Edition{ID: d.ID.String(), SetID: d.SetID.String(), Version: d.Version}
	for _, r := range d.Related {
		if r.Type == "RPLC" && len(r.IDs) > 0 && e.Replaces == "" {
			e.Replaces = r.IDs[0].String()
		}
	}
	return e
}
