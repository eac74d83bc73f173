package mss_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

const (
	emailType = `{"url":"https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type","valueCoding":{"code":"%s"}}`
	metadata  = `{"url":"https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata","extension":[%s]}`
	typeR257  = `{"url":"type","valueCodeableConcept":{"coding":[{"system":"https://mos.esante.gouv.fr/NOS/TRE_R257-TypeBAL/FHIR/TRE-R257-TypeBAL","code":"%s"}]}}`
)

func telecom(value string, extensions ...string) string {
	return fmt.Sprintf(`{"system":"email","value":%q,"extension":[%s]}`, value, strings.Join(extensions, ","))
}

func mss1(value, kind string) string {
	return telecom(value, fmt.Sprintf(emailType, "MSSANTE"), fmt.Sprintf(metadata, fmt.Sprintf(typeR257, kind)+`,{"url":"listeRouge","valueBoolean":false},{"url":"description","valueString":" Secrétariat "}`))
}

func directory(t testing.TB, o msstest.DirectoryOptions, change ...func(*mss.DirectoryConfig)) (*msstest.Directory, *mss.Directory) {
	t.Helper()
	a, err := authority()
	require.NoError(t, err)
	o.Authority = a
	srv, err := msstest.NewDirectory(o)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	cfg := mss.DirectoryConfig{Key: srv.Key(), Roots: srv.Roots(), BaseURL: srv.URL()}
	for _, f := range change {
		f(&cfg)
	}
	d, err := mss.NewDirectory(cfg)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return srv, d
}

func search(t testing.TB, d *mss.Directory, q mss.DirectoryQuery) (found []mss.Listing, errs []error) {
	t.Helper()
	for l, err := range d.Search(context.Background(), q) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, l)
	}
	return found, errs
}

func populate(t testing.TB, srv *msstest.Directory) {
	t.Helper()
	for _, r := range []string{
		`{"resourceType":"Practitioner","id":"p1","active":true,"identifier":[{"system":"urn:oid:1.2.250.1.71.4.2.1","value":"810102727012"},{"system":"https://rpps.esante.gouv.fr","value":"10102727012"}],
			"name":[{"family":"CHATELIER","given":["David"]}],"qualification":[{"code":{"coding":[{"system":"https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante","code":"10"}]}}],"telecom":[` + mss1("david.chatelier@medecin.mssante.fr", "PER") + `]}`,
		`{"resourceType":"Practitioner","id":"p2","active":false,"identifier":[{"system":"https://rpps.esante.gouv.fr","value":"10003461034"}],"telecom":[` + mss1("parti@medecin.mssante.fr", "PER") + `]}`,
		`{"resourceType":"PractitionerRole","id":"r1","active":true,"practitioner":{"reference":"Practitioner/p1"},"telecom":[` + mss1("david.chatelier@ch.mssante.fr", "PER") + `]}`,
		`{"resourceType":"Organization","id":"o1","active":true,"name":"PHARMACIE DU MARCHE","identifier":[{"system":"https://finess.esante.gouv.fr","value":"010000024"}],
			"type":[{"coding":[{"system":"https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite","code":"SA33"}]}],
			"telecom":[{"system":"phone","value":"0102030405"},` + telecom("contact@pharmacie.example", fmt.Sprintf(emailType, "AUTRE")) + `,` + telecom("contact2@pharmacie.example") + `,` +
			mss1("officine@pharmacie.mssante.fr", "ORG") + `,` +
			telecom("machine@pharmacie.mssante.fr", fmt.Sprintf(metadata, `{"url":"type","valueCode":"APP"},{"url":"digitization","valueBoolean":true}`)) + `,` +
			telecom("ancienne@pharmacie.mssante.fr", fmt.Sprintf(emailType, "MSSANTE"), fmt.Sprintf(metadata, `{"url":"type","valueCodeableConcept":{"coding":[{"system":"TRE_R256","code":"MSSANTE"},{"code":"ORG"}]}}`)) + `,` +
			telecom("nue@pharmacie.mssante.fr") + `]}`,
	} {
		require.NoError(t, srv.Add(r))
	}
}

func TestDirectoryFindsAProfessional(t *testing.T) {
	t.Parallel()
	srv, d := directory(t, msstest.DirectoryOptions{})
	populate(t, srv)
	rpps, err := socle.ParseRPPS("10102727012")
	require.NoError(t, err)
	found, errs := search(t, d, mss.DirectoryQuery{RPPS: rpps})
	require.Empty(t, errs)
	require.Len(t, found, 2)
	require.Equal(t, "david.chatelier@medecin.mssante.fr", found[0].Address.Wire())
	require.Equal(t, "david.chatelier@ch.mssante.fr", found[1].Address.Wire())
	for _, l := range found {
		require.Equal(t, rpps, l.RPPS)
		require.Equal(t, "CHATELIER", l.FamilyName)
		require.Equal(t, "David", l.GivenName)
		require.Equal(t, mss.MailboxPersonal, l.Type)
		require.Equal(t, "Secrétariat", l.Description)
		require.False(t, *l.Unlisted)
	}
	found, errs = search(t, d, mss.DirectoryQuery{Family: "chat"})
	require.Empty(t, errs)
	require.Len(t, found, 1)

	gone, err := socle.ParseRPPS("10003461034")
	require.NoError(t, err)
	found, errs = search(t, d, mss.DirectoryQuery{RPPS: gone})
	require.Empty(t, errs)
	require.Empty(t, found, "inactive holders are left out")
}

