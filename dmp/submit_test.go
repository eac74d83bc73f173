package dmp_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
)

func TestADocumentIsAddedToARecord(t *testing.T) {
	t.Parallel()
	srv, indirect := setup(t, dmptest.Options{})
	for mode, c := range map[string]*dmp.Client{
		"INDIRECTE": indirect,
		"DIRECTE":   client(t, srv, direct),
		// In AIR the DMP refuses to be fed: documents go INDIRECTE.
		"INDIRECTE, of a client in AIR": client(t, srv, func(cfg *dmp.Config) { cfg.Mode = dmp.AIR }),
		"DIRECTE, unsigned":             client(t, srv, direct, func(cfg *dmp.Config) { cfg.Dialect.UnsignedDirect = true }),
		"INDIRECTE, with SHA-1":         client(t, srv, func(cfg *dmp.Config) { cfg.Dialect.SHA1 = true }),
		"INDIRECTE, lot with SHA-256":   client(t, srv, func(cfg *dmp.Config) { cfg.Dialect.LotSHA256 = true }),
	} {
		patient := qualified(t, "HALL")
		r := report()
		r.Visibility = []dmp.Visibility{dmp.HiddenFromRepresentatives}
		s := prepared(t, c, patient, r)
		require.Equal(t, dmp.StateOpen, s.Record.State, mode)
		got, err := c.Submit(context.Background(), pharmacist, patient, s)
		require.NoError(t, err, mode)
		require.Equal(t, s.Documents[0].ID(), got.Documents[0].ID)
		require.NotEmpty(t, got.SubmissionID)
		require.NotEmpty(t, got.MessageID)

		stored := srv.Documents(find(t, "HALL").INS)
		last := stored[len(stored)-1]
		require.Equal(t, got.Documents[0].ID, last.ID)
		require.Equal(t, got.SubmissionID, last.SubmissionID)
		sum := sha1.Sum(last.Content)
		require.Equal(t, got.Documents[0].Hash, hex.EncodeToString(sum[:]))
		require.EqualValues(t, got.Documents[0].Size, len(last.Content))
		require.Equal(t, "78601-2", last.Type)
		require.Equal(t, "10", last.Class)
		require.Equal(t, "urn:ihe:iti:xds-sd:pdf:2008", last.Format)
		require.Equal(t, []string{"INVISIBLE_REPRESENTANTS_LEGAUX"}, last.Visibility)
		require.Equal(t, mode[:len(last.Mode)], last.Mode)
		file, err := last.PDF()
		require.NoError(t, err)
		want, err := r.File.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(want)
		require.NoError(t, err)
		require.Equal(t, b, file)
	}
	require.Len(t, srv.Documents(find(t, "HALL").INS), 6)
	require.Empty(t, srv.Documents(ins.INS{}))
}

