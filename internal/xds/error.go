package xds

import (
	"errors"
	"strings"
)

// ErrLimit is the cause of an Error about metadata that hold too much to be read.
var ErrLimit = errors.New("limit reached")

// Error says why metadata was not read or not written.
type Error struct {
	Op   string // "read" or "write"
	Path string // object and attribute: "Document01/classCode"
	Text string
	Err  error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("xds: " + e.Op + ": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Text)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

type problems []error

func (p *problems) want(ok bool, path, text string) {
	if !ok {
		*p = append(*p, &Error{Op: "write", Path: path, Text: text})
	}
}

func (p problems) err() error { return errors.Join(p...) }
