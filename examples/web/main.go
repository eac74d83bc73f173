// Web is a small web software that logs professionals in with Pro Santé Connect
// by the code flow, against the emulator of this module:
//
//	go run ./examples/web
//
// Open the address that it prints. The emulator has a certificate of its own
// making: the browser asks whether to trust it, once for each of its two names.
// With a real client id, its certificate and psc.Sandbox(), the rest is the same.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr, nil)
	stop()
	os.Exit(status)
}

// run is the program; ready, if there is one, is told the address and the emulator.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, ready func(address string, srv *psctest.Server)) int {
	flags := flag.NewFlagSet("web", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("adresse", "127.0.0.1:8080", "`hôte:port` de la page, sur cette machine")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if err := serve(ctx, *addr, stdout, ready); err != nil {
		fmt.Fprintln(stderr, "web :", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, addr string, stdout io.Writer, ready func(string, *psctest.Server)) error {
	srv, err := psctest.NewServer(psctest.Options{})
	if err != nil {
		return err
	}
	defer srv.Close()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer l.Close()
	site := "http://" + l.Addr().String()
	// What the ANS does when the software is declared.
	srv.RegisterRedirect(psctest.ClientID, site+"/callback")
	srv.RegisterGoodbye(psctest.ClientID, site+"/")
	srv.RegisterBackchannel(psctest.ClientID, site+"/backchannel")
	certificate, err := srv.ClientCertificate(psctest.Pharmacy)
	if err != nil {
		return err
	}

	client, err := psc.New(psc.Config{
		Environment: srv.Environment(),
		ClientID:    psctest.ClientID,
		Certificate: certificate,
		Roots:       srv.Roots(),
	})
	if err != nil {
		return err
	}
	key := make([]byte, 32) // kept in a vault by a software that restarts
	if _, err := rand.Read(key); err != nil {
		return err
	}
	web, err := psc.NewWeb(psc.WebConfig{
		Client:      client,
		RedirectURI: site + "/callback",
		Keys:        [][]byte{key},
		Home:        "/situation",
		Goodbye:     site + "/",
	})
	if err != nil {
		return err
	}

	fmt.Fprintln(stdout, "Ouvrez", site)
	if ready != nil {
		ready(site, srv)
	}
	page := &http.Server{Handler: routes(web), ReadHeaderTimeout: 10 * time.Second}
	closed := context.AfterFunc(ctx, func() { _ = page.Close() })
	defer closed()
	if err := page.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
