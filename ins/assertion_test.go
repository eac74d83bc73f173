package ins_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/xmlsec"
)

// cards are the pairs of one card, made once.
var cards = sync.OnceValue(func() map[pki.Usage]tls.Certificate {
	a, _ := shared()
	pairs := map[pki.Usage]tls.Certificate{}
	for _, u := range []pki.Usage{pki.CardSign, pki.CardAuth} {
		c, err := a.Card(pki.Card{PersonID: who.ID.String(), FamilyName: "SPECIMEN", GivenName: "CAMILLE", Title: "Pharmacien", Profession: "21"}, u)
		if err != nil {
			panic(err)
		}
		pairs[u] = c
	}
	return pairs
})

var pharmacy = ins.PSAttributes{BillingID: "991130972", Sector: "SA33"}

// withCard makes the configuration of a client that a card authenticates.
func withCard(t *testing.T, edit ...func(*ins.CPxConfig)) func(*ins.Config) {
	t.Helper()
	card := ins.CPxConfig{Card: cards()[pki.CardSign], Attributes: pharmacy}
	for _, f := range edit {
		f(&card)
	}
	a, err := ins.NewCPx(card)
	require.NoError(t, err)
	return func(cfg *ins.Config) { cfg.Certificate, cfg.Authentication = tls.Certificate{}, a }
}

func TestACardAuthenticates(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{Assertions: true}, withCard(t))
	for range 2 {
		r, err := c.SearchByTraits(t.Context(), who, zoe(t))
		require.NoError(t, err)
		require.Equal(t, "275126322074974", r.Active.Matricule.Wire())
	}
	first, second := string(srv.Journal()[0].Request), string(srv.Journal()[1].Request)
	require.Contains(t, first, `NameQualifier="CPS"`)
	require.Contains(t, first, "<ctxlps:Emetteur>"+who.ID.String()+"<")
	require.Equal(t, "/ps/lps", srv.Journal()[0].Path)
	require.Empty(t, srv.Journal()[0].ClientDN, "one-way TLS")
	between := func(s string) string {
		return s[strings.Index(s, "<saml:Assertion"):strings.Index(s, "</saml:Assertion")]
	}
	require.Equal(t, between(first), between(second), "the card signs once")

	verified, err := c.Verify(t.Context(), who, zoeClaim(t))
	require.NoError(t, err)
	require.True(t, verified.Confirmed)
	_, err = c.SearchByTraits(t.Context(), socle.Professional{}, zoe(t))
	require.NoError(t, err, "nobody in particular: the holder of the card")
	other, err := socle.ParsePersonID("899700735741")
	require.NoError(t, err)
	_, err = c.SearchByTraits(t.Context(), socle.Professional{ID: other}, zoe(t))
	require.ErrorIs(t, err, ins.ErrNotAuthorized)
	require.ErrorContains(t, err, "another professional's")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

func TestTheKindOfTheCardComesFromItsCertificate(t *testing.T) {
	t.Parallel()
	a, _ := shared()
	for _, kind := range []pki.CardType{pki.CPF, pki.CPE, pki.CPA} {
		pair, err := a.Card(pki.Card{PersonID: who.ID.String(), FamilyName: "SPECIMEN", Type: kind}, pki.CardSign)
		require.NoError(t, err)
		srv, c := setup(t, instest.Options{Assertions: true}, withCard(t, func(card *ins.CPxConfig) { card.Card = pair }))
		_, err = c.SearchByTraits(t.Context(), who, zoe(t))
		require.NoError(t, err)
		require.Contains(t, string(srv.Journal()[0].Request), `NameQualifier="`+string(kind)+`"`)
	}
}

