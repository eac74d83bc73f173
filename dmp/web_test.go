package dmp_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
)

// The paths of PDT-INF-527.
func TestWebURLs(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var audit []socle.AuditRecord
	c := client(t, srv, audited(&audit), func(cfg *dmp.Config) { cfg.Environment.Web = "https://web.example/" })
	matricule := find(t, "HALL").INS.Matricule.Wire()
	for page, want := range map[dmp.Page]string{
		dmp.PageDashboard: "/AccesDirect/TableauDeBord", dmp.PageDashboardOf: "/AccesDirect/TableauDeBord/" + matricule,
		dmp.PageRecord: "/AccesDirect/DossierPatient/" + matricule, dmp.PageManagement: "/AccesDirect/GestionDMPPatient/" + matricule,
		dmp.PageDocuments: "/AccesDirect/Documents/" + matricule, dmp.PageCarePathway: "/AccesDirect/ParcoursDeSoins/" + matricule,
		dmp.PageAccessHistory: "/AccesDirect/HistoriqueAcces/" + matricule, dmp.PageSettings: "/AccesDirect/Parametrages",
		dmp.PageWillAndRights: "/AccesDirect/VolontesEtDroits/" + matricule, dmp.PageVaccinationBook: "/AccesDirect/CarnetVaccination/" + matricule,
	} {
		u, err := c.WebURL(t.Context(), pharmacist, qualified(t, "HALL"), page)
		require.NoError(t, err, page)
		require.Equal(t, "https://web.example"+want, u.Open())
		text, err := json.Marshal(u)
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", u, u, u, u)+string(text)+logged(slog.Any("url", u)), matricule)
	}
	require.Len(t, audit, 10)
	require.NotContains(t, fmt.Sprint(audit), matricule)
	require.Empty(t, srv.Journal(), "nothing is sent")

	u, err := c.WebURL(t.Context(), pharmacist, ins.Identity{}, dmp.PageSettings)
	require.NoError(t, err)
	require.Equal(t, u.Open(), u.String())
	_, err = c.WebURL(t.Context(), pharmacist, ins.Identity{}, dmp.PageRecord)
	require.ErrorIs(t, err, ins.ErrNotQualified)
	_, err = c.WebURL(t.Context(), pharmacist, qualified(t, "HALL"), "AccesDirect/")
	require.ErrorIs(t, err, dmp.ErrQuery)
	none := client(t, srv)
	_, err = none.WebURL(t.Context(), pharmacist, qualified(t, "HALL"), dmp.PageRecord)
	require.ErrorIs(t, err, dmp.ErrEnvironment)
	require.Empty(t, dmp.WebURL{}.String())

	cfg := config(srv)
	cfg.Environment.Web = "http://web.example"
	_, err = dmp.New(cfg)
	require.ErrorContains(t, err, "Config.Environment.Web: an https address")
}

// Nothing but a page of the Web PS may stand before a matricule.
func TestPagesOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, func(cfg *dmp.Config) { cfg.Environment.Web = "https://web.example" })
	for _, page := range []dmp.Page{"/x?next=//evil/", "//evil/", "/AccesDirect/../x/", "/AccesDirect/Documents/?a=/", "/"} {
		_, err := c.WebURL(t.Context(), pharmacist, qualified(t, "HALL"), page)
		require.ErrorIs(t, err, dmp.ErrQuery, page)
	}
}
