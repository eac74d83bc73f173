package psc_test

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	var records []socle.AuditRecord
	w := newWorld(t, func(c *psc.Config) {
		c.Audit = func(_ context.Context, r socle.AuditRecord) { records = append(records, r) }
	})
	w.Script(psctest.Titulaire, psctest.Answer{Delay: 12 * time.Second})
	var shown []string
	s, err := w.client.Login(t.Context(), psc.LoginRequest{
		Person:  person(t, psctest.Titulaire),
		Channel: psc.ChannelMobile,
		Show:    func(binding string) { shown = append(shown, binding) },
	})
	require.NoError(t, err)
	require.Len(t, shown, 1)
	require.Regexp(t, `^[0-9]{2}$`, shown[0])
	require.Equal(t, []time.Duration{5 * time.Second, 5 * time.Second, 5 * time.Second}, w.waited)
	require.Equal(t, "eidas3", s.ACR())
	require.Equal(t, morning.Add(15*time.Second), s.AuthenticatedAt())

	p, err := s.Professional("")
	require.NoError(t, err)
	require.Equal(t, socle.Professional{
		ID:         person(t, psctest.Titulaire),
		FamilyName: "TITULAIRE0000100",
		GivenName:  "CAMILLE",
		Profession: socle.Code{Code: "21", System: socle.OIDProfession, Display: "Pharmacien"},
		Speciality: socle.Code{Code: "A", System: socle.OIDPharmacistSection, Display: "Pharmacien titulaire d'officine"},
		Structure: socle.Structure{
			ID:     structure(t, psctest.Pharmacy),
			Name:   "PHARMACIE DU PREMIER ESSAI",
			Sector: socle.Code{Code: "SA33", System: socle.OIDSector, Display: "Pharmacie d'officine"},
		},
		Authn: socle.Authentication{Means: socle.MeansMobile, ACR: "eidas3", At: morning.Add(15 * time.Second)},
	}, p)

	start := w.Journal()[0]
	form, err := url.ParseQuery(string(start.Request))
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"client_id": {psctest.ClientID}, "scope": {"openid scope_all"}, "acr_values": {"eidas1"},
		"login_hint": {psctest.Titulaire}, "binding_message": {shown[0]}, "channel": {"MOBILE"},
	}, form)
	require.Len(t, records, 1)
	require.Equal(t, socle.OutcomeDone, records[0].Outcome)
	require.Equal(t, "login", records[0].Operation)
}

func structure(t *testing.T, id string) socle.StructureID {
	t.Helper()
	s, err := socle.ParseStructureID(id)
	require.NoError(t, err)
	return s
}

func TestLoginOfAStaffMemberByStructure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.login(t, psctest.Auxiliary)
	_, err := s.Professional("")
	require.ErrorIs(t, err, psc.ErrSituation)
	id, err := s.UserInfo().Person()
	require.NoError(t, err)
	require.Equal(t, person(t, psctest.Auxiliary), id)
}

func TestBindingNumbersCoverTheirRange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[string]bool{}
	two := regexp.MustCompile(`^[0-9]{2}$`)
	for range 60 {
		p, err := w.client.StartCIBA(t.Context(), psc.LoginRequest{Person: person(t, psctest.Titulaire)})
		require.NoError(t, err)
		require.True(t, two.MatchString(p.Binding()))
		seen[p.Binding()] = true
		p.Cancel()
	}
	// 60 draws of 100 give 45 values on average; under 25 is one in 10^13.
	require.Greater(t, len(seen), 25)
}

func TestLoginRefusals(t *testing.T) {
	t.Parallel()
	swap := func(c *psc.Config) { c.ClientID = "another-client" }
	for name, c := range map[string]struct {
		who      string
		answer   psctest.Answer
		change   func(*psc.Config)
		want     error
		op, code string
		status   int
		outcome  socle.Outcome
		retry    bool
		rule     string
	}{
		"denied":                  {answer: psctest.Answer{Decision: psctest.Deny}, want: psc.ErrDenied, op: "ciba.token", code: "access_denied", status: 400, rule: "decision"},
		"never answers":           {answer: psctest.Answer{Decision: psctest.Ignore}, want: psc.ErrExpired, op: "ciba.token", code: "expired_token", status: 400, rule: "expires_in"},
		"too late":                {answer: psctest.Answer{Delay: 3 * time.Minute}, want: psc.ErrExpired, op: "ciba.token", code: "expired_token", status: 400, rule: "expires_in"},
		"unknown person":          {who: "899900001043", want: psc.ErrUnknownUser, op: "ciba.start", code: "invalid_request", status: 400, rule: "login_hint"},
		"device cannot be called": {answer: psctest.Answer{Unreachable: true}, op: "ciba.start", code: "server_error", status: 503, retry: true, rule: "device"},
		"scope":                   {change: func(c *psc.Config) { c.Scope = "openid invented" }, op: "ciba.start", code: "invalid_scope", status: 400, rule: "scope"},
		"client id of another":    {change: swap, want: psc.ErrClientCertificate, op: "ciba.start", code: "invalid_client", status: 401, rule: "client_id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var changes []func(*psc.Config)
			if c.change != nil {
				changes = append(changes, c.change)
			}
			w := newWorld(t, changes...)
			if c.who == "" {
				c.who = psctest.Titulaire
			}
			w.Script(c.who, c.answer)
			_, err := w.client.Login(t.Context(), request(t, c.who))
			var e *psc.Error
			require.ErrorAs(t, err, &e)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			require.Equal(t, c.op, e.Op)
			require.Equal(t, c.code, e.Code)
			require.Equal(t, c.status, e.Status)
			require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
			require.Equal(t, c.retry, socle.Retryable(err))
			refusals := w.Refusals()
			require.Equal(t, c.rule, refusals[len(refusals)-1].Rule)
			require.NotContains(t, err.Error(), c.who)
			// The place is free again.
			w.Script(c.who, psctest.Answer{})
			if c.change == nil && c.who == psctest.Titulaire {
				w.login(t, c.who)
			}
		})
	}
}

func TestCertificateOfAnotherStructureIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *psc.Config) {
		other, err := authority().Organisation(pki.Organisation{Structure: psctest.OtherPharmacy, Name: "AUTRE", CommonName: "lgo"}, pki.AuthClient)
		require.NoError(t, err)
		c.Certificate = other
	})
	_, err := w.client.Login(t.Context(), request(t, psctest.Titulaire))
	require.ErrorIs(t, err, psc.ErrClientCertificate)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err))
	require.ErrorContains(t, err, "subject DN")
	require.Equal(t, "tls_client_auth", w.Refusals()[0].Rule)
}

func TestCertificateOfAnotherAuthorityIsRefused(t *testing.T) {
	t.Parallel()
	foreign, err := pki.NewAuthority(pki.WithClock(func() time.Time { return morning }))
	require.NoError(t, err)
	w := newWorld(t, func(c *psc.Config) {
		cert, err := foreign.Organisation(pki.Organisation{Structure: psctest.Pharmacy, Name: "X", CommonName: "lgo"}, pki.AuthClient)
		require.NoError(t, err)
		c.Certificate = cert
	})
	_, err = w.client.Login(t.Context(), request(t, psctest.Titulaire))
	require.ErrorIs(t, err, psc.ErrClientCertificate)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.False(t, socle.Retryable(err))
}

func TestSlowDownAddsFiveSecondsEachTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Script(psctest.Titulaire, psctest.Answer{SlowDown: 2})
	w.login(t, psctest.Titulaire)
	require.Equal(t, []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}, w.waited)
}

func TestIntervalOfTheServiceIsHonoured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask  time.Duration
		want time.Duration
	}{"8 seconds": {8 * time.Second, 8 * time.Second}, "none: 5 seconds": {-1, 5 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, err := psctest.NewServer(psctest.Options{Authority: authority(), Clock: emulator.NewClock(morning), Interval: c.ask})
			require.NoError(t, err)
			t.Cleanup(srv.Close)
			cert, err := srv.ClientCertificate(psctest.Pharmacy)
			require.NoError(t, err)
			var waited []time.Duration
			client, err := psc.New(psc.Config{
				Environment: srv.Environment(), ClientID: psctest.ClientID, Certificate: cert, Roots: srv.Roots(),
				Watch: socle.Watch{Clock: srv.Clock().Now},
				Wait:  func(ctx context.Context, d time.Duration) error { waited = append(waited, d); return srv.Wait(ctx, d) },
			})
			require.NoError(t, err)
			_, err = client.Login(t.Context(), request(t, psctest.Titulaire))
			require.NoError(t, err)
			require.Equal(t, []time.Duration{c.want}, waited)
		})
	}
}

func TestOneLoginForEachPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.client.StartCIBA(t.Context(), request(t, psctest.Titulaire))
	require.NoError(t, err)
	_, err = w.client.StartCIBA(t.Context(), request(t, psctest.Titulaire))
	require.ErrorIs(t, err, psc.ErrLoginPending)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.Equal(t, 1, w.count("ciba.start"), "the second was not sent")
	w.login(t, psctest.Adjoint) // another person is free to log in

	first.Cancel()
	_, err = first.Wait(t.Context())
	require.ErrorIs(t, err, context.Canceled)
	w.login(t, psctest.Titulaire)

	// One that nobody waited for holds its place until it expires.
	_, err = w.client.StartCIBA(t.Context(), request(t, psctest.Titulaire))
	require.NoError(t, err)
	w.Clock().Advance(2 * time.Minute)
	w.login(t, psctest.Titulaire)
}

