package dmp_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/pki"
)

func TestNewReportsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, err := dmp.New(dmp.Config{MaxDocumentSize: -1})
	for _, field := range []string{"Environment.Base", "Software.Name", "Software.Version", "Software.Install", "Software.OID",
		"Software.Homologation[dmp]", "Certificate", "Signature", "Roots", "MaxDocumentSize"} {
		require.ErrorContains(t, err, "dmp: Config."+field)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	k := keys()
	elsewhere, err := k.authority.Organisation(pki.Organisation{Structure: pharmacy.ID.String(), Name: pharmacy.Name, CommonName: "other"}, pki.Sign)
	require.NoError(t, err)
	for want, change := range map[string]func(*dmp.Config){
		"Config.Environment.Base: an https address":                    func(c *dmp.Config) { c.Environment.Base = "http://dmp.example" },
		"Config.Certificate: pki":                                      func(c *dmp.Config) { c.Certificate = k.sign },
		"Config.Signature: pki":                                        func(c *dmp.Config) { c.Signature = k.auth },
		"look swapped":                                                 func(c *dmp.Config) { c.Certificate, c.Signature = k.sign, k.auth },
		"Config.Mode: DIRECTE, INDIRECTE":                              func(c *dmp.Config) { c.Mode = "DELEGUEE" },
		"Config.Mode: DIRECTE needs the signature pair of a card":      func(c *dmp.Config) { c.Mode = dmp.Direct },
		"Config.Mode: INDIRECTE needs the SIGN certificate":            func(c *dmp.Config) { direct(c); c.Mode = dmp.Indirect },
		"Config.Signature: its subject is not that of Certificate":     func(c *dmp.Config) { c.Signature = elsewhere },
		"Config.Signature: its holder is not that of Certificate":      func(c *dmp.Config) { c.Signature = k.cardSign },
		"Config.Certificate: pki: ":                                    func(c *dmp.Config) { c.Certificate = tls.Certificate{} },
		"a certificate of the test IGC-Santé is refused in production": func(c *dmp.Config) { c.Environment.Production = true },
		"expired": func(c *dmp.Config) { c.Clock = func() time.Time { return time.Now().AddDate(5, 0, 0) } },
	} {
		cfg := config(srv)
		change(&cfg)
		_, err := dmp.New(cfg)
		require.ErrorContains(t, err, want)
	}
}

func TestTheModeIsThatOfTheCertificates(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	card := client(t, srv, direct, func(c *dmp.Config) { c.Mode = "" })
	patient := qualified(t, "HALL")
	_, err := card.Submit(t.Context(), pharmacist, patient, prepared(t, card, patient, report()))
	require.NoError(t, err)
	require.Equal(t, "DIRECTE", srv.Documents(find(t, "HALL").INS)[0].Mode)
}

func TestARealIdentityOutsideProductionIsWarnedAbout(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, func(cfg *dmp.Config) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	p := realPatient(t, "HALL")
	id, err := p.Qualified(time.Now())
	require.NoError(t, err)
	_, err = c.Exists(t.Context(), pharmacist, id)
	require.NoError(t, err)
	require.Contains(t, log.String(), "a real identity is sent outside production")
	require.NotContains(t, log.String(), p.INS.Matricule.Wire())
}

func TestServicesMayHaveTheirOwnAddress(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, func(cfg *dmp.Config) {
		cfg.Environment = dmp.Environment{Base: "https://nowhere.example/v2", Services: map[string]string{"patients": srv.Environment().Base + "/patients"}}
	})
	_, err := c.Exists(t.Context(), pharmacist, qualified(t, "HALL"))
	require.NoError(t, err)
	require.True(t, dmp.Production().Production)
}

func TestAWrongAddressIsToldAsSuch(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, func(cfg *dmp.Config) { cfg.Environment.Base += "/wrong" })
	_, err := c.Exists(t.Context(), pharmacist, qualified(t, "HALL"))
	require.ErrorIs(t, err, dmp.ErrAnswer)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	var e *dmp.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, 404, e.Status)
}

func TestWhoAnswersInPlaceOfTheDMP(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	stranger, err := pki.NewAuthority()
	require.NoError(t, err)
	c := client(t, srv, func(cfg *dmp.Config) { cfg.Roots = stranger.Roots() })
	_, err = c.Exists(t.Context(), pharmacist, qualified(t, "HALL"))
	require.ErrorContains(t, err, "check Roots")
	require.NotErrorIs(t, err, dmp.ErrUnavailable)
	require.False(t, socle.Retryable(err))

	// A certificate of another authority is refused by the service.
	other, err := stranger.Organisation(pki.Organisation{Structure: pharmacy.ID.String(), Name: pharmacy.Name, State: "Paris (75)", CommonName: "dmp.example"}, pki.AuthClient)
	require.NoError(t, err)
	c = client(t, srv, func(cfg *dmp.Config) { cfg.Certificate = other })
	_, err = c.Exists(t.Context(), pharmacist, qualified(t, "HALL"))
	// With TLS 1.3 the alert comes after the request began, and may be lost with
	// the connection: then all that is known is that nobody answers.
	require.True(t, errors.Is(err, dmp.ErrInvalidCertificate) || errors.Is(err, dmp.ErrUnavailable), "%v", err)
	require.Empty(t, srv.Journal())
}
