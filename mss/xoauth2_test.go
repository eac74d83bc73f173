package mss

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestXOAUTH2(t *testing.T) {
	t.Parallel()
	x, err := newXOAUTH2("bal@pro.mssante.fr", "jeton", true, []byte{1})
	require.NoError(t, err)
	mechanism, first, err := x.Start()
	require.NoError(t, err)
	require.Equal(t, "XOAUTH2", mechanism)
	require.Equal(t, "user=bal@pro.mssante.fr\x01auth=Bearer jeton\x01\x01", string(first))
	dummy, err := x.Next([]byte(`{"status":"401","schemes":"bearer","scope":"mail"}`))
	require.NoError(t, err)
	require.Equal(t, []byte{1}, dummy, "an empty answer would be written as =, which servers refuse")
	require.Equal(t, &Refusal{"401", "bearer", "mail"}, x.refusal)
	_, err = x.Next(nil)
	require.Error(t, err, "no second challenge")

	x, err = newXOAUTH2("bal@pro.mssante.fr", "jeton", false, []byte{})
	require.NoError(t, err)
	_, first, err = x.Start()
	require.NoError(t, err)
	require.Nil(t, first)
	answer, err := x.Next([]byte{})
	require.NoError(t, err)
	require.Contains(t, string(answer), "Bearer jeton")

	for _, bad := range []string{"", "a\x01b", "a\r\nb"} {
		_, err := newXOAUTH2("bal@pro.mssante.fr", bad, true, nil)
		require.Error(t, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r, err := parseRefusal([]byte(`{"status":401,"schemes":"bearer"}`))
	require.NoError(t, err)
	require.Equal(t, "401", r.Status)
	for _, bad := range []string{"", "null junk", "[1]", `{"status":`, `{"scope":"` + strings.Repeat("x", 5000) + `"}`} {
		_, err := parseRefusal([]byte(bad))
		require.Error(t, err)
	}
}

func TestServersWordsAreScrubbed(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<279035121518989@patient.mssante.fr>: unknown":               "… unknown",
		"user 2790351215189 refused\r\nsee log":                       "user … refused  see log",
		"token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl bad": "token … bad",
		"Mailbox full": "Mailbox full",
	} {
		require.Equal(t, want, scrub(in))
	}
	require.LessOrEqual(t, len([]rune(scrub(strings.Repeat("é ", 5000)))), 201)
}

func FuzzRefusal(f *testing.F) {
	f.Add([]byte(`{"status":"401","schemes":"bearer","scope":"mail"}`))
	f.Add([]byte(`{"status":401}`))
	f.Add([]byte(`{"status":{"a":[]}}`))
	f.Fuzz(func(t *testing.T, challenge []byte) {
		r, err := parseRefusal(challenge)
		if (r == nil) == (err == nil) {
			t.Fatal("a refusal or an error, not both")
		}
		if r != nil && len(r.Error()) > 1000 {
			t.Fatal("unbounded")
		}
	})
}

func TestMechanismIsChosenByWhatIsOffered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		auth    Auth
		offered string
		want    string
	}{
		{Auth{}, "XOAUTH2 OAUTHBEARER", "XOAUTH2"},
		{Auth{}, "OAUTHBEARER", "OAUTHBEARER"},
		{Auth{}, "PLAIN", "XOAUTH2"}, // which is what is asked for: the refusal tells
		{OAuthBearer(), "XOAUTH2 OAUTHBEARER", "OAUTHBEARER"},
		{OAuthBearer(), "XOAUTH2", "OAUTHBEARER"},
	} {
		l := login{auth: c.auth, user: "a=b,c@pro.mssante.fr", token: "jeton"}
		x, err := l.exchange(func(m string) bool { return strings.Contains(" "+c.offered+" ", " "+m+" ") }, true, []byte{1})
		require.NoError(t, err)
		mechanism, first, err := x.Start()
		require.NoError(t, err)
		require.Equal(t, c.want, mechanism)
		if mechanism == "OAUTHBEARER" {
			require.Equal(t, "n,a=a=3Db=2Cc@pro.mssante.fr,\x01auth=Bearer jeton\x01\x01", string(first))
		}
	}
}
