package proxy

import (
	"errors"
	"net/url"
	"strings"
)

var errPath = errors.New("the path does not name an endpoint of an API")

// target reads /send/{api}/{endpoint…}, escaped. The endpoint is given as it
// came, escaped; it has a slash before it or is empty. A path that some server
// could read as one of another place is refused: dot segments, slashes and
// backslashes that are escaped once or more, empty segments, controls.
func target(escaped string) (api, endpoint string, err error) {
	rest, ok := strings.CutPrefix(escaped, "/send/")
	if !ok || len(rest) > 8<<10 {
		return "", "", errPath
	}
	api, endpoint, slash := strings.Cut(rest, "/")
	if api == "" || strings.ContainsRune(api, '%') {
		return "", "", errPath
	}
	if !slash || endpoint == "" {
		if slash {
			endpoint = "/"
		}
		return api, endpoint, nil
	}
	segments := strings.Split(endpoint, "/")
	for i, s := range segments {
		if s == "" && i < len(segments)-1 || !plain(s) {
			return "", "", errPath
		}
	}
	return api, "/" + endpoint, nil
}

// maxEscapes is how many times a segment may be escaped: a server behind the
// next may undo one more.
const maxEscapes = 4

// plain tells whether a segment is one name, however many times it is
// unescaped, and by servers that overlook what is no escape.
func plain(segment string) bool {
	if _, err := url.PathUnescape(segment); err != nil {
		return false
	}
	for range maxEscapes {
		name, params, _ := strings.Cut(segment, ";") // some servers cut parameters off before they look
		if name == "." || name == ".." || params == "." || params == ".." || strings.ContainsAny(segment, "/\\") || strings.ContainsFunc(segment, control) {
			return false
		}
		next := unescape(segment)
		if next == segment {
			return true
		}
		segment = next
	}
	return false
}

// unescape leaves what is no escape as it is.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// join puts an endpoint below the base address of its API, whose path holds no escape.
func join(base *url.URL, endpoint, query string) (*url.URL, error) {
	u := *base
	u.RawQuery, u.Fragment, u.ForceQuery = query, "", false
	root := strings.TrimRight(base.EscapedPath(), "/")
	path, err := url.PathUnescape(root + endpoint)
	if err != nil {
		return nil, errPath
	}
	u.Path, u.RawPath = path, root+endpoint
	return &u, nil
}
