// Mss is a terminal inbox: it shows the messages of a MSSanté mailbox as they
// come, with what patients send. Without arguments it plays a short scene with the
// emulators of this module, then ends:
//
//	go run ./examples/mss
//
// With a configuration it watches a real mailbox until it is interrupted, the
// pharmacist having confirmed the login on their e-CPS or with their card:
//
//	go run ./examples/mss -config officine.json
//
// It shows what patients write: run it where only the pharmacy sees the screen.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/soclesante/socle/mss"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("mss", flag.ContinueOnError)
	flags.SetOutput(stderr)
	config := flags.String("config", "", "`fichier` JSON d'une boîte réelle : "+configForm)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintln(stderr, "mss : aucun argument attendu, voyez -h")
		return 2
	}
	play := demonstrate
	if *config != "" {
		play = func(ctx context.Context, out io.Writer) error { return watchReal(ctx, *config, out) }
	}
	switch err := play(ctx, stdout); {
	case err == nil, ctx.Err() != nil:
		return 0
	default:
		fmt.Fprintln(stderr, "mss :", explain(err))
		return 1
	}
}

// explain says in the words of the counter what happened.
func explain(err error) string {
	switch {
	case errors.Is(err, mss.ErrSessionLost):
		return "la session Pro Santé Connect est terminée : reconnectez-vous"
	case errors.Is(err, mss.ErrTokenRefused):
		return "l'opérateur refuse le jeton : cette boîte est-elle ouverte à cette personne ?"
	case errors.Is(err, mss.ErrUntrusted):
		return "le certificat de l'opérateur n'est pas de l'IGC-Santé de cet environnement"
	}
	return err.Error()
}
