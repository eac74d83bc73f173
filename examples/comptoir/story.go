package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/ordonnance"
)

// story tells the visit, a step at a time, in French for a reader or in JSON
// for a program.
type story struct {
	out   io.Writer
	json  bool
	steps int
}

// outcomes says of a failed step what is known of its effect.
var outcomes = map[socle.Outcome]string{
	socle.OutcomeNotSent: "rien n'a été envoyé",
	socle.OutcomeRefused: "le service a refusé",
	socle.OutcomeUnknown: "résultat inconnu : interroger le service avant de recommencer",
}

// words says in French what the services say in code.
var words = map[string]string{
	"true": "oui", "false": "non",
	"none": "inexistant", "open": "ouvert", "closed": "fermé", "unknown": "inconnu",
	string(ordonnance.StatusPartlyDispensed): "délivrée en partie",
	string(ordonnance.StatusDispensed):       "délivrée",
	string(mss.StandingNew):                  "nouveau",
	string(mss.StandingDuplicate):            "déjà versé",
}

// labels says what a step found when it failed.
var labels = map[string]string{"error": "erreur", "outcome": "effet"}

// detail is what a step found, by name.
type detail map[string]any

type line struct {
	Step      int    `json:"step"`
	Service   string `json:"service"`
	Operation string `json:"operation"`
	OK        bool   `json:"ok"`
	MS        int64  `json:"ms"`
	Detail    detail `json:"detail"`
}

// step does one step and tells it. The error that comes back names the step.
func (s *story) step(service, operation, what string, do func(detail) error) error {
	s.steps++
	d := detail{}
	start := time.Now()
	err := do(d)
	l := line{s.steps, service, operation, err == nil, time.Since(start).Milliseconds(), d}
	if err != nil {
		d["error"] = err.Error()
		err = fmt.Errorf("étape %d (%s, %s) : %w", l.Step, service, operation, err)
		if o := socle.OutcomeOf(err); o != socle.OutcomeDone {
			d["outcome"] = o.String()
			err = fmt.Errorf("%w [%s]", err, outcomes[o])
		}
	}
	if s.json {
		s.print(l)
		return err
	}
	mark := "✓"
	if !l.OK {
		mark = "✗"
	}
	fmt.Fprintf(s.out, "%2d %s %-10s %-28s %5d ms  %s\n", l.Step, mark, service, operation, l.MS, what)
	for _, k := range slices.Sorted(maps.Keys(d)) {
		text := cmp.Or(words[fmt.Sprint(d[k])], fmt.Sprint(d[k]))
		if several, ok := d[k].([]string); ok {
			text = strings.Join(several, "\n                        ")
		}
		fmt.Fprintf(s.out, "     %-18s %s\n", cmp.Or(labels[k], k), text)
	}
	return err
}

// end tells how the visit went.
func (s *story) end(err error, took time.Duration) {
	if s.json {
		s.print(map[string]any{"summary": map[string]any{"ok": err == nil, "steps": s.steps}})
		return
	}
	switch {
	case err == nil:
		fmt.Fprintf(s.out, "\nVisite terminée : %d étapes en %d ms.\n", s.steps, took.Milliseconds())
	case s.steps > 0:
		fmt.Fprintf(s.out, "\nVisite interrompue à l'étape %d.\n", s.steps)
	}
}

func (s *story) print(v any) {
	b, err := json.Marshal(v)
	if err != nil { // a detail that does not marshal is a mistake of this program
		panic(err)
	}
	fmt.Fprintln(s.out, string(b))
}
