package psctest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/soclesante/socle/internal/jose"
)

func rawURL(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(s) }

// Caller is who calls the protected API, for APIOptions.Handler.
type Caller struct {
	Person       string // national identifier
	SessionState string // of the session at Pro Santé Connect
	ClientID     string
	Scope        []string
}

type callerKey struct{}

// CallerOf gives the caller of a request to APIOptions.Handler.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// serve is the protected API: the token first, then the handler.
func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	g, p := a.check(r)
	if p != nil {
		challenge := `Bearer realm="` + a.o.Name + `"`
		if p.code != "" {
			challenge += `, error="` + p.code + `", error_description="` + p.text + `"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
		a.refuse(w, "api", p)
		return
	}
	state, _ := g.claims["psc_session_state"].(string)
	client, _ := g.claims["azp"].(string)
	r = r.WithContext(context.WithValue(r.Context(), callerKey{}, Caller{Person: g.person, SessionState: state, ClientID: client, Scope: g.scope}))
	http.StripPrefix(apiBase, a.o.Handler).ServeHTTP(w, r)
}

// check finds the token among those that were given; it was bound to the hash
// of a certificate, which is compared as bytes and not as either of its texts.
func (a *API) check(r *http.Request) (*grant, *problem) {
	refuse := func(rule, expected, got string) (*grant, *problem) {
		return nil, &problem{401, "invalid_token", "Token verification failed", rule, expected, got}
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token == "" || !strings.EqualFold(scheme, "Bearer") {
		return nil, &problem{401, "", "", "Authorization", "a bearer token", "none"}
	}
	a.mu.Lock()
	g := a.given[token]
	dead := g != nil && g.dead
	a.mu.Unlock()
	switch {
	case g == nil || g.claims["typ"] == "Refresh":
		return refuse("token", "one of this authorization server", "another")
	case dead:
		return refuse("token", "a live one", "one that was revoked")
	case !a.Clock().Now().Before(g.until):
		return refuse("exp", "later than "+clock(a.Clock().Now()), clock(g.until))
	}
	if g.bound {
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			return refuse("cnf", "the certificate of the token", "none")
		}
		sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
		if subtle.ConstantTimeCompare(sum[:], g.thumb[:]) != 1 {
			return refuse("cnf", "the certificate of the token", "another")
		}
	}
	return g, nil
}

// signSessionData is the API of the conformity tests: it signs what a proxy
// says of a session, if that is true of the caller.
func (a *API) signSessionData(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/signsessiondata" || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	refuse := func(status int, rule, expected, got string) {
		a.refuse(w, "api", &problem{status, http.StatusText(status), "", rule, expected, got})
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	var in struct {
		NationalID   string `json:"nationalId"`
		ClientID     string `json:"clientID"`
		ProxySession string `json:"proxy_session_id"`
		SessionState string `json:"session_state"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &in)
	}
	caller, _ := CallerOf(r.Context())
	switch {
	case err != nil:
		refuse(400, "body", "a JSON object of at most 64 KiB", "something else")
		return
	case in.NationalID == "" || in.ClientID == "" || in.ProxySession == "" || in.SessionState == "":
		refuse(400, "body", "nationalId, clientID, proxy_session_id and session_state", "fewer")
		return
	case in.NationalID != caller.Person:
		refuse(401, "nationalId", "the person of the token", "another")
		return
	case in.SessionState != caller.SessionState:
		refuse(401, "session_state", "that of the session at Pro Santé Connect", "another")
		return
	}
	out := map[string]any{"nationalId": in.NationalID, "clientID": in.ClientID, "proxy_session_id": in.ProxySession, "session_state": in.SessionState}
	signature, err := a.signer.Sign(out)
	if err != nil {
		refuse(500, "emulator", "no failure", err.Error())
		return
	}
	out["signature"] = signature
	answer(w, http.StatusOK, out)
}

// Signed tells whether a signature of signsessiondata is of this emulator.
func (a *API) Signed(ctx context.Context, signature string) bool {
	_, err := jose.Verify(ctx, signature, []string{"RS256"}, keys{a.signer})
	return err == nil
}