func TestNewCPxTellsEveryProblem(t *testing.T) {
	t.Parallel()
	a, software := shared()
	doctor, err := a.Card(pki.Card{PersonID: who.ID.String(), FamilyName: "SPECIMEN", Profession: "10"}, pki.CardSign)
	require.NoError(t, err)
	seal, err := a.Organisation(pki.Organisation{Structure: structure, Name: "X", CommonName: "CACHET"}, pki.Sign)
	require.NoError(t, err)
	for name, row := range map[string]struct {
		cfg  ins.CPxConfig
		says string
	}{
		"nothing":              {ins.CPxConfig{}, "Attributes.BillingID"},
		"no card":              {ins.CPxConfig{Attributes: pharmacy}, "Card"},
		"authentication pair":  {ins.CPxConfig{Card: cards()[pki.CardAuth], Attributes: pharmacy}, "swapped"},
		"software certificate": {ins.CPxConfig{Card: software, Attributes: pharmacy}, "swapped"},
		"seal of a structure":  {ins.CPxConfig{Card: seal, Attributes: pharmacy}, "not that of a CPx card"},
		"doctor":               {ins.CPxConfig{Card: doctor, Attributes: pharmacy}, "mandatory for a doctor"},
		"expired":              {ins.CPxConfig{Card: cards()[pki.CardSign], Attributes: pharmacy, Clock: func() time.Time { return time.Now().AddDate(4, 0, 0) }}, "ended on"},
		"names":                {ins.CPxConfig{Card: cards()[pki.CardSign], Attributes: pharmacy, Names: ins.AttributeNames{Sector: "x", Speciality: "x"}}, "same name"},
		"negative age":         {ins.CPxConfig{Card: cards()[pki.CardSign], Attributes: pharmacy, Renew: -1}, "Renew"},
	} {
		_, err := ins.NewCPx(row.cfg)
		require.ErrorIs(t, err, ins.ErrInvalid, name)
		require.ErrorContains(t, err, row.says, name)
	}
}

// removable is a signer that may be taken out of the reader.
type removable struct {
	crypto.Signer
	out bool
}

func (c *removable) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	if c.out {
		return nil, errors.New("CKR_DEVICE_REMOVED")
	}
	return c.Signer.Sign(r, digest, o)
}

