// Dmp keeps a patient's shared record (DMP) from a terminal: it checks that
// there is one, notes the patient's consent, feeds a note de vaccination, lists
// and opens documents, corrects, hides and deletes what the pharmacy fed. It
// runs against the emulator of this module:
//
//	go run ./examples/dmp                      # plays a visit, and shows its commands
//	go run ./examples/dmp -i                   # asks for commands: aide tells them
//	go run ./examples/dmp -patient URGENCE -bris "patient inconscient"
//
// The patients are those of the emulator, by their birth name. connect shows
// what changes for the real service.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/soclesante/socle/dmp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// visit is what the program does when nobody tells it.
const visit = `dossier
consentement
vacciner L42
liste
ouvrir 1
ouvrir 2
corriger 1 L43
liste
masquer 1
liste
supprimer 1
liste
acces
`

// urgent is the visit of a patient who cannot speak.
const urgent = `dossier
liste
ouvrir 1
acces
`

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("dmp", flag.ContinueOnError)
	flags.SetOutput(stderr)
	patient := flags.String("patient", "ENCHAINE", "le nom de naissance d'un `patient` de l'émulateur")
	reason := flags.String("bris", "", "le `motif` d'un bris de glace")
	ask := flags.Bool("i", false, "lire les commandes au clavier")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	d, closeAll, err := connect(*patient, *reason)
	if err != nil {
		fmt.Fprintln(stderr, "dmp :", err)
		return 1
	}
	defer closeAll()
	d.out = stdout
	if *ask {
		d.converse(ctx, stdin)
		return 0
	}
	script := visit
	if *reason != "" {
		script = urgent
	}
	for _, line := range strings.Split(strings.TrimSpace(script), "\n") {
		fmt.Fprintln(stdout, ">", line)
		if err := d.do(ctx, line); err != nil {
			fmt.Fprintln(stderr, "dmp :", explain(err))
			return 1
		}
		fmt.Fprintln(stdout)
	}
	return 0
}

// converse reads commands until there are no more. A command that fails says
// why, and the next one is asked for.
func (d *desk) converse(ctx context.Context, in io.Reader) {
	lines := bufio.NewScanner(in)
	for fmt.Fprint(d.out, "> "); lines.Scan(); fmt.Fprint(d.out, "> ") {
		err := d.do(ctx, lines.Text())
		switch {
		case errors.Is(err, errQuit), ctx.Err() != nil:
			return
		case err != nil:
			fmt.Fprintln(d.out, explain(err))
		}
	}
	fmt.Fprintln(d.out)
}

// explain says in the words of the counter what happened.
func explain(err error) string {
	for _, known := range []struct {
		err  error
		text string
	}{
		{dmp.ErrNoRecord, "ce patient n'a pas de DMP"},
		{dmp.ErrClosed, "le DMP de ce patient est fermé"},
		{dmp.ErrNotChecked, "commencez par dossier"},
		{dmp.ErrNotAuthorized, "le patient n'a pas autorisé la consultation : recueillez son accord, puis consentement"},
		{dmp.ErrBlocked, "le patient a bloqué ce professionnel"},
		{dmp.ErrOpposed, "le patient s'y oppose"},
		{dmp.ErrUnavailable, "le DMP ne répond pas, réessayez plus tard"},
	} {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	return err.Error()
}
