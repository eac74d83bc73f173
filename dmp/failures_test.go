package dmp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// Each refusal of the sheet arrives with its code and its words, says what it
// is, and what to change where we know it.
func TestEveryKnownRefusalIsUnderstood(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, dmptest.Options{})
	strong := client(t, srv, air)
	patient := qualified(t, "HALL")
	r := checked(t, c, pharmacist, "HALL")
	kinds := map[string]error{
		"DMPInvalidCertificate": dmp.ErrInvalidCertificate, "DMPAccessDeniedByRightsService": dmp.ErrAccessDenied,
		"status DMPAccessDeniedByRightsService": dmp.ErrAccessDenied,
		"Structure introuvable ou Inactive":     dmp.ErrProfessional, "PS et Structure non liés": dmp.ErrProfessional,
		"Erreur d'authentification de la personne morale": dmp.ErrProfessional, "Aucune spécialité dans le vihf": dmp.ErrProfessional,
		"Aucun AuthorInstitution ne correspond": dmp.ErrProfessional,
		"XDSRegistryBusy":                       dmp.ErrUnavailable, "XDSRepositoryBusy": dmp.ErrUnavailable, "XDSRegistryNotAvailable": dmp.ErrUnavailable,
		"XDSRegistryOutOfResources": dmp.ErrUnavailable, "XDSRepositoryOutOfResources": dmp.ErrUnavailable,
		"XDSDuplicateUniqueIdInRegistry": dmp.ErrDuplicate, "XDSUnknownPatientId": dmp.ErrNoRecord,
		"XDSPatientIdDoesNotMatch": dmp.ErrPatientMismatch, "XDSResultNotSinglePatient": dmp.ErrPatientMismatch, "XDSPatientIDReconciliationError": dmp.ErrPatientMismatch,
	}
	// What has no situation of its own: removed transactions, and errors that say nothing more than their words.
	plain := map[string]bool{"A required header representing a Message Addressing Property is not present": true,
		"XDSRegistryError": true, "XDSRepositoryError": true, "XDSInvalidRequestException": true, "XDSExtraMetadataNotSaved": true,
		"status DMPPatientAccessAlreadyExists": true, "status DMPPatientAccessOTPAlreadyExists": true, "status DMPIdentityCertificationFailure": true}
	all := dmptest.Failures()
	require.Len(t, all, 9+4+38)
	seen := 0
	for name, f := range all {
		srv.Refuse(f)
		var err error
		switch {
		case f.Registry != nil:
			doc, madeErr := c.NewDocument(pharmacist, patient, report())
			require.NoError(t, madeErr)
			_, err = c.Submit(t.Context(), pharmacist, patient, dmp.Submission{Record: r, Documents: []*dmp.Document{doc}})
		case f.Status != nil:
			_, err = strong.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: time.Now()})
		default:
			var got dmp.Record
			got, err = c.Exists(t.Context(), pharmacist, patient)
			if name == "DMPClosed" { // an answer, not an error
				require.NoError(t, err)
				require.Equal(t, dmp.StateClosed, got.State)
				continue
			}
		}
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err), name)
		want := strings.TrimPrefix(name, "status ")
		require.True(t, e.Code == want || strings.Contains(e.Text, want), "%s: %s %s", name, e.Code, e.Text)
		if kind := kinds[name]; kind != nil {
			require.ErrorIs(t, err, kind, name)
			seen++
		} else if !plain[name] {
			require.True(t, dmp.Understood(e), name)
		}
		if kinds[name] == dmp.ErrProfessional {
			require.NotEmpty(t, e.Fix, name)
		}
		require.Equal(t, kinds[name] == dmp.ErrUnavailable, socle.Retryable(err), name)
	}
	require.Equal(t, len(kinds), seen)
}
