package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/soclesante/socle/ins"
)

// datamatrixReport is what an INS datamatrix says.
type datamatrixReport struct {
	Version  string        `json:"version"`
	Patient  patientReport `json:"patient"`
	Warnings []string      `json:"warnings,omitempty"`
}

// isDatamatrix reports whether b is the text that a scanner gives for an INS
// datamatrix, whatever its version.
func isDatamatrix(b []byte) bool {
	b = bytes.TrimSpace(b)
	if len(b) > 3 && b[0] == ']' && b[1] == 'd' {
		b = b[3:]
	}
	if len(b) < 4 || string(b[:2]) != "IS" {
		return false
	}
	for _, c := range b[2:4] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func inspectDatamatrix(b []byte) report {
	scan, err := ins.ParseDatamatrixLenient(string(b))
	if err != nil {
		return report{Error: err.Error()}
	}
	return report{Kind: "datamatrix", Datamatrix: &datamatrixReport{Version: scan.Version, Patient: person(scan.INS, scan.Traits), Warnings: append(scan.Warnings, scan.Oddities()...)}}
}

// person gives an INS and its traits as a patient.
func person(id ins.INS, t ins.Traits) patientReport {
	return patientReport{
		Matricule: id.Matricule.Wire(), OID: id.OID.String(), KeyValid: id.Matricule.KeyValid(),
		BirthName: t.BirthName, GivenNames: strings.Fields(t.List()),
		Sex: string(t.Sex), BirthDate: t.BirthDate.Wire(), BirthPlace: string(t.BirthPlace),
	}
}

func (d *datamatrixReport) print(line func(name, format string, args ...any)) {
	line("version", "%s", d.Version)
	printPatient(line, d.Patient)
	line("", "a scan is a claim: INSi must confirm it before it is trusted")
	for _, w := range d.Warnings {
		line("warning", "%s", w)
	}
}

func printPatient(line func(name, format string, args ...any), p patientReport) {
	key := "right key"
	if !p.KeyValid {
		key = "wrong key"
	}
	at := ""
	if p.BirthPlace != "" {
		at = " at " + p.BirthPlace
	}
	line("patient", "%s %s, %s, born %s%s", p.BirthName, strings.Join(p.GivenNames, " "), p.Sex, p.BirthDate, at)
	line("", "%s", fmt.Sprintf("%s (%s, %s)", p.Matricule, p.OID, key))
}
