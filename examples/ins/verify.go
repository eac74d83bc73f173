package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"golang.org/x/time/rate"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// verify asks INSi about every line of a list, and goes on where an earlier run
// stopped.
func verify(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	perSecond := flags.Float64("rate", 50, "verifications a second at most")
	path := flags.String("journal", "", "file of the results; by default the list's name and .journal")
	if err := parse(flags, args, 1, stderr); err != nil {
		return err
	}
	name := flags.Arg(0)
	if *path == "" {
		*path = name + ".journal"
	}
	list, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = list.Close() }()
	journal, err := ins.OpenFileJournal(*path)
	if err != nil {
		return err
	}
	defer func() {
		if e := journal.Close(); err == nil {
			err = e
		}
	}()
	client, closeAll, err := connect()
	if err != nil {
		return err
	}
	defer closeAll()

	tally, err := ins.BatchVerifier{
		Verify: func(ctx context.Context, c ins.Claim) (ins.Verification, error) {
			return client.Verify(ctx, socle.Professional{}, c)
		},
		Journal: journal,
		Limiter: rate.NewLimiter(rate.Limit(*perSecond), 1),
		Progress: func(t ins.Tally) {
			_, _ = fmt.Fprintf(stderr, "%d lines done, %d of them by an earlier run\n", t.Lines, t.Resumed)
		},
	}.Run(ctx, readList(bufio.NewReader(list)))
	if err != nil {
		return err
	}
	for r, err := range journal.Results() {
		switch {
		case err != nil:
			return err
		case r.Outcome != ins.LineConfirmed:
			_, _ = fmt.Fprintf(stdout, "%s %s %s\n", r.Ref, r.Outcome, r.Reason)
		}
	}
	_, _ = fmt.Fprintf(stdout, "%d lines: %d confirmed, %d refuted, %d refused, %d undetermined\n",
		tally.Lines, tally.Confirmed, tally.Refuted, tally.Refused, tally.Undetermined)
	return nil
}
