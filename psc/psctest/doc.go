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
// otherwise. A refusal names the rule, what was expected and what came in
// [Server.Refusals] and in the header X-Emulator-Rule; the body is the
// service's own.
package psctest
