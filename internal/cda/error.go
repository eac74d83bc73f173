package cda

import (
	"errors"
	"strings"
)

// Error says why a document was not read or not written.
type Error struct {
	Op   string // "read" or "write"
	Path string // what the problem is at: "recordTarget/patientRole/id"
	Text string
	Err  error // cause, when there is one
}

// Error leaves out the cause of a document that was not written: that of a file
// that cannot be read names it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("cda: " + e.Op + ": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Text)
	if e.Err != nil && e.Op == "read" {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// problems gathers what is wrong with a document to write.
type problems []error

func (p *problems) add(path, text string) {
	*p = append(*p, &Error{Op: "write", Path: path, Text: text})
}

func (p problems) err() error { return errors.Join(p...) }
