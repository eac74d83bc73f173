package dmptest_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"

	"log"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	finess = "1750000010"
	rpps   = "810000000017"
)

var pairs = sync.OnceValue(func() (p struct {
	authority                              *pki.Authority
	auth, sign, otherAuth, otherSign       tls.Certificate
	cardAuth, cardSign, cpeAuth, strangers tls.Certificate
}) {
	must := func(c tls.Certificate, err error) tls.Certificate {
		if err != nil {
			panic(err)
		}
		return c
	}
	p.authority, _ = pki.NewAuthority()
	stranger, _ := pki.NewAuthority()
	org := pki.Organisation{Structure: finess, Name: "PHARMACIE", CommonName: "dmp"}
	other := pki.Organisation{Structure: "10B0127189", Name: "AUTRE", CommonName: "dmp"}
	p.auth, p.sign = must(p.authority.Organisation(org, pki.AuthClient)), must(p.authority.Organisation(org, pki.Sign))
	p.otherAuth, p.otherSign = must(p.authority.Organisation(other, pki.AuthClient)), must(p.authority.Organisation(other, pki.Sign))
	p.strangers = must(stranger.Organisation(org, pki.Sign))
	card := pki.Card{PersonID: rpps, FamilyName: "ARNICA", GivenName: "PAULE", Profession: "21"}
	p.cardAuth, p.cardSign = must(p.authority.Card(card, pki.CardAuth)), must(p.authority.Card(card, pki.CardSign))
	card.Type, card.Profession = pki.CPE, ""
	p.cpeAuth = must(p.authority.Card(card, pki.CardAuth))
	return p
})

func start(t *testing.T, o dmptest.Options) *dmptest.Server {
	t.Helper()
	o.Authority = pairs().authority
	srv, err := dmptest.NewServer(o)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv
}

func vihf() saml.VIHF {
	p := dmptest.Patients()[0]
	return saml.VIHF{Mode: saml.Indirect, NameID: rpps, SubjectName: "Paule ARNICA", StructureID: finess, Sector: socle.Code{Code: "SA33"},
		Roles:     []saml.Role{{Code: "21", System: socle.OIDProfession, Display: "Pharmacien"}, {Code: "A", System: socle.OIDPharmacistSection, Display: "titulaire"}},
		PatientID: p.INS.CX(), Software: saml.Software{Name: "LGO", Version: "1", Homologation: "H"}}
}

func query() []byte {
	p := dmptest.Patients()[0]
	return hl7v3.Query{
		Head: hl7v3.Head{ID: hl7v3.ID{Root: "1.2.1", Extension: "a"}, Created: time.Now(), Processing: "D",
			Receiver: hl7v3.Device{OID: hl7v3.OIDDMP, Software: "DMP"}, Sender: hl7v3.Device{OID: "1.2", Software: "LGO"}},
		Reason: hl7v3.ReasonExistence, QueryID: hl7v3.ID{Root: "1.2.2", Extension: "b"},
		Patient: hl7v3.ID{Root: p.INS.OID.String(), Extension: p.INS.Matricule.Wire()},
	}.Marshal()
}

