package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// someone is an official fictitious patient whose first given name alone is not found.
const someone = "Tchitchi;Ola Catarina Bella;F;1936-06-21;63220"

// search asks INSi for a patient and shows what it gives.
func search(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("search", flag.ContinueOnError)
	patient := flags.String("patient", someone, "nom de naissance;prénoms;sexe;date de naissance;lieu de naissance")
	if err := parse(flags, args, 0, stderr); err != nil {
		return err
	}
	client, closeAll, err := connect()
	if err != nil {
		return err
	}
	defer closeAll()
	_, _, err = find(ctx, client, *patient, stdout)
	return err
}

// find makes an identity of what was typed, and searches it.
func find(ctx context.Context, client *ins.Client, patient string, stdout io.Writer) (ins.Identity, ins.Result, error) {
	traits, err := parsePatient(patient)
	if err != nil {
		return ins.Identity{}, ins.Result{}, err
	}
	identity, err := ins.NewIdentity(traits)
	if err != nil {
		return identity, ins.Result{}, err
	}
	found, err := client.Search(ctx, socle.Professional{}, identity)
	for _, a := range found.Attempts {
		_, _ = fmt.Fprintf(stdout, "asked with %s: %s\n", a.Asked, a.Code)
	}
	if err != nil {
		return identity, ins.Result{}, err
	}
	show(ins.Differences(identity.Traits(), found.Result.Traits), stdout)
	for _, w := range found.Result.Warnings {
		_, _ = fmt.Fprintln(stdout, "warning:", w)
	}
	return identity, found.Result, nil
}

// parsePatient reads NOM;PRENOMS;SEXE;AAAA-MM-JJ;COG, the place optional.
func parsePatient(s string) (ins.Traits, error) {
	f := strings.Split(s, ";")
	if len(f) < 4 || len(f) > 5 {
		return ins.Traits{}, errors.New("patient: NOM;PRENOMS;SEXE;AAAA-MM-JJ;COG expected, the place optional")
	}
	date, err := ins.ParseBirthDate(strings.TrimSpace(f[3]))
	if err != nil {
		return ins.Traits{}, err
	}
	t := ins.Traits{BirthName: f[0], GivenNames: f[1], Sex: ins.Sex(strings.TrimSpace(f[2])), BirthDate: date}
	if len(f) == 5 {
		t.BirthPlace = ins.COG(strings.TrimSpace(f[4]))
	}
	return t, nil
}

// show prints a comparison, the part that differs between brackets.
func show(rows []ins.Difference, stdout io.Writer) {
	w := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', 0)
	mark := func(s string, at ins.Span) string {
		if at.Start == at.End {
			return s
		}
		return s[:at.Start] + "[" + s[at.Start:at.End] + "]" + s[at.End:]
	}
	for _, r := range rows {
		_, _ = fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", r.Label, mark(r.Local, r.LocalSpan), mark(r.INSi, r.INSiSpan), r.Grade)
	}
	_ = w.Flush()
}

// qualify searches a patient, takes what INSi gives, records the document that
// was shown, and gives what may then be sent.
func qualify(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("qualify", flag.ContinueOnError)
	patient := flags.String("patient", someone, "nom de naissance;prénoms;sexe;date de naissance;lieu de naissance")
	kind := flags.String("evidence", "", "the document that the person showed: CN, PA, CS …; none is preselected")
	reason := flags.String("reason", "", "why the traits of INSi are right where they contradict those typed")
	picture := flags.String("datamatrix", "", "file to draw the INS datamatrix into, .png or .svg")
	if err := parse(flags, args, 0, stderr); err != nil {
		return err
	}
	client, closeAll, err := connect()
	if err != nil {
		return err
	}
	defer closeAll()
	before, result, err := find(ctx, client, *patient, stdout)
	if err != nil {
		return err
	}
	now := time.Now()
	identity, err := before.Accept(result, ins.Acceptance{At: now, By: "example", Discordant: *reason != "", Reason: *reason})
	if errors.Is(err, ins.ErrDiscordant) {
		return fmt.Errorf("%w; give a -reason to take them", err)
	}
	if err != nil {
		return err
	}
	if *kind != "" {
		if identity, err = identity.Prove(ins.Evidence{Kind: ins.EvidenceKind(*kind), At: now, By: "example"}); err != nil {
			return err
		}
	}
	for _, c := range identity.Changes() {
		_, _ = fmt.Fprintf(stdout, "%s → %s: %s (%s)\n", c.From, c.To, c.Reason, c.Requirement)
	}
	id, err := identity.Sendable()
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "sent as %s\n", id.CX())
	_, _ = fmt.Fprintf(stdout, "to be verified again from %s\n", ins.Reverification{}.Of(identity, now).Due.Format(time.DateOnly))
	if *picture == "" {
		return nil
	}
	return draw(identity, *picture, stdout)
}
