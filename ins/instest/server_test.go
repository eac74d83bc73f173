package instest_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/soap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var authority = sync.OnceValue(func() *pki.Authority {
	a, err := pki.NewAuthority()
	if err != nil {
		panic(err)
	}
	return a
})

var certificate = sync.OnceValue(func() tls.Certificate { return issue("10B0152872", "INSI-MANU", pki.AuthClient) })

func issue(structure, commonName string, u pki.Usage) tls.Certificate {
	c, err := authority().Organisation(pki.Organisation{Structure: structure, Name: "X", CommonName: commonName}, u)
	if err != nil {
		panic(err)
	}
	return c
}

// The request of the tests is written by hand, in another manner than the client's.
const request = `<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:urn="urn:siram:bam:ctxbam" xmlns:urn1="urn:siram:lps:ctxlps" xmlns:add="http://www.w3.org/2005/08/addressing" xmlns:ins="http://www.cnamts.fr/INSiRecSans">
 <soap:Header>
  <urn:ContexteBAM Version="01_02"><urn:Id>8a689655-1712-4df1-bef8-7a64f8fb5847</urn:Id><urn:Temps>2021-06-16T09:39:02.0041Z</urn:Temps><urn:Emetteur>10B0152872</urn:Emetteur><urn:COUVERTURE/></urn:ContexteBAM>
  <add:MessageID>MESSAGEID</add:MessageID>
  <add:Action>urn:ServiceIdentiteCertifiee:1.0.0:rechercherInsAvecTraitsIdentite</add:Action>
  <urn1:ContexteLPS Version="01_00"><urn1:Id>ecd08001-dec9-428a-98a4-3402c5a94a9e</urn1:Id><urn1:Temps>2021-06-16T11:39:02+02:00</urn1:Temps><urn1:Emetteur>10B0152872</urn1:Emetteur><urn1:LPS><urn1:IDAM R="4">INSTEST00001</urn1:IDAM><urn1:Version>1.00.00</urn1:Version><urn1:Instance>791e183f-6f66-4248-a312-5ed5cd4785d4</urn1:Instance><urn1:Nom>GIE</urn1:Nom></urn1:LPS></urn1:ContexteLPS>
 </soap:Header>
 <soap:Body><ins:RECSANSVITALE><ins:NomNaissance>PATB-QUATRE</ins:NomNaissance><ins:Prenom>LAURENCE</ins:Prenom><ins:Sexe>F</ins:Sexe><ins:DateNaissance>1907-05-25</ins:DateNaissance></ins:RECSANSVITALE></soap:Body>
</soap:Envelope>`

func start(t *testing.T, o instest.Options) *instest.Server {
	t.Helper()
	o.Authority = authority()
	srv, err := instest.NewServer(o)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv
}

func post(t *testing.T, srv *instest.Server, c tls.Certificate, contentType, body string) (int, string, error) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.Roots(), Certificates: []tls.Certificate{c}}}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Post(srv.Environment().URL, contentType, strings.NewReader(strings.ReplaceAll(body, "MESSAGEID", "uuid:"+soap.NewUUID())))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

const contentType = `application/soap+xml; charset=utf-8`

func TestTheOfficialSampleIsAnswered(t *testing.T) {
	t.Parallel()
	for _, style := range []instest.Style{{GivenNames: instest.PrenomOnly, Prefixes: instest.Prefixed}, {}} {
		srv := start(t, instest.Options{Style: style})
		status, body, err := post(t, srv, certificate(), contentType, request)
		require.NoError(t, err)
		require.Equal(t, 200, status, body)
		require.Contains(t, body, ">2070585756270<")
		require.Equal(t, style.Prefixes == instest.Prefixed, strings.Contains(body, "<ns2:Prenom>LAURENCE</ns2:Prenom>"))
		require.Equal(t, style.Prefixes == instest.DefaultNamespace, strings.Contains(body, "<ListePrenom>LAURENCE</ListePrenom>"))
		require.Equal(t, "WS_INS2", srv.Journal()[0].Operation)
		require.NotContains(t, body, "RelatesTo", "INSi sends no addressing headers")
	}
}