func TestAnAssertionIsRenewedInTime(t *testing.T) {
	t.Parallel()
	clock := emulator.NewClock(time.Now())
	pair := cards()[pki.CardSign]
	signer := &removable{Signer: pair.PrivateKey.(crypto.Signer)}
	pair.PrivateKey = signer
	srv, c := setup(t, instest.Options{Assertions: true, Clock: clock}, withCard(t, func(card *ins.CPxConfig) {
		card.Card, card.Clock, card.Renew = pair, clock.Now, 30*time.Minute
	}), func(cfg *ins.Config) { cfg.Clock = clock.Now })
	ids := map[string]bool{}
	for range 4 { // at 0, 20, 40 and 60 minutes
		_, err := c.SearchByTraits(t.Context(), who, zoe(t))
		require.NoError(t, err)
		request := string(srv.Journal()[len(srv.Journal())-1].Request)
		at := strings.Index(request, ` ID="_`)
		ids[request[at:at+42]] = true
		clock.Advance(20 * time.Minute)
	}
	require.Len(t, ids, 2, "signed at 0 and 40 minutes")
	signer.out = true
	_, err := c.SearchByTraits(t.Context(), who, zoe(t))
	require.ErrorIs(t, err, ins.ErrNotAuthorized)
	require.ErrorContains(t, err, "CKR_DEVICE_REMOVED")
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

func TestProSanteConnectAuthenticates(t *testing.T) {
	t.Parallel()
	var calls int
	a, err := ins.NewPSC(ins.PSCConfig{Attributes: ins.PSAttributes{BillingID: "991130972", Speciality: "50", Profession: "21"},
		Token: func(_ context.Context, p socle.Professional) (string, error) {
			calls++
			if p.ID != who.ID {
				return "", errors.New("no session")
			}
			return "the-access-token", nil
		}})
	require.NoError(t, err)
	var seen string
	srv, c := setup(t, instest.Options{Assertions: true, Introspect: func(_ context.Context, token string) (string, error) {
		if seen = token; token != "the-access-token" {
			return "", errors.New("inactive")
		}
		return who.ID.String(), nil
	}}, func(cfg *ins.Config) { cfg.Authentication = a })
	r, err := c.SearchByTraits(t.Context(), who, zoe(t))
	require.NoError(t, err)
	require.Equal(t, "275126322074974", r.Active.Matricule.Wire())
	require.Equal(t, "the-access-token", seen)
	request := string(srv.Journal()[0].Request)
	require.Equal(t, "/psc/lps", srv.Journal()[0].Path)
	for _, s := range []string{`NameQualifier="PSC"`, `Name="codeSpecialiteAMO"`, `Name="gipProfessionCode"`, `Name="identifiantFacturation"`} {
		require.Contains(t, request, s)
	}
	require.NotContains(t, request, "Signature")
	require.NotContains(t, request, "the-access-token")

	_, err = c.SearchByTraits(t.Context(), socle.Professional{}, zoe(t))
	require.ErrorIs(t, err, ins.ErrNotAuthorized)
	require.ErrorContains(t, err, "names no professional")
	other, _ := socle.ParsePersonID("899700735741")
	_, err = c.SearchByTraits(t.Context(), socle.Professional{ID: other}, zoe(t))
	require.ErrorContains(t, err, "no session")
	require.Len(t, srv.Journal(), 1, "nothing was sent")
	require.Equal(t, 2, calls)

	doctor := who
	doctor.Profession.Code = socle.ProfessionDoctor
	b, err := ins.NewPSC(ins.PSCConfig{Attributes: pharmacy, Token: func(context.Context, socle.Professional) (string, error) { return "", nil },
		Carry: func(h http.Header, token string) { h.Set("X-Token", token) }})
	require.NoError(t, err)
	_, err = b.Authenticate(t.Context(), doctor)
	require.ErrorContains(t, err, "Speciality")
	_, err = b.Authenticate(t.Context(), who)
	require.ErrorContains(t, err, "token is empty")
	_, err = ins.NewPSC(ins.PSCConfig{})
	require.ErrorContains(t, err, "Token")
	require.ErrorContains(t, err, "BillingID")

	env := srv.Environment()
	env.PSCURL = ""
	_, err = ins.New(ins.Config{Environment: env, Software: instest.Software(), Roots: srv.Roots(), Authentication: a})
	require.ErrorContains(t, err, "PSCURL")
}

func TestTheEmulatorRefusesATokenOfAnother(t *testing.T) {
	t.Parallel()
	a, err := ins.NewPSC(ins.PSCConfig{Attributes: pharmacy, Token: func(context.Context, socle.Professional) (string, error) { return "t", nil }})
	require.NoError(t, err)
	holder := "899700735741"
	_, c := setup(t, instest.Options{Assertions: true, Introspect: func(context.Context, string) (string, error) {
		if holder == "" {
			return "", errors.New("inactive")
		}
		return holder, nil
	}}, func(cfg *ins.Config) { cfg.Authentication = a })
	_, err = c.SearchByTraits(t.Context(), who, zoe(t))
	require.ErrorIs(t, err, ins.ErrRejected)
	require.ErrorContains(t, err, "another professional")
	holder = ""
	_, err = c.SearchByTraits(t.Context(), who, zoe(t))
	require.ErrorContains(t, err, "access token")
}

func TestAReadyAssertionGoesByteForByte(t *testing.T) {
	t.Parallel()
	cpx, err := ins.NewCPx(ins.CPxConfig{Card: cards()[pki.CardSign], Attributes: pharmacy})
	require.NoError(t, err)
	made, err := cpx.Authenticate(t.Context(), who)
	require.NoError(t, err)
	// Another writer's habits: single quotes are signed as they canonicalise.
	odd := []byte(strings.Replace(string(made.XML), `Version="2.0"`, `Version='2.0' `, 1))
	for name, xml := range map[string][]byte{"ours": made.XML, "another writer's": odd, "with a prolog": append([]byte("<?xml version=\"1.0\"?>\n"), odd...)} {
		a, err := ins.ReadyAssertion(xml, http.Header{"X-Trace": {"1"}})
		require.NoError(t, err, name)
		srv, c := setup(t, instest.Options{Assertions: true}, func(cfg *ins.Config) { cfg.Certificate, cfg.Authentication = tls.Certificate{}, a })
		_, err = c.SearchByTraits(t.Context(), who, zoe(t))
		require.NoError(t, err, name)
		want := xml
		if name == "with a prolog" {
			want = odd
		}
		require.Contains(t, string(srv.Journal()[0].Request), ">"+string(want)+"</wsse:Security>", name)
	}
	vitale := strings.Replace(string(made.XML), `"CPS"`, `"VITALE"`, 1)
	for name, row := range map[string]struct{ xml, says string }{
		"nothing":      {"", "empty"},
		"not XML":      {"eyJhbGciOi", "does not parse"},
		"no assertion": {"<a/>", "Assertion of SAML 2.0"},
		"no name":      {`<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" IssueInstant="2026-01-01T00:00:00Z"/>`, "NameID"},
		"no time":      {strings.Replace(string(made.XML), "IssueInstant", "Issued", 1), "IssueInstant"},
		"DOCTYPE":      {"<!DOCTYPE a>" + string(made.XML), "does not parse"},
	} {
		_, err := ins.ReadyAssertion([]byte(row.xml), nil)
		require.ErrorIs(t, err, ins.ErrInvalid, name)
		require.ErrorContains(t, err, row.says, name)
	}
	a, err := ins.ReadyAssertion([]byte(vitale), nil)
	require.NoError(t, err)
	_, c := setup(t, instest.Options{Assertions: true}, func(cfg *ins.Config) { cfg.Authentication = a })
	_, err = c.SearchByTraits(t.Context(), who, zoe(t))
	require.ErrorIs(t, err, ins.ErrNotAuthorized)
	require.ErrorContains(t, err, "carte Vitale")
}

// The client refuses what INSi would find too old; the emulator refuses the
// same, when the client is told to send it.
func TestAnOldAssertionIsRefusedOnBothSides(t *testing.T) {
	t.Parallel()
	clock := emulator.NewClock(time.Now())
	cpx, err := ins.NewCPx(ins.CPxConfig{Card: cards()[pki.CardSign], Attributes: pharmacy, Clock: clock.Now})
	require.NoError(t, err)
	made, err := cpx.Authenticate(t.Context(), who)
	require.NoError(t, err)
	a, err := ins.ReadyAssertion(made.XML, nil)
	require.NoError(t, err)
	srv, c := setup(t, instest.Options{Assertions: true, Clock: clock}, func(cfg *ins.Config) { cfg.Authentication, cfg.Clock = a, clock.Now })
	lax := ins.Config{Environment: srv.Environment(), Software: instest.Software(), Roots: srv.Roots(), Authentication: a, Dialect: ins.Dialect{AssertionMaxAge: 24 * time.Hour}}
	lax.Clock = clock.Now
	sends, err := ins.New(lax)
	require.NoError(t, err)
	t.Cleanup(sends.Close)
	for _, row := range []struct {
		age time.Duration
		ok  bool
	}{{0, true}, {59 * time.Minute, true}, {61 * time.Minute, false}, {-10 * time.Minute, false}} {
		clock.Advance(row.age)
		before := len(srv.Journal())
		_, err := c.SearchByTraits(t.Context(), who, zoe(t))
		if row.ok {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, ins.ErrStale)
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
			require.Len(t, srv.Journal(), before)
			if row.age > 0 {
				_, err = sends.SearchByTraits(t.Context(), who, zoe(t))
				require.ErrorIs(t, err, ins.ErrRejected)
				require.ErrorContains(t, err, "IssueInstant")
			}
		}
		clock.Advance(-row.age)
	}
}

