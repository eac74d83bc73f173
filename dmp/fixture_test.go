package dmp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keys are made once: RSA keys take time.
var keys = sync.OnceValue(func() (k struct {
	authority          *pki.Authority
	auth, sign         tls.Certificate
	cardAuth, cardSign tls.Certificate
}) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	var err error
	k.authority, err = pki.NewAuthority()
	must(err)
	org := pki.Organisation{Structure: pharmacy.ID.String(), Name: pharmacy.Name, State: "Paris (75)", CommonName: "dmp.example"}
	k.auth, err = k.authority.Organisation(org, pki.AuthClient)
	must(err)
	k.sign, err = k.authority.Organisation(org, pki.Sign)
	must(err)
	card := pki.Card{PersonID: pharmacist.ID.String(), FamilyName: pharmacist.FamilyName, GivenName: pharmacist.GivenName, Profession: "21"}
	k.cardAuth, err = k.authority.Card(card, pki.CardAuth)
	must(err)
	k.cardSign, err = k.authority.Card(card, pki.CardSign)
	must(err)
	return k
})

var pharmacy = socle.Structure{ID: structure("1750000010"), Name: "PHARMACIE DES ARCADES", Sector: socle.Code{Code: "SA33"}}

var pharmacist = socle.Professional{
	ID: rpps("10000000017"), FamilyName: "ARNICA", GivenName: "Paule",
	Profession: socle.Code{Code: socle.ProfessionPharmacist}, Speciality: socle.Code{Code: "A"}, Structure: pharmacy,
	Authn: socle.Authentication{Means: socle.MeansMobile, At: time.Now().Add(-time.Minute)},
}

func structure(s string) socle.StructureID {
	id, err := socle.ParseStructureID(s)
	if err != nil {
		panic(err)
	}
	return id
}

func rpps(s string) socle.PersonID {
	r, err := socle.ParseRPPS(s)
	if err != nil {
		panic(err)
	}
	return socle.FromRPPS(r)
}

var software = socle.Software{Name: "LGO Démo", Version: "1.2", Install: "5f3c9d8e-2b41-4c7a-9d2e-0a1b2c3d4e5f", OID: "1.2.250.1.999.7",
	Homologation: map[socle.Service]string{socle.ServiceDMP: "DMP-0001"}}

// setup starts an emulator and makes a client of it in mode Indirect.
func setup(t testing.TB, o dmptest.Options, change ...func(*dmp.Config)) (*dmptest.Server, *dmp.Client) {
	t.Helper()
	o.Authority = keys().authority
	srv, err := dmptest.NewServer(o)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv, client(t, srv, change...)
}

func config(srv *dmptest.Server) dmp.Config {
	k := keys()
	return dmp.Config{Environment: srv.Environment(), Software: software, Certificate: k.auth, Signature: k.sign, Roots: srv.Roots()}
}

func client(t testing.TB, srv *dmptest.Server, change ...func(*dmp.Config)) *dmp.Client {
	t.Helper()
	cfg := config(srv)
	for _, f := range change {
		f(&cfg)
	}
	c, err := dmp.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func direct(cfg *dmp.Config) {
	cfg.Certificate, cfg.Signature, cfg.Mode = keys().cardAuth, keys().cardSign, dmp.Direct
}

// find gives a patient of the emulator by name.
func find(t testing.TB, name string) dmptest.Patient {
	t.Helper()
	for _, p := range dmptest.Patients() {
		if p.Traits.BirthName == name {
			return p
		}
	}
	t.Fatal("no patient " + name)
	return dmptest.Patient{}
}

func qualified(t testing.TB, name string) ins.Identity {
	t.Helper()
	id, err := find(t, name).Qualified(time.Now())
	require.NoError(t, err)
	return id
}

// pdf is a file that begins as a PDF and says that it is PDF/A.
func pdf(size int) dmp.File {
	b := append([]byte("%PDF-1.4\n<pdfaid:part>1</pdfaid:part>\n"), bytes.Repeat([]byte("% page\n"), size/7)...)
	return dmp.Bytes("application/pdf", b)
}

func report() dmp.Report {
	return dmp.Report{Title: "Compte rendu d'entretien pharmaceutique", Type: dmp.Interview, File: pdf(2000)}
}

// prepared asks for the record and makes a document.
func prepared(t testing.TB, c *dmp.Client, patient ins.Identity, r dmp.Report) dmp.Submission {
	t.Helper()
	record, err := c.Exists(context.Background(), pharmacist, patient)
	require.NoError(t, err)
	doc, err := c.NewDocument(pharmacist, patient, r)
	require.NoError(t, err)
	return dmp.Submission{Record: record, Documents: []*dmp.Document{doc}}
}

// tampering sends what change makes of the bodies of requests: what a client
// that does not follow the rules would send.
func tampering(change func([]byte) []byte) func(*dmp.Config) {
	return func(cfg *dmp.Config) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, Certificates: []tls.Certificate{cfg.Certificate}}, DisableKeepAlives: true}
		cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			b = change(b)
			r = r.Clone(r.Context())
			r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
			return tr.RoundTrip(r)
		})}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