func TestCancelledLoginReturnsAtOnce(t *testing.T) {
	t.Parallel()
	for name, operation := range map[string]string{"in the pause between polls": "", "in the request": "ciba.start", "in a poll": "ciba.token"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *psc.Config) {
				if operation == "" {
					c.Wait = nil // the real timer, of five seconds
				}
			})
			if operation != "" {
				w.Fail(emulator.Fault{Operation: operation, Latency: 10 * time.Second})
			}
			ctx, cancel := context.WithCancel(t.Context())
			var cancelled time.Time
			time.AfterFunc(150*time.Millisecond, func() { cancelled = time.Now(); cancel() })
			_, err := w.client.Login(ctx, request(t, psctest.Titulaire))
			late := time.Since(cancelled)
			require.ErrorIs(t, err, context.Canceled)
			require.False(t, socle.Retryable(err))
			require.Less(t, late, 100*time.Millisecond)
			w.Recover()
			if operation != "" {
				w.login(t, psctest.Titulaire)
			}
		})
	}
}

func TestCancelEndsAWaitAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *psc.Config) { c.Wait = nil })
	p, err := w.client.StartCIBA(t.Context(), request(t, psctest.Titulaire))
	require.NoError(t, err)
	require.Equal(t, morning.Add(2*time.Minute), p.ExpiresAt())
	var cancelled time.Time
	time.AfterFunc(50*time.Millisecond, func() { cancelled = time.Now(); p.Cancel() })
	_, err = p.Wait(t.Context())
	require.Less(t, time.Since(cancelled), 100*time.Millisecond)
	require.ErrorIs(t, err, context.Canceled)
	_, err = p.Wait(t.Context())
	require.ErrorIs(t, err, context.Canceled, "it is over")
	require.Zero(t, w.count("ciba.token"))
}

func TestPollSurvivesAShortOutage(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]emulator.Fault{
		"503": {Status: 503}, "reset before": {ResetBefore: true}, "bad gateway twice": {Status: 502, Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f.Operation = "ciba.token"
			w.Fail(f)
			w.login(t, psctest.Titulaire)
		})
	}
}

func TestServiceFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   emulator.Fault
		outcome socle.Outcome
		retry   bool
		op      string
	}{
		"start 503 of a gateway": {emulator.Fault{Operation: "ciba.start", Status: 503, Times: -1}, socle.OutcomeUnknown, true, "ciba.start"},
		"start 429":              {emulator.Fault{Operation: "ciba.start", Status: 429, Times: -1}, socle.OutcomeRefused, true, "ciba.start"},
		"start 404":              {emulator.Fault{Operation: "ciba.start", Status: 404, Times: -1}, socle.OutcomeRefused, false, "ciba.start"},
		"start reset before":     {emulator.Fault{Operation: "ciba.start", ResetBefore: true, Times: -1}, socle.OutcomeUnknown, true, "ciba.start"},
		"start reset after":      {emulator.Fault{Operation: "ciba.start", ResetAfter: true, Times: -1}, socle.OutcomeUnknown, true, "ciba.start"},
		"poll down for good":     {emulator.Fault{Operation: "ciba.token", Status: 504, Times: -1}, socle.OutcomeUnknown, true, "ciba.token"},
		// The tokens were made and lost: the request is used up.
		"poll reset after": {emulator.Fault{Operation: "ciba.token", ResetAfter: true}, socle.OutcomeRefused, false, "ciba.token"},
		"keys down":        {emulator.Fault{Operation: "jwks", Status: 503, Times: -1}, socle.OutcomeUnknown, true, "jwks"},
		"userinfo down":    {emulator.Fault{Operation: "userinfo", Status: 503, Times: -1}, socle.OutcomeUnknown, true, "userinfo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Fail(c.fault)
			_, err := w.client.Login(t.Context(), request(t, psctest.Titulaire))
			var e *psc.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.op, e.Op, "%v", err)
			require.Equal(t, c.outcome, socle.OutcomeOf(err), "%v", err)
			require.Equal(t, c.retry, socle.Retryable(err), "%v", err)
			if c.op == "ciba.start" {
				require.Equal(t, 1, w.count("ciba.start"), "a phone must not ring twice")
			}
			w.Recover()
			w.login(t, psctest.Titulaire)
		})
	}
}

func TestServiceThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Close()
	_, err := w.client.Login(t.Context(), request(t, psctest.Titulaire))
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	require.True(t, socle.Retryable(err))
}

func TestFailedUserInfoLeavesNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fail(emulator.Fault{Operation: "userinfo", Status: 500, Times: -1})
	_, err := w.client.Login(t.Context(), request(t, psctest.Titulaire))
	require.Error(t, err)
	require.Equal(t, 1, w.count("logout"))
	require.Equal(t, 1, w.count("revoke"))
}

func TestUserInfoRetriedOnceWithANewToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fail(emulator.Fault{Operation: "userinfo", Status: 401})
	w.login(t, psctest.Titulaire)
	require.Equal(t, 1, w.count("token.refresh"))
	require.Equal(t, 2, w.count("userinfo"))
}

func TestLoginNeedsAPersonAndAScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.client.Login(t.Context(), psc.LoginRequest{Person: person(t, psctest.Titulaire)})
	require.ErrorContains(t, err, "Show")
	_, err = w.client.Login(t.Context(), psc.LoginRequest{Show: func(string) {}})
	require.ErrorContains(t, err, "Person")
	require.Empty(t, w.Journal())
	var e *psc.Error
	require.True(t, errors.As(err, &e))
}