// Each row spoils the assertion of a card; the emulator names the rule.
func TestWhatTheEmulatorRefusesOfACard(t *testing.T) {
	t.Parallel()
	a, _ := shared()
	strange, err := foreign().Card(pki.Card{PersonID: who.ID.String(), FamilyName: "SPECIMEN", Profession: "21"}, pki.CardSign)
	require.NoError(t, err)
	doctor, err := a.Card(pki.Card{PersonID: who.ID.String(), FamilyName: "SPECIMEN", Profession: "10"}, pki.CardSign)
	require.NoError(t, err)
	for name, row := range map[string]struct {
		card func(*ins.CPxConfig)
		edit func(string) string
		says string
	}{
		"card of another authority": {card: func(c *ins.CPxConfig) { c.Card = strange }, says: "AssertionPS Signature"},
		"one character changed":     {edit: func(s string) string { return strings.Replace(s, "991130972", "991130973", 1) }, says: "AssertionPS Signature"},
		"unsigned": {edit: func(s string) string {
			return s[:strings.Index(s, "<ds:Signature")] + s[strings.Index(s, "</ds:Signature>")+len("</ds:Signature>"):]
		}, says: "AssertionPS Signature"},
		"billing":           {card: func(c *ins.CPxConfig) { c.Attributes.BillingID = "12" }, says: "identifiantFacturation"},
		"unknown attribute": {card: func(c *ins.CPxConfig) { c.Names.Sector = "secteur" }, says: "Attribute"},
		"profession":        {card: func(c *ins.CPxConfig) { c.Attributes.Profession = "21" }, says: "gipProfessionCode"},
		"doctor's speciality under another name": {card: func(c *ins.CPxConfig) {
			c.Card, c.Attributes.Speciality, c.Names = doctor, "01", ins.AttributeNames{Speciality: "specialite"}
		}, says: "Attribute"},
		"dated in the future": {card: func(c *ins.CPxConfig) { c.Clock = func() time.Time { return time.Now().Add(7 * time.Minute) } }, says: "IssueInstant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := ins.CPxConfig{Card: cards()[pki.CardSign], Attributes: pharmacy}
			if row.card != nil {
				row.card(&cfg)
			}
			cpx, err := ins.NewCPx(cfg)
			require.NoError(t, err)
			made, err := cpx.Authenticate(t.Context(), who)
			require.NoError(t, err)
			xml := string(made.XML)
			if row.edit != nil {
				xml = row.edit(xml)
				require.NotEqual(t, string(made.XML), xml)
			}
			ready, err := ins.ReadyAssertion([]byte(xml), nil)
			require.NoError(t, err)
			_, c := setup(t, instest.Options{Assertions: true}, func(cfg *ins.Config) {
				cfg.Authentication, cfg.Clock = ready, func() time.Time { return time.Now().Add(4 * time.Minute) } // so that the client lets it pass
			})
			_, err = c.SearchByTraits(t.Context(), who, zoe(t))
			require.ErrorIs(t, err, ins.ErrRejected)
			require.ErrorContains(t, err, row.says)
		})
	}
	_, c := setup(t, instest.Options{Assertions: true}, withCard(t, func(c *ins.CPxConfig) { c.Card, c.Attributes.Speciality = doctor, "01" }))
	_, err = c.SearchByTraits(t.Context(), who, zoe(t))
	require.NoError(t, err)
}

