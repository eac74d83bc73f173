package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

// columns of a list, separated by semicolons. The reference is the software's
// own for the record and identifies nobody.
var columns = []string{"reference", "matricule", "oid", "nom", "prenoms", "sexe", "naissance", "lieu"}

// readList gives the lines of a list, one at a time. A value that cannot be read
// is left out, so that the verification refuses that line and goes on with the next.
func readList(from io.Reader) iter.Seq2[ins.Line, error] {
	return func(yield func(ins.Line, error) bool) {
		r := csv.NewReader(from)
		r.Comma, r.ReuseRecord = ';', true
		r.FieldsPerRecord = len(columns)
		head, err := r.Read()
		if err != nil || !slices.Equal(head, columns) {
			yield(ins.Line{}, errors.New("the first line must be "+strings.Join(columns, ";")))
			return
		}
		for {
			f, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				var where *csv.ParseError
				if errors.As(err, &where) { // without the text of the line
					err = fmt.Errorf("line %d: %w", where.Line, where.Err)
				}
				yield(ins.Line{}, err)
				return
			}
			if !yield(readLine(f), nil) {
				return
			}
		}
	}
}

func readLine(f []string) ins.Line {
	id, _ := ins.ParseLenient(f[1], f[2])
	date, _ := ins.ParseBirthDate(f[6])
	return ins.Line{Ref: strings.Clone(f[0]), Claim: ins.Claim{INS: id, Traits: ins.Traits{
		BirthName: strings.Clone(f[3]), GivenNames: strings.Clone(f[4]), Sex: ins.Sex(f[5]), BirthDate: date, BirthPlace: ins.COG(f[7]),
	}}}
}

// sample writes a list of fictitious people, some of them wrong.
func sample(_ context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("sample", flag.ContinueOnError)
	n := flags.Int("n", 200, "number of lines")
	if err := parse(flags, args, 0, stderr); err != nil {
		return err
	}
	people := instest.Catalogue()
	w := csv.NewWriter(stdout)
	w.Comma = ';'
	_ = w.Write(columns)
	for i := range *n {
		p := people[i%len(people)]
		t, matricule := p.Traits, p.INS.Matricule.Wire()
		switch {
		case i%23 == 22: // INSi says KO
			t.BirthName = "AUTRE"
		case i%31 == 30: // refused before it is asked
			matricule = matricule[:13] + "00"
		}
		_ = w.Write([]string{"R" + strconv.Itoa(i+1), matricule, ins.OIDTest.String(), t.BirthName, t.List(), string(t.Sex), t.BirthDate.Wire(), string(t.BirthPlace)})
	}
	w.Flush()
	return w.Error()
}
