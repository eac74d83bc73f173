package dmp_test

import (
	"crypto/x509"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// vihfOf gives the assertion of a message.
func vihfOf(message string) string {
	return message[strings.Index(message, "<saml2:Assertion"):strings.Index(message, "</wsse:Security>")]
}

// Every option of the VIHF is written, and taken by the emulator.
func TestOptionsOfTheVIHF(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{Purposes: map[string]dmp.AccessMode{"brisDeGlace": dmp.BreakGlass, "urgence": dmp.Regulation}})
	const smart, mobile = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI", "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered"
	for name, x := range map[string]struct {
		change func(*dmp.Config)
		access dmp.Access
		want   []string
		not    []string
	}{
		"defaults": {air, dmp.Access{}, []string{">3.0<", `Name="Authentification_mode"`, ">INDIRECTE_RENFORCEE<", "rsa-sha256", mobile, "<saml2:AuthnContextDecl>" + mobile, `code="normal"`, ">PAULE ARNICA<"},
			[]string{"Mode_Acces_Raison", "confidentiality-code", "rsa-sha1"}},
		"indirect": {func(*dmp.Config) {}, dmp.Access{}, []string{">INDIRECTE<"}, []string{"AuthnContextDecl"}},
		"version": {func(c *dmp.Config) {
			c.Dialect.VIHFVersion, c.Dialect.ModeAttribute, c.Dialect.SHA1 = "4.0", "Authentification_Mode", true
		}, dmp.Access{}, []string{">4.0<", `Name="Authentification_Mode"`, "rsa-sha1"}, nil},
		"contexts": {func(c *dmp.Config) {
			c.Mode, c.Dialect.AuthnContext, c.Dialect.AuthnContextDecl = dmp.AIR, smart, "APP_BROWSER_AUTH"
		}, dmp.Access{},
			[]string{"<saml2:AuthnContextClassRef>" + smart, "<saml2:AuthnContextDecl>APP_BROWSER_AUTH"}, nil},
		"attributes": {func(c *dmp.Config) {
			c.Dialect.VIHFAttributes = []dmp.VIHFAttribute{{Name: "Nouveau", Value: "<valeur>"}}
		}, dmp.Access{},
			[]string{`Name="Nouveau"`, "&lt;valeur&gt;"}, nil},
		// The pharmacist logged in by e-CPS: it is the card that answers for a DIRECTE.
		"direct":          {direct, dmp.Access{}, []string{">DIRECTE<", "<ds:Signature ", "<saml2:AuthnContextClassRef>" + smart}, []string{"subject-id", mobile}},
		"direct unsigned": {func(c *dmp.Config) { direct(c); c.Dialect.UnsignedDirect = true }, dmp.Access{}, []string{">DIRECTE<"}, []string{"<ds:Signature "}},
		"break glass": {func(c *dmp.Config) { air(c); c.Dialect.BreakGlass = "brisDeGlace" }, dmp.Access{Mode: dmp.BreakGlass, Reason: "urgence vitale"},
			[]string{`code="brisDeGlace"`, ">urgence vitale<"}, nil},
		"regulation": {func(c *dmp.Config) { air(c); c.Dialect.Regulation = "urgence" }, dmp.Access{Mode: dmp.Regulation}, []string{`code="urgence"`}, nil},
		"secret": {func(c *dmp.Config) { air(c); c.Dialect.ConfidentialityElement = "Confidentialite" }, dmp.Access{Secret: true},
			[]string{"<Confidentialite ", `code="INVISIBLE_REPRESENTANTS_LEGAUX"`, `codeSystem="1.2.250.1.213.1.1.4.13"`}, nil},
	} {
		var last string
		c := client(t, srv, x.change, tampering(func(b []byte) []byte { last = string(b); return b }))
		who := pharmacist
		who.GivenName = "PAULE"
		_, err := c.With(x.access).Exists(t.Context(), who, qualified(t, "AIRTRIBUT"))
		require.NoError(t, err, name)
		for _, want := range x.want {
			require.Contains(t, vihfOf(last), want, name)
		}
		for _, not := range x.not {
			require.NotContains(t, vihfOf(last), not, name)
		}
	}
}

func TestTheIssuerMayBeWrittenOtherwise(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var last string
	c := client(t, srv, tampering(func(b []byte) []byte { last = string(b); return b }), func(cfg *dmp.Config) {
		cfg.Dialect.Issuer = func(c *x509.Certificate) string { return strings.Replace(pki.DN(c), "ST=", "S=", 1) }
	})
	_, err := c.Exists(t.Context(), pharmacist, qualified(t, "HALL"))
	require.Contains(t, last, ",S=Paris (75)")
	require.NoError(t, err)
	wrong := client(t, srv, func(cfg *dmp.Config) { cfg.Dialect.Issuer = func(*x509.Certificate) string { return "CN=autre" } })
	_, err = wrong.Exists(t.Context(), pharmacist, qualified(t, "HALL"))
	require.ErrorIs(t, err, dmp.ErrInvalidVIHF)
}

