package dmp_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

// desk is a professional with a card before the record of a patient.
type desk struct {
	testing.TB
	srv     *dmptest.Server
	c       *dmp.Client
	patient ins.Identity
	record  dmp.Record
}

func deskOf(t testing.TB, change func(*dmp.Report)) desk {
	t.Helper()
	srv, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "HALL")
	feed(t, c, patient, change)
	return desk{t, srv, c, patient, record(t, c, patient)}
}

// entry gives the only document, whatever its status but deleted.
func (d desk) entry() dmp.Entry {
	d.Helper()
	found, err := d.c.Search(d.Context(), pharmacist, d.patient, dmp.Query{Record: d.record, Statuses: []dmp.Status{dmp.StatusArchived}})
	require.NoError(d, err)
	require.Len(d, found.Entries, 1)
	return found.Entries[0]
}

func (d desk) stored() dmptest.Document {
	all := d.srv.Documents(find(d, "HALL").INS)
	require.Len(d, all, 1)
	return all[0]
}

func TestADocumentIsHiddenAndShownAgain(t *testing.T) {
	t.Parallel()
	d := deskOf(t, func(r *dmp.Report) {
		r.Visibility = []dmp.Visibility{dmp.HiddenFromPatient, dmp.HiddenFromRepresentatives}
		r.Comments = "à relire"
	})
	first := d.entry()
	for i, step := range []struct {
		hidden []dmp.Visibility
		err    error
	}{
		{[]dmp.Visibility{dmp.HiddenFromPatient, dmp.HiddenFromRepresentatives}, dmp.ErrState}, // no change
		{[]dmp.Visibility{dmp.HiddenFromProfessionals}, dmp.ErrState},                          // two changes
		{[]dmp.Visibility{dmp.HiddenFromPatient, dmp.HiddenFromRepresentatives, dmp.HiddenFromProfessionals}, nil},
		{[]dmp.Visibility{dmp.HiddenFromPatient, dmp.HiddenFromProfessionals}, nil},
		{[]dmp.Visibility{dmp.HiddenFromPatient, dmp.HiddenFromProfessionals, dmp.HiddenFromRepresentatives}, dmp.ErrState}, // applied again
		{[]dmp.Visibility{dmp.HiddenFromProfessionals}, nil},
		{[]dmp.Visibility{dmp.HiddenFromPatient, dmp.HiddenFromProfessionals}, dmp.ErrState}, // applied again
		{[]dmp.Visibility{"SECRET"}, dmp.ErrInvalidDocument},
		{nil, nil},
		{[]dmp.Visibility{dmp.HiddenFromProfessionals}, nil},
	} {
		before := d.entry()
		r, err := d.c.SetVisibility(t.Context(), pharmacist, d.patient, d.record, before, step.hidden...)
		after := d.entry()
		if step.err != nil {
			require.ErrorIs(t, err, step.err, i)
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
			require.Equal(t, before, after)
			continue
		}
		require.NoError(t, err, i)
		require.NotEmpty(t, r.MessageID)
		require.NotEmpty(t, r.SubmissionID)
		require.Equal(t, first.ID, r.Documents[0].ID)
		require.ElementsMatch(t, step.hidden, after.Visibility, i)
		require.Equal(t, first.LogicalID, after.LogicalID)
		require.NotEqual(t, before.EntryUUID, after.EntryUUID)
		require.Greater(t, after.Version, before.Version)
		require.Equal(t, first.Comments, after.Comments)
		require.Equal(t, first.Hash, after.Hash)
		require.Equal(t, dmp.StatusApproved, after.Status)

		// The version that was is of no use any more.
		_, err = d.c.SetVisibility(t.Context(), pharmacist, d.patient, d.record, before, flipped(before)...)
		require.ErrorIs(t, err, dmp.ErrState)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		_, err = d.c.Archive(t.Context(), pharmacist, d.patient, d.record, before)
		require.ErrorIs(t, err, dmp.ErrState)
	}
	require.Equal(t, 6, d.stored().Version)
}

// flipped is the visibility that another mask of professionals gives.
func flipped(e dmp.Entry) []dmp.Visibility {
	if !e.HiddenFrom(dmp.HiddenFromProfessionals) {
		return append(e.Visibility, dmp.HiddenFromProfessionals)
	}
	var rest []dmp.Visibility
	for _, v := range e.Visibility {
		if v != dmp.HiddenFromProfessionals {
			rest = append(rest, v)
		}
	}
	return rest
}

