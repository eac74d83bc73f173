package instest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/emulator"
)

// The requests of these tests are written by hand too.
const (
	actionOf2 = "urn:ServiceIdentiteCertifiee:1.0.0:rechercherInsAvecTraitsIdentite"
	bodyOf2   = `<ins:RECSANSVITALE><ins:NomNaissance>PATB-QUATRE</ins:NomNaissance><ins:Prenom>LAURENCE</ins:Prenom><ins:Sexe>F</ins:Sexe><ins:DateNaissance>1907-05-25</ins:DateNaissance></ins:RECSANSVITALE>`
	claimXML  = `<INSFourni><IdIndividu><NumIdentifiant>297022A020778</NumIdentifiant><Cle>78</Cle></IdIndividu><OID>1.2.250.1.213.1.4.8</OID></INSFourni><TraitsIdentiteIndividu><NomNaissance>ADRTROIS</NomNaissance><Prenom>DOMINIQUE</Prenom><ListePrenom>DOMINIQUE</ListePrenom><Sexe>F</Sexe><DateNaissance>1997-02-26</DateNaissance></TraitsIdentiteIndividu>`
	vitaleXML = `<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0" ID="v1" IssueInstant="2026-03-02T09:20:00Z"><a:Issuer>899900063480</a:Issuer><a:Subject><a:NameID NameQualifier="VITALE">0123456789</a:NameID></a:Subject></a:Assertion></w:Security>`
	vitaleWS1 = `<RECVITALE xmlns="http://www.cnamts.fr/INSiRecVit"><MatriculeOD><NumIdentifiant>1810163220751</NumIdentifiant><Cle>40</Cle></MatriculeOD><NomNaissance>ECETINSI</NomNaissance><DateNaissance>2009-07-14</DateNaissance><RangNaissance>1</RangNaissance></RECVITALE>`
	cover     = `<urn:COUVERTURE><urn:ASSURE><urn:Id><urn:Num>1810163220751</urn:Num></urn:Id></urn:ASSURE><urn:BENEFICIAIRE><urn:DateNai>2009-07-14</urn:DateNai><urn:Rang>1</urn:Rang></urn:BENEFICIAIRE></urn:COUVERTURE>`
)

// as makes the sample a request of another operation.
func as(action, body string, more ...string) string {
	return strings.NewReplacer(append([]string{actionOf2, action, bodyOf2, body}, more...)...).Replace(request)
}

var (
	ws1 = as("urn:ServiceIdentiteCertifiee:1.0.0:rechercherInsAvecCarteVitale", vitaleWS1, "<urn:COUVERTURE/>", cover, " </soap:Header>", vitaleXML+" </soap:Header>")
	ws3 = as("urn:ServiceIdentiteCertifiee:1.0.0:verifierInsAvecTraitsIdentite", `<Requete xmlns="http://www.cnamts.fr/INSiLot2/REQUnitaire"><IndividuVerifie>`+claimXML+`</IndividuVerifie></Requete>`)
	ws4 = as("urn:socle:provisional:ins:batch:submit", `<Depot xmlns="urn:socle:provisional:ins:batch"><IndividuVerifie Reference="1">`+claimXML+`</IndividuVerifie></Depot>`)
	ws5 = as("urn:socle:provisional:ins:batch:fetch", `<Retrait xmlns="urn:socle:provisional:ins:batch"><IdLot>NUMBER</IdLot></Retrait>`)
)

func startAt(t *testing.T, o instest.Options) *instest.Server {
	t.Helper()
	o.Clock = emulator.NewClock(time.Now())
	return start(t, o)
}

// dated moves the times of a request to those of the emulator.
func dated(srv *instest.Server, s string) string {
	return strings.ReplaceAll(s, "2026-03-02T09:20:00Z", srv.Clock().Now().UTC().Add(-10*time.Minute).Format("2006-01-02T15:04:05Z"))
}