func post(t *testing.T, srv *dmptest.Server, pair tls.Certificate, path string, m soap.Message) (*soap.Envelope, error) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.Roots(), Certificates: []tls.Certificate{pair}}, DisableKeepAlives: true}
	req, err := http.NewRequest(http.MethodPost, srv.URL()+path, bytes.NewReader(m.Marshal()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", m.ContentType())
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return soap.ReadResponse(resp, xmltree.Limits{})
}

const patients = "/si-dmp-server/v2/services/patients"

// A message that the client would not make, and what the emulator answers.
func TestVIHFsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := pairs()
	srv := start(t, dmptest.Options{})
	anyKey := func(v *saml.VIHF) { v.Dialect.AnyKeyUsage = true }
	for name, x := range map[string]struct {
		tls, sign tls.Certificate
		change    func(*saml.VIHF)
		code      string
		text      string
	}{
		"signed with the authentication key": {p.auth, p.auth, anyKey, "DMPInvalidCertificate", "Le certificat ayant signé le VIHF est invalide : Not a valid signature certificate"},
		"signed under another authority":     {p.auth, p.strangers, nil, "DMPInvalidCertificate", "Le certificat ayant signé le VIHF est invalide"},
		"signed by another organisation":     {p.auth, p.otherSign, func(v *saml.VIHF) { v.StructureID = "10B0127189" }, "DMPInvalidCertificate", "the same subject as the TLS certificate"},
		"another structure than the OU":      {p.auth, p.sign, func(v *saml.VIHF) { v.StructureID = "10B0127189"; v.Dialect.OtherStructure = true }, "Sender", "Erreur d'authentification de la personne morale"},
		"DIRECTE without a card":             {p.auth, p.cardSign, func(v *saml.VIHF) { v.Mode = saml.Direct }, "DMPInvalidCertificate", "of a card"},
		"INDIRECTE with a card":              {p.cardAuth, p.sign, nil, "DMPInvalidCertificate", "of an organisation"},
		"version":                            {p.auth, p.sign, func(v *saml.VIHF) { v.Dialect.Version = "2.0" }, "DMPInvalidVIHF", "VIHF_Version"},
		"mode in the other spelling":         {p.auth, p.sign, func(v *saml.VIHF) { v.Dialect.ModeAttribute = "Authentification_Mode" }, "", ""},
		"AIR":                                {p.auth, p.sign, func(v *saml.VIHF) { v.Mode = saml.IndirectStrong }, "", ""},
		"card":                               {p.cardAuth, p.cardSign, func(v *saml.VIHF) { v.Mode = saml.Direct }, "", ""},
		"as it should be":                    {p.auth, p.sign, nil, "", ""},
		"of another patient": {p.auth, p.sign, func(v *saml.VIHF) { v.PatientID = dmptest.Patients()[1].INS.CX() },
			"DMPInvalidVIHF", "resource-id: expected the patient of the message"},
	} {
		v := vihf()
		if x.change != nil {
			x.change(&v)
		}
		assertion, err := v.Sign(x.sign, time.Now())
		require.NoError(t, err, name)
		e, err := post(t, srv, x.tls, patients, soap.Message{Action: hl7v3.ActionQuery, MessageID: soap.NewMessageID(), Headers: [][]byte{saml.Security(assertion)}, Body: query()})
		if x.code == "" {
			require.NoError(t, err, name)
			require.True(t, e.Body.Is("urn:hl7-org:v3", "PRPA_IN201308UV02"), name)
			continue
		}
		var f *soap.Fault
		require.ErrorAs(t, err, &f, name)
		require.True(t, f.Has(x.code), "%s: %v", name, f)
		require.Contains(t, f.Reason, x.text, name)
		require.Equal(t, 500, f.Status)
	}
}

func TestTheSecondRoleIsWanted(t *testing.T) {
	t.Parallel()
	p := pairs()
	srv := start(t, dmptest.Options{})
	v := vihf()
	v.Roles = []saml.Role{{Code: "39", System: socle.OIDProfession, Display: "Préparateur"}} // needs none
	assertion, err := v.Sign(p.sign, time.Now())
	require.NoError(t, err)
	_, err = post(t, srv, p.auth, patients, soap.Message{Action: hl7v3.ActionQuery, MessageID: soap.NewMessageID(), Headers: [][]byte{saml.Security(assertion)}, Body: query()})
	require.NoError(t, err)

	// The card of somebody else.
	v = vihf()
	v.Mode, v.NameID = saml.Direct, "810000000025"
	assertion, err = v.Unsigned(p.auth.Leaf, time.Now())
	require.NoError(t, err)
	_, err = post(t, srv, p.cardAuth, patients, soap.Message{Action: hl7v3.ActionQuery, MessageID: soap.NewMessageID(), Headers: [][]byte{saml.Security(assertion)}, Body: query()})
	refused(t, err, "the holder of the card")

	// The writer refuses to make the other, which is unsigned here and so can be altered.
	v = vihf()
	v.Mode, v.SubjectName = saml.Direct, ""
	assertion, err = v.Unsigned(p.cardAuth.Leaf, time.Now())
	require.NoError(t, err)
	assertion = bytes.ReplaceAll(assertion, []byte(socle.OIDPharmacistSection), []byte("1.2.3"))
	_, err = post(t, srv, p.cardAuth, patients, soap.Message{Action: hl7v3.ActionQuery, MessageID: soap.NewMessageID(), Headers: [][]byte{saml.Security(assertion)}, Body: query()})
	refused(t, err, "Aucune spécialité dans le vihf")
}

func TestConnectionsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := pairs()
	srv := start(t, dmptest.Options{})
	m := soap.Message{Action: hl7v3.ActionQuery, MessageID: soap.NewMessageID(), Body: query()}
	for name, pair := range map[string]tls.Certificate{"none": {}, "of another authority": p.strangers} {
		_, err := post(t, srv, pair, patients, m)
		var f *soap.Fault
		require.Error(t, err, name)
		require.False(t, errors.As(err, &f), "%s: the handshake fails before any message", name)
	}
	_, err := post(t, srv, p.sign, patients, m)
	require.Error(t, err, "a certificate that may not authenticate")
	_, err = post(t, srv, p.auth, "/elsewhere", m)
	var r *soap.ResponseError
	require.ErrorAs(t, err, &r)
	require.Equal(t, 404, r.Status)
	m.Action = "urn:hl7-org:v3:PRPA_IN201311UV02"
	for _, path := range []string{patients, "/si-dmp-server/v2/services/repository"} {
		_, err = post(t, srv, p.auth, path, m)
		var f *soap.Fault
		require.ErrorAs(t, err, &f)
		require.True(t, f.Has("ActionNotSupported"))
	}
}

