package main

import (
	"bytes"
	"errors"
	"strings"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// insiReport is an answer of INSi to a search.
type insiReport struct {
	Code     string         `json:"code"`            // CR 00, 01 or 02, or the code of a fault
	Label    string         `json:"label,omitempty"` // the service's words
	Patient  *patientReport `json:"patient,omitempty"`
	From     string         `json:"from,omitempty"` // since when the INS is valid
	To       string         `json:"to,omitempty"`
	History  []pastReport   `json:"history,omitempty"` // as answered
	Fault    *faultReport   `json:"fault,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
}

type pastReport struct {
	Matricule string `json:"matricule"`
	OID       string `json:"oid"`
	KeyValid  bool   `json:"keyValid"`
	From      string `json:"from,omitempty"`
	To        string `json:"to,omitempty"`
}

type faultReport struct {
	Subcode  string `json:"subcode"` // siram_40
	Severity string `json:"severity,omitempty"`
	Fix      string `json:"fix,omitempty"` // what to change, where it is known
}

// maxAnswer is the largest answer of INSi that is looked at.
const maxAnswer = 1 << 20

// isINSi reports whether b is a SOAP answer of INSi: one with its RESULTAT, or
// a fault of the platform of the assurance maladie.
func isINSi(b []byte) bool {
	if len(b) > maxAnswer || !bytes.Contains(b, []byte("Envelope")) {
		return false
	}
	e, err := soap.Parse(b, xmltree.Limits{Bytes: maxAnswer})
	if err != nil {
		return false
	}
	if e.Fault != nil {
		return bytes.Contains(b, []byte("siram"))
	}
	return e.Body.Is("http://www.cnamts.fr/INSiResultat", "RESULTAT")
}

func inspectINSi(b []byte) report {
	r, err := ins.ParseAnswer(b)
	out := &insiReport{Code: "00", Label: "OK"}
	var own *ins.Error
	switch {
	case err == nil:
	case errors.Is(err, ins.ErrAnswer) || !errors.As(err, &own) || own.Code == "":
		return report{Error: err.Error()}
	default:
		out.Code, out.Label = own.Code, own.Text
		if own.Siram != "" {
			out.Fault = &faultReport{Subcode: own.Siram, Severity: own.Severity, Fix: own.Fix}
		}
		return report{Kind: "insi", INSi: out}
	}
	p := person(r.Active, r.Traits)
	out.Patient, out.From, out.To, out.Warnings = &p, r.From, r.To, append(r.Warnings, ins.Claim{INS: r.Active, Traits: r.Traits}.Oddities()...)
	for _, h := range r.History {
		out.History = append(out.History, pastReport{h.INS.Matricule.Wire(), h.INS.OID.String(), h.INS.Matricule.KeyValid(), h.From, h.To})
	}
	return report{Kind: "insi", INSi: out}
}

func (i *insiReport) print(line func(name, format string, args ...any)) {
	line("code", "%s", strings.TrimSpace(i.Code+" "+i.Label))
	if f := i.Fault; f != nil {
		line("fault", "%s", strings.TrimSpace(f.Subcode+" "+f.Severity))
		if f.Fix != "" {
			line("", "%s", f.Fix)
		}
	}
	if i.Patient != nil {
		printPatient(line, *i.Patient)
	}
	for _, h := range i.History {
		span := ""
		if h.From+h.To != "" {
			span = " from " + h.From + " to " + h.To
		}
		line("history", "%s (%s)%s", h.Matricule, h.OID, span)
	}
	for _, w := range i.Warnings {
		line("warning", "%s", w)
	}
}
