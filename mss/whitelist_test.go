package mss_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
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

func TestRecipientsOutsideTheWhiteListAreTold(t *testing.T) {
	t.Parallel()
	a, err := authority()
	require.NoError(t, err)
	srv, err := msstest.NewWhiteList(a, "autre.mssante.fr")
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	clock := emulator.NewClock(time.Now())
	source, err := mss.NewWhiteListSource(mss.WhiteListConfig{Roots: srv.Roots(), Address: srv.URL(), Watch: socle.Watch{Clock: clock.Now}})
	require.NoError(t, err)
	t.Cleanup(source.Close)
	b := set(t, msstest.Options{}, func(c *mss.Config) { c.WhiteList = source })
	m := b.open(t)
	ctx := context.Background()

	srv.Fail(emulator.Fault{Status: 503, Times: 2})
	r, err := m.Send(ctx, draft(t))
	require.NoError(t, err)
	require.Len(t, r.Degraded, 1)
	require.Contains(t, r.Degraded[0].Text, "not checked")
	_, err = source.List(ctx)
	require.Error(t, err, "a failure is kept for a minute")
	require.True(t, socle.Retryable(err))
	require.Len(t, srv.Journal(), 2)
	clock.Advance(time.Minute)

	r, err = m.Send(ctx, draft(t))
	require.NoError(t, err)
	require.Equal(t, []mss.Degraded{{Rule: "liste blanche", Text: "the domain medecin.formation.mssante.fr of a recipient is not in the white list"}}, r.Degraded)
	srv.Set("autre.mssante.fr", "Medecin.formation.mssante.fr")
	clock.Advance(23 * time.Hour)
	r, err = m.Send(ctx, draft(t))
	require.NoError(t, err)
	require.Len(t, r.Degraded, 1, "the list of the day")
	clock.Advance(time.Hour)
	r, err = m.Send(ctx, draft(t))
	require.NoError(t, err)
	require.Empty(t, r.Degraded)
	srv.Set()
	clock.Advance(24 * time.Hour)
	l, err := source.List(ctx)
	require.NoError(t, err, "an empty list does not replace the last one")
	require.Equal(t, 2, l.Len())

	refusing, err := mss.NewWhiteListSource(mss.WhiteListConfig{Roots: srv.Roots(), Address: srv.URL(), Verify: func([]byte) error { return errors.New("signature") }})
	require.NoError(t, err)
	t.Cleanup(refusing.Close)
	_, err = refusing.List(ctx)
	var e *mss.WhiteListError
	require.ErrorAs(t, err, &e)
	_, err = mss.NewWhiteListSource(mss.WhiteListConfig{Address: "http://x", Refresh: -1})
	for _, field := range []string{"Address", "Refresh", "Roots"} {
		require.ErrorContains(t, err, field)
	}
}