// Each row spoils the sample in one way; the refusal names the rule.
func TestWhatINSiRefuses(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Options{})
	for _, row := range []struct{ name, old, new, says string }{
		{"unknown authorization", "INSTEST00001", "OTHER", `code="desir_550"`},
		{"its subcode", "INSTEST00001", "OTHER", "siram_100"},
		{"other reference of IDAM", `R="4"`, `R="3"`, "ContexteLPS IDAM"},
		{"no IDAM", `<urn1:IDAM R="4">INSTEST00001</urn1:IDAM>`, "", "no IDAM"},
		{"order in LPS", `<urn1:Version>1.00.00</urn1:Version><urn1:Instance>791e183f-6f66-4248-a312-5ed5cd4785d4</urn1:Instance>`, `<urn1:Instance>791e183f-6f66-4248-a312-5ed5cd4785d4</urn1:Instance><urn1:Version>1</urn1:Version>`, "Version after Instance"},
		{"instance", "791e183f-6f66-4248-a312-5ed5cd4785d4", "1", "ContexteLPS Instance"},
		{"empty name", "GIE", " ", "ContexteLPS Nom"},
		{"no Emetteur of ours", "<urn1:Emetteur>10B0152872", "<urn1:Emetteur>10B0152873", "ContexteLPS Emetteur"},
		{"BAM emitter", "<urn:Emetteur>10B0152872", "<urn:Emetteur>x", "ContexteBAM Emetteur"},
		{"BAM version", `Version="01_02"`, `Version="02_00"`, "ContexteBAM Version"},
		{"LPS version", `ContexteLPS Version="01_00"`, `ContexteLPS`, "ContexteLPS Version"},
		{"nature", `ContexteBAM Version`, `ContexteBAM Nature="CTXLPS" Version`, "ContexteBAM Nature"},
		{"no coverage", "<urn:COUVERTURE/>", "", "no COUVERTURE"},
		{"order in BAM", "<urn:Id>8a689655-1712-4df1-bef8-7a64f8fb5847</urn:Id><urn:Temps>2021-06-16T09:39:02.0041Z</urn:Temps>", "<urn:Temps>2021-06-16T09:39:02.0041Z</urn:Temps><urn:Id>8a689655-1712-4df1-bef8-7a64f8fb5847</urn:Id>", "Id after Temps"},
		{"time without offset", "2021-06-16T09:39:02.0041Z", "2021-06-16T09:39:02", "ContexteBAM Temps"},
		{"id", "8a689655-1712-4df1-bef8-7a64f8fb5847", "8a689655", "ContexteBAM Id"},
		{"no BAM", "ContexteBAM", "Contexte", "one ContexteBAM"},
		{"no LPS", "ContexteLPS", "Contexte", "one ContexteLPS"},
		{"no action", "<add:Action>urn:ServiceIdentiteCertifiee:1.0.0:rechercherInsAvecTraitsIdentite</add:Action>", "", "one Action"},
		{"other action", "rechercherInsAvecTraitsIdentite", "effacer", "wsa:Action"},
		{"no message id", "<add:MessageID>MESSAGEID</add:MessageID>", "", "one MessageID"},
		{"message id", "MESSAGEID", "1234", "wsa:MessageID"},
		{"assertion", "<urn1:ContexteLPS ", `<s:Security xmlns:s="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><a/></s:Security><urn1:ContexteLPS `, "wsse:Security"},
		{"body", "RECSANSVITALE", "RECVITALE", "RECSANSVITALE of INSiRecSans"},
		{"namespace of the body", "http://www.cnamts.fr/INSiRecSans", "http://www.cnamts.fr/INSiRecVit", "RECSANSVITALE of INSiRecSans"},
		{"order of traits", "<ins:Sexe>F</ins:Sexe><ins:DateNaissance>1907-05-25</ins:DateNaissance>", "<ins:DateNaissance>1907-05-25</ins:DateNaissance><ins:Sexe>F</ins:Sexe>", "Sexe after DateNaissance"},
		{"two sexes", "<ins:Sexe>F</ins:Sexe>", "<ins:Sexe>F</ins:Sexe><ins:Sexe>M</ins:Sexe>", "one Sexe"},
		{"no name", "<ins:NomNaissance>PATB-QUATRE</ins:NomNaissance>", "", "no NomNaissance"},
		{"no given name", "<ins:Prenom>LAURENCE</ins:Prenom>", "", "no Prenom"},
		{"unknown element", "<ins:Sexe>F", "<ins:Titre>MME</ins:Titre><ins:Sexe>F", "unknown Titre"},
		{"text", "<ins:Sexe>F", "x<ins:Sexe>F", "text between"},
		{"lower case", "PATB-QUATRE", "Patb-Quatre", "EF_INS10_01"},
		{"accent", "LAURENCE", "LAURÉNCE", "EF_INS10_02"},
		{"2.03-3 sent raw", "PATB-QUATRE", "D’ÆION", "EF_INS10_01"},
		{"2.03-3 sent raw", "LAURENCE", "CŒUR", "EF_INS10_02"},
		{"digit", "LAURENCE", "LAURENCE2", "EF_INS10_02"},
		{"leading space", "PATB-QUATRE", " PATB", "first character"},
		{"leading hyphen", "PATB-QUATRE", "-PATB", "first character"},
		{"two spaces", "PATB-QUATRE", "PATB  QUATRE", "follow each other"},
		{"apostrophe and space", "PATB-QUATRE", "PATB' QUATRE", "follow each other"},
		{"two apostrophes", "PATB-QUATRE", "O''NEIL", "follow each other"},
		{"two hyphens in a given name", "LAURENCE", "ANNE--LAURE", "double hyphen"},
		{"hyphen at the end of a given name", "LAURENCE", "LAURENCE-", "at the end"},
		{"long given name", "LAURENCE", strings.Repeat("A", 62), "a longer value"},
		{"sex", ">F<", ">I<", "EF_INS25_04"},
		{"date", "1907-05-25", "25/05/1907", "DateNaissance"},
		{"place", "</ins:DateNaissance>", "</ins:DateNaissance><ins:LieuNaissance>PARIS</ins:LieuNaissance>", "LieuNaissance"},
		{"SOAP 1.1", "http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/", "SOAP version"},
		{"not well-formed", "</soap:Envelope>", "", "SOAP 1.2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, request, row.old, "the row spoils nothing")
			status, body, err := post(t, srv, certificate(), contentType, strings.ReplaceAll(request, row.old, row.new))
			require.NoError(t, err)
			require.GreaterOrEqual(t, status, 400, body)
			require.Contains(t, body, row.says)
			require.Contains(t, body, "Fault")
			require.NotContains(t, body, ">2070585756270<")
		})
	}
}

