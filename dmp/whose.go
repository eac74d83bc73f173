package dmp

import (
	"slices"
	"strings"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/xds"
)

// oidINSC is the authority of the INS-C, the identifier from before the INS.
const oidINSC = "1.2.250.1.213.1.4.2"

// whose is what an identifier tells of whose it is.
type whose int

const (
	nobodys  whose = iota // it tells nothing: no value, or an authority of no national identifier
	patients              // it is an INS of the patient, of today or of before
	older                 // it is an INS-C, which may be theirs
	anothers              // it is the INS of another patient
)

// ownerOf tells whose an identifier is. Whatever the authority that comes with
// it, a value that is a matricule is one: another's is never taken for an
// identifier of another kind.
func ownerOf(authority, value string, patient ins.INS, past []ins.Past) whose {
	value = strings.TrimSpace(value)
	authority = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(authority)), "urn:oid:")
	same := func(i ins.INS) bool { return value == i.Matricule.Wire() }
	_, notINS := ins.ParseOID(authority)
	_, notMatricule := ins.ParseMatricule(value)
	switch {
	case value == "":
		return nobodys
	case same(patient), slices.ContainsFunc(past, func(p ins.Past) bool { return same(p.INS) }):
		return patients
	case notINS == nil, notMatricule == nil:
		return anothers
	case authority == oidINSC:
		return older
	}
	return nobodys
}

// identifies reports whether the identifiers of an answer are those of the
// patient that was asked about: one is the patient's, or an INS-C as of old
// records, and none is another's.
func identifies(ids []hl7v3.ID, patient ins.INS, past []ins.Past) bool {
	found := false
	for _, id := range ids {
		switch ownerOf(id.Root, id.Extension, patient, past) {
		case anothers:
			return false
		case patients, older:
			found = true
		}
	}
	return found
}

// namesAnother reports whether one of the identifiers is that of another patient than
// the one that was asked about.
func namesAnother(ids []hl7v3.ID, patient ins.INS, past []ins.Past) bool {
	return slices.ContainsFunc(ids, func(id hl7v3.ID) bool { return ownerOf(id.Root, id.Extension, patient, past) == anothers })
}

// only gives the INS among identifiers of one person, zero when there is none, or
// when there are several that are not the same.
func only(ids []hl7v3.ID) (found ins.INS) {
	for _, id := range ids {
		known, err := ins.Parse(id.Extension, id.Root)
		switch {
		case err != nil:
		case !found.IsZero() && found.Matricule != known.Matricule:
			return ins.INS{}
		default:
			found = known
		}
	}
	return found
}

// about reports whether metadata are about the patient. They may hold an older
// identifier (EX_3.1-1055): an INS-C or any other that is no INS, or an INS that
// the patient had before. Another INS is another patient, and metadata without
// any patient are nobody's.
func about(x xds.CX, patient ins.INS, past []ins.Past) bool {
	return strings.TrimSpace(x.ID) != "" && ownerOf(x.Authority.ID, x.ID, patient, past) != anothers
}