// The state machine, on both sides: what the client refuses the emulator does too.
func TestStatusesFollowEachOther(t *testing.T) {
	t.Parallel()
	type move func(desk, dmp.Entry) error
	archive := func(d desk, e dmp.Entry) error {
		_, err := d.c.Archive(d.Context(), pharmacist, d.patient, d.record, e)
		return err
	}
	unarchive := func(d desk, e dmp.Entry) error {
		_, err := d.c.Unarchive(d.Context(), pharmacist, d.patient, d.record, e)
		return err
	}
	remove := func(d desk, e dmp.Entry) error {
		_, err := d.c.Delete(d.Context(), pharmacist, d.patient, d.record, e)
		return err
	}
	for name, x := range map[string]struct {
		moves []move
		end   string
		fails bool // the last move
	}{
		"archived":            {[]move{archive}, "Archived", false},
		"archived twice":      {[]move{archive, archive}, "Archived", true},
		"unarchived":          {[]move{archive, unarchive}, "Approved", false},
		"never archived":      {[]move{unarchive}, "Approved", true},
		"deleted":             {[]move{remove}, "Deleted", false},
		"archived, deleted":   {[]move{archive, remove}, "Deleted", false},
		"deleted, unarchived": {[]move{archive, remove, unarchive}, "Deleted", true},
		"deleted twice":       {[]move{remove, remove}, "Deleted", true},
	} {
		d := deskOf(t, nil)
		e := d.entry()
		for i, m := range x.moves {
			status := d.stored().Status
			e.Status = dmp.Status(status[len(status)-len("Approved"):])
			if e.Status != dmp.StatusApproved && e.Status != dmp.StatusArchived {
				e.Status = dmp.StatusDeleted
			}
			err := m(d, e)
			if !x.fails || i < len(x.moves)-1 {
				require.NoError(t, err, name)
				continue
			}
			require.ErrorIs(t, err, dmp.ErrState, name)
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
			// The DMP is told another status than the one there is.
			for _, lie := range []dmp.Status{dmp.StatusApproved, dmp.StatusArchived} {
				told := e
				told.Status = lie
				if err := m(d, told); e.Status == dmp.StatusDeleted && socle.OutcomeOf(err) == socle.OutcomeRefused {
					require.ErrorIs(t, err, dmp.ErrNoDocument, name)
				} else {
					require.ErrorIs(t, err, dmp.ErrState, name)
				}
			}
		}
		require.Contains(t, d.stored().Status, ":"+x.end, name)
	}
}

func TestOnlyTheAuthorDeletes(t *testing.T) {
	t.Parallel()
	d := deskOf(t, nil)
	mine := d.entry()
	// A colleague of the same structure, with a card of their own.
	colleague := pharmacist
	colleague.ID, colleague.FamilyName = rpps("10000000025"), "BARDANE"
	auth, sign, err := d.srv.Card(colleague)
	require.NoError(t, err)
	d.srv.Decide(find(t, "HALL").INS, dmptest.Authorization{Professional: colleague.ID})
	card := client(t, d.srv, func(cfg *dmp.Config) { cfg.Certificate, cfg.Signature, cfg.Mode = auth, sign, dmp.Direct })
	record, err := card.Exists(t.Context(), colleague, d.patient)
	require.NoError(t, err)
	theirs, err := card.Search(t.Context(), colleague, d.patient, dmp.Query{Record: record})
	require.NoError(t, err)
	require.Len(t, theirs.Entries, 1)
	_, err = card.Delete(t.Context(), colleague, d.patient, record, theirs.Entries[0])
	require.ErrorIs(t, err, dmp.ErrNotAuthor)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	_, err = card.Archive(t.Context(), colleague, d.patient, record, theirs.Entries[0])
	require.ErrorIs(t, err, dmp.ErrNotAuthor)

	// The DMP refuses it too.
	bold := card.Override("essai", dmp.RuleAuthor)
	_, err = bold.Delete(t.Context(), colleague, d.patient, record, theirs.Entries[0])
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))

	// Anyone may hide it; only its author shows it again.
	_, err = card.SetVisibility(t.Context(), colleague, d.patient, record, theirs.Entries[0], dmp.HiddenFromProfessionals)
	require.NoError(t, err)
	hidden := d.entry()
	_, err = card.SetVisibility(t.Context(), colleague, d.patient, record, hidden)
	require.ErrorIs(t, err, dmp.ErrNotAuthor)
	_, err = bold.SetVisibility(t.Context(), colleague, d.patient, record, hidden)
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	_, err = d.c.SetVisibility(t.Context(), pharmacist, d.patient, d.record, hidden)
	require.NoError(t, err)
	require.Equal(t, mine.ID, d.entry().ID)
	_, err = d.c.Delete(t.Context(), pharmacist, d.patient, d.record, d.entry())
	require.NoError(t, err)
}