func TestSubmitRefusesBeforeSending(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient, neighbour := qualified(t, "HALL"), qualified(t, "ORTIE")
	good := prepared(t, c, patient, report())
	before := len(srv.Journal())
	record := func(name string) dmp.Record {
		r, err := c.Exists(context.Background(), pharmacist, qualified(t, name))
		require.NoError(t, err)
		before++
		return r
	}
	document := func(who socle.Professional, patient ins.Identity) *dmp.Document {
		d, err := c.NewDocument(who, patient, report())
		require.NoError(t, err)
		return d
	}
	colleague := pharmacist
	colleague.ID = rpps("10000000025")
	small := client(t, srv, func(cfg *dmp.Config) { cfg.MaxDocumentSize = 100 })
	for name, x := range map[string]struct {
		client  *dmp.Client
		patient ins.Identity
		s       dmp.Submission
		want    error
	}{
		"record that was not checked":  {c, patient, dmp.Submission{Documents: []*dmp.Document{good.Documents[0]}}, dmp.ErrNotChecked},
		"no record":                    {c, qualified(t, "CONTESTE"), dmp.Submission{Record: record("CONTESTE"), Documents: []*dmp.Document{document(pharmacist, qualified(t, "CONTESTE"))}}, dmp.ErrNoRecord},
		"closed record":                {c, qualified(t, "FERMETURE"), dmp.Submission{Record: record("FERMETURE"), Documents: []*dmp.Document{document(pharmacist, qualified(t, "FERMETURE"))}}, dmp.ErrClosed},
		"record of somebody else":      {c, patient, dmp.Submission{Record: record("ORTIE"), Documents: []*dmp.Document{good.Documents[0]}}, dmp.ErrPatientMismatch},
		"document of somebody else":    {c, patient, dmp.Submission{Record: good.Record, Documents: []*dmp.Document{document(pharmacist, neighbour)}}, dmp.ErrPatientMismatch},
		"no document":                  {c, patient, dmp.Submission{Record: good.Record}, dmp.ErrInvalidDocument},
		"empty document":               {c, patient, dmp.Submission{Record: good.Record, Documents: []*dmp.Document{{}}}, dmp.ErrInvalidDocument},
		"opposition":                   {c, patient, dmp.Submission{Record: good.Record, Documents: []*dmp.Document{good.Documents[0]}, Opposed: true}, dmp.ErrOpposed},
		"document of another author":   {c, patient, dmp.Submission{Record: good.Record, Documents: []*dmp.Document{document(colleague, patient)}}, dmp.ErrProfessional},
		"document over the size limit": {small, patient, good, dmp.ErrDocumentTooLarge},
	} {
		_, err := x.client.Submit(context.Background(), pharmacist, x.patient, x.s)
		require.ErrorIs(t, err, x.want, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		require.False(t, socle.Retryable(err), name)
	}
	require.Len(t, srv.Journal(), before)
}

func TestErrorsOfTheRegistryAreKeptWhole(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	for code, want := range map[string]struct {
		kind  error
		retry bool
	}{
		"XDSMissingDocument":                      {dmp.ErrInvalidDocument, false},
		"XDSMissingDocumentMetadata":              {dmp.ErrInvalidDocument, false},
		"XDSRegistryNotAvailable":                 {dmp.ErrUnavailable, true},
		"XDSRegistryError":                        {nil, false},
		"XDSRepositoryError":                      {nil, false},
		"XDSRegistryDuplicateUniqueIdInMessage":   {dmp.ErrInvalidDocument, false},
		"XDSRepositoryDuplicateUniqueIdInMessage": {dmp.ErrInvalidDocument, false},
		"XDSDuplicateUniqueIdInRegistry":          {dmp.ErrDuplicate, false},
		"XDSNonIdenticalHash":                     {dmp.ErrInvalidDocument, false},
		"XDSNonIdenticalSize":                     {dmp.ErrInvalidDocument, false},
		"XDSRegistryBusy":                         {dmp.ErrUnavailable, true},
		"XDSRepositoryBusy":                       {dmp.ErrUnavailable, true},
		"XDSRegistryOutOfResources":               {dmp.ErrUnavailable, true},
		"XDSRepositoryOutOfResources":             {dmp.ErrUnavailable, true},
		"XDSRegistryMetadataError":                {dmp.ErrInvalidDocument, false},
		"XDSRepositoryMetadataError":              {dmp.ErrInvalidDocument, false},
		"XDSUnknownPatientId":                     {dmp.ErrNoRecord, false},
		"XDSPatientIdDoesNotMatch":                {dmp.ErrPatientMismatch, false},
		"InvalidDocumentContent":                  {dmp.ErrInvalidDocument, false},
		"XDSReplaceFailed":                        {dmp.ErrState, false},
		"UnresolvedReferenceException":            {dmp.ErrNoDocument, false},
		"CodeQuePersonneNeConnait":                {nil, false},
	} {
		registry := []dmp.RegistryError{
			{Code: "XDSExtraMetadataNotSaved", Context: "avertissement", Severity: "Warning"},
			{Code: code, Context: "mots du service", Location: "Document01", Severity: "Error"},
			{Code: "XDSUneAutre", Context: "autre", Severity: "Error"},
		}
		srv.Refuse(dmptest.Failure{Operation: "TD2.1", Registry: registry})
		_, err := c.Submit(context.Background(), pharmacist, patient, prepared(t, c, patient, report()))
		var e *dmp.Error
		require.ErrorAs(t, err, &e, code)
		require.Equal(t, code, e.Code)
		require.Equal(t, "mots du service", e.Text)
		require.ElementsMatch(t, registry, e.Registry)
		require.ErrorContains(t, err, code+" (its words are in Text) (and 2 more)")
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		require.Equal(t, want.retry, socle.Retryable(err), code)
		if want.kind != nil {
			require.ErrorIs(t, err, want.kind, code)
		}
	}
	require.Empty(t, srv.Documents(find(t, "HALL").INS))
}

func TestPartialSuccessGivesBothTheReceiptAndTheErrors(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())
	srv.Refuse(dmptest.Failure{Registry: []dmp.RegistryError{{Code: "XDSExtraMetadataNotSaved", Context: "partie", Severity: "Error"}}, Partial: true})
	r, err := c.Submit(context.Background(), pharmacist, patient, s)
	var e *dmp.Error
	require.ErrorAs(t, err, &e)
	require.True(t, e.Partial)
	require.Equal(t, "XDSExtraMetadataNotSaved", e.Code)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err))
	require.Equal(t, s.Documents[0].ID(), r.Documents[0].ID)
	require.Len(t, srv.Documents(find(t, "HALL").INS), 1)
}

