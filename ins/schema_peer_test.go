//go:build peers

package ins_test

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// validate gives what xmllint says of a document, empty when it is valid.
func validate(t *testing.T, schema string, doc []byte) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), oracle.Program(t, "xmllint"), "--noout", "--nonet", "--schema", filepath.Join("testdata", schema), "-")
	cmd.Stdin = bytes.NewReader(doc)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	return string(out)
}

func TestPeerRequestsFollowTheSchema(t *testing.T) {
	t.Parallel()
	for _, d := range []ins.Dialect{{}, {GivenNames: ins.GivenNamesRepeated, MessageIDPrefix: "-", NamePrefix: "-"}} {
		srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Dialect = d })
		for _, tr := range []ins.Traits{
			traits(t, "DE VINCI", "LEONARDO PIERO", "M", "2014-02-01", "63220"),
			traits(t, "D'ARTAGNAN DE L'HERAULT", "PIERRE-ALAIN", "M", "2001-06-17", ""),
			traits(t, "ADRUN", "ZOE", "F", "1975-20-00", "2A004"),
		} {
			_, _ = c.SearchByTraits(t.Context(), who, tr)
			tr.FirstGivenName = tr.GivenNames
			_, _ = c.SearchByTraits(t.Context(), who, tr)
		}
		require.Len(t, srv.Journal(), 6)
		for _, e := range srv.Journal() {
			require.Empty(t, validate(t, "WS_INS2.xsd", e.Request))
			for _, spoil := range []*strings.Replacer{ // the oracle can say no
				strings.NewReplacer("Sexe", "Genre"),
				strings.NewReplacer("NomNaissance", "Prenom", "Prenom", "NomNaissance"),
				strings.NewReplacer("ctxbam:COUVERTURE", "ctxbam:Couverture"),
				strings.NewReplacer(`R="4"`, `R="3"`),
			} {
				require.NotEmpty(t, validate(t, "WS_INS2.xsd", []byte(spoil.Replace(string(e.Request)))))
			}
		}
	}
}

func TestPeerAnswersFollowTheSchema(t *testing.T) {
	t.Parallel()
	for _, style := range []instest.Style{
		{}, {Prefixes: instest.Prefixed}, {GivenNames: instest.Both}, {GivenNames: instest.PrenomOnly, NoKeys: true}, {DatesFirst: true},
	} {
		srv, c := setup(t, instest.Options{Style: style})
		for _, tr := range []ins.Traits{
			traits(t, "ECETINSI", "PIERRE-ALAIN", "M", "2009-07-14", ""),
			traits(t, "DE VINCI", "LEONARDO", "M", "2014-02-01", ""),
			traits(t, "HOUILLES", "PIERRE", "M", "1993-01-27", ""),
		} {
			_, _ = c.SearchByTraits(t.Context(), who, tr)
		}
		for i, e := range srv.Journal() {
			envelope, err := soap.Parse(e.Response, xmltree.Limits{})
			require.NoError(t, err)
			says := validate(t, "RESULTAT.xsd", envelope.Bytes(envelope.Body))
			if style.DatesFirst && i == 0 {
				require.Contains(t, says, "DateDeb", "the quirk violates the sequence, as the answer of the CNDA does")
			} else {
				require.Empty(t, says)
			}
		}
	}
}

func TestPeerRequestsWithAssertionsFollowTheSchema(t *testing.T) {
	t.Parallel()
	psc, err := ins.NewPSC(ins.PSCConfig{Attributes: pharmacy, Token: func(context.Context, socle.Professional) (string, error) { return "t", nil }})
	require.NoError(t, err)
	for name, edit := range map[string]func(*ins.Config){
		"software certificate": func(*ins.Config) {}, "card": withCard(t), "Pro Santé Connect": func(cfg *ins.Config) { cfg.Authentication = psc },
	} {
		srv, reader, c := withReader(t, instest.Options{Assertions: true}, edit)
		for beneficiary := range 2 {
			d, err := reader.Read(beneficiary + 1)
			require.NoError(t, err)
			_, err = c.SearchByVitale(t.Context(), who, d)
			require.NoError(t, err, name)
		}
		_, err := c.SearchByTraits(t.Context(), who, zoe(t))
		require.NoError(t, err, name)
		for i, schema := range []string{"WS_INS1.xsd", "WS_INS1.xsd", "WS_INS2.xsd"} {
			request := string(srv.Journal()[i].Request)
			require.Empty(t, validate(t, schema, []byte(request)), name)
			if schema != "WS_INS1.xsd" {
				continue
			}
			for _, spoil := range []*strings.Replacer{ // the oracle can say no
				strings.NewReplacer("ctxbam:DateNai", "ctxbam:DateNaissance"),
				strings.NewReplacer("insi:RangNaissance", "insi:DateNaissance", "insi:DateNaissance", "insi:RangNaissance"),
				strings.NewReplacer(`"VITALE"`, `"VITAL"`),
				strings.NewReplacer("1810163220751", "181016322075"),
			} {
				require.NotEmpty(t, validate(t, schema, []byte(spoil.Replace(request))))
			}
		}
	}
}
