package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const scanned = "IS010000000000000000000000S1279035121518989S21.2.250.1.213.1.4.10S3DOMINIQUE MARIE-LOUISE\x1dS4PAT-TROIS\x1dS5FS628-03-1979S751215"

// answer gives a SOAP answer of INSi with this RESULTAT or fault in its body.
func answer(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Header/><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

const found = `<RESULTAT xmlns="http://www.cnamts.fr/INSiResultat"><CR><CodeCR>00</CodeCR><LibelleCR>OK</LibelleCR></CR><INDIVIDU>` +
	`<INSACTIF><IdIndividu><NumIdentifiant>1810363220456</NumIdentifiant><Cle>76</Cle></IdIndividu><OID>1.2.250.1.213.1.4.8</OID></INSACTIF>` +
	`<INSHISTO><IdIndividu><NumIdentifiant>2810363220456</NumIdentifiant><Cle>10</Cle></IdIndividu><OID>1.2.250.1.213.1.4.8</OID><DateDeb>2006-01-01</DateDeb><DateFin>2019-02-28</DateFin></INSHISTO>` +
	`<TIQ><NomNaissance>HERMAN</NomNaissance><ListePrenom>GATIEN</ListePrenom><Sexe>M</Sexe><DateNaissance>1981-03-24</DateNaissance><LieuNaissance>63220</LieuNaissance></TIQ></INDIVIDU></RESULTAT>`

const fault = `<soap:Fault><soap:Code><soap:Value>soap:Sender</soap:Value><soap:Subcode><soap:Value xmlns:p="urn:siram">p:siram_100</soap:Value></soap:Subcode></soap:Code>` +
	`<soap:Reason><soap:Text xml:lang="fr">L'accès par ce progiciel au service n'est pas autorisé</soap:Text></soap:Reason>` +
	`<soap:Detail><s:Erreur xmlns:s="urn:siram" code="desir_550" severite="erreur">Numéro d'autorisation du logiciel inconnu.</s:Erreur></soap:Detail></soap:Fault>`

func files(t *testing.T, contents ...string) []string {
	t.Helper()
	var paths []string
	dir := t.TempDir()
	for i, c := range contents {
		path := filepath.Join(dir, string(rune('a'+i)))
		require.NoError(t, os.WriteFile(path, []byte(c), 0o600))
		paths = append(paths, path)
	}
	return paths
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	nobody := `<RESULTAT xmlns="http://www.cnamts.fr/INSiResultat"><CR><CodeCR>01</CodeCR><LibelleCR>Aucune identite trouvee</LibelleCR></CR></RESULTAT>`
	status, all := inspectJSON(t, files(t, scanned+"\r\n", "]d1"+strings.ReplaceAll(scanned, "\x1d", "<GS>"), answer(found), answer(nobody), answer(fault))...)
	require.Zero(t, status)
	for _, scan := range all[:2] {
		require.Equal(t, "datamatrix", scan["kind"])
		require.NotContains(t, scan, "cda")
		d := scan["datamatrix"]
		require.Equal(t, "01", at(t, d, "version"))
		for name, want := range map[string]any{"matricule": "279035121518989", "oid": "1.2.250.1.213.1.4.10", "keyValid": true, "birthName": "PAT-TROIS", "sex": "F", "birthDate": "1979-03-28", "birthPlace": "51215"} {
			require.Equal(t, want, at(t, d, "patient", name), name)
		}
		require.Equal(t, "MARIE-LOUISE", at(t, d, "patient", "givenNames", 1))
	}
	require.NotContains(t, all[0]["datamatrix"], "warnings")
	require.Contains(t, at(t, all[1], "datamatrix", "warnings", 0), "separator")

	i := all[2]["insi"]
	require.Equal(t, "insi", all[2]["kind"])
	require.Equal(t, "00", at(t, i, "code"))
	require.Equal(t, "181036322045676", at(t, i, "patient", "matricule"))
	require.Equal(t, "HERMAN", at(t, i, "patient", "birthName"))
	require.Equal(t, true, at(t, i, "patient", "keyValid"))
	require.Equal(t, "281036322045610", at(t, i, "history", 0, "matricule"))
	require.Equal(t, false, at(t, i, "history", 0, "keyValid"))
	require.Equal(t, "2006-01-01", at(t, i, "history", 0, "from"))
	require.Contains(t, at(t, i, "warnings", 0), "key")
	_, odd := inspectJSON(t, files(t, strings.Replace(scanned, "S5F", "S5M", 1))...)
	require.Contains(t, at(t, odd[0], "datamatrix", "warnings", 0), "other sex")

	require.Equal(t, "01", at(t, all[3], "insi", "code"))
	require.Equal(t, "Aucune identite trouvee", at(t, all[3], "insi", "label"))
	require.NotContains(t, all[3]["insi"], "patient")
	require.Equal(t, "desir_550", at(t, all[4], "insi", "code"))
	require.Equal(t, "siram_100", at(t, all[4], "insi", "fault", "subcode"))
	require.Contains(t, at(t, all[4], "insi", "fault", "fix"), "IDAM")
}

func TestIdentitiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	contents := []string{"IS02" + scanned[4:], scanned[:60], answer(strings.Replace(found, "<INSACTIF>", "<INSACTIF/><INSACTIF>", 1)), answer(strings.Replace(found, ">00<", ">77<", 1)),
		answer(`<other xmlns="urn:x"/>`)}
	status, all := inspectJSON(t, files(t, contents...)...)
	require.Equal(t, 1, status)
	for n, want := range []string{"version 01 expected", "datamatrix: block", "two INSACTIF", "CR other than 00", "not a CDA document"} {
		require.NotContains(t, all[n], "kind", n)
		if n < 4 {
			require.Contains(t, all[n]["error"], want, n)
		} else {
			require.NotEmpty(t, all[n]["error"])
		}
		require.NotContains(t, all[n]["error"], "2790351")
		require.NotContains(t, all[n]["error"], "HERMAN")
	}
}

func TestIdentitiesForPeople(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(files(t, scanned, answer(found), answer(fault)), &stdout, &stderr))
	require.Empty(t, stderr.String())
	for _, want := range []string{"INS datamatrix", "PAT-TROIS DOMINIQUE MARIE-LOUISE, F, born 1979-03-28 at 51215", "a scan is a claim", "answer of INSi", "00 OK",
		"281036322045610 (1.2.250.1.213.1.4.8) from 2006-01-01 to 2019-02-28", "desir_550", "siram_100 erreur"} {
		require.Contains(t, stdout.String(), want)
	}
}
