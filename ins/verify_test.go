package ins_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/internal/emulator"
)

func claimOf(p instest.Person) ins.Claim { return ins.Claim{INS: p.INS, Traits: p.Traits} }

func TestVerifyEveryPersonOfTheCatalogue(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{})
	for _, p := range instest.Catalogue() {
		v, err := c.Verify(t.Context(), who, claimOf(p))
		require.NoError(t, err)
		require.True(t, v.Confirmed)
		require.Equal(t, "00", v.Code)
		require.NotEmpty(t, v.MessageID)
		r, err := v.Result()
		require.NoError(t, err)
		require.Equal(t, p.INS, r.Active)
	}
	require.Equal(t, "WS_INS3", srv.Journal()[0].Operation)
}

func TestVerifyKO(t *testing.T) {
	t.Parallel()
	_, c := setup(t, instest.Options{})
	past, err := ins.Parse("209076322083439", ins.OIDNIR.String())
	require.NoError(t, err)
	for name, edit := range map[string]func(*ins.Claim){
		"another name":  func(k *ins.Claim) { k.Traits.BirthName = "ECETINSY" },
		"another sex":   func(k *ins.Claim) { k.Traits.Sex = ins.Female },
		"another date":  func(k *ins.Claim) { k.Traits.BirthDate.Day++ },
		"another place": func(k *ins.Claim) { k.Traits.BirthPlace = "75056" },
		"another list":  func(k *ins.Claim) { k.Traits.GivenNames, k.Traits.FirstGivenName = "MURIEL PIERRE-ALAIN", "" },
		"past INS":      func(k *ins.Claim) { k.INS = past },
		"another OID":   func(k *ins.Claim) { k.INS.OID = ins.OIDNIA },
		"another INS":   func(k *ins.Claim) { k.INS = zoeClaim(t).INS },
	} {
		claim := claimOf(instest.Catalogue()[5])
		edit(&claim)
		v, err := c.Verify(t.Context(), who, claim)
		require.NoError(t, err, name)
		require.False(t, v.Confirmed, name)
		require.Equal(t, "KO", v.Label)
		_, err = v.Result()
		require.ErrorIs(t, err, ins.ErrNotConfirmed)
		require.ErrorContains(t, err, "SC.INS/va1.05, .07, .08")
		require.Equal(t, socle.OutcomeDone, socle.OutcomeOf(err))
	}
	claim := claimOf(instest.Catalogue()[5])
	claim.Traits.GivenNames, claim.Traits.BirthPlace = "Pierre-Alain", ""
	claim.Traits.FirstGivenName = ""
	v, err := c.Verify(t.Context(), who, claim)
	require.NoError(t, err)
	require.True(t, v.Confirmed, "the beginning of the list and no place, as people write them")
}

func TestAConfirmedClaimIsTakenAsAnAnswer(t *testing.T) {
	t.Parallel()
	_, c := setup(t, instest.Options{OID: ins.OIDTest})
	claim := zoeClaim(t)
	claim.INS.OID = ins.OIDTest
	claim.Traits.BirthPlace = "63220"
	v, err := c.Verify(t.Context(), who, claim)
	require.NoError(t, err)
	r, err := v.Result()
	require.NoError(t, err)
	id, err := identity(t, claim.Traits).Accept(r, ins.Acceptance{At: now})
	require.NoError(t, err)
	require.Equal(t, ins.Recuperee, id.Status())
	_, err = id.Sendable()
	require.ErrorIs(t, err, ins.ErrNotQualified, "no document was checked")
}

func TestTestOIDGoesBackAsItCame(t *testing.T) {
	t.Parallel()
	_, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.TestOID = ins.OIDTest })
	r, err := c.SearchByTraits(t.Context(), who, zoe(t))
	require.NoError(t, err)
	require.Equal(t, ins.OIDTest, r.Active.OID)
	v, err := c.Verify(t.Context(), who, ins.Claim{INS: r.Active, Traits: r.Traits})
	require.NoError(t, err)
	require.True(t, v.Confirmed)
}

func TestClaimsAreRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{})
	badKey, err := ins.ParseLenient("275126322074975", ins.OIDNIR.String())
	require.NoError(t, err)
	for name, row := range map[string]struct {
		edit func(*ins.Claim)
		is   error
	}{
		"no INS":            {func(k *ins.Claim) { k.INS = ins.INS{} }, ins.ErrInvalid},
		"no OID":            {func(k *ins.Claim) { k.INS.OID = 0 }, ins.ErrInvalid},
		"wrong key":         {func(k *ins.Claim) { k.INS = badKey }, ins.ErrInvalid},
		"no name":           {func(k *ins.Claim) { k.Traits.BirthName = "" }, ins.ErrInvalid},
		"indeterminate sex": {func(k *ins.Claim) { k.Traits.Sex = "I" }, ins.ErrBlocked},
		"future":            {func(k *ins.Claim) { k.Traits.BirthDate.Year = 9000 }, ins.ErrInvalid},
	} {
		claim := zoeClaim(t)
		row.edit(&claim)
		_, err := c.Verify(t.Context(), who, claim)
		require.ErrorIs(t, err, row.is, name)
		_, err = c.SubmitBatch(t.Context(), who, []ins.Line{{Ref: "1", Claim: zoeClaim(t)}, {Ref: "2", Claim: claim}})
		require.ErrorIs(t, err, ins.ErrInvalid, name)
		require.ErrorContains(t, err, "line 2")
	}
	require.Empty(t, srv.Journal())
	production, err := ins.New(ins.Config{Environment: ins.Production(), Software: instest.Software(), Certificate: productionCertificate(t, structure), Roots: srv.Roots()})
	require.NoError(t, err)
	claim := zoeClaim(t)
	claim.INS.OID = ins.OIDTest
	_, err = production.Verify(t.Context(), who, claim)
	require.ErrorIs(t, err, ins.ErrFictitious)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	_, err = production.SubmitBatch(t.Context(), who, []ins.Line{{Ref: "1", Claim: zoeClaim(t)}})
	require.ErrorIs(t, err, ins.ErrBlocked, "the provisional wire never goes to production")
	_, err = production.FetchBatch(t.Context(), who, ins.Batch{ID: "1", Refs: []string{"1"}})
	require.ErrorIs(t, err, ins.ErrBlocked)
}

