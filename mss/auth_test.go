package mss_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

const (
	application = "automate@pharmacie.formation.mssante.fr"
	automaton   = "automate.pharmacie.test"
	structure   = "10B0127189"
)

// organisation issues the certificate of an automaton.
func organisation(t testing.TB, a *pki.Authority, name string, u pki.Usage) tls.Certificate {
	t.Helper()
	c, err := a.Organisation(pki.Organisation{Structure: structure, Name: "PHARMACIE DE TEST", CommonName: name}, u)
	require.NoError(t, err)
	return c
}

// automatic is a bench whose mailbox is applicative.
func automatic(t testing.TB, o msstest.Options, auth func(tls.Certificate) mss.Auth) *bench {
	t.Helper()
	o.Mailboxes = append(o.Mailboxes, msstest.Mailbox{Address: application, Certificate: automaton, Password: "factice"})
	b := set(t, o)
	id, err := socle.ParseStructureID(structure)
	require.NoError(t, err)
	b.access = mss.Access{Address: address(t, application), Auth: auth(organisation(t, b.server.Authority(), automaton, pki.AuthClient)),
		Actor: socle.Actor{Professional: socle.Professional{Structure: socle.Structure{ID: id, Name: "Pharmacie du Marché"}}}}
	return b
}

func TestOAuthBearer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offered []string
		drop    bool
		auth    mss.Auth
	}{
		"alone":           {offered: []string{msstest.OAuthBearer}},
		"alone, dropping": {offered: []string{msstest.OAuthBearer}, drop: true},
		"chosen":          {offered: []string{msstest.XOAUTH2, msstest.OAuthBearer}, auth: mss.OAuthBearer()},
	} {
		for _, initial := range []bool{false, true} {
			t.Run(fmt.Sprint(name, initial), func(t *testing.T) {
				t.Parallel()
				b := set(t, msstest.Options{Mechanisms: c.offered, DropAfterRefusal: c.drop}, func(c *mss.Config) { c.Dialect.SubmissionInitialResponse = initial })
				b.access.Auth = c.auth
				stale, err := b.tokens.AccessToken(context.Background())
				require.NoError(t, err)
				b.tokens.expire()
				m := b.open(t)
				require.Equal(t, []string{stale}, b.tokens.evicted)
				b.tokens.expire()
				_, err = m.Send(context.Background(), draft(t))
				require.NoError(t, err)
				require.Len(t, b.tokens.evicted, 2)
				require.Len(t, b.server.Messages(office, "INBOX"), 1)

				b.access.Address = address(t, office) // which this professional may not open
				_, err = b.client.Open(context.Background(), b.access)
				require.ErrorIs(t, err, mss.ErrTokenRefused)
				var refusal *mss.Refusal
				require.ErrorAs(t, err, &refusal)
				require.Equal(t, "invalid_token", refusal.Status)
			})
		}
	}
}

func TestApplicativeMailbox(t *testing.T) {
	t.Parallel()
	external := func(authzid string) func(tls.Certificate) mss.Auth {
		return func(c tls.Certificate) mss.Auth { return mss.External(c, authzid) }
	}
	for name, c := range map[string]struct {
		o    msstest.Options
		auth func(tls.Certificate) mss.Auth
	}{
		"EXTERNAL":               {msstest.Options{Mechanisms: []string{msstest.External}}, external("")},
		"EXTERNAL with authzid":  {msstest.Options{Mechanisms: []string{msstest.XOAUTH2, msstest.External}}, external(application)},
		"EXTERNAL, implicit TLS": {msstest.Options{Mechanisms: []string{msstest.External}, ImplicitTLS: true}, external("")},
		"PLAIN": {msstest.Options{Mechanisms: []string{msstest.Plain}},
			func(c tls.Certificate) mss.Auth { return mss.Plain(c, "", "factice") }},
		"PREAUTH":                {msstest.Options{PreAuth: true, ImplicitTLS: true}, mss.CertificateAlone},
		"EXTERNAL where PREAUTH": {msstest.Options{PreAuth: true, ImplicitTLS: true, Mechanisms: []string{msstest.External}}, external("")},
	} {
		for _, initial := range []bool{false, true} {
			t.Run(fmt.Sprint(name, initial), func(t *testing.T) {
				t.Parallel()
				b := automatic(t, c.o, c.auth)
				cfg := mss.Config{Environment: b.server.Environment(), Roots: b.server.Roots(), Software: software()}
				cfg.Dialect.SubmissionInitialResponse = initial
				var err error
				b.client, err = mss.New(cfg)
				require.NoError(t, err)
				require.NoError(t, b.server.Deliver(application, simple("<"+office+">", "Un", "Un")))
				m := b.open(t)
				require.Len(t, list(t, m, mss.UID{}), 1)
				r, err := m.Send(context.Background(), draft(t))
				require.NoError(t, err)
				require.True(t, r.SentCopy)
				got := b.server.Messages(office, "INBOX")
				require.Len(t, got, 1)
				require.Equal(t, "Pharmacie du Marché", mss.ParseMessage(got[0]).Sender.Name, "an applicative mailbox signs with its entity")
				require.Zero(t, b.tokens.asked, "no token is wanted")
			})
		}
	}
}

