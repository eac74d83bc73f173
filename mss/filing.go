package mss

import (
	"errors"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/xdm"
)

// ErrNotFiled: a received document may not be filed under the identity chosen.
// [IntegrationOf] gives the code with which its sender is told.
var ErrNotFiled = errors.New("document not filed")

// Fits reports whether a received document may be filed under the identity that
// the user has chosen: it is whole, its INS is that of the identity, which is
// qualified, and so are the traits beside it (birth name, first birth given
// name, sex and birth date, compared as [ins.Compare] does). The error is an
// *[Error] that is ErrNotFiled; its Code is the one of the volet with which
// [Mailbox.Acknowledge] tells the sender.
//
// A document without INS fits nobody, whatever the metadata of its archive say. Never file such documents under an
// identity made for them: those of two patients would end together.
func (d Document) Fits(patient ins.Identity) error {
	want, err := patient.Sendable()
	if err != nil {
		return &Error{Op: "file", kind: ErrNotFiled, Text: "only under a qualified identity", Err: err, outcome: notSent}
	}
	have := d.Patient
	born, date := bornOn(have.BirthDate, patient.Traits().BirthDate)
	sex, known := map[string]ins.Sex{"M": ins.Male, "F": ins.Female, "UN": ins.Indeterminate}[have.Sex]
	switch {
	case d.Action == ActionDelete:
		return notFiled(IntegrationOther, "the sender wants it deleted: see Action")
	case errors.Is(d.Err, &xdm.Error{Code: xdm.PatientMismatch}):
		return notFiled(IntegrationINSDiffers, "the document and its metadata are of two patients")
	case d.Err != nil:
		e := notFiled(IntegrationOther, "")
		e.Err = d.Err
		return e
	case len(d.data) == 0:
		return notFiled(IntegrationOther, "a document that ParseMessage or Read gave is mandatory: read its message again")
	case have.Matricule.IsZero() || !d.holdsINS:
		return notFiled(IntegrationNoINS, "")
	case have.Matricule != want.Matricule || have.OID != want.OID:
		return notFiled(IntegrationINSDiffers, "")
	case have.BirthName == "" || have.GivenName == "" || !date || !known:
		return notFiled(IntegrationINSIncomplete, "birth name, first birth given name, sex and birth date expected")
	}
	c := ins.Compare(ins.Traits{BirthName: have.BirthName, GivenNames: have.GivenName, Sex: sex, BirthDate: born}, patient.Traits())
	c.GivenNames, c.BirthPlace = ins.Identical, ins.Identical // not told by the document
	if traits := c.Discordances(); len(traits) > 0 {
		return notFiled(IntegrationINSDiffers, "not the same: "+strings.Join(traits, ", "))
	}
	return nil
}

// bornOn reads the birth date of a document, which tells as much as that of the
// patient: of a lunar date a header has the year alone.
func bornOn(s string, of ins.BirthDate) (ins.BirthDate, bool) {
	if len(s) == len("1979") && !of.Complete() {
		d, err := ins.ParseBirthDate(s + of.Wire()[4:])
		return d, err == nil
	}
	d, err := ins.ParseBirthDate(s)
	return d, err == nil
}

func notFiled(code, text string) *Error {
	e := &Error{Op: "file", Code: code, kind: ErrNotFiled, Text: text, outcome: notSent}
	if e.Text == "" {
		e.Text = IntegrationLabel(code)
	}
	return e
}

// IntegrationOf gives what to tell the sender of a document that could not be
// filed, as [Acknowledgement] takes it: the code that err has, or else 906.
func IntegrationOf(err error) Integration {
	code := IntegrationOther
	var e *Error
	if errors.As(err, &e) && e.kind == ErrNotFiled && IntegrationLabel(e.Code) != "" {
		code = e.Code
	}
	if errors.Is(err, dmp.ErrPatientMismatch) {
		code = IntegrationINSDiffers
	}
	return Integration{code, IntegrationLabel(code)}
}

// FileOptions completes a document for the DMP.
type FileOptions struct {
	// Class, Format, Facility and Practice replace what is derived from the
	// document, for one that lacks them.
	Class, Format, Facility, Practice socle.Code
	// Visibility hides the document from the start.
	Visibility []dmp.Visibility
	Comments   string
}