// Each change leaves an audit record that names the document, refusals too.
func TestChangesAreAudited(t *testing.T) {
	t.Parallel()
	d := deskOf(t, nil)
	e := d.entry()
	var audit []socle.AuditRecord
	c := client(t, d.srv, direct, audited(&audit))
	_, err := c.Archive(t.Context(), pharmacist, d.patient, d.record, e)
	require.NoError(t, err)
	_, err = c.Unarchive(t.Context(), pharmacist, d.patient, d.record, e)
	require.ErrorIs(t, err, dmp.ErrState)
	_, err = c.SetVisibility(t.Context(), pharmacist, d.patient, d.record, e)
	require.ErrorIs(t, err, dmp.ErrState)
	_, err = c.Delete(t.Context(), pharmacist, d.patient, d.record, e)
	require.ErrorIs(t, err, dmp.ErrState, "it is archived meanwhile")
	require.Len(t, audit, 4)
	for i, want := range []struct {
		op, reference string
		outcome       socle.Outcome
	}{{"TD3.3d", e.ID, socle.OutcomeDone}, {"TD3.3d", "", socle.OutcomeNotSent}, {"TD3.3b", "", socle.OutcomeNotSent}, {"TD3.3c", e.ID, socle.OutcomeRefused}} {
		require.Equal(t, want.op, audit[i].Operation)
		require.Equal(t, want.reference, audit[i].Reference)
		require.Equal(t, want.outcome, audit[i].Outcome)
		require.NotEmpty(t, audit[i].Patient)
	}
}

// A pharmacy that feeds with its organisation's certificate may not search, and
// deletes what it fed by its identifier.
func TestAnOrganisationDeletesWhatItFed(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	doc := feed(t, c, patient, nil)
	r := record(t, c, patient)
	_, err := c.Archive(t.Context(), pharmacist, patient, r, dmp.Entry{ID: doc.ID()})
	require.ErrorIs(t, err, dmp.ErrAccessDenied, "the matrix keeps it for persons")
	_, err = c.Delete(t.Context(), pharmacist, patient, r, dmp.Entry{ID: "1.2.3"})
	require.ErrorIs(t, err, dmp.ErrNoDocument)
	_, err = c.Delete(t.Context(), pharmacist, patient, r, dmp.Entry{ID: doc.ID()})
	require.NoError(t, err)
	require.Contains(t, srv.Documents(find(t, "HALL").INS)[0].Status, ":Deleted")
	_, err = c.Delete(t.Context(), pharmacist, patient, r, dmp.Entry{ID: doc.ID()})
	require.ErrorIs(t, err, dmp.ErrNoDocument)

	other := feed(t, client(t, srv, direct), qualified(t, "ORTIE"), nil)
	_, err = c.Delete(t.Context(), pharmacist, patient, r, dmp.Entry{EntryUUID: srv.Documents(find(t, "ORTIE").INS)[0].EntryUUID})
	require.ErrorIs(t, err, dmp.ErrPatientMismatch)
	_, err = c.Delete(t.Context(), pharmacist, patient, r, dmp.Entry{})
	require.ErrorIs(t, err, dmp.ErrQuery)
	_, err = c.SetVisibility(t.Context(), pharmacist, patient, r, dmp.Entry{ID: other.ID()}, dmp.HiddenFromProfessionals)
	require.ErrorIs(t, err, dmp.ErrQuery)
}

