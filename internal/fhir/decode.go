package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits bounds what Decode accepts; a zero field takes its default.
type Limits struct {
	Bytes  int // default 16 MiB
	Depth  int // nested objects and arrays; default 64
	Values int // members and items together; default 200,000
}

func (l Limits) defaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 16 << 20
	}
	if l.Depth == 0 {
		l.Depth = 64
	}
	if l.Values == 0 {
		l.Values = 200_000
	}
	return l
}

// ErrLimit is wrapped by the error of a document that is too big, too deep or
// has too many values.
var ErrLimit = errors.New("limit reached")

// Decode reads one resource. Besides the limits it refuses what FHIR's JSON
// form refuses: text that is not UTF-8, repeated member names and anything
// after the resource. Its errors never hold text of the document.
func Decode(b []byte, limits Limits) (Resource, error) {
	if err := scan(b, limits.defaults()); err != nil {
		return nil, fmt.Errorf("fhir: %w", err)
	}
	var a Any
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, fmt.Errorf("fhir: %w", plain(err))
	}
	return a.Resource, nil
}

// plain drops the values that encoding/json quotes in its errors.
func plain(err error) error {
	var ute *json.UnmarshalTypeError
	if errors.As(err, &ute) {
		return fmt.Errorf("member %s is not a %s", ute.Field, ute.Type)
	}
	var se *json.SyntaxError
	if errors.As(err, &se) {
		return fmt.Errorf("not JSON at byte %d", se.Offset)
	}
	var own *formError
	if errors.As(err, &own) {
		return own
	}
	return errors.New("a value has not the form of its FHIR type")
}

// formError is an error of this package's own unmarshalers, free of values.
type formError struct{ msg string }

func (e *formError) Error() string { return e.msg }

type frame struct {
	object  bool
	wantKey bool
	names   map[string]struct{}
}

// scan walks the tokens once, so that no limit depends on the decoding that follows.
func scan(b []byte, limits Limits) error {
	if len(b) > limits.Bytes {
		return fmt.Errorf("%w: %d bytes, at most %d accepted", ErrLimit, len(b), limits.Bytes)
	}
	if !utf8.Valid(b) {
		return errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var stack []frame
	values := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(stack) > 0 || values == 0 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("not JSON near byte %d", d.InputOffset())
		}
		if values > 0 && len(stack) == 0 {
			return errors.New("data after the resource")
		}
		if delim, ok := t.(json.Delim); ok && (delim == '}' || delim == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if n := len(stack); n > 0 && stack[n-1].object {
			top := &stack[n-1]
			if top.wantKey {
				name := t.(string)
				if _, dup := top.names[name]; dup {
					return errors.New("repeated member name")
				}
				top.names[name] = struct{}{}
				top.wantKey = false
				continue
			}
			top.wantKey = true
		}
		if values++; values > limits.Values {
			return fmt.Errorf("%w: more than %d values", ErrLimit, limits.Values)
		}
		if delim, ok := t.(json.Delim); ok {
			f := frame{object: delim == '{', wantKey: true}
			if f.object {
				f.names = make(map[string]struct{})
			}
			if stack = append(stack, f); len(stack) > limits.Depth {
				return fmt.Errorf("%w: deeper than %d", ErrLimit, limits.Depth)
			}
		}
	}
}

// Check applies the limits and the refusals of Decode to a document that the
// caller decodes otherwise.
func Check(b []byte, limits Limits) error {
	if err := scan(b, limits.defaults()); err != nil {
		return fmt.Errorf("fhir: %w", err)
	}
	return nil
}
