package ins_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/transport"
)

var zoe = func(t testing.TB) ins.Traits { return traits(t, "ADRUN", "ZOE", "F", "1975-12-31", "") }

func TestFaultsOfTheService(t *testing.T) {
	t.Parallel()
	unavailable := instest.Unavailable()
	for _, row := range []struct {
		name  string
		fault instest.Fault
		want  ins.Error
		is    error
		retry bool
		says  string
	}{
		{"unknown software", instest.Fault{Siram: "siram_100", Code: "desir_550", Severity: "erreur", Reason: "L'accès par ce progiciel au service n'est pas autorisé.", Text: "Numéro d'autorisation du logiciel inconnu."},
			ins.Error{Siram: "siram_100", Code: "desir_550", Severity: "erreur", Status: 500}, ins.ErrNotAuthorized, false, "Software.Homologation[ins]"},
		{"wrong common name", instest.Fault{Siram: "siram_100", Code: "desir_560", Severity: "erreur", Reason: "Vous ne disposez pas des droits suffisants pour accéder à ce service"},
			ins.Error{Siram: "siram_100", Code: "desir_560", Severity: "erreur", Status: 500}, ins.ErrNotAuthorized, false, "exactly INSI-AUTO or INSI-MANU"},
		{"outage", unavailable, ins.Error{Siram: "siram_40", Code: "insi_102", Severity: "fatal", Status: 500}, ins.ErrUnavailable, true, "erreur technique"},
		{"outage of a branch", instest.Fault{Receiver: true, Siram: "siram_40", Code: "insi_101", Severity: "fatale", Reason: "Indisponible"},
			ins.Error{Siram: "siram_40", Code: "insi_101", Severity: "fatale", Status: 500}, ins.ErrUnavailable, true, "Indisponible"},
		{"unknown Sender code", instest.Fault{Siram: "siram_77", Code: "desir_999", Severity: "erreur", Reason: "Inconnu"},
			ins.Error{Siram: "siram_77", Code: "desir_999", Severity: "erreur", Status: 500}, ins.ErrRejected, false, "siram_77: desir_999: Inconnu"},
		{"unknown Receiver code", instest.Fault{Receiver: true, Siram: "siram_41", Code: "xyz_1", Severity: "fatale", Reason: "Panne"},
			ins.Error{Siram: "siram_41", Code: "xyz_1", Severity: "fatale", Status: 500}, ins.ErrUnavailable, true, "Panne"},
		{"bare fault", instest.Fault{Reason: "non"}, ins.Error{Status: 500}, ins.ErrRejected, false, "non"},
		{"fault under HTTP 200", instest.Fault{Siram: "siram_77", Reason: "non", Status: 200}, ins.Error{Siram: "siram_77", Status: 200}, ins.ErrRejected, false, "non"},
	} {
		for _, prefixes := range []instest.Prefixes{instest.DefaultNamespace, instest.Prefixed} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				srv, c := setup(t, instest.Options{Style: instest.Style{Prefixes: prefixes}}, func(cfg *ins.Config) { cfg.Attempts = 1 })
				srv.Inject(instest.Canned{Fault: &row.fault, Times: -1})
				_, err := c.SearchByTraits(t.Context(), who, zoe(t))
				var e *ins.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, row.want.Siram, e.Siram)
				require.Equal(t, row.want.Code, e.Code)
				require.Equal(t, row.want.Severity, e.Severity)
				require.Equal(t, row.want.Status, e.Status)
				require.Equal(t, "WS_INS2", e.Op)
				require.NotEmpty(t, e.MessageID)
				require.ErrorIs(t, err, row.is)
				require.ErrorContains(t, err, row.says)
				require.Equal(t, row.retry, socle.Retryable(err))
				require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
			})
		}
	}
}

func TestAnOutageIsTriedAgainWithANewMessage(t *testing.T) {
	t.Parallel()
	var w watcher
	srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Observe = w.observe })
	f := instest.Unavailable()
	srv.Inject(instest.Canned{Fault: &f})
	srv.Inject(instest.Canned{Status: http.StatusServiceUnavailable, ContentType: "text/html", Body: []byte("<html>maintenance</html>")})
	r, err := c.SearchByTraits(t.Context(), who, zoe(t))
	require.NoError(t, err)
	require.Len(t, w.exchanges, 3)
	seen := map[string]bool{}
	for i, e := range srv.Journal() {
		for _, id := range uuids.FindAllString(string(e.Request), -1) {
			if id != instest.Software().Install {
				require.False(t, seen[id], "an id was used twice")
				seen[id] = true
			}
		}
		require.Equal(t, i+1, w.exchanges[i].Attempt)
	}
	require.Len(t, seen, 9, "message, ContexteBAM and ContexteLPS of three attempts")
	require.Equal(t, r.MessageID, w.exchanges[2].MessageID)
	require.Equal(t, []string{"insi_102", "503", "00"}, []string{w.exchanges[0].Code, w.exchanges[1].Code, w.exchanges[2].Code})

	srv.Inject(instest.Canned{Fault: &f, Times: -1})
	_, err = c.SearchByTraits(t.Context(), who, zoe(t))
	require.ErrorIs(t, err, ins.ErrUnavailable)
	require.Len(t, w.exchanges, 6, "three attempts, then it is told")
}