func TestFeedingFollowsTheMatrices(t *testing.T) {
	t.Parallel()
	p := pairs()
	srv := start(t, dmptest.Options{})
	const provide = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
	for name, x := range map[string]struct {
		tls  tls.Certificate
		vihf func() ([]byte, error)
	}{
		"AIR, c'est non": {p.auth, func() ([]byte, error) { v := vihf(); v.Mode = saml.IndirectStrong; return v.Sign(p.sign, time.Now()) }},
		"non PS, carte": {p.cpeAuth, func() ([]byte, error) {
			v := vihf()
			v.Mode = saml.Direct
			return v.Unsigned(p.cpeAuth.Leaf, time.Now())
		}},
	} {
		assertion, err := x.vihf()
		require.NoError(t, err)
		_, err = post(t, srv, x.tls, "/si-dmp-server/v2/services/repository", soap.Message{Action: provide, MessageID: soap.NewMessageID(),
			Headers: [][]byte{saml.Security(assertion)}, Body: []byte("<x></x>")})
		var f *soap.Fault
		require.ErrorAs(t, err, &f, name)
		require.True(t, f.Has("DMPAccessDeniedByRightsService"), "%s: %v", name, f)
	}
	// Who may feed must still send a package.
	v := vihf()
	assertion, err := v.Sign(p.sign, time.Now())
	require.NoError(t, err)
	_, err = post(t, srv, p.auth, "/si-dmp-server/v2/services/repository", soap.Message{Action: provide, MessageID: soap.NewMessageID(),
		Headers: [][]byte{saml.Security(assertion)}, Body: []byte("<x></x>")})
	refused(t, err, "multipart/related")
}

// refused checks the rule that a fault names.
func refused(t *testing.T, err error, rule string) {
	t.Helper()
	var f *soap.Fault
	require.ErrorAs(t, err, &f)
	require.Contains(t, f.Reason, rule)
}

func TestTheServerHasItsOwnTime(t *testing.T) {
	t.Parallel()
	p := pairs()
	clock := emulator.NewClock(time.Now())
	srv := start(t, dmptest.Options{Clock: clock, MaxAge: 10 * time.Minute})
	v := vihf()
	assertion, err := v.Sign(p.sign, clock.Now())
	require.NoError(t, err)
	ask := func() error {
		_, err := post(t, srv, p.auth, patients, soap.Message{Action: hl7v3.ActionQuery, MessageID: soap.NewMessageID(), Headers: [][]byte{saml.Security(assertion)}, Body: query()})
		return err
	}
	require.NoError(t, ask())
	srv.Clock().Advance(16 * time.Minute)
	refused(t, ask(), "IssueInstant")
	require.Len(t, srv.Journal(), 2)
	require.Equal(t, "TD0.2", srv.Journal()[1].Operation)
	require.Equal(t, pki.DN(p.auth.Leaf), srv.Journal()[1].ClientDN)
}

func TestCertificatesOfTheServer(t *testing.T) {
	t.Parallel()
	srv := start(t, dmptest.Options{})
	id, err := socle.ParseStructureID(finess)
	require.NoError(t, err)
	auth, err := srv.ClientCertificate(socle.Structure{ID: id, Name: "PHARMACIE"})
	require.NoError(t, err)
	require.Equal(t, finess, pki.Classify(auth.Leaf).Structure)
	_, _, err = srv.Card(socle.Professional{})
	require.Error(t, err)
	_, _, err = srv.Organisation(socle.Structure{})
	require.Error(t, err)
	require.Error(t, srv.AddPatient(dmptest.Patient{INS: dmptest.Patients()[0].INS}))
	_, err = dmptest.NewServer(dmptest.Options{Patients: []dmptest.Patient{{}}})
	require.Error(t, err)
	_, err = dmptest.Document{Content: []byte("<x/>")}.PDF()
	require.Error(t, err)
}

// The emulator is told to fail as the network does, or to refuse as the service does.
func Example() {
	srv, err := dmptest.NewServer(dmptest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.Fail(emulator.Fault{Operation: "TD2.1", ResetAfter: true})
	srv.Refuse(dmptest.Failure{Registry: []dmp.RegistryError{{Code: "XDSRegistryBusy", Severity: "Error"}}})
	for _, p := range dmptest.Patients()[:3] {
		fmt.Println(p.Purpose+":", p.State)
	}
	// Output:
	// common: open
	// no DMP: none
	// closed DMP: closed
}