// own is a vendor's authenticator.
type own func(context.Context, socle.Professional) (ins.Assertion, error)

func (f own) Authenticate(ctx context.Context, who socle.Professional) (ins.Assertion, error) {
	return f(ctx, who)
}

func TestAnAuthenticatorThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("no reader")
	for name, row := range map[string]struct {
		f  own
		is error
	}{
		"error":   {func(context.Context, socle.Professional) (ins.Assertion, error) { return ins.Assertion{}, broken }, broken},
		"nothing": {func(context.Context, socle.Professional) (ins.Assertion, error) { return ins.Assertion{}, nil }, ins.ErrInvalid},
		"cancelled": {func(ctx context.Context, _ socle.Professional) (ins.Assertion, error) {
			<-ctx.Done()
			return ins.Assertion{}, ctx.Err()
		}, context.DeadlineExceeded},
	} {
		srv, c := setup(t, instest.Options{Assertions: true}, func(cfg *ins.Config) { cfg.Authentication = row.f })
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := c.SearchByTraits(ctx, who, zoe(t))
		cancel()
		var e *ins.Error
		require.ErrorAs(t, err, &e, name)
		require.ErrorIs(t, err, row.is, name)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err), name)
		require.Empty(t, srv.Journal())
	}
}

func TestAssertionsAreHidden(t *testing.T) {
	t.Parallel()
	cpx, err := ins.NewCPx(ins.CPxConfig{Card: cards()[pki.CardSign], Attributes: pharmacy})
	require.NoError(t, err)
	a, err := cpx.Authenticate(t.Context(), who)
	require.NoError(t, err)
	for _, v := range []any{a, cpx, ins.VitaleAssertion{XML: a.XML, Card: "0123"}} {
		for _, s := range []string{fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v)} {
			require.NotContains(t, s, "991130972")
			require.NotContains(t, s, who.ID.String())
			require.NotContains(t, s, "0123")
		}
	}
}

