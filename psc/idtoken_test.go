package psc

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/jose"
)

var at = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const accessToken = "an.access.token"

// verifier is a client that knows the keys of signer and nothing else.
func verifier(t testing.TB, signer *jose.Signer) *Client {
	t.Helper()
	return &Client{
		cfg: Config{
			Environment: Sandbox(), ClientID: "lgo", ACR: "eidas1", AcceptACR: AtLeast, Algorithms: []string{"RS256"}, Skew: 30 * time.Second,
			Watch: socle.Watch{Clock: func() time.Time { return at }},
		},
		keys: jose.NewKeySet(func(context.Context) ([]byte, error) { return jose.Publish(signer) }, func() time.Time { return at }),
	}
}

func goodClaims() map[string]any {
	return map[string]any{
		"iss": sandboxIssuer, "sub": "f:1:899900001001", "aud": "lgo", "azp": "lgo", "typ": "ID", "acr": "eidas3",
		"iat": at.Unix(), "exp": at.Add(2 * time.Minute).Unix(), "auth_time": at.Unix(), "at_hash": jose.HalfHash("RS256", accessToken),
	}
}

func TestIDTokenRules(t *testing.T) {
	t.Parallel()
	signer, err := jose.NewSigner("RS256")
	require.NoError(t, err)
	c := verifier(t, signer)
	seconds := func(d time.Duration) int64 { return at.Add(d).Unix() }

	for name, x := range map[string]struct {
		change map[string]any // nil removes
		rule   string         // "" is accepted
		nonce  string
		sub    string
	}{
		"good":                           {},
		"issuer of production":           {change: map[string]any{"iss": productionIssuer}, rule: "iss"},
		"issuer with a slash":            {change: map[string]any{"iss": sandboxIssuer + "/"}, rule: "iss"},
		"no issuer":                      {change: map[string]any{"iss": nil}, rule: "iss"},
		"no subject":                     {change: map[string]any{"sub": nil}, rule: "sub"},
		"same subject":                   {sub: "f:1:899900001001"},
		"another subject":                {sub: "f:1:899900001019", rule: "sub"},
		"audience of another client":     {change: map[string]any{"aud": "other"}, rule: "aud"},
		"no audience":                    {change: map[string]any{"aud": nil}, rule: "aud"},
		"audience list":                  {change: map[string]any{"aud": []string{"lgo"}}},
		"two audiences and azp":          {change: map[string]any{"aud": []string{"account", "lgo"}}},
		"two audiences without azp":      {change: map[string]any{"aud": []string{"account", "lgo"}, "azp": nil}, rule: "azp"},
		"one audience without azp":       {change: map[string]any{"azp": nil}},
		"azp of another client":          {change: map[string]any{"azp": "other"}, rule: "azp"},
		"an access token":                {change: map[string]any{"typ": "Bearer"}, rule: "typ"},
		"no typ":                         {change: map[string]any{"typ": nil}},
		"expired":                        {change: map[string]any{"exp": seconds(-time.Minute)}, rule: "exp"},
		"expired within the skew":        {change: map[string]any{"exp": seconds(-29 * time.Second)}},
		"expired at the skew":            {change: map[string]any{"exp": seconds(-30 * time.Second)}, rule: "exp"},
		"no expiry":                      {change: map[string]any{"exp": nil}, rule: "exp"},
		"expiry as text":                 {change: map[string]any{"exp": "tomorrow"}, rule: "claims"},
		"expiry with a fraction":         {change: map[string]any{"exp": 1772442120.5}},
		"issued in the future":           {change: map[string]any{"iat": seconds(time.Minute)}, rule: "iat"},
		"issued within the skew":         {change: map[string]any{"iat": seconds(30 * time.Second)}},
		"no issue date":                  {change: map[string]any{"iat": nil}, rule: "iat"},
		"authenticated in the future":    {change: map[string]any{"auth_time": seconds(time.Minute)}, rule: "auth_time"},
		"nonce empty":                    {change: map[string]any{"nonce": ""}},
		"nonce that was not sent":        {change: map[string]any{"nonce": "x"}, rule: "nonce"},
		"nonce that was sent":            {change: map[string]any{"nonce": "n-1"}, nonce: "n-1"},
		"nonce of another request":       {change: map[string]any{"nonce": "n-2"}, nonce: "n-1", rule: "nonce"},
		"nonce missing":                  {nonce: "n-1", rule: "nonce"},
		"at_hash of another token":       {change: map[string]any{"at_hash": jose.HalfHash("RS256", "x")}, rule: "at_hash"},
		"no at_hash":                     {change: map[string]any{"at_hash": nil}},
		"level asked":                    {change: map[string]any{"acr": "eidas1"}},
		"level missing":                  {change: map[string]any{"acr": nil}},
		"level below":                    {change: map[string]any{"acr": "eidas0"}, rule: "acr"},
		"level of another scale":         {change: map[string]any{"acr": "1"}, rule: "acr"},
		"audience of another type":       {change: map[string]any{"aud": map[string]any{"lgo": true}}, rule: "claims"},
		"two audiences, neither is us":   {change: map[string]any{"aud": []string{"account", "other"}}, rule: "aud"},
		"authenticated before the login": {change: map[string]any{"auth_time": seconds(-time.Hour)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims := goodClaims()
			maps.Copy(claims, x.change)
			maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
			token, err := signer.Sign(claims)
			require.NoError(t, err)
			_, err = c.verifyIDToken(t.Context(), token, expectation{nonce: x.nonce, accessToken: accessToken, subject: x.sub})
			if x.rule == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrIDToken)
			require.ErrorContains(t, err, "rule "+x.rule+":")
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
			require.False(t, socle.Retryable(err))
			require.NotContains(t, err.Error(), token)
			require.NotContains(t, err.Error(), "8999000010")
		})
	}
}