func TestUnusableAnswersIdentifyNobody(t *testing.T) {
	t.Parallel()
	const (
		open   = `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><RESULTAT xmlns="http://www.cnamts.fr/INSiResultat">`
		end    = `</RESULTAT></soap:Body></soap:Envelope>`
		ok     = `<CR><CodeCR>00</CodeCR><LibelleCR>OK</LibelleCR></CR>`
		active = `<INSACTIF><IdIndividu><NumIdentifiant>2751263220749</NumIdentifiant><Cle>74</Cle></IdIndividu><OID>1.2.250.1.213.1.4.8</OID></INSACTIF>`
		tiq    = `<TIQ><NomNaissance>ADRUN</NomNaissance><ListePrenom>ZOE</ListePrenom><Sexe>F</Sexe><DateNaissance>1975-12-31</DateNaissance><LieuNaissance>63220</LieuNaissance></TIQ>`
		person = `<INDIVIDU>` + active + tiq + `</INDIVIDU>`
	)
	other := strings.NewReplacer("2751263220749", "1810163220751", ">74<", ">40<").Replace(active)
	for name, row := range map[string]struct {
		body   string
		status int
		ct     string
		says   string
		code   string
	}{
		"two INSACTIF":                  {body: open + ok + `<INDIVIDU>` + active + other + tiq + `</INDIVIDU>` + end, says: "two INSACTIF"},
		"two INDIVIDU":                  {body: open + ok + person + person + end, says: "two INDIVIDU"},
		"two TIQ":                       {body: open + ok + `<INDIVIDU>` + active + tiq + tiq + `</INDIVIDU>` + end, says: "two TIQ"},
		"two CR":                        {body: open + ok + `<CR><CodeCR>01</CodeCR></CR>` + person + end, says: "two CR"},
		"two birth names":               {body: open + ok + strings.Replace(person, "<ListePrenom>", "<NomNaissance>ADRDEUX</NomNaissance><ListePrenom>", 1) + end, says: "two NomNaissance"},
		"two matricules":                {body: open + ok + strings.Replace(person, "<Cle>", "<NumIdentifiant>1810163220751</NumIdentifiant><Cle>", 1) + end, says: "two NumIdentifiant"},
		"00 without INDIVIDU":           {body: open + ok + end, says: "00 without INDIVIDU"},
		"01 with INDIVIDU":              {body: open + `<CR><CodeCR>01</CodeCR><LibelleCR>x</LibelleCR></CR>` + person + end, says: "other than 00"},
		"02 with INDIVIDU":              {body: open + `<CR><CodeCR>02</CodeCR><LibelleCR>x</LibelleCR></CR>` + person + end, says: "other than 00"},
		"unknown CR":                    {body: open + `<CR><CodeCR>07</CodeCR><LibelleCR>Traitement differe</LibelleCR></CR>` + end, says: "Traitement differe", code: "07"},
		"no CR":                         {body: open + person + end, says: "no CR"},
		"no INSACTIF":                   {body: open + ok + `<INDIVIDU>` + tiq + `</INDIVIDU>` + end, says: "no INSACTIF"},
		"no TIQ":                        {body: open + ok + `<INDIVIDU>` + active + `</INDIVIDU>` + end, says: "no TIQ"},
		"no OID":                        {body: open + ok + strings.Replace(person, "<OID>1.2.250.1.213.1.4.8</OID>", "", 1) + end, says: "no OID"},
		"OID of a N° SS":                {body: open + ok + strings.Replace(person, "1.4.8", "1.4.13", 1) + end, says: "OID"},
		"malformed matricule":           {body: open + ok + strings.Replace(person, "2751263220749", "27512632207X9", 1) + end, says: "malformed matricule"},
		"12 characters":                 {body: open + ok + strings.Replace(person, "2751263220749", "275126322074", 1) + end, says: "malformed matricule"},
		"number and key displaced":      {body: open + ok + strings.NewReplacer("2751263220749", "27512632207497", "<Cle>74", "<Cle>4").Replace(person) + end, says: "malformed matricule"},
		"malformed date":                {body: open + ok + strings.Replace(person, "1975-12-31", "31/12/1975", 1) + end, says: "DateNaissance"},
		"INDIVIDU of another namespace": {body: open + ok + `<INDIVIDU xmlns="urn:other">` + active + tiq + `</INDIVIDU>` + end, says: "without INDIVIDU"},
		"another body":                  {body: strings.ReplaceAll(open+ok+person+end, "RESULTAT", "RESULTATS"), says: "no RESULTAT"},
		"empty SOAP body":               {body: `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body/></soap:Envelope>`, says: "no RESULTAT"},
		"answer to another":             {body: strings.Replace(open, "<soap:Body>", `<soap:Header><a:RelatesTo xmlns:a="http://www.w3.org/2005/08/addressing">uuid:1</a:RelatesTo></soap:Header><soap:Body>`, 1) + ok + person + end, says: "another request"},
		"truncated":                     {body: (open + ok + person)[:420], says: "unexpected EOF"},
		"DOCTYPE":                       {body: `<!DOCTYPE x [<!ENTITY e "x">]>` + open + ok + person + end, says: "document type"},
		"HTML page":                     {body: "<!DOCTYPE html><html><body>Bienvenue</body></html>", ct: "text/html", says: "HTML"},
		"HTML page under SOAP's type":   {body: "<html><body>Bienvenue</body></html>", says: "HTML"},
		"HTML refusal":                  {body: "<html>Forbidden</html>", ct: "text/html", status: 403, says: "HTML", code: "403"},
		"JSON":                          {body: `{"error":"x"}`, ct: "application/json", says: "xml"},
		"nothing":                       {body: "", says: "empty"},
		"204":                           {body: "", status: 204, says: "empty"},
		"500 with a result":             {body: open + ok + person + end, status: 500, says: "no fault", code: "500"},
		"302":                           {body: "", status: 302, says: "redirect"},
		"50 MB":                         {body: open + strings.Repeat(" ", 50<<20) + end, says: "larger than the limit"},
		"50 MB of noise":                {body: strings.Repeat("x", 50<<20), says: "larger than the limit"},
		"deep":                          {body: open + strings.Repeat("<a>", 5000) + strings.Repeat("</a>", 5000) + end, says: "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Attempts = 1 })
			srv.Inject(instest.Canned{Status: row.status, ContentType: row.ct, Body: []byte(row.body)})
			r, err := c.SearchByTraits(t.Context(), who, zoe(t))
			var e *ins.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, ins.Result{}, r, "nobody is identified")
			if row.status == 403 {
				require.ErrorIs(t, err, ins.ErrNotAuthorized)
			} else if row.status != 500 && name != "truncated" {
				require.ErrorIs(t, err, ins.ErrAnswer)
			}
			require.ErrorContains(t, err, row.says)
			if row.code != "" {
				require.Equal(t, row.code, e.Code)
			}
			require.NotContains(t, err.Error(), "275126")
			require.NotContains(t, err.Error(), "ZOE")
		})
	}
}