func TestApplicativeMailboxRefused(t *testing.T) {
	t.Parallel()
	foreign, err := pki.NewAuthority()
	require.NoError(t, err)
	ours, err := authority()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		auth func(tls.Certificate) mss.Auth
		says string // of the server, in its journal; empty: refused in the handshake
	}{
		"another mailbox": {func(c tls.Certificate) mss.Auth { return mss.External(c, pharmacy) }, "authorization identity"},
		"unknown name": {func(tls.Certificate) mss.Auth {
			return mss.External(organisation(t, ours, "inconnu", pki.AuthClient), "")
		}, `CN "inconnu"`},
		"wrong password": {func(c tls.Certificate) mss.Auth { return mss.Plain(c, "", "autre") }, "the user and the password"},
		"foreign authority": {func(tls.Certificate) mss.Auth {
			return mss.External(organisation(t, foreign, automaton, pki.AuthClient), "")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := automatic(t, msstest.Options{Mechanisms: []string{msstest.External, msstest.Plain}}, c.auth)
			_, err := b.client.Open(context.Background(), b.access)
			require.ErrorIs(t, err, mss.ErrAuthRefused)
			require.NotErrorIs(t, err, mss.ErrTokenRefused)
			require.False(t, socle.Retryable(err))
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
			journal := b.server.Journal()
			if c.says == "" {
				require.Empty(t, journal)
				return
			}
			require.Len(t, journal, 1, "a certificate is not tried again")
			require.Contains(t, string(journal[0].Response), c.says)
		})
	}
	t.Run("in SMTP", func(t *testing.T) {
		t.Parallel()
		b := automatic(t, msstest.Options{Mechanisms: []string{msstest.External}}, func(c tls.Certificate) mss.Auth { return mss.External(c, "") })
		m := b.open(t)
		b.server.Fail(emulator.Fault{Operation: msstest.OpAuthenticateSMTP, Status: 535})
		_, err := m.Send(context.Background(), draft(t))
		require.ErrorIs(t, err, mss.ErrAuthRefused)
		b.server.Fail(emulator.Fault{Operation: msstest.OpAuthenticateSMTP, Status: 454})
		_, err = m.Send(context.Background(), draft(t))
		require.ErrorIs(t, err, mss.ErrAuthRefused)
		require.True(t, socle.Retryable(err), "for now, says the operator")
	})
	t.Run("no PREAUTH", func(t *testing.T) {
		t.Parallel()
		b := automatic(t, msstest.Options{Mechanisms: []string{msstest.External}, ImplicitTLS: true}, mss.CertificateAlone)
		_, err := b.client.Open(context.Background(), b.access)
		require.ErrorIs(t, err, mss.ErrAuthRefused)
		require.ErrorContains(t, err, "PREAUTH")
	})
}

