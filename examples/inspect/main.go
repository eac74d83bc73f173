// Command inspect says what a file of the French digital health services is and
// what it holds: for a CDA document its header, the metadata under which it is
// shared (XDS), and the prescription when it is one; for the text of an INS
// datamatrix and for a SOAP answer of INSi the identity in it; for a message of
// MSSanté (.eml) who wrote, its documents, and what a receipt tells; for an
// IHE_XDM.ZIP its submission sets, its documents and what is wrong with them; for a
// file of ebRIM (METADATA.XML, what the registry of the DMP is asked and answers)
// its sets, its documents, what binds them, and errors.
//
//	go run ./examples/inspect [-json] FILE…
//
// With -json it prints one JSON object a line for each file; a file that cannot
// be read gives {"file":…,"error":…}. It exits with 1 when a file could not be
// read, and with 2 when it is called wrongly.
//
// It shows identities: run it on documents that you are allowed to read.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("inspect", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print one JSON object a line")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "usage: inspect [-json] FILE…")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return 2
	}
	out := json.NewEncoder(stdout)
	out.SetEscapeHTML(false)
	status := 0
	for _, name := range flags.Args() {
		r := inspectFile(name)
		var err error
		if *asJSON {
			err = out.Encode(r)
		} else if r.Kind != "" {
			err = r.print(stdout)
		}
		if err != nil {
			_, _ = fmt.Fprintln(stderr, "inspect:", err)
			return 1
		}
		if r.Error != "" {
			status = 1
			if !*asJSON {
				_, _ = fmt.Fprintf(stderr, "inspect: %s: %s\n", name, r.Error)
			}
		}
	}
	return status
}