func TestDirectoryFindsByProfession(t *testing.T) {
	t.Parallel()
	srv, d := directory(t, msstest.DirectoryOptions{})
	populate(t, srv)
	found, errs := search(t, d, mss.DirectoryQuery{Qualifications: []string{"21", "10"}, Family: "chat"})
	require.Empty(t, errs)
	require.Len(t, found, 1)
	require.Equal(t, "david.chatelier@medecin.mssante.fr", found[0].Address.Wire())
	found, errs = search(t, d, mss.DirectoryQuery{Qualifications: []string{"21"}})
	require.Empty(t, errs)
	require.Empty(t, found)
	_, errs = search(t, d, mss.DirectoryQuery{Qualifications: []string{"21"}, Sectors: []string{"SA33"}})
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], mss.ErrDirectoryQuery)
}

func TestDirectoryToleratesEveryFormOfAMailbox(t *testing.T) {
	t.Parallel()
	srv, d := directory(t, msstest.DirectoryOptions{})
	populate(t, srv)
	found, errs := search(t, d, mss.DirectoryQuery{Sectors: []string{"SA33", "SA38", "SA39", "SA65"}})
	require.Empty(t, errs)
	var got []string
	for _, l := range found {
		got = append(got, l.Address.Wire()+" "+string(l.Type))
		require.Equal(t, "SA33", l.Sector.Code)
		require.Equal(t, "1010000024", l.Structure.String())
		require.Equal(t, "PHARMACIE DU MARCHE", l.StructureName)
	}
	require.Equal(t, []string{"officine@pharmacie.mssante.fr ORG", "machine@pharmacie.mssante.fr APP", "ancienne@pharmacie.mssante.fr ORG", "nue@pharmacie.mssante.fr "}, got)
	require.True(t, *found[1].Dematerialised)

	found, errs = search(t, d, mss.DirectoryQuery{Mailbox: "@pharmacie", Types: []mss.MailboxType{mss.MailboxApplicative}})
	require.Empty(t, errs)
	require.Len(t, found, 1)
	found, errs = search(t, d, mss.DirectoryQuery{Address: address(t, "officine@pharmacie.mssante.fr")})
	require.Empty(t, errs)
	require.NotEmpty(t, found)
}

func TestDirectoryPagesAndPosts(t *testing.T) {
	t.Parallel()
	srv, d := directory(t, msstest.DirectoryOptions{PageSize: 7})
	for i := range 30 {
		require.NoError(t, srv.Add(fmt.Sprintf(`{"resourceType":"Organization","id":"o%d","name":"N%d","telecom":[%s]}`, i, i, mss1(fmt.Sprintf("b%d@x.mssante.fr", i), "ORG"))))
	}
	found, errs := search(t, d, mss.DirectoryQuery{Name: "N"})
	require.Empty(t, errs)
	require.Len(t, found, 30)
	require.Len(t, srv.Journal(), 5)

	var sectors []string
	for i := range 100 {
		sectors = append(sectors, fmt.Sprintf("SX%d", i))
	}
	_, errs = search(t, d, mss.DirectoryQuery{Sectors: sectors})
	require.Empty(t, errs)
	j := srv.Journal()
	require.Equal(t, http.MethodPost, j[len(j)-1].Method)

	n := 0
	for range d.Search(context.Background(), mss.DirectoryQuery{Name: "N"}) {
		if n++; n == 3 {
			break
		}
	}
	require.Len(t, srv.Journal(), 7, "no page is asked for that nobody reads")
}

