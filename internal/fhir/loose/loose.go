// Package loose reads JSON without a model, for the emulators: what they check
// must not be read by the code that wrote it.
package loose

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Node is a value of a JSON document, or nothing.
type Node struct{ v any }

// Parse reads a document of at most 16 MiB that holds one object.
func Parse(r io.Reader) (Node, []byte, error) {
	const limit = 16 << 20
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return Node{}, nil, err
	}
	if len(b) > limit {
		return Node{}, nil, errors.New("more than 16 MiB")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return Node{}, b, errors.New("not a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Node{}, b, errors.New("data after the object")
	}
	return Node{v}, b, nil
}

// MarshalJSON writes the value again.
func (n Node) MarshalJSON() ([]byte, error) { return json.Marshal(n.v) }

// Get follows member names and positions; what is not there is nothing.
func (n Node) Get(path ...any) Node {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := n.v.(map[string]any)
			n = Node{m[p]}
		case int:
			a, _ := n.v.([]any)
			if p < 0 || p >= len(a) {
				return Node{}
			}
			n = Node{a[p]}
		default:
			panic("loose: a path holds names and positions")
		}
	}
	return n
}

// Exists reports whether there is a value, other than null.
func (n Node) Exists() bool { return n.v != nil }

// Text gives a string, empty for anything else.
func (n Node) Text() string { s, _ := n.v.(string); return s }

// Bool gives a boolean, and whether it is one.
func (n Node) Bool() (value, ok bool) { value, ok = n.v.(bool); return }

// Number gives a number, and whether it is one.
func (n Node) Number() (float64, bool) {
	j, ok := n.v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := j.Float64()
	return f, err == nil
}

// Items gives the values of an array.
func (n Node) Items() []Node {
	a, _ := n.v.([]any)
	out := make([]Node, len(a))
	for i := range a {
		out[i] = Node{a[i]}
	}
	return out
}

// Where gives the first item of an array whose member has that text.
func (n Node) Where(member, text string) Node {
	for _, i := range n.Items() {
		if i.Get(member).Text() == text {
			return i
		}
	}
	return Node{}
}

// Mentions reports whether any string below n contains s.
func (n Node) Mentions(s string) bool {
	switch v := n.v.(type) {
	case string:
		return strings.Contains(v, s)
	case []any:
		for _, i := range v {
			if (Node{i}).Mentions(s) {
				return true
			}
		}
	case map[string]any:
		for _, i := range v {
			if (Node{i}).Mentions(s) {
				return true
			}
		}
	}
	return false
}
