package socle

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"slices"
	"strings"
)

// Redact gives the shape of a message without what it says of people: the
// names of elements, members and parameters stay, and values go, but those of a
// closed list of technical ones (codes, statuses, actions, identifiers of
// messages). XML, JSON and forms are understood by contentType; of anything
// else only the size is told. What it keeps is safe for a log; what it drops
// cannot be had back.
func Redact(contentType string, body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media = ""
	}
	switch {
	case media == "application/x-www-form-urlencoded":
		return redactForm(body)
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		return redactJSON(body)
	case media == "text/xml" || media == "application/xml" || strings.HasSuffix(media, "+xml"):
		return redactXML(body)
	}
	return sized(media, body)
}

const redacted = "…"

func sized(media string, body []byte) []byte {
	return fmt.Appendf(nil, "[%s, %d bytes]", media, len(body))
}

var (
	keptParams  = []string{"grant_type", "scope", "acr_values", "channel", "response_type", "subject_token_type", "token_type_hint"}
	keptMembers = []string{"resourceType", "status", "intent", "error", "expires_in", "refresh_expires_in", "interval",
		"token_type", "scope", "active", "code", "severity", "type", "mode", "system", "method", "total"}
	keptAttrs = []string{"Version", "codeSystem", "codeSystemName", "classCode", "moodCode", "typeCode", "determinerCode", "status",
		"errorCode", "severity", "type", "mimeType", "objectType", "classificationScheme", "identificationScheme", "associationType",
		"mustUnderstand", "Algorithm", "Name", "name", "Format", "NameQualifier", "ITSVersion", "mediaType", "representation"}
	keptText = []string{"Action", "MessageID", "RelatesTo", "CodeCR", "Code/Value", "Subcode/Value", "AuthnContextClassRef"}
)

// kept gives v if it is on the list, has the form of a code or of a URI, and
// cannot be an identifier of a person: the shortest of these, the RPPS, is a run
// of 11 digits. Words with spaces between are sentences, that may name somebody;
// a scope is a list of codes.
func kept(list []string, name, v string) string {
	if slices.Contains(list, name) && digitRun(v) < 11 && len(v) <= 200 &&
		!strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' || r == ' ' && name != "scope" && name != "acr_values" }) {
		return v
	}
	return redacted
}

// named gives a name of the message's own choosing, unless it looks like data.
func named(s string) string {
	if len(s) > 64 || digitRun(s) > 4 {
		return redacted
	}
	return s
}

func digitRun(s string) (longest int) {
	run := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

func redactForm(body []byte) []byte {
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return sized("form that does not parse", body)
	}
	out := url.Values{}
	for k, values := range v {
		for _, value := range values {
			out.Add(named(k), kept(keptParams, k, value))
		}
	}
	return []byte(out.Encode())
}

func redactJSON(body []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return sized("JSON that does not parse", body)
	}
	out, err := json.Marshal(redactValue("", v))
	if err != nil {
		return sized("JSON", body)
	}
	return out
}

func redactValue(member string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, m := range v {
			out[named(k)] = redactValue(k, m)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, m := range v {
			out[i] = redactValue(member, m)
		}
		return out
	case string:
		if member == "code" && strings.ContainsAny(v, "0123456789") {
			return redacted // of a nomenclature: it tells what somebody takes or has
		}
		return kept(keptMembers, member, v)
	case json.Number:
		return kept(keptMembers, member, v.String())
	}
	return v
}

func redactXML(body []byte) []byte {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	d.Strict = false
	var out bytes.Buffer
	var path []string
	for {
		t, err := d.RawToken()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				out.WriteString("[rest does not parse]")
			}
			return out.Bytes()
		}
		switch t := t.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
			out.WriteString("<" + qualified(t.Name))
			for _, a := range t.Attr {
				v := kept(keptAttrs, a.Name.Local, a.Value)
				if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
					v = kept([]string{""}, "", a.Value)
				}
				out.WriteString(" " + qualified(a.Name) + `="`)
				_ = xml.EscapeText(&out, []byte(v))
				out.WriteByte('"')
			}
			out.WriteByte('>')
		case xml.EndElement:
			if len(path) > 0 {
				path = path[:len(path)-1]
			}
			out.WriteString("</" + qualified(t.Name) + ">")
		case xml.CharData:
			if s := bytes.TrimSpace(t); len(s) > 0 {
				_ = xml.EscapeText(&out, []byte(keptOf(path, string(s))))
			}
		}
	}
}

func qualified(n xml.Name) string {
	if n.Space == "" {
		return named(n.Local)
	}
	return named(n.Space) + ":" + named(n.Local)
}

// keptOf looks text up by its element, or by its element and that one's parent.
func keptOf(path []string, text string) string {
	n := len(path)
	if n > 1 {
		if v := kept(keptText, path[n-2]+"/"+path[n-1], text); v != redacted {
			return v
		}
	}
	if n > 0 {
		return kept(keptText, path[n-1], text)
	}
	return redacted
}
