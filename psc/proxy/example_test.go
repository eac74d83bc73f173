package proxy_test

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/proxy"
)

// A proxy for one software. examples/proxy runs one against the emulators.
func ExampleNew() {
	var client *psc.Client       // psc.New
	var exchanger *psc.Exchanger // psc.NewExchanger
	serve := func() error {
		sink, err := proxy.OpenFileSink("/var/lib/proxy/traces.jsonl")
		if err != nil {
			return err
		}
		defer sink.Close()
		h, err := proxy.New(proxy.Config{
			Software: []proxy.Software{{ClientID: "ans-lgo-socle-bas", PSC: client, Exchange: exchanger}},
			Traces:   sink,
		})
		if err != nil {
			return err
		}
		defer func() { _ = h.Close(context.Background()) }()
		server := &http.Server{Addr: ":8443", Handler: h, ReadHeaderTimeout: 10 * time.Second}
		return server.ListenAndServeTLS("proxy.pem", "proxy.key")
	}
	_ = func() { log.Fatal(serve()) }
	// Output:
}
