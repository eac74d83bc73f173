package xds

import (
	"fmt"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// ParseQuery reads a query:AdhocQueryRequest strictly: what is not a string, a
// list of strings or a number is an error that names the parameter.
func ParseQuery(e *xmltree.Element) (*Query, error) {
	if !e.Is(NSQuery, "AdhocQueryRequest") {
		return nil, &Error{Op: "read", Text: "AdhocQueryRequest expected"}
	}
	q := &Query{}
	switch returns := attr(e.First(NSQuery, "ResponseOption"), "returnType"); returns {
	case "LeafClass":
	case "ObjectRef":
		q.References = true
	default:
		return nil, &Error{Op: "read", Path: "ResponseOption/returnType", Text: "LeafClass or ObjectRef expected"}
	}
	query := e.First(NSRIM, "AdhocQuery")
	if q.ID = attr(query, "id"); q.ID == "" {
		return nil, &Error{Op: "read", Path: "AdhocQuery/id", Text: "mandatory"}
	}
	total := 0
	for s := range query.All(NSRIM, "Slot") {
		p := Param{Name: attr(s, "name"), Form: -1}
		for v := range s.First(NSRIM, "ValueList").All(NSRIM, "Value") {
			form, values, ok := parseValue(v.Trimmed())
			if !ok || p.Form >= 0 && (form != p.Form || form != List) {
				return nil, &Error{Op: "read", Path: p.Name, Text: "one 'string', one number or lists ('a','b') expected, with quotes doubled inside"}
			}
			p.Form, p.Values = form, append(p.Values, values...)
		}
		if total += 1 + len(p.Values); total > maxObjects {
			return nil, &Error{Op: "read", Text: fmt.Sprintf("more than %d parameters and values", maxObjects), Err: ErrLimit}
		}
		if p.Form < 0 {
			return nil, &Error{Op: "read", Path: p.Name, Text: "a value expected"}
		}
		q.Params = append(q.Params, p)
	}
	return q, nil
}

// parseValue reads the content of a rim:Value.
func parseValue(s string) (form Form, values []string, ok bool) {
	if isNumber(s) {
		return Number, []string{s}, true
	}
	if !strings.HasPrefix(s, "(") {
		v, rest, ok := quoted(s)
		return Text, []string{v}, ok && rest == ""
	}
	s = s[1:]
	for {
		v, rest, ok := quoted(strings.TrimSpace(s))
		if !ok {
			return List, nil, false
		}
		values = append(values, v)
		rest = strings.TrimSpace(rest)
		if rest == ")" {
			return List, values, true
		}
		if s, ok = strings.CutPrefix(rest, ","); !ok {
			return List, nil, false
		}
	}
}

// quoted takes a string in quotes from the start of s.
func quoted(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, "'") {
		return "", s, false
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			i++
			continue
		}
		return strings.ReplaceAll(s[1:i], "''", "'"), s[i+1:], i > 1
	}
	return "", s, false
}
