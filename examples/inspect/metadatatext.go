package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (m *metadataReport) print(line func(name, format string, args ...any)) {
	if m.Status != "" {
		line("status", "%s", m.Status)
	}
	if m.Total != nil {
		line("found", "%d", *m.Total)
	}
	if m.Query != "" {
		line("query", "%s", m.Query)
	}
	for _, p := range m.Parameters {
		line("", "%s: %s", p.Name, strings.Join(p.Values, " or "))
	}
	if m.Fault != "" {
		line("fault", "%s", m.Fault)
	}
	for _, e := range m.Errors {
		line("error", "%s %s: %s", e.Severity, e.Code, oneLine(e.Context))
	}
	for _, s := range m.Sets {
		s.print(line)
	}
	for _, d := range m.Documents {
		d.print(line)
	}
	for _, a := range m.Associations {
		slots := ""
		for _, name := range slices.Sorted(maps.Keys(a.Slots)) {
			slots += fmt.Sprintf(", %s %s", name, a.Slots[name])
		}
		line("association", "%s %s %s%s", a.Source, a.Type, a.Target, slots)
	}
	for _, r := range m.References {
		line("reference", "%s", r)
	}
}

func (s setReport) print(line func(name, format string, args ...any)) {
	line("submission set", "%s %s", s.ID, s.Status)
	line("", "unique id %s, source %s", s.UniqueID, s.Source)
	if s.Title != "" {
		line("", "%s", oneLine(s.Title))
	}
	line("", "sent %s (UTC), content %s", s.Time, s.ContentType.text())
	line("", "patient %s", s.Patient)
	printAuthors(line, s.Authors)
}

func (d entryMetadata) print(line func(name, format string, args ...any)) {
	line("document", "%s", oneLine(d.Title))
	line("", "entry %s %s", d.EntryID, strings.TrimSpace(d.Status+" "+d.MimeType))
	if d.LogicalID != "" || d.Version != "" {
		line("", "logical id %s, version %s", d.LogicalID, d.Version)
	}
	line("", "unique id %s", d.UniqueID)
	for _, c := range []struct {
		name string
		code codeReport
	}{{"class", d.Class}, {"type", d.Type}, {"format", d.Format}, {"facility", d.Facility}, {"practice", d.Practice}} {
		if c.code.Code != "" {
			line("  "+c.name, "%s", c.code.text())
		}
	}
	for i, c := range append(slices.Clone(d.Confidentiality), d.Events...) {
		name := "  confidentiality"
		if i >= len(d.Confidentiality) {
			name = "  event"
		}
		line(name, "%s", c.text())
	}
	line("  patient", "%s", d.Patient)
	if d.SourcePatient != "" {
		line("", "at its source %s", d.SourcePatient)
	}
	for _, t := range d.SourceTraits {
		line("", "%s", t)
	}
	printAuthors(line, d.Authors)
	if d.Legal != "" {
		line("", "answered for by %s", d.Legal)
	}
	service := d.ServiceStartTime
	if d.ServiceStopTime != "" {
		service += " to " + d.ServiceStopTime
	}
	line("", "created %s, service %s (UTC), language %s", d.CreationTime, service, d.LanguageCode)
	if d.Hash != "" || d.Size > 0 {
		line("", "%d bytes, SHA-1 %s", d.Size, d.Hash)
	}
	if d.URI != "" {
		line("", "file %s", d.URI)
	}
	if d.Repository != "" {
		line("", "in repository %s", d.Repository)
	}
	if len(d.Unknown) > 0 {
		line("", "other slots: %s", strings.Join(d.Unknown, ", "))
	}
	if d.Comments != "" {
		line("", "%s", oneLine(d.Comments))
	}
}

func printAuthors(line func(name, format string, args ...any), all []authorLine) {
	for _, a := range all {
		line("  author", "%s", strings.TrimSpace(a.Person+" "+strings.Join(a.Roles, ", ")))
		for _, i := range a.Institutions {
			line("", "for %s", i)
		}
		if len(a.Specialties) > 0 {
			line("", "%s", strings.Join(a.Specialties, ", "))
		}
	}
}

func (c codeReport) text() string {
	return strings.TrimSpace(oneLine(c.Code + " " + c.DisplayName + " (" + c.CodeSystem + ")"))
}
