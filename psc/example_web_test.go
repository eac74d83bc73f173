package psc_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// emulated is a client of an emulator, as the first example makes one.
func emulated() (*psctest.Server, *psc.Client) {
	srv, err := psctest.NewServer(psctest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	certificate, err := srv.ClientCertificate(psctest.Pharmacy)
	if err != nil {
		log.Fatal(err)
	}
	client, err := psc.New(psc.Config{
		Environment: srv.Environment(), ClientID: psctest.ClientID, Certificate: certificate, Roots: srv.Roots(),
		Wait: srv.Wait, Watch: socle.Watch{Clock: srv.Clock().Now},
	})
	if err != nil {
		log.Fatal(err)
	}
	return srv, client
}

// A web server mounts the handlers and requires a login for its pages.
func ExampleNewWeb() {
	srv, client := emulated()
	defer srv.Close()
	web, err := psc.NewWeb(psc.WebConfig{
		Client:      client,
		RedirectURI: "https://lgo.example/callback",
		Keys:        [][]byte{make([]byte, 32)}, // random ones, from a vault
		Opened: func(_ context.Context, s *psc.Session) error {
			_, err := s.UserInfo().Person() // has the software an account of theirs?
			return err
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /login", web.Login())
	mux.Handle("GET /callback", web.Callback())
	mux.Handle("POST /logout", web.Logout())
	mux.Handle("POST /backchannel", web.Backchannel())
	mux.Handle("/", web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, psc.SessionOf(r.Context()).UserInfo().GivenName)
	})))
}

// A desktop program logs a person in with the browser of their system. Here a
// browser of the emulator stands for it.
func ExampleClient_LoopbackLogin() {
	ctx := context.Background()
	srv, client := emulated()
	defer srv.Close()
	srv.RegisterRedirect(psctest.ClientID, "http://127.0.0.1/callback")

	session, err := client.LoopbackLogin(ctx, psc.LoopbackRequest{
		Open: func(address string) error { // left out, it is the browser of the system
			go func() {
				back, err := srv.Browser().Login(ctx, address, psctest.Preparateur)
				if err == nil {
					_, _, err = visit(ctx, back, "")
				}
				if err != nil {
					log.Print(err)
				}
			}()
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	p, err := session.Professional("")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Profession.Display, "-", p.Structure.Name)
	// Output:
	// Préparateur en pharmacie (officine) - PHARMACIE DU PREMIER ESSAI
}

// A program that restarts goes on with the session, sealed in a file.
func ExampleClient_Restore() {
	ctx := context.Background()
	srv, client := emulated()
	defer srv.Close()
	dir, err := os.MkdirTemp("", "sessions")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	key := make([]byte, 32) // random, from the keyring of the system
	store, err := psc.OpenFileStore(filepath.Join(dir, "psc"), key)
	if err != nil {
		log.Fatal(err)
	}
	who, err := socle.ParsePersonID(psctest.Titulaire)
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.Login(ctx, psc.LoginRequest{Person: who, Show: func(string) {}})
	if err != nil {
		log.Fatal(err)
	}
	if err := session.Keep(ctx, store, "poste 1"); err != nil {
		log.Fatal(err)
	}

	// After the restart:
	again, err := client.Restore(ctx, store, "poste 1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.ReauthAt().Equal(session.ReauthAt()), again)
	// Output:
	// true psc.Session(…)
}
