package dmp

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/soclesante/socle/internal/transport"
)

// What identifies a patient, or tells what a document is about, shows itself in
// no log, whatever the verb or the handler: a value, a slice or a structure that
// holds one. Fields are plain values for screens, one by one; a software that
// sends them somewhere as JSON copies those that it means to send into a
// structure of its own.

func show(f fmt.State, s string) { _, _ = io.WriteString(f, s) }

// Format writes the same as String, for every verb.
func (c Contact) Format(f fmt.State, _ rune) { show(f, c.String()) }

// MarshalText gives the same as String.
func (c Contact) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Format writes the same as String, for every verb.
func (t Telecom) Format(f fmt.State, _ rune) { show(f, t.String()) }

// LogValue gives the same as String.
func (t Telecom) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText gives the same as String.
func (t Telecom) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Format writes the same as String, for every verb.
func (a Address) Format(f fmt.State, _ rune) { show(f, a.String()) }

// LogValue gives the same as String.
func (a Address) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText gives the same as String.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Format writes the same as String, for every verb.
func (r Representative) Format(f fmt.State, _ rune) { show(f, r.String()) }

// MarshalText gives the same as String.
func (r Representative) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Format writes the same as String, for every verb.
func (q PatientQuery) Format(f fmt.State, _ rune) { show(f, q.String()) }

// MarshalText gives the same as String.
func (q PatientQuery) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// Format writes the same as String, for every verb.
func (a Amendment) Format(f fmt.State, _ rune) { show(f, a.String()) }

// MarshalText gives the same as String.
func (a Amendment) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue gives the same as String.
func (e Entry) LogValue() slog.Value { return slog.StringValue(e.String()) }

