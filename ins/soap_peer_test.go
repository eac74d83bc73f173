//go:build peers

package ins_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/oracle"
)

type object = map[string]any

// Our client before a SOAP server that we did not write.
func TestPeerSOAPServer(t *testing.T) {
	authority, certificate := shared()
	server, err := authority.Server("127.0.0.1", "localhost")
	require.NoError(t, err)
	peer := oracle.StartNode(t, "server.mjs")
	found := object{
		"CR": object{"CodeCR": "00", "LibelleCR": "OK"},
		"INDIVIDU": object{
			"INSACTIF": object{"IdIndividu": object{"NumIdentifiant": "1090763220834", "Cle": "89"}, "OID": "1.2.250.1.213.1.4.8"},
			"INSHISTO": []object{{"IdIndividu": object{"NumIdentifiant": "2090763220834", "Cle": "39"}, "OID": "1.2.250.1.213.1.4.8", "DateDeb": "2019-03-01"}},
			"TIQ":      object{"NomNaissance": "ECETINSI", "ListePrenom": "PIERRE-ALAIN MURIEL FLORIANT", "Sexe": "M", "DateNaissance": "2009-07-14", "LieuNaissance": "63220"},
		},
	}
	answers := object{
		"rechercherInsAvecTraitsIdentite": found, "rechercherInsAvecCarteVitale": found,
		"verifierInsAvecTraitsIdentite": object{"CR": object{"CodeCR": "01", "LibelleCR": "KO"}},
	}
	peer.Say(object{"tls": oracle.NodeKeys(t, authority.Chain(), server), "answers": answers})
	var ready struct{ Port int }
	peer.Hear(&ready)
	emulator, _ := setup(t, instest.Options{}) // for its card reader
	reader := emulator.Reader()
	reader.Insert(instest.Cards()[0])
	c, err := ins.New(ins.Config{
		Environment: ins.Environment{Name: "npm soap", URL: fmt.Sprintf("https://127.0.0.1:%d/lps", ready.Port)},
		Software:    instest.Software(), Certificate: certificate, Roots: authority.Roots(), Vitale: reader, Attempts: 1,
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	var got struct {
		Operation, Type, Holder string
		Args, Headers           object
	}

	r, err := c.SearchByTraits(t.Context(), who, traits(t, "Ecetinsi", "PIERRE-ALAIN", "M", "2009-07-14", "63220"))
	require.NoError(t, err)
	require.Equal(t, "109076322083489", r.Active.Matricule.Wire())
	require.Len(t, r.History, 1)
	require.Equal(t, "PIERRE-ALAIN MURIEL FLORIANT", r.Traits.GivenNames)
	peer.Hear(&got)
	require.Equal(t, "rechercherInsAvecTraitsIdentite", got.Operation)
	require.Equal(t, ins.Auto, got.Holder)
	require.Contains(t, got.Type, "application/soap+xml")
	require.Equal(t, object{"NomNaissance": "ECETINSI", "Prenom": []any{"PIERRE-ALAIN"}, "Sexe": "M", "DateNaissance": "2009-07-14", "LieuNaissance": "63220"}, got.Args)
	for _, header := range []string{"ContexteBAM", "ContexteLPS", "Action", "MessageID"} {
		require.Contains(t, got.Headers, header)
	}
	lps := got.Headers["ContexteLPS"].(object)["LPS"].(object)
	require.Equal(t, instest.Software().Install, lps["Instance"])
	require.Equal(t, "urn:lps:socle:1.0", lps["Nom"])

	d, err := reader.Read(1)
	require.NoError(t, err)
	_, err = c.SearchByVitale(t.Context(), who, d)
	require.NoError(t, err)
	got.Headers, got.Args = nil, nil
	peer.Hear(&got)
	require.Equal(t, "rechercherInsAvecCarteVitale", got.Operation)
	require.Equal(t, object{"NumIdentifiant": "1810163220751", "Cle": "40"}, got.Args["MatriculeOD"])
	require.Equal(t, "1", got.Args["RangNaissance"])
	require.Contains(t, got.Headers["Security"], "Assertion")
	require.Contains(t, got.Headers["ContexteBAM"].(object)["COUVERTURE"], "BENEFICIAIRE")

	v, err := c.Verify(t.Context(), who, zoeClaim(t))
	require.NoError(t, err)
	require.False(t, v.Confirmed)
	got.Headers, got.Args = nil, nil
	peer.Hear(&got)
	person := got.Args["IndividuVerifie"].(object)
	require.Equal(t, object{"IdIndividu": object{"NumIdentifiant": "2751263220749", "Cle": "74"}, "OID": "1.2.250.1.213.1.4.8"}, person["INSFourni"])

	answers["rechercherInsAvecTraitsIdentite"] = object{"Fault": object{
		"Code":   object{"Value": "soap:Sender", "Subcode": object{"Value": "x:siram_100"}},
		"Reason": object{"Text": "Numéro d'autorisation du logiciel inconnu."}, "statusCode": 500,
	}}
	peer.Say(answers)
	require.Eventually(t, func() bool { // until the server took the new answers
		_, err = c.SearchByTraits(t.Context(), who, zoe(t))
		return err != nil
	}, 5*time.Second, 50*time.Millisecond)
	var e *ins.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "siram_100", e.Siram)
	require.ErrorIs(t, err, ins.ErrRejected)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
}

// Our emulator before a SOAP client that we did not write.
func TestPeerSOAPClient(t *testing.T) {
	for _, style := range []instest.Style{{}, {Prefixes: instest.Prefixed, GivenNames: instest.Both}} {
		srv, _ := setup(t, instest.Options{Style: style})
		authority, certificate := shared()
		peer := oracle.StartNode(t, "client.mjs")
		context := func(prefix, name, space, version, more string) string {
			return fmt.Sprintf(`<%[1]s:%[2]s xmlns:%[1]s="%[3]s" Version="%[4]s"><%[1]s:Id>UUID</%[1]s:Id><%[1]s:Temps>2026-03-02T10:00:00+01:00</%[1]s:Temps><%[1]s:Emetteur>%[5]s</%[1]s:Emetteur>%[6]s</%[1]s:%[2]s>`,
				prefix, name, space, version, structure, more)
		}
		// The peer writes elements in the order of its JSON, hence no maps.
		person := func(name, given, sex, date string) json.RawMessage {
			return json.RawMessage(fmt.Sprintf(`{"NomNaissance":%q,"Prenom":%q,"Sexe":%q,"DateNaissance":%q}`, name, given, sex, date))
		}
		claim := func(name string) json.RawMessage {
			return json.RawMessage(`{"IndividuVerifie":{"INSFourni":{"IdIndividu":{"NumIdentifiant":"2751263220749","Cle":"74"},"OID":"1.2.250.1.213.1.4.8"},
				"TraitsIdentiteIndividu":{"NomNaissance":"` + name + `","Prenom":"ZOE","ListePrenom":"ZOE","Sexe":"F","DateNaissance":"1975-12-31"}}}`)
		}
		peer.Say(object{
			"url": srv.Environment().URL, "tls": oracle.NodeKeys(t, authority.Chain(), certificate),
			"headers": context("b", "ContexteBAM", "urn:siram:bam:ctxbam", "01_02", "<b:COUVERTURE/>") +
				context("l", "ContexteLPS", "urn:siram:lps:ctxlps", "01_00", `<l:LPS><l:IDAM R="4">`+instest.IDAM+`</l:IDAM><l:Version>1</l:Version><l:Instance>UUID</l:Instance><l:Nom>GIE</l:Nom></l:LPS>`) +
				`<w:Action xmlns:w="http://www.w3.org/2005/08/addressing">ACTION</w:Action><w:MessageID xmlns:w="http://www.w3.org/2005/08/addressing">UUID</w:MessageID>`,
			"questions": []object{
				{"operation": "rechercherInsAvecTraitsIdentite", "args": person("ECETINSI", "PIERRE-ALAIN", "M", "2009-07-14")},
				{"operation": "rechercherInsAvecTraitsIdentite", "args": person("HOUILLES", "PIERRE", "M", "1993-01-27")},
				{"operation": "rechercherInsAvecTraitsIdentite", "args": person("Houilles", "PIERRE", "M", "1993-01-27")},
				{"operation": "verifierInsAvecTraitsIdentite", "args": claim("ADRUN")},
				{"operation": "verifierInsAvecTraitsIdentite", "args": claim("AUTRE")},
			},
		})
		answer := func() (result, fault object) {
			var line struct {
				Result, Fault object
				Text          string
			}
			peer.Hear(&line)
			if line.Result == nil {
				require.NotEmpty(t, line.Text)
			}
			return line.Result, line.Fault
		}
		r, _ := answer()
		require.Equal(t, object{"CodeCR": "00", "LibelleCR": "OK"}, r["CR"])
		found := r["INDIVIDU"].(object)
		require.Equal(t, object{"NumIdentifiant": "1090763220834", "Cle": "89"}, found["INSACTIF"].(object)["IdIndividu"])
		require.Len(t, found["INSHISTO"], 2)
		require.Equal(t, "PIERRE-ALAIN MURIEL FLORIANT", found["TIQ"].(object)["ListePrenom"])
		r, _ = answer()
		require.Equal(t, object{"CodeCR": "01", "LibelleCR": "Aucune identite trouvee"}, r["CR"])
		r, fault := answer()
		require.Nil(t, r)
		require.Contains(t, fmt.Sprint(fault), "EF_INS10_01")
		r, _ = answer()
		require.Equal(t, object{"CodeCR": "00", "LibelleCR": "OK"}, r["CR"])
		r, _ = answer()
		require.Equal(t, object{"CodeCR": "01", "LibelleCR": "KO"}, r["CR"])
	}
}

// xmlsec1 verifies the assertion of a card as it stands in the message.
func TestPeerXmlsecVerifiesTheAssertionOfACard(t *testing.T) {
	xmlsec1 := oracle.Program(t, "xmlsec1")
	srv, c := setup(t, instest.Options{Assertions: true}, withCard(t))
	_, err := c.SearchByTraits(t.Context(), who, zoe(t))
	require.NoError(t, err)
	message := srv.Journal()[0].Request
	dir := t.TempDir()
	authority, _ := shared()
	trusted := []string{}
	for i, ca := range authority.Chain() {
		name := filepath.Join(dir, fmt.Sprintf("ca%d.der", i))
		require.NoError(t, os.WriteFile(name, ca.Raw, 0o600))
		trusted = append(trusted, "--trusted-der", name)
	}
	verify := func(b []byte) (string, error) {
		name := filepath.Join(dir, "message.xml")
		require.NoError(t, os.WriteFile(name, b, 0o600))
		args := append([]string{"--verify", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--enabled-key-data", "x509,rsa"}, trusted...)
		out, err := exec.CommandContext(t.Context(), xmlsec1, append(args, name)...).CombinedOutput()
		return string(out), err
	}
	out, err := verify(message)
	require.NoError(t, err, out)
	require.Contains(t, out, "OK")
	out, err = verify([]byte(strings.Replace(string(message), "991130972", "991130973", 1)))
	require.Error(t, err, "the oracle can say no: %s", out)
}
