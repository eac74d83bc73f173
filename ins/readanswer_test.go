package ins_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
)

const kept = `<S:Envelope xmlns:S="http://www.w3.org/2003/05/soap-envelope"><S:Body><ns2:RESULTAT xmlns:ns2="http://www.cnamts.fr/INSiResultat">` +
	`<ns2:CR><ns2:CodeCR>00</ns2:CodeCR><ns2:LibelleCR>OK</ns2:LibelleCR></ns2:CR><ns2:INDIVIDU><ns2:INSACTIF><ns2:IdIndividu><ns2:NumIdentifiant>2790351215189</ns2:NumIdentifiant><ns2:Cle>89</ns2:Cle></ns2:IdIndividu><ns2:OID>1.2.250.1.213.1.4.10</ns2:OID></ns2:INSACTIF>` +
	`<ns2:TIQ><ns2:NomNaissance>PAT-TROIS</ns2:NomNaissance><ns2:ListePrenom>DOMINIQUE MARIE-LOUISE</ns2:ListePrenom><ns2:Sexe>F</ns2:Sexe><ns2:DateNaissance>1979-03-28</ns2:DateNaissance><ns2:LieuNaissance>51215</ns2:LieuNaissance></ns2:TIQ></ns2:INDIVIDU></ns2:RESULTAT></S:Body></S:Envelope>`

func TestAKeptAnswerIsRead(t *testing.T) {
	t.Parallel()
	r, err := ins.ParseAnswer([]byte(kept))
	require.NoError(t, err)
	require.Equal(t, "279035121518989", r.Active.Matricule.Wire())
	require.Equal(t, patTrois(t, ins.OIDTest).Traits(), r.Traits)
	require.Zero(t, r.At)

	start, end := strings.Index(kept, "<ns2:INDIVIDU>"), strings.Index(kept, "</ns2:RESULTAT>")
	nobody := kept[:start] + kept[end:]
	for name, row := range map[string]struct {
		xml, code string
		err       error
	}{
		"nobody":     {strings.NewReplacer(">00<", ">01<", ">OK<", ">Aucune identite trouvee<").Replace(nobody), "01", ins.ErrNotFound},
		"several":    {strings.Replace(nobody, ">00<", ">02<", 1), "02", ins.ErrAmbiguous},
		"unknown CR": {strings.Replace(nobody, ">00<", ">77<", 1), "77", ins.ErrAnswer},
		"half":       {nobody, "", ins.ErrAnswer},
		"HTML":       {"<!DOCTYPE html><html><body>Service indisponible</body></html>", "", ins.ErrAnswer},
		"empty":      {"", "", ins.ErrAnswer},
		"fault": {`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value xmlns:x="urn:siram">x:siram_40</s:Value></s:Subcode></s:Code>` +
			`<s:Reason><s:Text xml:lang="en">Le service est temporairement inaccessible</s:Text></s:Reason><s:Detail><y:Erreur xmlns:y="urn:siram" code="insi_102" severite="fatal">erreur technique</y:Erreur></s:Detail></s:Fault></s:Body></s:Envelope>`, "insi_102", ins.ErrUnavailable},
	} {
		r, err := ins.ParseAnswer([]byte(row.xml))
		require.ErrorIs(t, err, row.err, name)
		require.Zero(t, r, name)
		var own *ins.Error
		require.True(t, errors.As(err, &own), name)
		if row.code != "" {
			require.Equal(t, row.code, own.Code, name)
		}
	}
}
