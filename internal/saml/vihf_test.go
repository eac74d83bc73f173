package saml_test

import (
	"crypto/tls"
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/xmlsec"
)

const structure = "10B0127189"

var now = time.Date(2026, 11, 21, 9, 30, 0, 123e6, time.UTC)

// keys holds the pairs of all tests, generated once.
type keys struct {
	authority                 *pki.Authority
	orgSign, orgAuth          tls.Certificate
	cardSign, cardAuth, other tls.Certificate
}

var pairs = sync.OnceValues(func() (k keys, err error) {
	if k.authority, err = pki.NewAuthority(pki.WithClock(func() time.Time { return now })); err != nil {
		return k, err
	}
	org := pki.Organisation{Structure: structure, Name: "PHARMACIE DE L'ÉTOILE", State: "Rhône (69)", CommonName: "officine"}
	card := pki.Card{PersonID: "899900063480", FamilyName: "LIBRE", GivenName: "MAX", Title: "Pharmacien", Profession: "21"}
	stranger := org
	stranger.Structure = "310000000000000"
	for _, p := range []struct {
		to    *tls.Certificate
		issue func() (tls.Certificate, error)
	}{
		{&k.orgSign, func() (tls.Certificate, error) { return k.authority.Organisation(org, pki.Sign) }},
		{&k.orgAuth, func() (tls.Certificate, error) { return k.authority.Organisation(org, pki.AuthClient) }},
		{&k.other, func() (tls.Certificate, error) { return k.authority.Organisation(stranger, pki.Sign) }},
		{&k.cardSign, func() (tls.Certificate, error) { return k.authority.Card(card, pki.CardSign) }},
		{&k.cardAuth, func() (tls.Certificate, error) { return k.authority.Card(card, pki.CardAuth) }},
	} {
		if *p.to, err = p.issue(); err != nil {
			return k, err
		}
	}
	return k, nil
})

func testKeys(t testing.TB) keys {
	t.Helper()
	k, err := pairs()
	require.NoError(t, err)
	return k
}

func pharmacist(mode saml.Mode) saml.VIHF {
	v := saml.VIHF{
		Mode: mode, NameID: "899900063480", StructureID: structure, Sector: socle.Code{Code: "SA33", System: socle.OIDSector},
		Roles: []saml.Role{
			{Code: "21", System: socle.OIDProfession, Display: "Pharmacien"},
			{Code: "A", System: socle.OIDPharmacistSection, Display: "Pharmacien titulaire d'officine"},
		},
		PatientID: "207058575627097^^^&1.2.250.1.213.1.4.10&ISO^NH",
		Purpose:   saml.NormalAccess(),
		Software:  saml.Software{Install: "01", Name: "Logiciel <\"&'>", Version: "1.0", Homologation: "LPS-TEST-1"},
		ID:        "_5f3f2d35-6f0c-4a3e-9d53-0d5a3f0f4b11",
	}
	if mode != saml.Direct {
		v.SubjectName = "MAX LIBRE"
	}
	return v
}

func options(t testing.TB) saml.Options {
	k := testKeys(t)
	return saml.Options{Now: now.Add(time.Second), Certificate: func(c *x509.Certificate) error {
		if err := pki.CheckSignature(c, now); err != nil {
			return err
		}
		return k.authority.Verify(c, now)
	}}
}

func TestSignVerify(t *testing.T) {
	t.Parallel()
	k := testKeys(t)
	for name, c := range map[string]struct {
		vihf func() saml.VIHF
		pair tls.Certificate
	}{
		"direct":          {func() saml.VIHF { return pharmacist(saml.Direct) }, k.cardSign},
		"indirect":        {func() saml.VIHF { return pharmacist(saml.Indirect) }, k.orgSign},
		"indirect strong": {func() saml.VIHF { return pharmacist(saml.IndirectStrong) }, k.orgSign},
		"SHA-1": {func() saml.VIHF {
			v := pharmacist(saml.Indirect)
			v.Dialect.Algorithm = xmlsec.RSASHA1
			return v
		}, k.orgSign},
		"everything": {func() saml.VIHF {
			v := pharmacist(saml.IndirectStrong)
			v.Purpose, v.Reason, v.Secret = saml.BrisDeGlace(), "patient inconscient", true
			v.Roles[0].SystemName = "professions"
			v.AuthnInstant = now.Add(-time.Hour)
			v.Dialect = saml.Dialect{Version: "4.0", ModeAttribute: "Authentification_Mode", AuthnContext: saml.ContextMobile, AuthnContextDecl: "APP_BROWSER_AUTH"}
			return v
		}, k.orgSign},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := c.vihf()
			b, err := v.Sign(c.pair, now)
			require.NoError(t, err)
			o := options(t)
			o.AllowSHA1 = v.Dialect.Algorithm == xmlsec.RSASHA1
			a, err := saml.Verify(b, o)
			require.NoError(t, err)
			require.Equal(t, now, a.IssueInstant)
			require.Equal(t, c.pair.Leaf.Raw, a.Certificate.Raw)
			got, err := a.VIHF()
			require.NoError(t, err)
			want := v
			want.Issuer = pki.DN(c.pair.Leaf)
			if want.AuthnInstant.IsZero() {
				want.AuthnInstant = now
			}
			if v.Dialect.Version == "" {
				want.Dialect.Version, want.Dialect.ModeAttribute, want.Dialect.AuthnContext = "3.0", "Authentification_mode", saml.ContextSmartcard
				if v.Mode == saml.IndirectStrong {
					want.Dialect.AuthnContextDecl = saml.ContextSmartcard
				}
			}
			if v.Secret {
				want.Dialect.ConfidentialityElement = "ConfidentialityCode"
			}
			require.Empty(t, cmp.Diff(want, *got))
		})
	}
}