func TestEveryOperationIsAnswered(t *testing.T) {
	t.Parallel()
	srv := startAt(t, instest.Options{})
	ask := func(body string) string {
		_, answer, err := post(t, srv, certificate(), contentType, dated(srv, body))
		require.NoError(t, err)
		return answer
	}
	answer := ask(ws1)
	require.Contains(t, answer, "<NumIdentifiant>1090763220834<")
	require.Contains(t, answer, "1.2.250.1.213.1.4.9<", "CNDA 1.10")
	require.Contains(t, ask(ws3), "<CodeCR>00</CodeCR><LibelleCR>OK<")
	require.Contains(t, ask(strings.Replace(ws3, "1997-02-26", "1997-02-27", 1)), "<CodeCR>01</CodeCR><LibelleCR>KO<")
	answer = ask(ws4)
	_, number, _ := strings.Cut(answer, "<IdLot>")
	number, _, found := strings.Cut(number, "</IdLot>")
	require.True(t, found, answer)
	require.Contains(t, ask(strings.Replace(ws5, "NUMBER", number, 1)), `<IndividuVerifie Reference="1"><CR><CodeCR>00<`)
	var operations []string
	for _, e := range srv.Journal() {
		operations = append(operations, e.Operation)
	}
	require.Equal(t, []string{"WS_INS1", "WS_INS3", "WS_INS3", "WS_INS4", "WS_INS5"}, operations)
}

// Each row spoils a request in one way; the refusal names the rule.
func TestWhatTheOtherOperationsRefuse(t *testing.T) {
	t.Parallel()
	srv := startAt(t, instest.Options{})
	for _, row := range []struct{ name, request, old, new, says string }{
		{"old assertion Vitale", ws1, "2026-03-02T09:20:00Z", "2020-01-01T00:00:00Z", "AssertionVitale IssueInstant"},
		{"assertion of tomorrow", ws1, "2026-03-02T09:20:00Z", "2999-01-01T00:00:00Z", "AssertionVitale IssueInstant"},
		{"time without zone", ws1, "2026-03-02T09:20:00Z", "2026-03-02T09:20:00", "AssertionVitale IssueInstant"},
		{"no serial", ws1, "0123456789", "", "AssertionVitale NameID"},
		{"no issuer", ws1, "<a:Issuer>899900063480", "<a:Issuer>", "AssertionVitale Issuer"},
		{"version", ws1, `Version="2.0"`, `Version="1.1"`, "AssertionVitale Version"},
		{"two assertions", ws1, "<a:Assertion", strings.TrimSuffix(vitaleXML[strings.Index(vitaleXML, "<a:Assertion"):], "</w:Security>") + "<a:Assertion", "one assertion Vitale"},
		{"two headers", ws1, " </soap:Header>", `<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"/></soap:Header>`, "one at most"},
		{"assertion PS beside a certificate", ws1, `"VITALE"`, `"CPS"`, "no assertion PS"},
		{"something else", ws1, "a:Assertion", "a:Token", "assertions of SAML 2.0"},
		{"assertion Vitale with WS_INS3", ws3, " </soap:Header>", vitaleXML + "</soap:Header>", "WS_INS1 only"},
		{"no COUVERTURE", ws1, cover, "<urn:COUVERTURE/>", "no ASSURE"},
		{"COUVERTURE of WS_INS3", ws3, "<urn:COUVERTURE/>", cover, "only WS_INS1"},
		{"insured person", ws1, "<urn:Num>1810163220751", "<urn:Num>1810163220752", "COUVERTURE ASSURE"},
		{"birth date", ws1, "<urn:DateNai>2009-07-14", "<urn:DateNai>2009-07-15", "COUVERTURE BENEFICIAIRE"},
		{"NIR certifié", ws1, "<urn:DateNai>", "<urn:Nir><urn:Num>1090763220834</urn:Num></urn:Nir><urn:DateNai>", "COUVERTURE BENEFICIAIRE Nir"},
		{"order", ws1, "<DateNaissance>2009-07-14</DateNaissance><RangNaissance>1</RangNaissance>", "<RangNaissance>1</RangNaissance><DateNaissance>2009-07-14</DateNaissance>", "DateNaissance after RangNaissance"},
		{"body", ws1, "RECVITALE", "RECSANSVITALE", "RECVITALE of INSiRecVit"},
		{"NIR", ws1, "<MatriculeOD><NumIdentifiant>1810163220751", "<MatriculeOD><NumIdentifiant>181016322075", "MatriculeOD"},
		{"key of a NIR", ws1, "<Cle>40", "<Cle>4", "MatriculeOD Cle"},
		{"name on the card", ws1, "<NomNaissance>ECETINSI", "<NomNaissance>Ecetinsi", "EF_INS10_01"},
		{"card unknown", ws1, "0123456789", "1111111111", "<CodeCR>01<"},
		{"no assertion", ws1, vitaleXML, "", "the assertion Vitale of a physical card"},

		{"body of 3", ws3, "Requete", "Demande", "Requete of the provisional dialect"},
		{"two people", ws3, "</IndividuVerifie>", "</IndividuVerifie><IndividuVerifie/>", "one IndividuVerifie"},
		{"no OID", ws3, "<OID>1.2.250.1.213.1.4.8</OID>", "", "no OID"},
		{"OID", ws3, "1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.2", "OID"},
		{"key", ws3, "<Cle>78", "<Cle>79", "the key of the matricule"},
		{"number", ws3, "297022A020778", "297022C020778", "a matricule of 13 characters"},
		{"name", ws3, "ADRTROIS", "Adrtrois", "EF_INS10_01"},
		{"list", ws3, "<ListePrenom>DOMINIQUE", "<ListePrenom>DOMINIQUE ", ""},
		{"list in lower case", ws3, "<ListePrenom>DOMINIQUE", "<ListePrenom>Dominique", "EF_INS10_02"},
		{"first given name", ws3, "<Prenom>DOMINIQUE", "<Prenom>MARIE", "the beginning of ListePrenom"},
		{"sex", ws3, "<Sexe>F", "<Sexe>I", "EF_INS25_04"},
		{"date", ws3, "1997-02-26", "26/02/1997", "DateNaissance"},
		{"place", ws3, "</DateNaissance>", "</DateNaissance><LieuNaissance>x</LieuNaissance>", "LieuNaissance"},

		{"body of 4", ws4, "Depot", "Lot", "Depot of the provisional dialect"},
		{"no line", ws4, `<IndividuVerifie Reference="1">` + claimXML + `</IndividuVerifie>`, "", "no IndividuVerifie"},
		{"no reference", ws4, ` Reference="1"`, "", "IndividuVerifie Reference"},
		{"a bad line", ws4, "<Cle>78", "<Cle>79", "the key of the matricule"},
		{"body of 5", ws5, "Retrait", "Lot", "Retrait of the provisional dialect"},
		{"unknown batch", ws5, "NUMBER", "x", "that of a batch of this emitter"},
		{"no number", ws5, "<IdLot>NUMBER</IdLot>", "", "no IdLot"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, row.request, row.old)
			_, body, err := post(t, srv, certificate(), contentType, dated(srv, strings.ReplaceAll(row.request, row.old, row.new)))
			require.NoError(t, err)
			require.Contains(t, body, row.says)
			require.NotContains(t, body, "<NumIdentifiant>")
		})
	}
}

