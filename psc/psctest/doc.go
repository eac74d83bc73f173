// Package psctest is an emulator of Pro Santé Connect: a TLS server on a
// loopback port that speaks like the service (a Keycloak realm behind a wallet)
// and refuses what it refuses, in its words.
//
//	srv, err := psctest.NewServer(psctest.Options{})
//	…
//	defer srv.Close()
//	certificate, err := srv.ClientCertificate(psctest.Pharmacy)
//	client, err := psc.New(psc.Config{
//		Environment: srv.Environment(),
//		ClientID:    psctest.ClientID,
//		Certificate: certificate,
//		Roots:       srv.Roots(),
//		Wait:        srv.Wait, // no second is waited: the emulator's clock advances
//		Watch:       socle.Watch{Clock: srv.Clock().Now},
//	})
//
// Each person of [Options.People] approves at once unless [Server.Script] says
// otherwise: they refuse, take their time, ignore the request, use their card or
// their telephone, prove another level of identity.
//
// The code flow has a login page, for people with a browser and, by
// [Server.Browser], for tests; [Server.RegisterRedirect] declares where it may
// send them back to. A logout at the service posts logout tokens to who
// declared [Server.RegisterBackchannel]; [Server.LogoutToken] makes any other.
//
// A refusal names the rule, what was expected and what came in
// [Server.Refusals] and in the header X-Emulator-Rule; the body is the
// service's own.
//
// [CheckSessionStore] verifies a psc.SessionStore that a vendor wrote.
package psctest
