// Package proxy is a Proxy e-Santé: the server-side part of a software of the
// trust space (Espace de confiance) of Pro Santé Connect, by the contract that
// the ANS published for it, and the client of such a proxy for the workstation.
//
//	POST   /connect                 logs a professional in; answers when it is done
//	DELETE /disconnect              ends the session
//	ANY    /send/{api}/{endpoint…}  calls an API with the token of the session
//	GET    /traces?start=&end=      reads the traces, for conformity tests
//
// The proxy holds the certificate and the tokens; the workstation has a cookie.
//
//	h, err := proxy.New(proxy.Config{
//		Software: []proxy.Software{{ClientID: "…", PSC: client, Exchanger: exchanger}},
//		Traces:   sink, // OpenFileSink, or one of your own
//	})
//	…
//	defer h.Close(context.Background())
//	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second} // no WriteTimeout under 3 minutes: /connect waits for the person
//
// # What it makes sure of
//
// A session of the proxy lives as long as that of Pro Santé Connect, 4 hours at
// most. When it ends, by /disconnect or by itself, the session of Pro Santé
// Connect is closed, and the tokens of the APIs are revoked and wiped. Tokens
// are bound to the certificate that calls the API. A path never leaves the base
// address of its API, a token never leaves for another host, and no redirect is
// followed. Nothing is sent that could not be traced.
//
// # What is traced
//
// Each connection, good, repeated or failed, each call and each end. A trace
// holds the identifier of the session, which is what the contract asks and also
// what a workstation shows to be let in: keep traces as you keep passwords.
// /traces answers only to whom Config.ServeTraces says.
//
// # What is not verified against the real tests
//
// dialect.go and docs/unknowns.md list what the contract leaves open.
package proxy