func TestABatchBelongsToItsEmitterAndIsReadyInTime(t *testing.T) {
	t.Parallel()
	srv := startAt(t, instest.Options{BatchDelay: time.Hour})
	_, body, err := post(t, srv, certificate(), contentType, ws4)
	require.NoError(t, err)
	_, number, _ := strings.Cut(body, "<IdLot>")
	number, _, _ = strings.Cut(number, "<")
	fetch := strings.Replace(ws5, "NUMBER", number, 1)
	_, body, err = post(t, srv, certificate(), contentType, fetch)
	require.NoError(t, err)
	require.Contains(t, body, "<CodeCR>10<")
	srv.Clock().Advance(time.Hour)
	_, body, err = post(t, srv, certificate(), contentType, fetch)
	require.NoError(t, err)
	require.Contains(t, body, `Reference="1"`)
	other, err := srv.ClientCertificate("10B0152873")
	require.NoError(t, err)
	_, body, err = post(t, srv, other, contentType, strings.ReplaceAll(fetch, "10B0152872", "10B0152873"))
	require.NoError(t, err)
	require.Contains(t, body, "that of a batch of this emitter")
}

func TestQuirksAreSwitched(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Qualification())
	nobody := strings.Replace(request, "PATB-QUATRE", "NOBODY", 1)
	ask := func(body string) string {
		_, answer, err := post(t, srv, certificate(), contentType, body)
		require.NoError(t, err)
		return answer
	}
	require.Contains(t, ask(nobody), "insi_102")
	srv.SetNotFoundAsFault(false)
	require.Contains(t, ask(nobody), "<CodeCR>01<")
	require.NotContains(t, ask(request), "<Prenom>")
	srv.SetStyle(instest.Style{Prefixes: instest.Prefixed, GivenNames: instest.Both})
	require.Contains(t, ask(request), "<ns2:Prenom>")
}

func TestAssertionsAreAskedForWhereTheyBelong(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Options{})
	require.Empty(t, srv.Environment().CardURL, "this host takes software certificates only")
	require.Empty(t, srv.Environment().PSCURL)
	srv = start(t, instest.Options{Assertions: true})
	env := srv.Environment()
	require.NotEqual(t, env.CardURL, env.PSCURL)
	_, body, err := post(t, srv, certificate(), contentType, request)
	require.NoError(t, err)
	require.Contains(t, body, "<CodeCR>00<", "software certificates too")
}
