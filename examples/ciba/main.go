// Ciba logs a professional in from a desktop program, in a terminal: the person
// compares two digits and confirms them on their e-CPS application or with
// their card (CIBA). It runs against the emulator of this module:
//
//	go run ./examples/ciba
//	go run ./examples/ciba -qui 899900001019 -moyen MOBILE
//	go run ./examples/ciba -decision refuse
//
// With a real client id, its certificate and psc.Sandbox(), the rest is the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("ciba", flag.ContinueOnError)
	flags.SetOutput(stderr)
	who := flags.String("qui", psctest.Titulaire, "`identifiant` national de la personne (8 et le RPPS)")
	channel := flags.String("moyen", "CARD", "CARD ou MOBILE")
	decision := flags.String("decision", "confirme", "ce que fait la personne : confirme, refuse ou ignore")
	delay := flags.Duration("delai", 3*time.Second, "le temps qu'elle y met")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	person, err := socle.ParsePersonID(*who)
	decide, known := map[string]psctest.Decision{"confirme": psctest.Approve, "refuse": psctest.Deny, "ignore": psctest.Ignore}[*decision]
	if err != nil || !known {
		fmt.Fprintln(stderr, "ciba : identifiant ou décision inconnus")
		return 2
	}
	srv, err := psctest.NewServer(psctest.Options{Interval: time.Second})
	if err != nil {
		fmt.Fprintln(stderr, "ciba :", err)
		return 1
	}
	defer srv.Close()
	srv.Script(*who, psctest.Answer{Decision: decide, Delay: *delay})
	if err := login(ctx, srv, person, psc.Channel(*channel), stdout); err != nil {
		fmt.Fprintln(stderr, "ciba :", explain(err))
		return 1
	}
	return 0
}

// login is all that a vendor writes.
func login(ctx context.Context, srv *psctest.Server, person socle.PersonID, channel psc.Channel, out io.Writer) error {
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
	session, err := client.Login(ctx, psc.LoginRequest{Person: person, Channel: channel, Show: func(binding string) {
		fmt.Fprintf(out, "Confirmez le nombre  %c %c  sur votre e-CPS ou avec votre carte.\n", binding[0], binding[1])
	}})
	if err != nil {
		return err
	}
	defer func() {
		if err := session.Logout(context.WithoutCancel(ctx)); err == nil {
			fmt.Fprintln(out, "Session fermée.")
		}
	}()
	fmt.Fprintf(out, "%s %s, authentifiée à %s ; nouvelle authentification avant %s.\n", session.UserInfo().GivenName, session.UserInfo().FamilyName,
		session.AuthenticatedAt().Format("15:04"), session.ReauthAt().Format("15:04"))
	for _, s := range session.UserInfo().Situations() {
		p, err := session.Professional(s.Key)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "- %s %s, %s (%s)\n", p.Profession.Display, p.Speciality.Code, p.Structure.Name, p.Structure.ID)
	}
	return nil
}

// explain says in the words of the counter what happened.
func explain(err error) string {
	switch {
	case errors.Is(err, psc.ErrDenied):
		return "la personne a refusé"
	case errors.Is(err, psc.ErrExpired):
		return "la personne n'a pas répondu à temps"
	case errors.Is(err, psc.ErrUnknownUser):
		return "personne inconnue, ou sans e-CPS ni carte dans cet environnement"
	case errors.Is(err, context.Canceled):
		return "abandon"
	}
	return err.Error()
}