// MarshalText gives the same as String.
func (e Entry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Format writes the same as String, for every verb.
func (c CDA) Format(f fmt.State, _ rune) { show(f, c.String()) }

// LogValue gives the same as String.
func (c CDA) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText gives the same as String.
func (c CDA) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Format writes the same as String, for every verb.
func (in Incoming) Format(f fmt.State, _ rune) { show(f, in.String()) }

// LogValue gives the same as String.
func (in Incoming) LogValue() slog.Value { return slog.StringValue(in.String()) }

// MarshalText gives the same as String.
func (in Incoming) MarshalText() ([]byte, error) { return []byte(in.String()), nil }

// Format writes the same as String, for every verb.
func (d Detail) Format(f fmt.State, _ rune) { show(f, d.String()) }

// LogValue gives the same as String.
func (d Detail) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalText gives the same as String.
func (d Detail) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Format writes the same as String, for every verb.
func (r RegistryError) Format(f fmt.State, _ rune) { show(f, r.String()) }

// LogValue gives the same as String.
func (r RegistryError) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText gives the same as String.
func (r RegistryError) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String hides what identifies a patient.
func (a Administrative) String() string { return "administrative data " + hidden }

// GoString gives the same as String.
func (a Administrative) GoString() string { return a.String() }

// Format writes the same as String, for every verb.
func (a Administrative) Format(f fmt.State, _ rune) { show(f, a.String()) }

// LogValue gives the same as String.
func (a Administrative) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText gives the same as String.
func (a Administrative) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// String hides what identifies a patient.
func (c Candidate) String() string { return fmt.Sprintf("candidate, %d %%, %s", c.Score, c.State) }

// GoString gives the same as String.
func (c Candidate) GoString() string { return c.String() }

// Format writes the same as String, for every verb.
func (c Candidate) Format(f fmt.State, _ rune) { show(f, c.String()) }

// MarshalText gives the same as String.
func (c Candidate) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String hides what identifies a patient.
func (c Candidates) String() string { return fmt.Sprintf("%d candidates", len(c.List)) }

// GoString gives the same as String.
func (c Candidates) GoString() string { return c.String() }

// Format writes the same as String, for every verb.
func (c Candidates) Format(f fmt.State, _ rune) { show(f, c.String()) }

// LogValue gives the same as String.
func (c Candidates) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String hides what identifies a patient.
func (r Record) String() string {
	return "record " + r.State.String() + ", authorization " + transport.Code(string(r.Authorization))
}

// GoString gives the same as String.
func (r Record) GoString() string { return r.String() }

// Format writes the same as String, for every verb.
func (r Record) Format(f fmt.State, _ rune) { show(f, r.String()) }

// LogValue gives the same as String.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String hides what identifies a patient.
func (p ProfessionalAccess) String() string {
	return "professional " + hidden + ", " + transport.Code(string(p.Standing))
}

// GoString gives the same as String.
func (p ProfessionalAccess) GoString() string { return p.String() }

// Format writes the same as String, for every verb.
func (p ProfessionalAccess) Format(f fmt.State, _ rune) { show(f, p.String()) }

// MarshalText gives the same as String.
func (p ProfessionalAccess) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String hides what identifies a patient.
func (s Section) String() string { return "section " + transport.Code(s.Code.Code) + " " + hidden }

// GoString gives the same as String.
func (s Section) GoString() string { return s.String() }

// Format writes the same as String, for every verb.
func (s Section) Format(f fmt.State, _ rune) { show(f, s.String()) }

// LogValue gives the same as String.
func (s Section) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText gives the same as String.
func (s Section) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String hides what identifies a patient.
func (c Closure) String() string { return "closure " + hidden }

// GoString gives the same as String.
func (c Closure) GoString() string { return c.String() }

// Format writes the same as String, for every verb.
func (c Closure) Format(f fmt.State, _ rune) { show(f, c.String()) }

// LogValue gives the same as String.
func (c Closure) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText gives the same as String.
func (c Closure) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String hides what identifies a patient.
func (r Results) String() string { return fmt.Sprintf("%d documents of %d", len(r.Entries), r.Total) }

// GoString gives the same as String.
func (r Results) GoString() string { return r.String() }

// Format writes the same as String, for every verb.
func (r Results) Format(f fmt.State, _ rune) { show(f, r.String()) }

// LogValue gives the same as String.
func (r Results) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String hides what identifies a patient.
func (r Retrieval) String() string { return fmt.Sprintf("retrieval of %d documents", len(r.Entries)) }

// GoString gives the same as String.
func (r Retrieval) GoString() string { return r.String() }

// Format writes the same as String, for every verb.
func (r Retrieval) Format(f fmt.State, _ rune) { show(f, r.String()) }

// LogValue gives the same as String.
func (r Retrieval) LogValue() slog.Value { return slog.StringValue(r.String()) }

// String hides what identifies a patient.
func (r Report) String() string { return "report " + transport.Code(r.Type.Code) + " " + hidden }

// GoString gives the same as String.
func (r Report) GoString() string { return r.String() }

// Format writes the same as String, for every verb.
func (r Report) Format(f fmt.State, _ rune) { show(f, r.String()) }

// LogValue gives the same as String.
func (r Report) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText gives the same as String.
func (r Report) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String hides what identifies a patient.
func (n VaccinationNote) String() string { return "vaccination note " + hidden }

// GoString gives the same as String.
func (n VaccinationNote) GoString() string { return n.String() }

// Format writes the same as String, for every verb.
func (n VaccinationNote) Format(f fmt.State, _ rune) { show(f, n.String()) }

// LogValue gives the same as String.
func (n VaccinationNote) LogValue() slog.Value { return slog.StringValue(n.String()) }

// MarshalText gives the same as String.
func (n VaccinationNote) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// String hides what identifies a patient.
func (s Submission) String() string {
	return fmt.Sprintf("submission of %d documents", len(s.Documents))
}

// GoString gives the same as String.
func (s Submission) GoString() string { return s.String() }

// Format writes the same as String, for every verb.
func (s Submission) Format(f fmt.State, _ rune) { show(f, s.String()) }

// LogValue gives the same as String.
func (s Submission) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Format writes the same as String, for every verb.
func (d *Document) Format(f fmt.State, _ rune) { show(f, d.String()) }

// MarshalText gives the same as String.
func (s Submission) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes: the code.
func (d *Detail) UnmarshalText(b []byte) error {
	*d = Detail{Code: string(b)}
	return nil
}