// An establishment under the legal entity that holds the certificate.
func TestAnEstablishmentOfTheLegalEntity(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{})
	site := pharmacist
	site.Structure.ID = structure("10B0127189")
	_, err := plain.Exists(t.Context(), site, qualified(t, "HALL"))
	require.ErrorIs(t, err, dmp.ErrProfessional)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	c := client(t, srv, func(cfg *dmp.Config) { cfg.Dialect.OtherStructure = true })
	_, err = c.Exists(t.Context(), site, qualified(t, "HALL"))
	require.ErrorIs(t, err, dmp.ErrProfessional)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err), "the DMP does not know of the entity")
	srv.AddStructure(dmptest.Structure{ID: site.Structure.ID, Entity: pharmacy.ID})
	_, err = c.Exists(t.Context(), site, qualified(t, "HALL"))
	require.NoError(t, err)
}

// What the DMP refuses of an assertion, and the client would not send.
func TestAssertionsOfAccessModesThatAreRefused(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{Purposes: map[string]dmp.AccessMode{"bdg": dmp.BreakGlass}})
	for want, c := range map[string]*dmp.Client{
		"purposeofuse: expected normal": client(t, srv, func(cfg *dmp.Config) { cfg.Dialect.Regulation = "autre" }).With(regulation),
		// A bris de glace without its reason, which the client takes for regulation.
		"Mode_Acces_Raison":                      client(t, srv, func(cfg *dmp.Config) { cfg.Dialect.Regulation = "bdg" }).With(regulation),
		"confidentiality-code: expected a minor": client(t, srv).With(dmp.Access{Secret: true}).Override("homologation", dmp.RuleSecret),
	} {
		_, err := c.Exists(t.Context(), pharmacist, qualified(t, "HALL"))
		require.ErrorIs(t, err, dmp.ErrInvalidVIHF, want)
		require.Contains(t, err.(*dmp.Error).Text, want)
	}
}

// From Pro Santé Connect to the VIHF: the role and the structure are those of the
// exercise that the person chose.
func TestTheVIHFOfAProSanteConnectSession(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	provider, err := psctest.NewServer(psctest.Options{Authority: keys().authority})
	require.NoError(t, err)
	defer provider.Close()
	certificate, err := provider.ClientCertificate(psctest.Pharmacy)
	require.NoError(t, err)
	login, err := psc.New(psc.Config{Environment: provider.Environment(), ClientID: psctest.ClientID, Certificate: certificate, Roots: provider.Roots(), Wait: provider.Wait,
		Watch: socle.Watch{Clock: provider.Clock().Now}})
	require.NoError(t, err)
	codes := regexp.MustCompile(`<Role [^>]*code="([^"]*)" codeSystem="([^"]*)" displayName="([^"]*)"`)
	seen := map[string][]string{}
	for _, id := range []string{psctest.Titulaire, psctest.Adjoint, psctest.Preparateur, psctest.Doctor} {
		person, err := socle.ParsePersonID(id)
		require.NoError(t, err)
		session, err := login.Login(t.Context(), psc.LoginRequest{Person: person, Show: func(string) {}})
		require.NoError(t, err)
		situations := session.UserInfo().Situations()
		if len(situations) > 1 {
			_, err := session.Professional("")
			require.ErrorIs(t, err, psc.ErrSituation, "the person chooses")
		}
		for _, s := range situations {
			who, err := session.Professional(s.Key)
			require.NoError(t, err)
			auth, sign, err := srv.Organisation(who.Structure)
			require.NoError(t, err)
			var last string
			c := client(t, srv, func(cfg *dmp.Config) { cfg.Mode, cfg.Certificate, cfg.Signature = dmp.AIR, auth, sign },
				tampering(func(b []byte) []byte { last = string(b); return b }))
			_, err = c.Exists(t.Context(), who, qualified(t, "HALL"))
			require.NoError(t, err)
			v := vihfOf(last)
			require.Contains(t, v, "<saml2:NameID>"+id+"<")
			require.Contains(t, v, ">"+who.Structure.ID.String()+"<")
			require.Contains(t, v, ">"+who.Structure.Sector.Code+"^1.2.250.1.71.4.2.4<")
			for _, m := range codes.FindAllStringSubmatch(v, -1) {
				seen[id] = append(seen[id], m[1]+"^"+m[2])
				require.NotEmpty(t, m[3])
				require.NotEqual(t, m[1], m[3], "a label, not the code")
			}
			if len(situations) > 1 {
				elsewhere := who
				elsewhere.Structure.ID = structure("1750000010")
				_, err = c.Exists(t.Context(), elsewhere, qualified(t, "HALL"))
				require.ErrorIs(t, err, dmp.ErrProfessional, "another exercise than that of the certificate")
			}
		}
		require.NoError(t, session.Logout(t.Context()))
	}
	const profession, section, speciality = "^1.2.250.1.71.1.2.7", "^1.2.250.1.71.4.2.6", "^1.2.250.1.71.4.2.5"
	require.Equal(t, map[string][]string{
		psctest.Titulaire:   {"21" + profession, "A" + section},
		psctest.Adjoint:     {"21" + profession, "DA" + section, "21" + profession, "DA" + section},
		psctest.Preparateur: {"39" + profession},
		psctest.Doctor:      {"10" + profession, "SM26" + speciality, "10" + profession, "SM26" + speciality},
	}, seen)
}
