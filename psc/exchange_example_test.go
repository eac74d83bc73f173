package psc_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// An API of the trust space is called for a person who is logged in. The
// emulators stand for Pro Santé Connect and for the API.
func ExampleExchanger() {
	ctx := context.Background()
	srv, err := psctest.NewServer(psctest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	api, err := psctest.NewAPI(psctest.APIOptions{PSC: srv})
	if err != nil {
		log.Fatal(err)
	}
	defer api.Close()
	certificate, err := srv.ClientCertificate(psctest.Pharmacy)
	if err != nil {
		log.Fatal(err)
	}
	if err := api.Declare(certificate); err != nil {
		log.Fatal(err)
	}
	watch := socle.Watch{Clock: srv.Clock().Now}
	client, err := psc.New(psc.Config{
		Environment: srv.Environment(), ClientID: psctest.ClientID, Certificate: certificate, Roots: srv.Roots(), Wait: srv.Wait, Watch: watch,
	})
	if err != nil {
		log.Fatal(err)
	}

	exchanger, err := psc.NewExchanger(psc.ExchangerConfig{
		Certificate: certificate, // the same: tokens are bound to it
		Roots:       srv.Roots(),
		APIs:        []psc.API{api.API()}, // what the API's contract says
		Watch:       watch,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = exchanger.Close(ctx) }()
	who, err := socle.ParsePersonID(psctest.Titulaire)
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.Login(ctx, psc.LoginRequest{Person: who, Show: func(string) {}})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = session.Logout(ctx) }()

	body := fmt.Sprintf(`{"nationalId":%q,"clientID":"lgo","proxy_session_id":"1","session_state":%q}`, who, session.SessionState())
	resp, err := exchanger.Client(session, "signsessiondata").Post(api.API().BaseURL+"/signsessiondata", "application/json", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output:
	// 200
}

// A vendor's own API lets in whom Pro Santé Connect knows.
func ExampleResource_Protect() {
	srv, err := psctest.NewServer(psctest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	certificate, err := srv.ClientCertificate(psctest.Pharmacy)
	if err != nil {
		log.Fatal(err)
	}
	client, err := psc.New(psc.Config{
		Environment: srv.Environment(), ClientID: psctest.ClientID, Certificate: certificate, Roots: srv.Roots(),
	})
	if err != nil {
		log.Fatal(err)
	}
	resource, err := psc.NewResource(psc.ResourceConfig{
		Issuer:     srv.Environment().Issuer,
		Introspect: client.Introspect,
		Scopes:     []string{"scope_all"},
		Binding:    psc.BindingIfPresent, // tokens of Pro Santé Connect itself
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/stock", resource.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access, _ := psc.AccessOf(r.Context())
		fmt.Fprintln(w, "stock seen by", access.Person)
	})))
	_ = mux // http.Server{Handler: mux}
}