func envelope(body string) []byte {
	return []byte(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>` + body + `</s:Body></s:Envelope>`)
}

func resultat(inside string) []byte {
	return envelope(`<Resultat xmlns="http://www.cnamts.fr/INSiLot2/REPUnitaire">` + inside + `</Resultat>`)
}

// Nothing but a clear OK confirms, and nothing but a clear KO refutes.
func TestUnusableVerdicts(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Attempts = 1 })
	for name, row := range map[string]struct{ body, says string }{
		"unknown code":      {string(resultat("<CR><CodeCR>07</CodeCR><LibelleCR>Autre</LibelleCR></CR>")), "unknown CR: Autre"},
		"no code":           {string(resultat("<CR><LibelleCR>OK</LibelleCR></CR>")), "no CodeCR"},
		"two codes":         {string(resultat("<CR><CodeCR>00</CodeCR><CodeCR>01</CodeCR></CR>")), "two CodeCR"},
		"two CR":            {string(resultat("<CR><CodeCR>01</CodeCR></CR><CR><CodeCR>00</CodeCR></CR>")), "two CR"},
		"nothing":           {string(resultat("")), "no CR"},
		"a search's answer": {string(envelope(`<RESULTAT xmlns="http://www.cnamts.fr/INSiResultat"><CR><CodeCR>00</CodeCR></CR></RESULTAT>`)), "no Resultat"},
		"HTML":              {"<html>OK</html>", "HTML"},
		"empty":             {"", "empty"},
		"50 MB":             {strings.Repeat(" ", 50<<20), "larger"},
	} {
		srv.Inject(instest.Canned{Operation: "WS_INS3", Body: []byte(row.body)})
		v, err := c.Verify(t.Context(), who, zoeClaim(t))
		require.ErrorIs(t, err, ins.ErrAnswer, name)
		require.ErrorContains(t, err, row.says, name)
		require.Equal(t, ins.Verification{}, v)
	}
	srv.Inject(instest.Canned{Operation: "WS_INS3", Body: resultat("<CR><CodeCR>09</CodeCR><LibelleCR>Adrun 2751263220749 Zoe</LibelleCR></CR>")})
	_, err := c.Verify(t.Context(), who, zoeClaim(t))
	for _, secret := range []string{"Adrun", "275126", "Zoe"} {
		require.NotContains(t, err.Error(), secret)
	}
}

func TestTheDialectOfVerificationIsReplaceable(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) {
		cfg.Dialect.Verify = ins.VerifyDialect{Response: "REPONSE", ResponseSpace: "urn:guide", Confirmed: []string{"OK"}, Refuted: []string{"KO", "01"}}
	})
	for code, confirmed := range map[string]bool{"OK": true, "KO": false} {
		srv.Inject(instest.Canned{Operation: "WS_INS3", Body: envelope(`<r:REPONSE xmlns:r="urn:guide"><r:CR><r:CodeCR>` + code + `</r:CodeCR></r:CR></r:REPONSE>`)})
		v, err := c.Verify(t.Context(), who, zoeClaim(t))
		require.NoError(t, err)
		require.Equal(t, confirmed, v.Confirmed)
	}
	_, err := c.Verify(t.Context(), who, zoeClaim(t))
	require.ErrorIs(t, err, ins.ErrAnswer, "the provisional answer is not that of this dialect")
	for name, d := range map[string]ins.Dialect{
		"a code twice":       {Verify: ins.VerifyDialect{Confirmed: []string{"1"}, Refuted: []string{"1"}}},
		"a name":             {Verify: ins.VerifyDialect{Request: "a b"}},
		"a batch code twice": {Batch: ins.BatchDialect{Done: []string{"1"}, NotReady: []string{"1"}}},
		"a batch name":       {Batch: ins.BatchDialect{Fetch: "<"}},
		"a negative age":     {VitaleMaxAge: -1},
	} {
		_, err := ins.New(ins.Config{Environment: srv.Environment(), Software: instest.Software(), Dialect: d})
		require.ErrorContains(t, err, "Dialect", name)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	clock := emulator.NewClock(time.Now())
	for _, style := range []instest.Style{{}, {Prefixes: instest.Prefixed}} {
		srv, c := setup(t, instest.Options{Clock: clock, BatchDelay: time.Hour, Style: style}, func(cfg *ins.Config) { cfg.Clock = clock.Now })
		wrong := zoeClaim(t)
		wrong.Traits.BirthName = "AUTRE"
		b, err := c.SubmitBatch(t.Context(), who, []ins.Line{{Ref: "good", Claim: zoeClaim(t)}, {Ref: "wrong", Claim: wrong}})
		require.NoError(t, err)
		require.NotEmpty(t, b.ID)
		require.Equal(t, []string{"good", "wrong"}, b.Refs)
		_, err = c.FetchBatch(t.Context(), who, b)
		require.ErrorIs(t, err, ins.ErrNotReady)
		require.True(t, socle.Retryable(err))
		require.Len(t, srv.Journal(), 2, "one fetch: the service is not asked at once again")
		clock.Advance(time.Hour)
		results, err := c.FetchBatch(t.Context(), who, b)
		require.NoError(t, err)
		require.Equal(t, []ins.BatchResult{{Ref: "good", Confirmed: true, Code: "00", Label: "OK"}, {Ref: "wrong", Code: "01", Label: "KO"}}, results)

		other := b
		other.ID = "unknown"
		_, err = c.FetchBatch(t.Context(), who, other)
		require.ErrorIs(t, err, ins.ErrRejected)
		for name, refs := range map[string][]string{"one more": {"good", "wrong", "more"}, "one less": {"good"}, "another": {"good", "other"}} {
			other = b
			other.Refs = refs
			_, err = c.FetchBatch(t.Context(), who, other)
			require.ErrorIs(t, err, ins.ErrAnswer, name)
		}
		_, err = c.FetchBatch(t.Context(), who, ins.Batch{})
		require.ErrorIs(t, err, ins.ErrInvalid)
		for name, lines := range map[string][]ins.Line{
			"none": nil, "two with one reference": {{Ref: "a", Claim: zoeClaim(t)}, {Ref: "a", Claim: zoeClaim(t)}},
			"a matricule": {{Ref: "275126322074974", Claim: zoeClaim(t)}}, "too many": make([]ins.Line, 1001),
		} {
			_, err = c.SubmitBatch(t.Context(), who, lines)
			require.ErrorIs(t, err, ins.ErrInvalid, name)
			require.NotContains(t, err.Error(), "275126")
		}
	}
}

func TestADepositIsNotRepeatedWhenItMayBeDone(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{})
	srv.Fail(emulator.Fault{Operation: "WS_INS4", ResetAfter: true})
	_, err := c.SubmitBatch(t.Context(), who, []ins.Line{{Ref: "1", Claim: zoeClaim(t)}})
	require.Error(t, err)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
	require.Len(t, srv.Journal(), 1)
	srv.Fail(emulator.Fault{Operation: "WS_INS3", ResetAfter: true})
	_, err = c.Verify(t.Context(), who, zoeClaim(t))
	require.NoError(t, err, "a verification is")
	require.Len(t, srv.Journal(), 3)
}

func TestUnusableAnswersToABatch(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Attempts = 1 })
	body := func(root, inside string) []byte {
		return envelope(`<` + root + ` xmlns="urn:socle:provisional:ins:batch">` + inside + `</` + root + `>`)
	}
	const cr = "<CR><CodeCR>00</CodeCR></CR>"
	line := func(ref, code string) string {
		return `<IndividuVerifie Reference="` + ref + `"><CR><CodeCR>` + code + `</CodeCR></CR></IndividuVerifie>`
	}
	for name, row := range map[string]struct {
		body []byte
		is   error
	}{
		"no number":    {body("ReponseDepot", cr), ins.ErrAnswer},
		"empty number": {body("ReponseDepot", cr+"<IdLot/>"), ins.ErrAnswer},
		"refused":      {body("ReponseDepot", "<CR><CodeCR>99</CodeCR><LibelleCR>Trop</LibelleCR></CR>"), ins.ErrRejected},
		"another root": {body("Reponse", cr), ins.ErrAnswer},
	} {
		srv.Inject(instest.Canned{Operation: "WS_INS4", Body: row.body})
		b, err := c.SubmitBatch(t.Context(), who, []ins.Line{{Ref: "1", Claim: zoeClaim(t)}})
		require.ErrorIs(t, err, row.is, name)
		require.Empty(t, b.ID)
	}
	for name, row := range map[string]struct {
		body []byte
		is   error
	}{
		"no line":      {body("ReponseRetrait", cr), ins.ErrAnswer},
		"a line twice": {body("ReponseRetrait", cr+line("1", "00")+line("1", "01")), ins.ErrAnswer},
		"another line": {body("ReponseRetrait", cr+line("2", "00")), ins.ErrAnswer},
		"unknown code": {body("ReponseRetrait", cr+line("1", "55")), ins.ErrAnswer},
		"no verdict":   {body("ReponseRetrait", cr+`<IndividuVerifie Reference="1"/>`), ins.ErrAnswer},
		"refused":      {body("ReponseRetrait", "<CR><CodeCR>99</CodeCR></CR>"), ins.ErrRejected},
		"no CR":        {body("ReponseRetrait", line("1", "00")), ins.ErrAnswer},
		"another root": {body("Reponse", cr+line("1", "00")), ins.ErrAnswer},
	} {
		srv.Inject(instest.Canned{Operation: "WS_INS5", Body: row.body})
		results, err := c.FetchBatch(t.Context(), who, ins.Batch{ID: "1", Refs: []string{"1"}})
		require.ErrorIs(t, err, row.is, name)
		require.Nil(t, results)
	}
}

// What the other operations tell a Watch without Evidence identifies nobody either.
func TestNothingIdentifyingOfTheOtherOperations(t *testing.T) {
	t.Parallel()
	var w watcher
	srv, _ := setup(t, instest.Options{})
	reader := srv.Reader()
	reader.Insert(instest.Cards()[0])
	_, certificate := shared()
	cfg := ins.Config{Environment: srv.Environment(), Software: instest.Software(), Certificate: certificate, Roots: srv.Roots(), Vitale: reader, Attempts: 1}
	w.attach(&cfg)
	c, err := ins.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	d, err := reader.Read(2)
	require.NoError(t, err)
	r, err := c.SearchByVitale(t.Context(), who, d)
	require.NoError(t, err)
	claim := ins.Claim{INS: r.Active, Traits: r.Traits}
	claim.INS.OID = ins.OIDNIR
	v, err := c.Verify(t.Context(), who, claim)
	require.NoError(t, err)
	b, err := c.SubmitBatch(t.Context(), who, []ins.Line{{Ref: "dossier-1", Claim: claim}})
	require.NoError(t, err)
	results, err := c.FetchBatch(t.Context(), who, b)
	require.NoError(t, err)
	srv.Inject(instest.Canned{Fault: &instest.Fault{Siram: "siram_9", Reason: "Refus pour Ecetinsi, 1090763220834, carte 0123456789"}})
	srv.Inject(instest.Canned{Fault: &instest.Fault{Siram: "siram_9", Reason: "Refus pour Ecetinsi Pierre-Alain, 1090763220834"}, Times: 2})
	_, vitaleErr := c.SearchByVitale(t.Context(), who, d)
	require.Error(t, vitaleErr)
	_, verifyErr := c.Verify(t.Context(), who, claim)
	require.Error(t, verifyErr)
	_, batchErr := c.SubmitBatch(t.Context(), who, []ins.Line{{Ref: "dossier-1", Claim: claim}})
	require.Error(t, batchErr)
	w.logger().Info("values", "data", d, "verification", v, "claim", claim, "batch", b, "results", results, "vitale", vitaleErr, "verify", verifyErr, "deposit", batchErr,
		"app", ins.ApCVContext{ID: "0123456789", INS: claim.INS, Traits: claim.Traits})
	var all bytes.Buffer
	all.Write(w.log.Bytes())
	for _, x := range w.exchanges {
		all.Write(x.Request)
		all.Write(x.Response)
	}
	for _, secret := range []string{"ECETINSI", "Ecetinsi", "PIERRE", "MURIEL", "2009", "07-14", "63220", "10907", "083489", "0123456789", "18101", "ADRDEUX"} {
		require.NotContains(t, deliberate(all.String()), secret)
	}
	var operations []string
	for _, a := range w.audit {
		operations = append(operations, a.Operation+" "+a.Code)
	}
	require.Equal(t, []string{"WS_INS1 00", "WS_INS3 00", "WS_INS4 00", "WS_INS5 00", "WS_INS1 siram_9", "WS_INS3 siram_9", "WS_INS4 siram_9"}, operations)
	require.Equal(t, w.audit[0].Patient, w.audit[1].Patient, "the same person")
}
