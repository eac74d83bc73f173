package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"

	"github.com/soclesante/socle/internal/xdm"
	"github.com/soclesante/socle/mss"
)

// isArchive reports whether a file is a ZIP archive, as IHE_XDM.ZIP is.
func isArchive(b []byte) bool {
	return bytes.HasPrefix(b, []byte("PK\x03\x04")) || bytes.HasPrefix(b, []byte("PK\x05\x06"))
}

type archiveReport struct {
	Inflated int64          `json:"inflated"` // bytes
	Subsets  []subsetReport `json:"subsets"`
	Faults   []string       `json:"faults,omitempty"` // that are not of one document
}

type subsetReport struct {
	Name      string           `json:"name"` // folder
	UniqueID  string           `json:"uniqueId"`
	Title     string           `json:"title,omitempty"`
	Time      string           `json:"time,omitempty"` // UTC
	Source    string           `json:"sourceId,omitempty"`
	Patient   string           `json:"patientId,omitempty"` // CX
	Authors   []string         `json:"authors"`             // XCN
	Documents []documentReport `json:"documents"`
}

type documentReport struct {
	ID       string        `json:"id"`
	Code     codeReport    `json:"code"`
	Title    string        `json:"title"`
	SetID    string        `json:"setId,omitempty"`
	Version  int           `json:"version,omitempty"`
	Replaces []string      `json:"replaces,omitempty"`
	Action   string        `json:"action,omitempty"` // "C" replaces, "D" to be deleted
	Patient  patientReport `json:"patient"`
	PDF      *fileReport   `json:"pdf,omitempty"`
	URI      string        `json:"uri,omitempty"` // file of the archive
	Size     int64         `json:"size"`
	Hash     string        `json:"hash"`
	Verified bool          `json:"verified"` // size, SHA-1 and patient are those of the metadata
	Fault    string        `json:"fault,omitempty"`
}

func inspectArchive(b []byte) report {
	a, err := xdm.Read(b, xdm.Limits{})
	if err != nil {
		return report{Error: err.Error()}
	}
	r := &archiveReport{Inflated: a.Inflated, Subsets: []subsetReport{}}
	for _, f := range a.Faults {
		r.Faults = append(r.Faults, f.Error())
	}
	for _, s := range a.Subsets {
		set := s.Submission.Set
		out := subsetReport{Name: s.Name, UniqueID: set.UniqueID, Title: set.Title, Time: set.Time, Source: set.SourceID, Patient: set.PatientID.Wire(),
			Authors: []string{}, Documents: []documentReport{}}
		for _, author := range set.Authors {
			out.Authors = append(out.Authors, author.Person.Wire())
		}
		for _, d := range s.Documents {
			out.Documents = append(out.Documents, archived(d))
		}
		r.Subsets = append(r.Subsets, out)
	}
	return report{Kind: "archive", Archive: r}
}

func archived(d xdm.Document) documentReport {
	sum := sha1.Sum(d.Data)
	out := documentReport{ID: d.Entry.UniqueID, Title: d.Entry.Title, Code: codeReport{d.Entry.Type.Code, d.Entry.Type.System, d.Entry.Type.Display},
		Action: d.Action, URI: d.Entry.URI, Size: int64(len(d.Data)), Hash: hex.EncodeToString(sum[:]), Verified: d.Err == nil && d.Entry.Hash != ""}
	if d.Err != nil {
		out.Fault = d.Err.Error()
	}
	out.Patient = patientReport{Matricule: d.Entry.PatientID.ID, OID: d.Entry.PatientID.Authority.ID, GivenNames: []string{}}
	if c := d.CDA; c != nil {
		out.ID, out.Title, out.SetID, out.Version = c.ID.String(), c.Title, c.SetID.String(), c.Version
		out.Code = codeReport{c.Code.Code.Code, c.Code.System, c.Code.Display}
		out.Patient = patient(c.Patient)
		for _, l := range c.Related {
			for _, id := range l.IDs {
				if l.Type == "RPLC" {
					out.Replaces = append(out.Replaces, id.String())
				}
			}
		}
	}
	return out
}

// receivedDocument tells of a document of a message.
func receivedDocument(d mss.Document) documentReport {
	out := documentReport{ID: d.ID, Title: d.Title, Code: codeReport{d.Code.Code, d.Code.System, d.Code.Display}, SetID: d.SetID, Version: d.Version,
		Replaces: d.Replaces, Action: d.Action, Size: d.Size, Hash: d.Hash, Verified: d.Err == nil,
		Patient: patientReport{OID: d.Patient.OID.String(), BirthName: d.Patient.BirthName, GivenNames: []string{}, Sex: d.Patient.Sex, BirthDate: d.Patient.BirthDate}}
	if d.Patient.GivenName != "" {
		out.Patient.GivenNames = append(out.Patient.GivenNames, d.Patient.GivenName)
	}
	if m := d.Patient.Matricule; !m.IsZero() {
		out.Patient.Matricule, out.Patient.KeyValid = m.Wire(), m.KeyValid()
	}
	if d.PDF != nil {
		f := fileOf(*d.PDF)
		out.PDF = &f
	}
	if d.Err != nil {
		out.Fault = d.Err.Error()
	}
	return out
}

func (a *archiveReport) print(line func(name, format string, args ...any)) {
	for _, s := range a.Subsets {
		line("subset", "%s: set %s, source %s, made %s (UTC)", s.Name, s.UniqueID, s.Source, s.Time)
		for _, author := range s.Authors {
			line("", "author %s", author)
		}
		for _, d := range s.Documents {
			d.print("  document", line)
		}
	}
	for _, f := range a.Faults {
		line("fault", "%s", f)
	}
	line("inflated", "%d bytes", a.Inflated)
}

func (d documentReport) print(name string, line func(name, format string, args ...any)) {
	line(name, "%s %s", d.Code.Code, oneLine(d.Title))
	line("", "id %s, set %s, version %d", d.ID, d.SetID, d.Version)
	switch d.Action {
	case "C":
		line("", "replaces another document")
	case "D":
		line("", "its sender wants it deleted")
	}
	for _, id := range d.Replaces {
		line("", "replaces %s", id)
	}
	printPatient(line, d.Patient)
	line("", "%d bytes, SHA-1 %s", d.Size, d.Hash)
	if d.PDF != nil {
		line("", "PDF in part %s, %d bytes", d.PDF.Part, d.PDF.Size)
	}
	switch {
	case d.Fault != "":
		line("", "FAULT: %s", d.Fault)
	case d.Verified:
		line("", "as its metadata say")
	default:
		line("", "not verified: its metadata have no hash")
	}
}