// File makes of a received document one that dmp.Submit takes: the same bytes,
// identifier, version and author, filed by who under the identity that the user
// has chosen. It refuses what [Document.Fits] refuses, and what
// [dmp.Client.Adopt] refuses with its error.
//
// Ask [Document.Among] first whether it is there already, and what it replaces.
func (d Document) File(c *dmp.Client, who socle.Professional, patient ins.Identity, o FileOptions) (*dmp.Document, error) {
	if err := d.Fits(patient); err != nil {
		return nil, err
	}
	return c.Adopt(who, patient, dmp.Received{CDA: d.data, Class: o.Class, Format: o.Format, Facility: o.Facility, Practice: o.Practice,
		Visibility: o.Visibility, Comments: o.Comments})
}

// Filed is a document that is in the patient's record already, as the DMP or the
// vendor's database tells.
type Filed struct {
	ID      string // uniqueId: root, or root^extension
	SetID   string // of all its versions, empty when it is not told
	Version int    // 0 when it is not told
	Hash    string // SHA-1 in hexadecimal, empty when it is not told
}

// FiledEntry gives what the DMP tells of a document that Search or Sync found.
// The metadata have no set and no version: with them, a later version is known
// by what it replaces.
func FiledEntry(e dmp.Entry) Filed { return Filed{ID: e.ID, Hash: e.Hash} }

// FiledCDA gives what a document of the record tells of itself, its set and
// version among it.
func FiledCDA(c *dmp.CDA) Filed { return Filed{ID: c.ID, SetID: c.SetID, Version: c.Version} }

// Standing is what a received document is to those that are filed already.
type Standing string

// Standings.
const (
	StandingNew       Standing = "new"       // file it
	StandingVersion   Standing = "version"   // file it: it replaces one that is filed
	StandingDuplicate Standing = "duplicate" // it is filed: do nothing
	// StandingConflict: another document is filed under its identifier. Do not
	// file it, show both to the user.
	StandingConflict Standing = "conflict"
	// StandingOutdated: a later version is filed, or the one that it replaces is
	// not the last (IntegrationWrongVersion).
	StandingOutdated Standing = "outdated"
	// StandingOrphan: what it replaces is not filed. It may be filed as new, once
	// the user agrees.
	StandingOrphan Standing = "orphan"
	// StandingDelete: the sender wants one that is filed to be deleted.
	StandingDelete Standing = "delete"
	// StandingAbsent: the sender wants one deleted that is not filed: do nothing.
	StandingAbsent Standing = "absent"
)

// Among tells what a received document is to those filed for the patient
// (SC.CDA/INT.18), by its identifier, its set and version, and what it replaces.
// The Filed is the one that is the same, that it replaces, that is later or that
// is to be deleted.
func (d Document) Among(filed []Filed) (Standing, Filed) {
	byID := func(id string) int {
		return slices.IndexFunc(filed, func(f Filed) bool { return id != "" && f.ID == id })
	}
	last := -1 // of its set
	for i, f := range filed {
		if d.SetID != "" && f.SetID == d.SetID && (last < 0 || f.Version > filed[last].Version) {
			last = i
		}
	}
	same := byID(d.ID)
	switch {
	case d.Action == ActionDelete && same < 0:
		return StandingAbsent, Filed{}
	case d.Action == ActionDelete:
		return StandingDelete, filed[same]
	case same >= 0 && filed[same].Hash != "" && !strings.EqualFold(filed[same].Hash, d.Hash):
		return StandingConflict, filed[same]
	case same >= 0:
		return StandingDuplicate, filed[same]
	case last >= 0 && d.Version <= filed[last].Version:
		return StandingOutdated, filed[last]
	}
	for _, id := range d.Replaces {
		if i := byID(id); i >= 0 {
			if last >= 0 && filed[last].ID != id && filed[last].Version > filed[i].Version {
				return StandingOutdated, filed[last]
			}
			return StandingVersion, filed[i]
		}
	}
	switch {
	case last >= 0:
		return StandingVersion, filed[last]
	case len(d.Replaces) > 0 || d.Action == ActionReplace:
		return StandingOrphan, Filed{}
	}
	return StandingNew, Filed{}
}