func TestDirectoryRefusalsAreTyped(t *testing.T) {
	t.Parallel()
	srv, d := directory(t, msstest.DirectoryOptions{})
	_, wrong := directory(t, msstest.DirectoryOptions{}, func(c *mss.DirectoryConfig) { c.Key, c.BaseURL = "autre", srv.URL() })
	_, errs := search(t, wrong, mss.DirectoryQuery{Name: "N"})
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], mss.ErrDirectoryKey)
	require.False(t, socle.Retryable(errs[0]))
	require.NotContains(t, errs[0].Error(), "autre")

	_, odd := directory(t, msstest.DirectoryOptions{}, func(c *mss.DirectoryConfig) { c.SituationParameter, c.BaseURL = "mailbox-mss-type", srv.URL() })
	rpps, err := socle.ParseRPPS("10102727012")
	require.NoError(t, err)
	_, errs = search(t, odd, mss.DirectoryQuery{RPPS: rpps})
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], mss.ErrDirectoryQuery)
	var refusal *mss.DirectoryRefusal
	require.ErrorAs(t, errs[0], &refusal)
	require.Equal(t, 400, refusal.Status)
	require.Equal(t, "HAPI-0524", refusal.Code())
	require.Contains(t, refusal.Issues[0].Text, "mailbox-mss-type not found")

	for name, q := range map[string]mss.DirectoryQuery{
		"people and structures": {RPPS: rpps, Name: "N"},
		"two addresses":         {Mailbox: "@", Address: address(t, office)},
		"a patient":             {Address: address(t, matricule+"@patient.mssante.fr")},
	} {
		_, errs = search(t, d, q)
		require.Len(t, errs, 1, name)
		require.ErrorIs(t, errs[0], mss.ErrDirectoryQuery, name)
	}
	srv.Fail(emulator.Fault{Status: 503})
	_, errs = search(t, d, mss.DirectoryQuery{Name: "N"})
	require.Empty(t, errs, "tried again")
	srv.Fail(emulator.Fault{Status: 429, Times: 3})
	_, errs = search(t, d, mss.DirectoryQuery{Name: "N"})
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], mss.ErrDirectoryBusy)
	require.True(t, socle.Retryable(errs[0]))

	ctx, cancel := context.WithCancel(context.Background())
	srv.Fail(emulator.Fault{Latency: 10 * time.Second})
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	for _, err := range d.Search(ctx, mss.DirectoryQuery{Name: "N"}) {
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Less(t, time.Since(start), 2*time.Second)
	_, err = mss.NewDirectory(mss.DirectoryConfig{BaseURL: "http://x", Rate: 18})
	for _, field := range []string{"BaseURL", "Key", "Rate", "Roots"} {
		require.ErrorContains(t, err, field)
	}
}

// The directory takes 17 requests in any second. The emulator counts.
func TestDirectoryStaysUnderTheLimit(t *testing.T) {
	t.Parallel()
	srv, d := directory(t, msstest.DirectoryOptions{PageSize: 1})
	for i := range 36 {
		require.NoError(t, srv.Add(fmt.Sprintf(`{"resourceType":"Organization","id":"o%d","name":"N","telecom":[%s]}`, i, mss1("b@x.mssante.fr", "ORG"))))
	}
	found, errs := search(t, d, mss.DirectoryQuery{Name: "N"})
	require.Empty(t, errs)
	require.Len(t, found, 36)
	for _, e := range srv.Journal() {
		require.Equal(t, 200, e.Status)
	}
}

// answers serves what it is told as the directory's.
func answers(t testing.TB, body func(host string) string) *mss.Directory {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/fhir+json")
		_, _ = fmt.Fprint(w, body(r.Host))
	}))
	t.Cleanup(srv.Close)
	d, err := mss.NewDirectory(mss.DirectoryConfig{Key: "k", HTTPClient: srv.Client(), BaseURL: srv.URL})
	require.NoError(t, err)
	return d
}

func TestDirectoryAnswersThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(string) string{
		"not JSON":  func(string) string { return "<html>" },
		"no bundle": func(string) string { return `{"resourceType":"Organization"}` },
		"next page elsewhere": func(string) string {
			return `{"resourceType":"Bundle","link":[{"relation":"next","url":"https://evil.example/fhir"}]}`
		},
		"next page in clear": func(h string) string {
			return `{"resourceType":"Bundle","link":[{"relation":"next","url":"http://` + h + `/fhir"}]}`
		},
		"the same page always": func(h string) string {
			return `{"resourceType":"Bundle","link":[{"relation":"next","url":"https://` + h + `/x"}]}`
		},
	} {
		_, errs := search(t, answers(t, body), mss.DirectoryQuery{Name: "N"})
		require.Len(t, errs, 1, name)
		require.ErrorIs(t, errs[0], mss.ErrDirectoryAnswer, name)
	}
	found, errs := search(t, answers(t, func(string) string {
		return `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Organization","id":"1","telecom":[` + mss1("a b@x.mssante.fr", "ORG") + `,` + mss1("bien@hôpital.mssante.fr", "ORG") + `]}},
			{"resource":{"resourceType":"Organization","id":"2","identifier":"?"}},{"resource":{"resourceType":"Organization","id":"3","telecom":[` + mss1("aussi@x.mssante.fr", "ORG") + `]}}]}`
	}), mss.DirectoryQuery{Name: "N"})
	require.Len(t, errs, 2, "a bad mailbox and a bad entry are told, and hide nothing")
	for _, err := range errs {
		require.ErrorIs(t, err, mss.ErrDirectoryAnswer)
	}
	require.Len(t, found, 2)
	require.Equal(t, "bien@xn--hpital-ixa.mssante.fr", found[0].Address.Wire())
}
