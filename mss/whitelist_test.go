package mss_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
)

const whiteList = `<?xml version="1.0" encoding="UTF-8"?>
<l:Liste xmlns:l="https://listeblanche.mssante.fr/schema" version="12">
 <l:Operateur><l:Domaine><l:Nom>
   Pharmacie.mssante.fr </l:Nom><l:Debut>2026-01-01</l:Debut></l:Domaine></l:Operateur>
 <l:Domaine><l:Nom>hôpital.mssante.fr</l:Nom></l:Domaine>
 <l:Domaine><l:Nom>xn--caf-dma.mssante.fr</l:Nom></l:Domaine>
 <l:Domaine><l:Nom>pas un domaine</l:Nom></l:Domaine>
 <Domaine xmlns="urn:autre"><Nom>autre.example</Nom></Domaine>
</l:Liste>`

func TestWhiteListComparesDomains(t *testing.T) {
	t.Parallel()
	w, err := mss.ReadWhiteList(strings.NewReader(whiteList))
	require.NoError(t, err)
	require.Equal(t, 3, w.Len())
	for _, d := range []string{"pharmacie.mssante.fr", "PHARMACIE.MSSANTE.FR.", "hôpital.mssante.fr", "HÔPITAL.mssante.fr", "ho\u0302pital.mssante.fr",
		"xn--hpital-ixa.mssante.fr", "café.mssante.fr"} {
		require.True(t, w.Contains(d), d)
	}
	for _, d := range []string{"", "mssante.fr", "x.pharmacie.mssante.fr", "autre.example", "hopital.mssante.fr", "pas un domaine"} {
		require.False(t, w.Contains(d), d)
	}
	require.True(t, w.Allows(address(t, "a@xn--hpital-ixa.mssante.fr")))
	require.False(t, w.Allows(mss.Address{}))
}

func TestWhiteListsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{
		"empty": "", "another namespace": `<Liste><Domaine><Nom>a.mssante.fr</Nom></Domaine></Liste>`, "no domain": `<Liste xmlns="https://listeblanche.mssante.fr/schema"/>`,
		"a DTD": `<!DOCTYPE x [<!ENTITY a "b">]><x/>`, "cut": whiteList[:200],
	} {
		_, err := mss.ReadWhiteList(strings.NewReader(list))
		var e *mss.WhiteListError
		require.ErrorAs(t, err, &e, name)
	}
}

func FuzzWhiteList(f *testing.F) {
	f.Add(whiteList, "hôpital.mssante.fr")
	f.Fuzz(func(t *testing.T, list, domain string) {
		if w, err := mss.ReadWhiteList(strings.NewReader(list)); err == nil {
			require.Positive(t, w.Len())
			w.Contains(domain)
		}
	})
}
