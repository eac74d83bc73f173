// Package nos holds the code tables of the French interoperability framework
// that the wire formats need: value sets (jeux de valeurs, JDV) of the ANS
// Nomenclatures des Objets de Santé, and the correspondences between them.
//
// The tables named *_gen.go are written by go generate from the published value
// sets, found through the environment variable SOCLE_CORPUS; each says its OID
// and its date. The other tables, whose published form is not in that set, are
// written by hand and say where they come from.
//
// A table tells what a code means. It never decides whether a document is
// acceptable: real records hold codes of older and newer versions.
package nos

import (
	"cmp"
	"iter"
	"slices"

	"github.com/soclesante/socle"
)

//go:generate go run ./gen

// Table is one value set. Its codes are unique.
type Table struct {
	// Name is that of the publication, such as "JDV_J07-XdsTypeCode-CISIS".
	Name string
	// OID identifies the value set; it is not the system of its codes.
	OID string
	// Date is that of the revision, "2024-09-27"; empty when it is not known.
	Date string

	codes []socle.Code // sorted by code
}

// Lookup finds a code in a table. The code is compared exactly.
func Lookup(t *Table, code string) (socle.Code, bool) {
	i, ok := slices.BinarySearchFunc(t.codes, code, func(c socle.Code, want string) int {
		return cmp.Compare(c.Code, want)
	})
	if !ok {
		return socle.Code{}, false
	}
	return t.codes[i], true
}

// All goes over the codes of the table, in the order of their codes.
func (t *Table) All() iter.Seq[socle.Code] { return slices.Values(t.codes) }

// Len gives the number of codes.
func (t *Table) Len() int { return len(t.codes) }