func TestWarningsComeWithTheReceipt(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	warnings := []dmp.RegistryError{{Code: "XDSExtraMetadataNotSaved", Context: "x", Severity: "Warning"}}
	srv.Refuse(dmptest.Failure{Registry: warnings})
	r, err := c.Submit(context.Background(), pharmacist, patient, prepared(t, c, patient, report()))
	require.NoError(t, err)
	require.Equal(t, warnings, r.Warnings)
}

// A document over the limit of the service, or a closed record that the client
// believes open.
func TestRefusalsThatOnlyTheServiceKnows(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{MaxDocumentSize: 20_000})
	patient := qualified(t, "HALL")
	r := report()
	r.File = pdf(30_000)
	_, err := c.Submit(context.Background(), pharmacist, patient, prepared(t, c, patient, r))
	require.ErrorIs(t, err, dmp.ErrDocumentTooLarge)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))

	s := prepared(t, c, patient, report())
	p := find(t, "HALL")
	p.State = dmp.StateClosed
	require.NoError(t, srv.AddPatient(p))
	_, err = c.Submit(context.Background(), pharmacist, patient, s)
	require.ErrorIs(t, err, dmp.ErrClosed)
	p.State = dmp.StateNone
	require.NoError(t, srv.AddPatient(p))
	_, err = c.Submit(context.Background(), pharmacist, patient, s)
	require.ErrorIs(t, err, dmp.ErrNoRecord)
	require.Empty(t, srv.Documents(p.INS))
}

// The official sample of TD2.1 has a root of SOAP 1.1, and is answered in 1.2.
func TestTheEmulatorTakesSOAP11Too(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, tampering(replace("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/")))
	patient := qualified(t, "HALL")
	_, err := c.Submit(context.Background(), pharmacist, patient, prepared(t, c, patient, report()))
	require.NoError(t, err)
}

func TestRightsAreTheEmulatorsMatrix(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{Rights: dmptest.Rights{"TD0.2": dmptest.DefaultRights()["TD0.2"]}})
	patient := qualified(t, "HALL")
	_, err := c.Submit(context.Background(), pharmacist, patient, prepared(t, c, patient, report()))
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	require.Empty(t, srv.Documents(find(t, "HALL").INS))

	strict, _ := setup(t, dmptest.Options{RefuseUnsigned: true, RefuseSHA1: true})
	for want, change := range map[string]func(*dmp.Config){
		"unsigned":  func(cfg *dmp.Config) { direct(cfg); cfg.Dialect.UnsignedDirect = true },
		"algorithm": func(cfg *dmp.Config) { cfg.Dialect.SHA1 = true },
	} {
		_, err := client(t, strict, change).Exists(context.Background(), pharmacist, patient)
		require.ErrorIs(t, err, dmp.ErrInvalidVIHF)
		require.Contains(t, err.(*dmp.Error).Text, want)
	}
	modern := client(t, strict, func(cfg *dmp.Config) { cfg.Dialect.LotSHA256 = true })
	_, err = modern.Submit(context.Background(), pharmacist, patient, prepared(t, modern, patient, report()))
	require.NoError(t, err)
}