// resign makes the assertion of a card say something else, and signs that with
// a pair, as a software might that got a rule wrong.
func resign(t *testing.T, pair tls.Certificate, edit *strings.Replacer) []byte {
	t.Helper()
	cpx, err := ins.NewCPx(ins.CPxConfig{Card: cards()[pki.CardSign], Attributes: pharmacy})
	require.NoError(t, err)
	made, err := cpx.Authenticate(t.Context(), who)
	require.NoError(t, err)
	s := string(made.XML)
	at, end := strings.Index(s, "<ds:Signature "), strings.Index(s, "</ds:Signature>")+len("</ds:Signature>")
	before, after := edit.Replace(s[:at]), edit.Replace(s[end:])
	id := s[strings.Index(s, ` ID="`)+5:][:37]
	signature, err := xmlsec.SignEnveloped([]byte(before+after), id, pair, xmlsec.RSASHA256)
	require.NoError(t, err)
	return []byte(before + string(signature) + after)
}

func TestWhatTheEmulatorRefusesOfASignedAssertion(t *testing.T) {
	t.Parallel()
	a, software := shared()
	seal, err := a.Organisation(pki.Organisation{Structure: structure, Name: "X", CommonName: who.ID.String()}, pki.Sign)
	require.NoError(t, err)
	card := cards()[pki.CardSign]
	for name, row := range map[string]struct {
		pair tls.Certificate
		edit *strings.Replacer
		says string
	}{
		"nothing wrong":                      {card, strings.NewReplacer(), ""},
		"signed by the authentication pair":  {cards()[pki.CardAuth], strings.NewReplacer(), "nonRepudiation"},
		"signed by the software certificate": {software, strings.NewReplacer(), "nonRepudiation"},
		"signed by a seal of the structure":  {seal, strings.NewReplacer(), "Issuer"},
		"kind of card":                       {card, strings.NewReplacer(`"CPS"`, `"CPF"`), "1.2.250.1.71.1.2.2"},
		"another holder":                     {card, strings.NewReplacer(">"+who.ID.String()+"<", ">899700735741<"), "the CN of the signing certificate"},
		"another issuer":                     {card, strings.NewReplacer("C=FR", "C=BE"), "the subject of the signing certificate"},
		"format of the issuer":               {card, strings.NewReplacer("X509SubjectName", "unspecified"), "Issuer Format"},
		"order":                              {card, strings.NewReplacer("<saml:AttributeStatement>", "<saml:Conditions></saml:Conditions><saml:AttributeStatement>"), "unknown Conditions"},
		"an attribute twice":                 {card, strings.NewReplacer("secteurActivite", "identifiantFacturation"), "several"},
		"an attribute without value":         {card, strings.NewReplacer(">SA33<", "><"), "a value"},
		"no billing identifier":              {card, strings.NewReplacer("identifiantFacturation", "codeSpecialite"), "identifiantFacturation"},
		"version":                            {card, strings.NewReplacer(`Version="2.0"`, `Version="1.1"`), "Version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ready, err := ins.ReadyAssertion(resign(t, row.pair, row.edit), nil)
			require.NoError(t, err)
			_, c := setup(t, instest.Options{Assertions: true}, func(cfg *ins.Config) { cfg.Authentication = ready })
			_, err = c.SearchByTraits(t.Context(), who, zoe(t))
			if row.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ins.ErrRejected)
			require.ErrorContains(t, err, row.says)
		})
	}
}
