package dmp

import (
	"context"
	"log/slog"
	"regexp"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// Page is a page of the web access of professionals (Web PS).
type Page string

// Pages, by their paths (PDT-INF-527). Those that are about a patient end with a slash.
const (
	PageDashboard       Page = "/AccesDirect/TableauDeBord"
	PageDashboardOf     Page = "/AccesDirect/TableauDeBord/"
	PageRecord          Page = "/AccesDirect/DossierPatient/"
	PageManagement      Page = "/AccesDirect/GestionDMPPatient/"
	PageDocuments       Page = "/AccesDirect/Documents/"
	PageCarePathway     Page = "/AccesDirect/ParcoursDeSoins/"
	PageAccessHistory   Page = "/AccesDirect/HistoriqueAcces/"
	PageSettings        Page = "/AccesDirect/Parametrages"
	PageWillAndRights   Page = "/AccesDirect/VolontesEtDroits/"
	PageVaccinationBook Page = "/AccesDirect/CarnetVaccination/"
)

// pageForm is that of all pages: nothing else may stand before a matricule.
var pageForm = regexp.MustCompile(`^/AccesDirect/[A-Za-z]+/?$`)

// ofPatient reports whether the page is about a patient.
func (p Page) ofPatient() bool { return strings.HasSuffix(string(p), "/") }

// WebURL is the address of a page, to open in the browser of the professional.
// It may hold a matricule: printed, it does not show it.
type WebURL struct{ base, path, matricule string }

// Open gives the whole address, with the matricule that it may hold: for the
// browser only, never for a log.
func (u WebURL) Open() string {
	if u.base == "" {
		return ""
	}
	return u.base + u.path + u.matricule
}

// String gives the address without the matricule.
func (u WebURL) String() string {
	if u.matricule == "" {
		return u.Open()
	}
	return u.base + u.path + hidden
}

// GoString gives the same as String.
func (u WebURL) GoString() string { return u.String() }

// MarshalText gives the same as String.
func (u WebURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// LogValue gives the same as String.
func (u WebURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// WebURL gives the address of a page of the Web PS (TD0.9, "Accès web-PS
// contextuel"). The browser authenticates the professional, by card or e-CPS,
// whatever the mode of the client; nothing is sent here, and an audit record is left. patient
// is not looked at for a page that is about nobody. Environment.Web is mandatory.
//
// The matrices allow TD0.9 to a professional with a card; with an authentication in
// mode AIR another transaction takes its place, TD0.10, of which nothing is public.
func (c *Client) WebURL(ctx context.Context, who socle.Professional, patient ins.Identity, page Page) (WebURL, error) {
	var id ins.INS
	var err error
	u := WebURL{base: strings.TrimRight(c.cfg.Environment.Web, "/"), path: string(page)}
	switch {
	case u.base == "":
		err = refusal(opWeb, ErrEnvironment, "Environment.Web: mandatory for this call, and not public", "ask the GIE SESAM-Vitale for the domain of the Web PS")
	case !pageForm.MatchString(u.path):
		err = refusal(opWeb, ErrQuery, "Page: one of the pages of this package expected", "")
	case page.ofPatient():
		if id, err = c.admitPatient(ctx, opWeb, who, patient); err == nil {
			u.matricule = id.Matricule.Wire()
		}
	}
	if err != nil {
		return WebURL{}, c.refused(ctx, opWeb, who, id, err)
	}
	c.record(ctx, opWeb, who, id, string(page), nil)
	return u, nil
}