func TestTheOutcomeOfACutIsToldAndDuplicatesAreSeen(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())

	// Cut before the work: nobody can know, and nothing is sent again.
	srv.Fail(emulator.Fault{Operation: "TD2.1", ResetBefore: true})
	_, err := c.Submit(context.Background(), pharmacist, patient, s)
	require.Error(t, err)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.ErrorIs(t, err, dmp.ErrUnavailable)
	require.Empty(t, srv.Documents(find(t, "HALL").INS))

	// Cut after the work: the same error, but the document is there.
	srv.Fail(emulator.Fault{Operation: "TD2.1", ResetAfter: true})
	_, err = c.Submit(context.Background(), pharmacist, patient, s)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.Len(t, srv.Documents(find(t, "HALL").INS), 1)

	// The same document again: the DMP says that it has it.
	_, err = c.Submit(context.Background(), pharmacist, patient, s)
	require.ErrorIs(t, err, dmp.ErrDuplicate)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	require.Len(t, srv.Documents(find(t, "HALL").INS), 1)

	srv.Fail(emulator.Fault{Operation: "TD2.1", Status: 503})
	_, err = c.Submit(context.Background(), pharmacist, patient, s)
	require.ErrorIs(t, err, dmp.ErrUnavailable)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err), "a gateway may answer for a service that did the work")

	srv.Refuse(dmptest.Failure{Operation: "TD2.1", Fault: &dmptest.Fault{Code: "Receiver", Reason: "en panne"}})
	_, err = c.Submit(context.Background(), pharmacist, patient, prepared(t, c, patient, report()))
	require.ErrorIs(t, err, dmp.ErrUnavailable)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
}

func TestNothingWasSentWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, c, patient, report())
	srv.Close()
	c.Close()
	_, err := c.Submit(context.Background(), pharmacist, patient, s)
	require.ErrorIs(t, err, dmp.ErrUnavailable)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.True(t, socle.Retryable(err))
}

func TestSubmitStopsWhenItIsCancelled(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	r := report()
	reading, release := make(chan struct{}), make(chan struct{})
	whole := pdf(2_000_000)
	slow := false
	r.File = dmp.File{MediaType: whole.MediaType, Size: whole.Size, Open: func() (io.ReadCloser, error) {
		f, err := whole.Open()
		if slow {
			f = stalling{f, reading, release}
		}
		return f, err
	}}
	s := prepared(t, c, patient, r)
	slow = true
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-reading
		cancel()
	}()
	// The file is held back until Submit is back: it does not wait for it.
	late := time.AfterFunc(time.Minute, func() { close(release) })
	_, err := c.Submit(ctx, pharmacist, patient, s)
	require.True(t, late.Stop(), "Submit waited for the file")
	close(release)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, socle.Retryable(err))
	require.Empty(t, srv.Documents(find(t, "HALL").INS))
}

// stalling is a file whose second read waits.
type stalling struct {
	io.ReadCloser
	reading, release chan struct{}
}

func (s stalling) Read(p []byte) (int, error) {
	select {
	case <-s.reading:
	default:
		close(s.reading)
	}
	<-s.release
	return s.ReadCloser.Read(p)
}

func TestAFileThatChangesIsNotSentWhole(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	for name, size := range map[string]int{"shorter": 1000, "longer": 900_000} {
		r := report()
		current := pdf(500_000)
		r.File = dmp.File{MediaType: current.MediaType, Size: current.Size, Open: func() (io.ReadCloser, error) { return current.Open() }}
		s := prepared(t, c, patient, r)
		current = pdf(size)
		_, err := c.Submit(context.Background(), pharmacist, patient, s)
		require.ErrorIs(t, err, dmp.ErrInvalidDocument, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		require.ErrorContains(t, err, "the file changed", name)
	}
	require.Empty(t, srv.Documents(find(t, "HALL").INS))
}

func TestManyDocumentsAtOnce(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	record, err := c.Exists(context.Background(), pharmacist, patient)
	require.NoError(t, err)
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		group.Go(func() {
			doc, err := c.NewDocument(pharmacist, patient, report())
			if err == nil {
				_, err = c.Submit(context.Background(), pharmacist, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{doc}})
			}
			errs[i] = err
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Len(t, srv.Documents(find(t, "HALL").INS), len(errs))
}
