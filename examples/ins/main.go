// Command ins shows the identity of a patient from the name to the INS that may
// be sent, and the verification of a list that is stored.
//
//	go run ./examples/ins search -patient "NOM;PRENOMS;SEXE;AAAA-MM-JJ;COG"
//	go run ./examples/ins qualify -patient "…" [-evidence CN] [-reason TEXT] [-datamatrix FILE.png]
//	go run ./examples/ins sample [-n 200] > list.csv
//	go run ./examples/ins verify [-rate 50] list.csv
//
// It asks an emulator of INSi that it starts itself and that knows the official
// fictitious people, so that neither certificate nor contract is needed; connect
// shows what changes for the real service. Without -patient it takes one of them.
//
// verify keeps its results in list.csv.journal: stop it with Ctrl-C, or kill it,
// and run it again, and it goes on where it was. It exits with 1 when something
// failed, and with 2 when it is called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// errUsage is that of a command called wrongly, which has been told already.
var errUsage = errors.New("usage")

const usage = `usage: ins search  [-patient "NOM;PRENOMS;SEXE;AAAA-MM-JJ;COG"]
       ins qualify [-patient …] [-evidence CN] [-reason TEXT] [-datamatrix FILE.png|FILE.svg]
       ins sample  [-n 200]
       ins verify  [-rate 50] [-journal FILE] FILE.csv
`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) error{
		"search": search, "qualify": qualify, "sample": sample, "verify": verify,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		_, _ = fmt.Fprint(stderr, usage)
		return 2
	}
	err := commands[args[0]](ctx, args[1:], stdout, stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	_, _ = fmt.Fprintln(stderr, "ins:", err)
	return 1
}

// parse reads the flags of a command, which takes as many arguments.
func parse(flags *flag.FlagSet, args []string, arguments int, stderr io.Writer) error {
	flags.SetOutput(stderr)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if flags.NArg() != arguments {
		_, _ = fmt.Fprint(stderr, usage)
		return errUsage
	}
	return nil
}
