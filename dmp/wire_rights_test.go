package dmp_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// The messages of the DMP's own services, to the letter of the dmp sheet §4
// TD0.3, TD0.4 and TD1.6, with the Action and the path of each.
func TestRightsOnTheWire(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var last string
	c := client(t, srv, air, tampering(func(b []byte) []byte { last = string(b); return b }))
	patient := qualified(t, "HALL")
	r := checked(t, c, pharmacist, "HALL")
	doctor := pharmacist
	doctor.Profession, doctor.Speciality = socle.Code{Code: "10"}, socle.Code{Code: "SM26"}
	now := time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)
	body := func(path, action, want string) {
		require.Contains(t, last, "<soap:Body>"+want+"</soap:Body>")
		require.Contains(t, last, ">"+action+"<")
		journal := srv.Journal()
		require.Equal(t, "/si-dmp-server/v2/services/"+path, journal[len(journal)-1].Path)
	}
	const rights = "urn:si-dmp-habilitations:HabilitationsEndPoint:"
	_, err := c.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: now})
	require.NoError(t, err)
	body("habilitations", rights+"setAuthorization", `<setAuthorization xmlns="urn:si-dmp-habilitations"><action>AJOUT</action></setAuthorization>`)
	_, err = c.Revoke(t.Context(), doctor, patient, dmp.Decision{Record: r, At: now, TreatingDoctor: true})
	require.NoError(t, err)
	body("habilitations", rights+"setAuthorization", `<setAuthorization xmlns="urn:si-dmp-habilitations"><action>SUPPRESSION</action><role>MEDECIN_TRAITANT</role></setAuthorization>`)
	_, err = c.ListProfessionals(t.Context(), pharmacist, patient, r, dmp.AllProfessionals)
	require.NoError(t, err)
	body("habilitations", rights+"listAuthorizationByPatient", `<listAuthorizationByPatient xmlns="urn:si-dmp-habilitations"><mode>TOUTE</mode></listAuthorizationByPatient>`)
	_, err = c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: now, Owner: pharmacist.ID})
	require.NoError(t, err)
	body("patientsSpecific", "urn:si-dmp-patients:PatientSpecificEndPoint:patientList",
		`<patientList xmlns="urn:si-dmp-patients"><startDate>20260302083000</startDate><dateType>LASTAUTORIZATION</dateType><psOwnerId>810000000017</psOwnerId></patientList>`)

	paris := client(t, srv, air, tampering(func(b []byte) []byte { last = string(b); return b }),
		func(cfg *dmp.Config) { cfg.Dialect.Location = time.FixedZone("Paris", 3600) })
	_, err = paris.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: now, By: dmp.SinceDocument})
	require.NoError(t, err)
	require.Contains(t, last, "<startDate>20260302093000</startDate><dateType>LASTDOC</dateType>")

	_, err = c.With(regulation).FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "Duch"})
	require.NoError(t, err)
	require.Contains(t, last, ">urn:hl7-org:v3:PRPA_IN201305UV02<")
	_, err = c.CloseRecord(t.Context(), pharmacist, patient, dmp.Closure{Record: r, At: now})
	require.NoError(t, err)
	require.Contains(t, last, ">urn:hl7-org:v3:PRPA_IN201314UV02<")
	require.Contains(t, last, `<reasonOf typeCode="RSON"><detectedIssueEvent classCode="ALRT" moodCode="EVN"><code code="FERMETURE_DEMANDE_PATIENT" codeSystem="1.2.250.1.213.4.1.2.4"></code><text>FERMETURE_DEMANDE_PATIENT</text>`)
}
