package ins

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/soap"
)

// As the qualification environment and the official sample write: other
// prefixes, other order, other given names, an odd history.
var answers = []string{
	`<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><S:Body xmlns:S="http://www.w3.org/2003/05/soap-envelope"><RESULTAT xmlns="http://www.cnamts.fr/INSiResultat"><CR><CodeCR>00</CodeCR><LibelleCR>OK</LibelleCR></CR><INDIVIDU><INSACTIF><IdIndividu><NumIdentifiant>1800322020401</NumIdentifiant></IdIndividu><OID>1.2.250.1.213.1.4.9</OID></INSACTIF><INSHISTO><DateDeb>2019-03-01</DateDeb><DateFin>2019-02-28</DateFin><IdIndividu><NumIdentifiant>2810363220456</NumIdentifiant><Cle>10</Cle><TypeMatricule>NIR</TypeMatricule></IdIndividu><OID>1.2.250.1.213.1.4.8</OID></INSHISTO><INSHISTO><IdIndividu><NumIdentifiant>X</NumIdentifiant></IdIndividu><OID>1.2.250.1.213.1.4.8</OID></INSHISTO><TIQ><NomNaissance>CORSE</NomNaissance><Prenom>JULES</Prenom><ListePrenom>ANTHONY  PAUL</ListePrenom><Sexe>M</Sexe><DateNaissance>1980-00-02</DateNaissance><LieuNaissance>AJACCIO</LieuNaissance></TIQ></INDIVIDU></RESULTAT></S:Body></soap:Envelope>`,
	`<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><env:Header xmlns:env="http://www.w3.org/2003/05/soap-envelope"/><env:Body xmlns:env="http://www.w3.org/2003/05/soap-envelope"><ns2:RESULTAT xmlns:ns2="http://www.cnamts.fr/INSiResultat" xmlns="http://www.cnamts.fr/INSiRecSans"> <ns2:INDIVIDU> <ns2:TIQ><ns2:LieuNaissance>2b020</ns2:LieuNaissance><ns2:Prenom>ANTHONY</ns2:Prenom><ns2:NomNaissance> CORSE </ns2:NomNaissance></ns2:TIQ><ns2:INSACTIF><ns2:OID> 1.2.250.1.213.1.4.8 </ns2:OID><ns2:IdIndividu><ns2:Cle>23</ns2:Cle><ns2:NumIdentifiant>180032b020401</ns2:NumIdentifiant></ns2:IdIndividu></ns2:INSACTIF></ns2:INDIVIDU><ns2:CR><ns2:LibelleCR/><ns2:CodeCR>00</ns2:CodeCR></ns2:CR></ns2:RESULTAT></env:Body></soap:Envelope>`,
	`<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><RESULTAT xmlns="http://www.cnamts.fr/INSiResultat"><CR><CodeCR>01</CodeCR><LibelleCR>Aucune identite trouvee</LibelleCR></CR></RESULTAT></e:Body></e:Envelope>`,
}

func TestDecodeOddAnswers(t *testing.T) {
	t.Parallel()
	decode := func(s string) (Result, string, error) {
		e, err := soap.Parse([]byte(s), limits)
		require.NoError(t, err)
		return decodeAnswer(e)
	}
	r, _, err := decode(answers[0])
	require.NoError(t, err)
	require.True(t, r.Active.Matricule.KeyValid(), "computed")
	require.Equal(t, OIDNIA, r.Active.OID)
	require.Len(t, r.History, 1)
	require.Equal(t, "2019-03-01", r.History[0].From)
	require.Equal(t, "ANTHONY PAUL", r.Traits.GivenNames)
	require.Equal(t, "ANTHONY", r.Traits.FirstGivenName, "the list decides")
	require.Equal(t, BirthDate{1980, 0, 2}, r.Traits.BirthDate)
	require.Equal(t, []string{
		"INSACTIF: no key; it was computed",
		"INSHISTO 1: the key does not follow from the number",
		"INSHISTO 2 left out: INSHISTO 2: malformed matricule",
		"TIQ: ListePrenom does not begin with Prenom; the list was taken",
		"TIQ: LieuNaissance is no code officiel géographique",
	}, r.Warnings)

	r, code, err := decode(answers[1])
	require.NoError(t, err)
	require.Equal(t, "00", code)
	require.Equal(t, "180032B02040123", r.Active.Matricule.Wire(), "raised")
	require.Equal(t, "CORSE", r.Traits.BirthName)
	require.Equal(t, "ANTHONY", r.Traits.List())
	reason, _ := r.importable()
	require.NotEmpty(t, reason, "without sex and date it is not imported")
	require.Empty(t, r.Warnings)

	_, code, err = decode(answers[2])
	require.ErrorIs(t, err, ErrNotFound)
	require.Equal(t, "01", code)
}

func FuzzDecodeAnswer(f *testing.F) {
	for _, a := range answers {
		f.Add([]byte(a))
	}
	f.Add([]byte(strings.Replace(answers[1], "<ns2:CR>", "<ns2:CR/><ns2:CR>", 1)))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := soap.Parse(b, limits)
		if err != nil {
			return
		}
		r, _, err := decodeAnswer(e)
		var own *Error
		switch {
		case err != nil && (!errors.As(err, &own) || own.kind == nil):
			t.Fatal("an error without a situation")
		case err != nil && !r.Active.IsZero():
			t.Fatal("an identity with an error")
		case err == nil && !r.Active.complete():
			t.Fatal("CR 00 without INS")
		case err == nil:
			n := 0
			for x := range e.Body.Descendants() {
				if x.Is(nsResultat, "INSACTIF") && x.Parent.Is(nsResultat, "INDIVIDU") && x.Parent.Parent == e.Body {
					n++
				}
			}
			if n != 1 {
				t.Fatalf("%d INSACTIF", n)
			}
		}
	})
}
