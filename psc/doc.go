// Package psc authenticates health professionals with Pro Santé Connect, the
// OpenID Connect service of the Agence du Numérique en Santé.
//
// # First call
//
// A desktop program logs a professional in by CIBA: it names the person, shows
// two digits, and the person confirms them on the e-CPS application or with
// the CPx card.
//
//	client, err := psc.New(psc.Config{
//		Environment: psc.Sandbox(),
//		ClientID:    "…",         // given by the ANS
//		Certificate: certificate, // IGC-Santé, ORG AUTH_CLI
//		Roots:       roots,
//	})
//	…
//	session, err := client.Login(ctx, psc.LoginRequest{
//		Person: person,
//		Show:   func(binding string) { fmt.Println("Confirmez le nombre", binding) },
//	})
//	…
//	defer session.Logout(ctx)
//	professional, err := session.Professional("") // or the key of a Situation
//
// # Four ways to log in (PSC.01)
//
//   - A web server sends the browser to the login page: [NewWeb] has the
//     handlers, the cookies and the sessions, [Client.Authorize] and
//     [Client.Callback] are below it for who has their own.
//   - A desktop program opens the browser of the system: [Client.LoopbackLogin].
//   - A desktop program without a browser calls on the person's device by CIBA:
//     [Client.Login].
//   - A desktop program with a browser of its own does like LoopbackLogin, with
//     its window as LoopbackRequest.Open.
//
// Each asks for acr_values=eidas1 (PSC.08) and opens the same [Session].
//
// # Sessions
//
// An access token lives two minutes. [Session.AccessToken] refreshes it just
// in time, once for all the goroutines that ask; a Session is an
// oauth2.TokenSource too. A session ends after 30 minutes without a refresh
// and 4 hours after the person proved who they are, whatever is done, or sooner
// where Config.SessionLimit and Config.IdleLimit say so (SSI/IE.37, SSI/IE.39):
// then every call gives [ErrSessionExpired] and the person logs in again, which
// Config.Reauthenticate may see to. [Session.Logout] and [Session.LogoutURL] end
// it (SSI/IE.38), and [Client.BackchannelLogout] hears of a logout elsewhere.
// [Session.Keep] and [Client.Restore] carry it over a restart, in a [SessionStore].
//
// The account of the software is found by [UserInfo.Person] (PSC.02), and
// [Session.Professional] is who the other services are called as (PSC.10).
//
// # Client authentication
//
// By certificate on every connection between servers (EXI PSC 24), which
// Config.GetCertificate replaces without a restart; by Config.Secret where the
// ANS gave one.
//
// # What is checked
//
// The ID token: signature by a published key and a listed algorithm, iss, aud,
// azp, exp, iat, nonce, at_hash, level of authentication, age of the
// authentication where it was limited. The user information: same sub as the ID
// token, and the person that was asked for. The answer of the login page: state,
// once and within ten minutes, iss (RFC 9207), PKCE. A logout token: signature,
// iss, aud, iat, exp, events, jti once, sub or sid, no nonce.
//
// # Errors
//
// Every failure is an [*Error], which keeps the code and the words of the
// service and answers errors.Is for ErrDenied, ErrExpired, ErrUnknownUser … No
// error, log line or dump holds a token.
//
// # What is not verified against the real service
//
// dialect.go and docs/unknowns.md list what no public text confirms.
package psc
