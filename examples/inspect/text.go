package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/soclesante/socle/ordonnance"
)

// print writes the report for people.
func (r report) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 8, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "  %s\t%s\n", name, shown(fmt.Sprintf(format, args...)))
	}
	switch {
	case r.Datamatrix != nil:
		_, _ = fmt.Fprintf(w, "%s: INS datamatrix\n", r.File)
		r.Datamatrix.print(line)
		return w.Flush()
	case r.INSi != nil:
		_, _ = fmt.Fprintf(w, "%s: answer of INSi\n", r.File)
		r.INSi.print(line)
		return w.Flush()
	}
	if r.Message != nil {
		_, _ = fmt.Fprintf(w, "%s: message of MSSanté\n", r.File)
		r.Message.print(line)
		return w.Flush()
	}
	if r.Archive != nil {
		_, _ = fmt.Fprintf(w, "%s: archive IHE_XDM.ZIP\n", r.File)
		r.Archive.print(line)
		return w.Flush()
	}
	if r.Metadata != nil {
		_, _ = fmt.Fprintf(w, "%s: metadata of shared documents, %s\n", r.File, shown(r.Metadata.Message))
		r.Metadata.print(line)
		return w.Flush()
	}
	c := r.CDA
	_, _ = fmt.Fprintf(w, "%s: CDA document\n", r.File)
	line("title", "%s", c.Title)
	line("code", "%s %s (%s)", c.Code.Code, c.Code.DisplayName, c.Code.CodeSystem)
	line("id", "%s", c.ID)
	line("set, version", "%s, %d", c.SetID, c.Version)
	for i, t := range c.TemplateIDs {
		name := ""
		if i == 0 {
			name = "models"
		}
		line(name, "%s", strings.TrimSpace(t+" "+c.TemplateVersions[t]))
	}
	line("made", "%s", c.EffectiveTime)
	line("confidentiality", "%s", c.Confidentiality)

	printPatient(line, c.Patient)
	for _, a := range c.Authors {
		line("author", "%s, %s: %s, %s %s", a.Kind, a.ID, a.Name, a.Role, a.RoleName)
		if a.Organisation != "" {
			line("", "for %s %s", a.OrganisationID, a.Organisation)
		}
	}
	line("body", "%s", strings.TrimSpace(fmt.Sprintf("%s, %d bytes %s", c.Body.Kind, c.Body.Size, c.Body.MediaType)))

	e := c.Entry
	line("metadata", "class %s, type %s, format %s", e.ClassCode, e.TypeCode, e.FormatCode)
	line("", "facility %s, practice %s, language %s", e.HealthcareFacilityTypeCode, e.PracticeSettingCode, e.LanguageCode)
	service := e.ServiceStartTime
	if e.ServiceStopTime != "" {
		service += " to " + e.ServiceStopTime
	}
	line("", "created %s, service %s (UTC)", e.CreationTime, service)
	line("", "unique id %s", e.UniqueID)
	line("", "%d bytes, SHA-1 %s", e.Size, e.Hash)
	if c.Prescription != nil {
		printPrescription(line, c.Prescription)
	}
	if c.Checked != nil {
		printChecked(line, c.Checked)
	}
	return w.Flush()
}

func printPrescription(line func(name, format string, args ...any), p *prescription) {
	number := string(p.Number)
	if number == "" {
		number = "without number"
	}
	until := ""
	if !p.Validity.End.IsZero() {
		until = ", valid until " + p.Validity.End.Format(time.DateOnly)
	}
	line("prescription", "%s%s", number, until)
	for _, l := range p.Lines {
		line(fmt.Sprintf("  line %d", l.Index), "%s", lineText(l))
		for _, note := range []string{l.PatientNote, l.DispenserNote} {
			if note != "" {
				line("", "%s", oneLine(note))
			}
		}
	}
	for _, f := range p.Findings {
		line("  finding", "%s: %s", f.Rule, f.Text)
	}
}

func lineText(l ordonnance.Line) string {
	parts := []string{oneLine(l.Text)}
	switch {
	case l.Drug != nil:
		if l.Text == "" {
			parts[0] = l.Drug.Product.Name
		}
		for _, c := range l.Drug.Product.Codes {
			parts = append(parts, c.Code)
		}
		if t := oneLine(l.Drug.Dosing.Text); t != "" && !strings.Contains(parts[0], t) {
			parts = append(parts, t)
		}
		if l.Drug.Substitution.Refused() {
			parts = append(parts, "not to be substituted "+string(l.Drug.Substitution.Motive))
		}
	case l.Device != nil:
		for _, c := range l.Device.Codes {
			parts = append(parts, c.Code)
		}
	}
	if l.Repeats != nil {
		parts = append(parts, fmt.Sprintf("%d repeats", *l.Repeats))
	}
	return strings.Join(parts, " | ")
}

// shown leaves out what would command the terminal.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