func TestChangesOfAnotherPatientAreRefused(t *testing.T) {
	t.Parallel()
	d := deskOf(t, nil)
	e := d.entry()
	neighbour := qualified(t, "ORTIE")
	r := record(t, d.c, neighbour)
	_, err := d.c.Delete(t.Context(), pharmacist, neighbour, r, e)
	require.ErrorIs(t, err, dmp.ErrPatientMismatch)
	_, err = d.c.SetVisibility(t.Context(), pharmacist, neighbour, r, e, dmp.HiddenFromProfessionals)
	require.ErrorIs(t, err, dmp.ErrPatientMismatch)
	_, err = d.c.Delete(t.Context(), pharmacist, d.patient, r, e)
	require.ErrorIs(t, err, dmp.ErrPatientMismatch)
	_, err = d.c.Delete(t.Context(), pharmacist, d.patient, dmp.Record{}, e)
	require.ErrorIs(t, err, dmp.ErrNotChecked)
	require.Contains(t, d.stored().Status, ":Approved")
}

// What a client that does not follow the rules would send.
func TestTheEmulatorChecksChanges(t *testing.T) {
	t.Parallel()
	d := deskOf(t, func(r *dmp.Report) { r.Visibility = []dmp.Visibility{dmp.HiddenFromRepresentatives} })
	e := d.entry()
	hide := func(c *dmp.Client) error {
		_, err := c.SetVisibility(t.Context(), pharmacist, d.patient, d.record, e, dmp.HiddenFromProfessionals, dmp.HiddenFromRepresentatives)
		return err
	}
	archive := func(c *dmp.Client) error {
		_, err := c.Archive(t.Context(), pharmacist, d.patient, d.record, e)
		return err
	}
	for name, x := range map[string]struct {
		call   func(*dmp.Client) error
		change func([]byte) []byte
		code   string
	}{
		"home lost":           {hide, pattern(`(<[a-z0-9]*:?ExtrinsicObject [^>]*?) home="[^"]*"`, "$1"), "UnmodifiableMetadataError"},
		"opacity lost":        {hide, replace(` isOpaque="false"`, ""), "UnmodifiableMetadataError"},
		"language lost":       {hide, replace(` xml:lang="fr-FR"`, ""), "UnmodifiableMetadataError"},
		"another title":       {hide, replace("Compte rendu d'entretien pharmaceutique", "Compte rendu"), "UnmodifiableMetadataError"},
		"another type":        {hide, replace(`nodeRepresentation="78601-2"`, `nodeRepresentation="78601-3"`), "UnmodifiableMetadataError"},
		"another hash":        {hide, replace(e.Hash, "da39a3ee5e6b4b0d3255bfef95601890afd80709"), "UnmodifiableMetadataError"},
		"another uniqueId":    {hide, replace(`value="`+e.ID+`"`, `value="1.2.3"`), "UnmodifiableMetadataError"},
		"hidden again":        {hide, replace(`nodeRepresentation="MASQUE_PS"`, `nodeRepresentation="INVISIBLE_PATIENT"`), "UnmodifiableMetadataError"},
		"two at once":         {hide, replace(`nodeRepresentation="INVISIBLE_REPRESENTANTS_LEGAUX"`, `nodeRepresentation="N"`), "XDSMetadataUpdateOperationError"},
		"nothing":             {hide, replace(`nodeRepresentation="MASQUE_PS"`, `nodeRepresentation="N"`), "XDSMetadataUpdateOperationError"},
		"no previous version": {hide, replace(`name="PreviousVersion"`, `name="Version"`), "XDSMetadataVersionError"},
		"another version":     {hide, pattern(`(name="PreviousVersion"><rim:ValueList><rim:Value>)1`, "${1}2"), "XDSMetadataVersionError"},
		"unknown lid":         {hide, replace(e.LogicalID, "urn:uuid:6f2f9a52-5e3d-4f5a-9d0f-6f1d5c3a1b2c"), "UnresolvedReferenceException"},
		"not of the set":      {hide, replace(`sourceObject="SubmissionSet01"`, `sourceObject="Document01"`), "XDSRegistryMetadataError"},
		"not original":        {hide, replace("<rim:Value>Original<", "<rim:Value>Reference<"), "XDSRegistryMetadataError"},
		"no author":           {hide, pattern(`(?s)(<rim:RegistryPackage.*?)classificationScheme="urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"`, `${1}classificationScheme="urn:uuid:0"`), "XDSRegistryMetadataError"},
		"unknown status":      {archive, replace("StatusType:Archived", "StatusType:Oublie"), "XDSMetadataUpdateOperationError"},
		"deprecated":          {archive, replace("urn:asip:ci-sis:2010:StatusType:Archived", deprecated), "XDSMetadataUpdateOperationError"},
		"wrong original":      {archive, replace(approved, "urn:asip:ci-sis:2010:StatusType:Archived"), "XDSMetadataUpdateError"},
		"unknown entry":       {archive, replace(e.EntryUUID, "urn:uuid:6f2f9a52-5e3d-4f5a-9d0f-6f1d5c3a1b2c"), "UnresolvedReferenceException"},
		"two associations":    {archive, pattern(`(?s)(<rim:Association .*</rim:Association>)`, "$1$1"), "XDSMetadataUpdateOperationError"},
		"another association": {archive, replace("AssociationType:UpdateAvailabilityStatus", "AssociationType:SubmitAssociation"), "XDSMetadataUpdateOperationError"},
		"not a submission":    {archive, replace("SubmitObjectsRequest", "RemoveObjectsRequest"), "DMPInvalidMessage"},
	} {
		err := x.call(client(t, d.srv, direct, tampering(x.change)))
		var got *dmp.Error
		require.ErrorAs(t, err, &got, name)
		require.Equal(t, x.code, got.Code, name)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err), name)
	}
	require.Equal(t, e, d.entry())
	require.NoError(t, hide(d.c))
}