func TestFailuresOnTheWay(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		fault   emulator.Fault
		outcome socle.Outcome
	}{
		{"503 of a gateway", emulator.Fault{Status: 503, Times: -1}, socle.OutcomeUnknown},
		{"connection cut before the work", emulator.Fault{ResetBefore: true, Times: -1}, socle.OutcomeUnknown},
		{"connection cut after the work", emulator.Fault{ResetAfter: true, Times: -1}, socle.OutcomeUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Attempts = 2 })
			srv.Fail(row.fault)
			_, err := c.SearchByTraits(t.Context(), who, zoe(t))
			require.ErrorIs(t, err, ins.ErrUnavailable)
			require.True(t, socle.Retryable(err))
			require.Equal(t, row.outcome, socle.OutcomeOf(err))
			require.Len(t, srv.Journal(), 2)
			srv.Recover()
			_, err = c.SearchByTraits(t.Context(), who, zoe(t))
			require.NoError(t, err)
		})
	}
	t.Run("emulator down", func(t *testing.T) {
		t.Parallel()
		srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Attempts = 1 })
		srv.Close()
		_, err := c.SearchByTraits(t.Context(), who, zoe(t))
		require.ErrorIs(t, err, ins.ErrUnavailable)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	})
	t.Run("cancelled while INSi works", func(t *testing.T) {
		t.Parallel()
		srv, c := setup(t, instest.Options{})
		srv.Fail(emulator.Fault{Latency: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := c.SearchByTraits(ctx, who, zoe(t))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(start), 150*time.Millisecond)
		var e *ins.Error
		require.ErrorAs(t, err, &e)
		require.False(t, errors.Is(err, ins.ErrUnavailable))
	})
	t.Run("cancelled while the answer drips", func(t *testing.T) {
		t.Parallel()
		srv, c := setup(t, instest.Options{})
		srv.Fail(emulator.Fault{SlowBody: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 80*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := c.SearchByTraits(ctx, who, zoe(t))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(start), 180*time.Millisecond)
	})
	t.Run("roots of others", func(t *testing.T) {
		t.Parallel()
		_, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Roots = foreign().Roots() })
		_, err := c.SearchByTraits(t.Context(), who, zoe(t))
		require.ErrorIs(t, err, transport.ErrServerCertificate)
		require.False(t, socle.Retryable(err))
	})
}