func TestWhatINSiTolerates(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Options{})
	for name, r := range map[string]*strings.Replacer{
		"bare message id":    strings.NewReplacer("uuid:", ""),
		"older BAM version":  strings.NewReplacer("01_02", "1.0"),
		"empty Security":     strings.NewReplacer("<urn1:ContexteLPS ", `<s:Security xmlns:s="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"/><urn1:ContexteLPS `),
		"wsa:To and ReplyTo": strings.NewReplacer("<add:MessageID>", `<add:To>https://x</add:To><add:ReplyTo><add:Address>http://www.w3.org/2005/08/addressing/anonymous</add:Address></add:ReplyTo><add:MessageID>`),
	} {
		status, body, err := post(t, srv, certificate(), contentType, r.Replace(request))
		require.NoError(t, err, name)
		require.Equal(t, 200, status, name+body)
	}
	status, body, err := post(t, srv, certificate(), contentType, strings.Replace(request, "PATB-QUATRE", "'T SERCLAES--MARTIN-", 1))
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Contains(t, body, "<CodeCR>01</CodeCR><LibelleCR>Aucune identite trouvee</LibelleCR>")
	status, body, err = post(t, srv, certificate(), contentType, strings.Replace(request, "<ins:Prenom>LAURENCE</ins:Prenom>", "<ins:Prenom>LAURENCE</ins:Prenom><ins:Prenom>ANNE</ins:Prenom>", 1))
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Contains(t, body, "01")
}

func TestAMessageIsTakenOnce(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Options{})
	once := strings.ReplaceAll(request, "MESSAGEID", "uuid:8a689655-1712-4df1-bef8-7a64f8fb5840")
	status, _, err := post(t, srv, certificate(), contentType, once)
	require.NoError(t, err)
	require.Equal(t, 200, status)
	status, body, err := post(t, srv, certificate(), contentType, once)
	require.NoError(t, err)
	require.Equal(t, 500, status)
	require.Contains(t, body, "seen before")
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Options{})
	for name, cn := range map[string]string{"lower case": "insi-manu", "other": "PHARMACIE", "underscore": "INSI_MANU"} {
		status, body, err := post(t, srv, issue("10B0152872", cn, pki.AuthClient), contentType, request)
		require.NoError(t, err, name)
		require.Equal(t, 500, status, name)
		require.Contains(t, body, `code="desir_560"`, name)
		require.Contains(t, body, "Vous ne disposez pas des droits suffisants pour accéder à ce service", name)
	}
	status, body, err := post(t, srv, issue("10B0152879", "INSI-AUTO", pki.AuthClient), contentType, request)
	require.NoError(t, err)
	require.Equal(t, 500, status)
	require.Contains(t, body, "the OU of the client's certificate, 10B0152879")
	_, _, err = post(t, srv, tls.Certificate{}, contentType, request)
	require.Error(t, err, "no certificate, no TLS")
	foreign, err := pki.NewAuthority()
	require.NoError(t, err)
	c, err := foreign.Organisation(pki.Organisation{Structure: "10B0152872", Name: "X", CommonName: "INSI-AUTO"}, pki.AuthClient)
	require.NoError(t, err)
	_, _, err = post(t, srv, c, contentType, request)
	require.Error(t, err)

	mine, err := srv.ClientCertificate("10B0152872")
	require.NoError(t, err)
	again, err := srv.ClientCertificate("10B0152872")
	require.NoError(t, err)
	require.True(t, bytes.Equal(mine.Certificate[0], again.Certificate[0]))
	_, err = srv.ClientCertificate("")
	require.Error(t, err)
}