func TestOpenTellsWhatIsWrongWithACertificate(t *testing.T) {
	t.Parallel()
	a, err := authority()
	require.NoError(t, err)
	b := automatic(t, msstest.Options{Mechanisms: []string{msstest.External}}, func(c tls.Certificate) mss.Auth { return mss.External(c, "") })
	old, err := a.Organisation(pki.Organisation{Structure: structure, CommonName: automaton, NotBefore: time.Now().AddDate(-4, 0, 0)}, pki.AuthClient)
	require.NoError(t, err)
	good := organisation(t, a, automaton, pki.AuthClient)
	for text, auth := range map[string]mss.Auth{
		"made for another usage":      mss.External(organisation(t, a, automaton, pki.Sign), ""),
		"that ended on":               mss.External(old, ""),
		"LoadPKCS12":                  mss.External(tls.Certificate{}, ""),
		"without its private key":     mss.External(tls.Certificate{Certificate: good.Certificate}, ""),
		"control character":           mss.Plain(good, "a\x00b", "c"),
		"wants a password":            mss.Plain(good, "automate", ""),
		"CertificateAlone wants":      mss.CertificateAlone(good),
		"Access.Actor: the structure": mss.External(good, ""),
	} {
		access := b.access
		access.Auth = auth
		if strings.HasPrefix(text, "Access.Actor") {
			access.Actor = socle.Actor{}
		}
		_, err := b.client.Open(context.Background(), access)
		require.ErrorContains(t, err, text)
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
		require.Empty(t, b.server.Journal())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		s := fmt.Sprintf(verb, mss.Plain(good, "automate", "SECRET"))
		require.Contains(t, s, "PLAIN")
		require.NotContains(t, s, "SECRET")
	}
}

// Without SASL-IR an empty authorization identity is an empty line: "=" would be
// an error there (RFC 9051 section 6.2.2).
func TestEmptyIdentityWithoutInitialResponse(t *testing.T) {
	t.Parallel()
	var s scripted
	tag := ""
	addr := s.serve(t, "* OK [CAPABILITY IMAP4rev1 AUTH=EXTERNAL] ready", true, func(line string) string {
		switch {
		case strings.Contains(line, " AUTHENTICATE "):
			tag, _, _ = strings.Cut(line, " ")
			return "+ \r\n"
		case line == "":
			return tag + " OK [CAPABILITY IMAP4rev1] Logged in\r\n"
		case strings.Contains(line, " SELECT "), strings.Contains(line, " EXAMINE "):
			tag, _, _ = strings.Cut(line, " ")
			return "* 0 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 1] ok\r\n* FLAGS ()\r\n" + tag + " OK [READ-ONLY] done\r\n"
		case strings.HasSuffix(line, " LOGOUT"):
			return "* BYE\r\n" + strings.TrimSuffix(line, " LOGOUT") + " OK\r\n"
		}
		return "!" + tag + " BAD Invalid base64 data in continued response\r\n"
	})
	b := automatic(t, msstest.Options{}, func(c tls.Certificate) mss.Auth { return mss.External(c, "") })
	c, err := mss.New(mss.Config{Environment: mss.Environment{IMAP: addr, Submission: addr, ImplicitTLS: true}, Roots: b.server.Roots(), Software: software()})
	require.NoError(t, err)
	m, err := c.Open(context.Background(), b.access)
	require.NoError(t, err)
	require.NoError(t, m.Close())
	require.NotContains(t, s.heard(), base64.StdEncoding.EncodeToString([]byte(application)))
}

// Without anybody logged in, there is no session that could end.
func TestApplicativeMailboxIsWatched(t *testing.T) {
	t.Parallel()
	b := automatic(t, msstest.Options{Mechanisms: []string{msstest.Plain}}, func(c tls.Certificate) mss.Auth { return mss.Plain(c, "", "factice") })
	h := newHandled()
	w, err := b.client.Watch(context.Background(), mss.WatchConfig{Handle: h.handle, Changed: h.changed})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Add(b.access, mss.Cursor{}))
	require.NoError(t, b.server.Deliver(application, simple("<"+office+">", "Un", "Un")))
	require.Equal(t, application, h.next(t).Mailbox.Wire())
	b.server.Disconnect(application, "maintenance")
	require.NoError(t, b.server.Deliver(application, simple("<"+office+">", "Deux", "Deux")))
	require.Equal(t, "Deux", h.next(t).Summary.Subject)
	require.Zero(t, b.tokens.asked)
}