func TestServicesTextIsScrubbed(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Attempts = 1 })
	srv.Inject(instest.Canned{Fault: &instest.Fault{Siram: "siram_9", Code: "x", Severity: "erreur",
		Reason: "Refus pour Adrun (zoe) née le 1975-12-31, NIR 2 75 12 63 220 749 74", Text: "275126322074974 inconnu"}})
	_, err := c.SearchByTraits(t.Context(), who, zoe(t))
	var e *ins.Error
	require.ErrorAs(t, err, &e)
	for _, s := range []string{err.Error(), e.Text} {
		for _, secret := range []string{"adrun", "zoe", "1975", "275126", "749"} {
			require.NotContains(t, strings.ToLower(deliberate(s)), secret)
		}
		require.Contains(t, s, "Refus pour")
	}
}

// Nothing that a client tells its Watch without Evidence identifies anyone.
func TestNothingIdentifyingIsLoggedOrObserved(t *testing.T) {
	t.Parallel()
	var w watcher
	srv, c := setup(t, instest.Options{}, w.attach)
	f := instest.Unavailable()
	srv.Inject(instest.Canned{BirthName: "HOUILLES", GivenNames: "JACQUES", Fault: &f, Times: -1})
	id := identity(t, traits(t, "ECETINSI", "PIERRE-ALAIN", "M", "2009-07-14", "63220"))
	s, err := c.Search(t.Context(), who, id)
	require.NoError(t, err)
	_, err = c.Search(t.Context(), who, identity(t, traits(t, "HOUILLES", "PIERRE PAUL JACQUES", "M", "1993-01-27", "")))
	require.Error(t, err)
	id, aerr := id.Accept(s.Result, ins.Acceptance{At: now})
	require.NoError(t, aerr)
	w.logger().Info("values", "identity", id, "result", s.Result, "search", s, "error", err, "traits", id.Traits(), "changes", id.Changes())
	var all bytes.Buffer
	all.Write(w.log.Bytes())
	for _, x := range w.exchanges {
		all.Write(x.Request)
		all.Write(x.Response)
		if x.Err != nil {
			all.WriteString(x.Err.Error())
		}
	}
	require.NotEmpty(t, w.exchanges)
	require.Contains(t, all.String(), "CodeCR>00", "codes stay")
	for _, secret := range []string{"ECETINSI", "HOUILLES", "PIERRE", "MURIEL", "JACQUES", "2009", "07-14", "1993", "63220", "10907", "083489", "2090"} {
		require.NotContains(t, deliberate(all.String()), secret)
	}
	require.Len(t, w.audit, len(w.exchanges))
	require.Equal(t, who.ID, w.audit[0].Actor)
	require.Equal(t, "00", w.audit[0].Code)
	require.Len(t, w.audit[0].Patient, 32)
	require.Empty(t, w.audit[1].Patient)
	require.Equal(t, "01", w.audit[1].Code)
}

func TestEvidenceIsWhole(t *testing.T) {
	t.Parallel()
	var w watcher
	_, c := setup(t, instest.Options{}, w.attach, func(cfg *ins.Config) { cfg.Evidence = true })
	_, err := c.SearchByTraits(t.Context(), who, zoe(t))
	require.NoError(t, err)
	require.Contains(t, string(w.exchanges[0].Request), "ADRUN")
	require.Contains(t, string(w.exchanges[0].Response), "2751263220749")
}

func TestCancelledBeforeTryingAgain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) {
		cfg.Attempts = 100
		n := 0
		cfg.Observe = func(context.Context, socle.Exchange) {
			if n++; n == 3 {
				cancel()
			}
		}
	})
	f := instest.Unavailable()
	srv.Inject(instest.Canned{Fault: &f, Times: -1})
	_, err := c.SearchByTraits(ctx, who, zoe(t))
	var e *ins.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "insi_102", e.Code, "what INSi said last is kept")
	require.False(t, socle.Retryable(err))
	require.Len(t, srv.Journal(), 3)
}