func TestRefusalsOfChangesCanBePlanned(t *testing.T) {
	t.Parallel()
	d := deskOf(t, nil)
	e := d.entry()
	d.srv.Refuse(dmptest.Failure{Operation: "TD3.3d", Registry: []dmp.RegistryError{{Code: "XDSRegistryBusy", Severity: "Error"}}})
	_, err := d.c.Archive(t.Context(), pharmacist, d.patient, d.record, e)
	require.ErrorIs(t, err, dmp.ErrUnavailable)
	require.True(t, socle.Retryable(err))
	d.srv.Refuse(dmptest.Failure{Operation: "TD3.3d", Partial: true, Registry: []dmp.RegistryError{{Code: "XDSExtraMetadataNotSaved", Severity: "Error"}}})
	r, err := d.c.Archive(t.Context(), pharmacist, d.patient, d.record, e)
	var own *dmp.Error
	require.ErrorAs(t, err, &own)
	require.True(t, own.Partial)
	require.NotEmpty(t, r.SubmissionID)
	require.Equal(t, dmp.StatusArchived, d.entry().Status)
	d.srv.Refuse(dmptest.Failure{Operation: "TD3.3c", Fault: &dmptest.Fault{Subcode: "DMPAccessDeniedByRightsService", Reason: "non"}})
	_, err = d.c.Delete(t.Context(), pharmacist, d.patient, d.record, d.entry())
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
}

// What only the DMP knows: another structure, a record that was closed meanwhile.
func TestChangesThatOnlyTheServiceRefuses(t *testing.T) {
	t.Parallel()
	d := deskOf(t, nil)
	who := pharmacist
	who.Structure = socle.Structure{ID: structure("1750000028"), Name: "PHARMACIE DU PORT", Sector: pharmacy.Sector}
	auth, sign, err := d.srv.Organisation(who.Structure)
	require.NoError(t, err)
	other := client(t, d.srv, func(cfg *dmp.Config) { cfg.Certificate, cfg.Signature = auth, sign })
	r, err := other.Exists(t.Context(), who, d.patient)
	require.NoError(t, err)
	_, err = other.Delete(t.Context(), who, d.patient, r, dmp.Entry{ID: d.stored().ID})
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	require.ErrorContains(t, err, "DMPAccessDeniedByRightsService")

	e := d.entry()
	p := find(t, "HALL")
	p.State = dmp.StateClosed
	require.NoError(t, d.srv.AddPatient(p))
	_, err = d.c.Delete(t.Context(), pharmacist, d.patient, d.record, e)
	require.ErrorIs(t, err, dmp.ErrClosed)
	p.State = dmp.StateNone
	require.NoError(t, d.srv.AddPatient(p))
	_, err = d.c.Delete(t.Context(), pharmacist, d.patient, d.record, e)
	require.ErrorIs(t, err, dmp.ErrNoRecord)
	require.Contains(t, d.stored().Status, ":Approved")
}
