// Proxy is a Proxy e-Santé and a workstation that calls an API of the trust
// space of Pro Santé Connect through it, against the emulators of this module:
// a pharmacist connects with two digits, the API of the conformity tests signs
// their session, the traces are read, and all is ended.
//
//	go run ./examples/proxy
//	go run ./examples/proxy -serve 127.0.0.1:8080   # then with any program, in any language
//
// With the addresses and the certificate of the trust space instead of the
// emulators' the code is the same.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/proxy"
	"github.com/soclesante/socle/psc/psctest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("proxy", flag.ContinueOnError)
	flags.SetOutput(stderr)
	serve := flags.String("serve", "", "`adresse` où le proxy attend les postes, jusqu'à Ctrl-C")
	traces := flags.String("traces", "", "`fichier` des traces (en mémoire sinon)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "proxy : argument inattendu : %s\n", flags.Arg(0))
		return 2
	}
	if err := demonstrate(ctx, *serve, *traces, stdout); err != nil {
		fmt.Fprintf(stderr, "proxy : %v\n", err)
		return 1
	}
	return 0
}

// demonstrate starts everything on this machine, and ends it.
func demonstrate(ctx context.Context, address, traces string, out io.Writer) (err error) {
	services, err := start()
	if err != nil {
		return err
	}
	defer services.Close()

	var sink proxy.Sink = proxy.NewMemorySink(0)
	if traces != "" {
		file, err := proxy.OpenFileSink(traces)
		if err != nil {
			return err
		}
		defer file.Close()
		sink = file
	}
	handler, err := proxy.New(proxy.Config{
		Software:    []proxy.Software{{ClientID: psctest.ClientID, PSC: services.client, Exchange: services.exchanger}},
		Traces:      sink,
		ServeTraces: func(r *http.Request) bool { return loopback(r.RemoteAddr) },
		Watch:       services.watch,
	})
	if err != nil {
		return err
	}
	serving := address != ""
	if !serving {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return errors.Join(err, handler.Close(ctx))
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second} // a real one has TLS: ServeTLS
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, server.Shutdown(end), handler.Close(end))
		<-failed
	}()

	url := "http://" + listener.Addr().String()
	if serving {
		usage(out, url)
		<-ctx.Done()
		return nil
	}
	return workstation(ctx, url, out)
}

// workstation is the software of the counter: it has neither certificate nor token.
func workstation(ctx context.Context, url string, out io.Writer) error {
	client, err := proxy.NewClient(proxy.ClientConfig{URL: url, ClientID: psctest.ClientID})
	if err != nil {
		return err
	}
	who, err := socle.ParsePersonID(psctest.Titulaire)
	if err != nil {
		return err
	}
	began := time.Now().Add(-time.Hour)
	session, err := client.Connect(ctx, proxy.Login{
		Person: who, Channel: psc.ChannelMobile,
		Show: func(binding string) {
			fmt.Fprintf(out, "Retrouvez le nombre %s dans votre application e-CPS.\n", binding)
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Connecté.")
	if err := sign(ctx, session, out); err != nil {
		return errors.Join(err, session.Disconnect(ctx))
	}
	if err := session.Disconnect(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "Déconnecté.")

	all, err := client.Traces(ctx, began, time.Time{})
	if err != nil {
		return err
	}
	for _, t := range all {
		fmt.Fprintf(out, "Trace %s de %s", t.Type, t.Address)
		if t.Request != nil {
			fmt.Fprintf(out, " : %s %s%s", t.Request.Method, t.Request.API, t.Request.Path)
		}
		fmt.Fprintln(out)
	}
	return nil
}

// sign calls the API of the conformity tests.
func sign(ctx context.Context, session *proxy.Session, out io.Writer) error {
	body, err := json.Marshal(map[string]string{
		"nationalId": psctest.Titulaire, "clientID": psctest.ClientID, "proxy_session_id": session.ID(), "session_state": session.State(),
	})
	if err != nil {
		return err
	}
	req, err := session.Request(ctx, http.MethodPost, "signsessiondata", "signsessiondata", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := session.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Signature string `json:"signature"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answered %s", resp.Status)
	}
	fmt.Fprintf(out, "L'API a signé la session : %d octets.\n", len(answer.Signature))
	return nil
}

func usage(out io.Writer, url string) {
	fmt.Fprintf(out, `Proxy e-Santé sur %[1]s ; Ctrl-C l'arrête.

curl -c cookie -H 'Content-Type: application/json' %[1]s/connect \
  -d '{"nationalId":"%[2]s","bindingMessage":"42","clientId":"%[3]s","channel":"MOBILE"}'
curl -b cookie %[1]s/send/signsessiondata/signsessiondata -d '{"nationalId":"%[2]s","clientID":"%[3]s","proxy_session_id":"…","session_state":"…"}'
curl '%[1]s/traces?start=2026-01-01T00:00:00Z'
curl -b cookie -X DELETE %[1]s/disconnect
`, url, psctest.Titulaire, psctest.ClientID)
}
