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
// # Sessions
//
// An access token lives two minutes. [Session.AccessToken] refreshes it just
// in time, once for all the goroutines that ask; a Session is an
// oauth2.TokenSource too. A session ends after 30 minutes without a refresh
// and 4 hours after the person proved who they are, whatever is done: then
// every call gives [ErrSessionExpired] and the person logs in again.
//
// # What is checked
//
// The ID token: signature by a published key and a listed algorithm, iss, aud,
// azp, exp, iat, nonce, at_hash, level of authentication. The user information:
// same sub as the ID token, and the person that was asked for.
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
