package socle_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, media, body, want string }{
		{"empty", "text/xml", "", ""},
		{"xml keeps names and codes", "application/soap+xml; charset=UTF-8",
			`<r:RESULTAT xmlns:r="u"><r:CR><r:CodeCR>00</r:CodeCR></r:CR><r:Nom id="7">ADRTROIS</r:Nom></r:RESULTAT>`,
			`<r:RESULTAT xmlns:r="u"><r:CR><r:CodeCR>00</r:CodeCR></r:CR><r:Nom id="…">…</r:Nom></r:RESULTAT>`},
		{"truncated xml", "text/xml", `<a><b>SECRET</b><c`, `<a><b>…</b>[rest does not parse]`},
		{"json keeps members and statuses", "application/fhir+json",
			`{"resourceType":"Task","status":"ready","value":"SECRET","n":[1,{"family":"SECRET"}],"ok":true}`,
			`{"n":["…",{"family":"…"}],"ok":true,"resourceType":"Task","status":"ready","value":"…"}`},
		{"json tells outcomes, not drugs", "application/fhir+json", `{"issue":[{"code":"not-found"}],"coding":[{"code":"3400933516390"},{"code":"N02BE01"}]}`,
			`{"coding":[{"code":"…"},{"code":"…"}],"issue":[{"code":"not-found"}]}`},
		{"sentences go even where codes stay", "text/xml", `<r e="1" errorCode="MME ORTIE" status="ok"><Action>née</Action></r>`,
			`<r e="…" errorCode="…" status="ok"><Action>…</Action></r>`},
		{"a scope is a list", "application/json", `{"scope":"openid scope_all","error":"MME ORTIE","error_description":"x"}`,
			`{"error":"…","error_description":"…","scope":"openid scope_all"}`},
		{"broken json", "application/json", `{"SECRET":`, `[JSON that does not parse, 10 bytes]`},
		{"form keeps the grant", "application/x-www-form-urlencoded", "grant_type=refresh_token&refresh_token=SECRET", "grant_type=refresh_token&refresh_token=%E2%80%A6"},
		{"other", "application/pdf", "SECRET", "[application/pdf, 6 bytes]"},
		{"no type", "", "SECRET", "[, 6 bytes]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, string(socle.Redact(c.media, []byte(c.body))))
		})
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("text/xml", `<a b="1">x<!-- c --><?p i?></a>`)
	f.Add("application/json", `{"a":[1,"x",null]}`)
	f.Add("application/x-www-form-urlencoded", `a=b&grant_type=c`)
	f.Fuzz(func(t *testing.T, media, before string) {
		// A value between known markers of each syntax must never come out.
		const secret = "269054958815780"
		if strings.Contains(media+before, secret) {
			t.Skip()
		}
		for _, body := range []string{
			`<m>` + before + `<x id="` + secret + `">` + secret + `</x></m>`,
			`{"v":"` + secret + `"}`,
			"v=" + secret,
		} {
			require.NotContains(t, string(socle.Redact(media, []byte(body))), secret)
		}
	})
}