func TestContentType(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Options{})
	status, _, err := post(t, srv, certificate(), "text/plain", request)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnsupportedMediaType, status)
	_, body, err := post(t, srv, certificate(), contentType+`; action="urn:other"`, request)
	require.NoError(t, err)
	require.Contains(t, body, "action")
}

func TestPeopleInventedAreFoundAndHomonymsAreAmbiguous(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Options{Empty: true})
	for _, birth := range []ins.BirthDate{{Year: 1951, Month: 2, Day: 3}, {Year: 1951, Month: 0, Day: 0}, {Year: 1951, Month: 20, Day: 1}} {
		p, err := srv.AddPatient(ins.Traits{BirthName: "Inventé", GivenNames: "Zoé Marie", Sex: ins.Female, BirthDate: birth, BirthPlace: "2a004"})
		require.NoError(t, err)
		require.Equal(t, ins.OIDTest, p.INS.OID)
		require.True(t, p.INS.Matricule.KeyValid())
		require.True(t, strings.HasPrefix(p.INS.Matricule.Wire(), "251"))
		require.Contains(t, p.INS.Matricule.Wire(), "2A004")
	}
	ask := func(given, place string) string {
		r := strings.NewReplacer("PATB-QUATRE", "INVENTE", "LAURENCE", given, "1907-05-25", "1951-02-03", "</ins:DateNaissance>", "</ins:DateNaissance>"+place)
		_, body, err := post(t, srv, certificate(), contentType, r.Replace(request))
		require.NoError(t, err)
		return body
	}
	require.Contains(t, ask("ZOE", ""), "<CodeCR>00<")
	require.Contains(t, ask("ZOE MARIE", ""), "<CodeCR>00<")
	require.Contains(t, ask("MARIE", ""), "<CodeCR>01<")
	require.Contains(t, ask("ZO", ""), "<CodeCR>01<")
	_, err := srv.AddPatient(ins.Traits{BirthName: "INVENTE", GivenNames: "ZOE", Sex: ins.Female, BirthDate: ins.BirthDate{Year: 1951, Month: 2, Day: 3}})
	require.NoError(t, err)
	require.Contains(t, ask("ZOE", ""), "<CodeCR>02</CodeCR><LibelleCR>Plusieurs identites trouvees<")
	require.Contains(t, ask("ZOE", "<ins:LieuNaissance>2A004</ins:LieuNaissance>"), "<CodeCR>00<")
	require.Error(t, srv.AddPerson(instest.Person{}))
	require.Error(t, srv.AddPerson(instest.Person{Traits: ins.Traits{BirthName: "A", GivenNames: "B", Sex: "M", BirthDate: ins.BirthDate{Year: 1951, Month: 2, Day: 3}}}), "no INS")
	_, err = srv.AddPatient(ins.Traits{})
	require.Error(t, err)
}

func TestNotFoundAsFault(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Options{Empty: true, NotFoundAsFault: true})
	status, body, err := post(t, srv, certificate(), contentType, request)
	require.NoError(t, err)
	require.Equal(t, 500, status)
	for _, s := range []string{"siram_40", `code="insi_102"`, `severite="fatal"`, `xml:lang="en"`, "Receiver"} {
		require.Contains(t, body, s)
	}
	require.NotContains(t, body, "messageID")
}

func TestCannedAnswers(t *testing.T) {
	t.Parallel()
	srv := start(t, instest.Options{})
	srv.Inject(instest.Canned{BirthName: "OTHER", Body: []byte("never")})
	srv.Inject(instest.Canned{BirthName: "PATB-QUATRE", GivenNames: "LAURENCE", Body: []byte("canned"), ContentType: "text/plain", Times: 2})
	for i, want := range []string{"canned", "canned", "RESULTAT"} {
		status, body, err := post(t, srv, certificate(), contentType, request)
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.Contains(t, body, want, i)
	}
	srv.Inject(instest.Canned{Body: []byte("never")})
	_, body, err := post(t, srv, certificate(), contentType, strings.Replace(request, ">F<", ">I<", 1))
	require.NoError(t, err)
	require.Contains(t, body, "EF_INS25_04", "the request is checked all the same")
	srv.Fail(emulator.Fault{Status: 503, Operation: "WS_INS2"})
	status, _, err := post(t, srv, certificate(), contentType, request)
	require.NoError(t, err)
	require.Equal(t, 503, status)
}

func TestTheCatalogueIsSound(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range instest.Catalogue() {
		require.True(t, p.INS.Matricule.KeyValid())
		n, err := p.Traits.Normalize()
		require.NoError(t, err)
		require.Equal(t, n, p.Traits)
		key := fmt.Sprint(p.Traits.BirthName, p.Traits.GivenNames, p.Traits.BirthPlace)
		require.False(t, seen[key])
		seen[key] = true
	}
}