func TestForgedIDTokens(t *testing.T) {
	t.Parallel()
	signer, err := jose.NewSigner("RS256")
	require.NoError(t, err)
	other, err := jose.NewSigner("RS256")
	require.NoError(t, err)
	curve, err := jose.NewSigner("ES256")
	require.NoError(t, err)
	c := verifier(t, signer)
	good, err := signer.Sign(goodClaims())
	require.NoError(t, err)
	unknown, err := other.Sign(goodClaims())
	require.NoError(t, err)
	ec, err := curve.Sign(goodClaims())
	require.NoError(t, err)
	other.KeyID = signer.KeyID
	stolen, err := other.Sign(goodClaims())
	require.NoError(t, err)
	parts := strings.Split(good, ".")
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	der, err := x509.MarshalPKIXPublicKey(signer.Public())
	require.NoError(t, err)
	confused := b64(`{"alg":"HS256","kid":"`+signer.KeyID+`"}`) + "." + parts[1]
	mac := hmac.New(sha256.New, der)
	mac.Write([]byte(confused))

	for name, x := range map[string]struct{ token, rule string }{
		"no token":                     {"", "id_token"},
		"not a token":                  {"hello", "form"},
		"alg none":                     {b64(`{"alg":"none"}`) + "." + parts[1] + ".", "alg"},
		"HS256 with the public key":    {confused + "." + b64(string(mac.Sum(nil))), "alg"},
		"algorithm that is not listed": {ec, "alg"},
		"signed by nobody we know":     {unknown, "kid"},
		"another's key under our id":   {stolen, "signature"},
		"payload replaced":             {parts[0] + "." + b64(`{"sub":"x"}`) + "." + parts[2], "signature"},
		"signature dropped":            {parts[0] + "." + parts[1] + ".", "signature"},
		"oversize":                     {strings.Repeat("a", 1<<17), "size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.verifyIDToken(t.Context(), x.token, expectation{accessToken: accessToken})
			require.ErrorIs(t, err, ErrIDToken)
			require.ErrorContains(t, err, "rule "+x.rule)
		})
	}
}

func TestKeysThatCannotBeHadAreNotAForgery(t *testing.T) {
	t.Parallel()
	signer, err := jose.NewSigner("RS256")
	require.NoError(t, err)
	c := verifier(t, signer)
	down := &Error{Op: opKeys, Status: 503, retry: true}
	c.keys = jose.NewKeySet(func(context.Context) ([]byte, error) { return nil, down }, time.Now)
	token, err := signer.Sign(goodClaims())
	require.NoError(t, err)
	_, err = c.verifyIDToken(t.Context(), token, expectation{accessToken: accessToken})
	require.NotErrorIs(t, err, ErrIDToken)
	require.ErrorIs(t, err, error(down))
	require.True(t, socle.Retryable(err))
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		asked, got string
		ok         bool
	}{
		{"eidas1", "eidas1", true}, {"eidas1", "eidas3", true}, {"eidas1", "", true}, {"eidas2", "eidas2", true},
		{"eidas2", "eidas1", false}, {"eidas1", "0", false}, {"eidas1", "eidas", false}, {"eidas1", "eidas-3", false},
		{"eidas1", "EIDAS3", false}, {"eidas1", "eidas10", false}, {"gold", "gold", true}, {"gold", "eidas3", false},
	} {
		require.Equal(t, x.ok, AtLeast(x.asked, x.got) == nil, "%s %s", x.asked, x.got)
	}
}

func FuzzIDToken(f *testing.F) {
	signer, err := jose.NewSigner("RS256")
	if err != nil {
		f.Fatal(err)
	}
	seed, _ := json.Marshal(goodClaims())
	f.Add(seed)
	f.Add([]byte(`{"aud":[],"exp":1e400,"iat":-1}`))
	f.Add([]byte(`{"exp":1772442120.5,"aud":["lgo",null]}`))
	c := verifier(f, signer)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if !json.Valid(payload) {
			return
		}
		token, err := signer.Sign(json.RawMessage(payload))
		if err != nil {
			return
		}
		id, err := c.verifyIDToken(t.Context(), token, expectation{accessToken: accessToken})
		if err == nil && (id.Issuer != sandboxIssuer || id.Subject == "" || id.Expiry == 0) {
			t.Fatalf("accepted %s", payload)
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("untyped error %v", err)
		}
	})
}

// BenchmarkVerifyIDToken checks an ID token whose key is in the cache.
func BenchmarkVerifyIDToken(b *testing.B) {
	c, token := benchToken(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.verifyIDToken(context.Background(), token, expectation{accessToken: accessToken}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyIDTokenFloor makes the same checks with the standard library alone.
func BenchmarkVerifyIDTokenFloor(b *testing.B) {
	c, token := benchToken(b)
	head, err := jose.Peek(token)
	if err != nil {
		b.Fatal(err)
	}
	key, err := c.keys.Key(context.Background(), head.KeyID, "RS256")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := floorVerify(c, key, token); err != nil {
			b.Fatal(err)
		}
	}
}

func benchToken(b *testing.B) (*Client, string) {
	signer, err := jose.NewSigner("RS256")
	if err != nil {
		b.Fatal(err)
	}
	token, err := signer.Sign(goodClaims())
	if err != nil {
		b.Fatal(err)
	}
	return verifier(b, signer), token
}

func floorVerify(c *Client, key crypto.PublicKey, token string) error {
	parts := strings.Split(token, ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, sum[:], signature); err != nil {
		return err
	}
	var t idToken
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	if err := json.Unmarshal(payload, &t); err != nil {
		return err
	}
	return c.checkClaims(t, "RS256", expectation{accessToken: accessToken})
}
