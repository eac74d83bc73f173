package msstest

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
)

// DirectoryOptions of a [Directory].
type DirectoryOptions struct {
	Authority *pki.Authority
	Clock     *emulator.Clock
	// Key is the only one that it takes; empty means "cle-d-essai".
	Key string
	// PageSize when the client asks for none; zero means 50, as the directory.
	PageSize int
	// Limit of requests in any second; zero means 17, as the directory.
	Limit int
}

// Directory is an emulated Annuaire Santé in FHIR, version 2. It verifies the
// key, the rate and the search parameters, and refuses with an OperationOutcome.
type Directory struct {
	options DirectoryOptions
	http    *emulator.Server

	mu        sync.Mutex
	resources []map[string]any
	searches  map[string][]any // entries that further pages give, by token
	times     []time.Time
}

// NewDirectory starts an empty directory. Close must be called.
func NewDirectory(o DirectoryOptions) (*Directory, error) {
	if o.Key == "" {
		o.Key = "cle-d-essai"
	}
	if o.PageSize == 0 {
		o.PageSize = 50
	}
	if o.Limit == 0 {
		o.Limit = 17
	}
	d := &Directory{options: o, searches: map[string][]any{}}
	var err error
	d.http, err = emulator.New(emulator.Options{Authority: o.Authority, Clock: o.Clock, Operation: func(r *http.Request) string {
		return "directory." + strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/fhir/v2/"), "/_search")
	}}, http.HandlerFunc(d.serve))
	if err != nil {
		return nil, fmt.Errorf("msstest: %w", err)
	}
	return d, nil
}

// Close stops the directory.
func (d *Directory) Close() { d.http.Close() }

// URL gives its address, for mss.DirectoryConfig.
func (d *Directory) URL() string { return d.http.URL + "/fhir/v2" }

// Key gives the key that it takes.
func (d *Directory) Key() string { return d.options.Key }

// Roots gives the pool that a client trusts.
func (d *Directory) Roots() *x509.CertPool { return d.http.Roots() }

// Fail plans a fault. Operations are directory.Practitioner and so on,
// "directory." followed by the path for further pages.
func (d *Directory) Fail(f emulator.Fault) { d.http.Fail(f) }

// Journal gives the last exchanges.
func (d *Directory) Journal() []emulator.Entry { return d.http.Journal() }

// Add adds a resource in FHIR JSON: a Practitioner, a PractitionerRole or an
// Organization with an id.
func (d *Directory) Add(resource string) error {
	var r map[string]any
	if err := json.Unmarshal([]byte(resource), &r); err != nil {
		return fmt.Errorf("msstest: directory: %w", err)
	}
	if kind, _ := r["resourceType"].(string); searchable[kind] == nil || r["id"] == nil {
		return errors.New("msstest: directory: Practitioner, PractitionerRole or Organization with an id expected")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resources = append(d.resources, r)
	return nil
}

// searchable are the parameters that are emulated, of those that the directory
// has. mailbox-mss-type is in its guide and not in the service.
var searchable = map[string][]string{
	"Practitioner":     {"identifier", "family", "given", "qualification-code", "mailbox-mss", "active", "_id", "_count"},
	"PractitionerRole": {"practitioner.identifier", "mailbox-mss", "active", "_id", "_count", "_include"},
	"Organization":     {"identifier", "name", "type", "mailbox-mss", "active", "_id", "_count"},
}

func (d *Directory) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, format string, args ...any) {
		answer(w, status, map[string]any{"resourceType": "OperationOutcome",
			"issue": []any{map[string]any{"severity": "error", "code": code, "diagnostics": fmt.Sprintf(format, args...)}}})
	}
	if got := r.Header.Get("ESANTE-API-KEY"); got != d.options.Key {
		refuse(http.StatusUnauthorized, "login", "ESANTE-API-KEY: the key of an application expected, %d characters came", len(got))
		return
	}
	if n := d.rate(); n > d.options.Limit {
		refuse(http.StatusTooManyRequests, "throttled", "%d requests in a second expected at most, %d came", d.options.Limit, n)
		return
	}
	resource := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/fhir/v2"), "/")
	params := r.URL.Query()
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(resource, "/_search"):
		resource = strings.TrimSuffix(resource, "/_search")
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		if err := r.ParseForm(); err != nil {
			refuse(http.StatusBadRequest, "invalid", "HAPI-0450: a form expected")
			return
		}
		params = r.Form
	case r.Method != http.MethodGet:
		refuse(http.StatusForbidden, "forbidden", "only searches are open, %s came", r.Method)
		return
	}
	if token := params.Get("_getpages"); resource == "" && token != "" {
		d.page(w, r, token, params, refuse)
		return
	}
	allowed := searchable[resource]
	if allowed == nil {
		refuse(http.StatusNotFound, "not-supported", "HAPI-0302: Unknown resource type '%s'", resource)
		return
	}
	if name := unknownParameter(params, allowed); name != "" {
		refuse(http.StatusBadRequest, "invalid", "HAPI-0524: Parameter %s not found for resource type %s", name, resource)
		return
	}
	d.mu.Lock()
	var found []any
	included := map[string]bool{}
	for _, x := range d.resources {
		if x["resourceType"] != resource || !d.matches(x, params) {
			continue
		}
		found = append(found, map[string]any{"resource": shown(x), "search": map[string]any{"mode": "match"}})
		if who := d.practitioner(x); params.Get("_include") != "" && who != nil && !included[text(who["id"])] {
			included[text(who["id"])] = true
			found = append(found, map[string]any{"resource": shown(who), "search": map[string]any{"mode": "include"}})
		}
	}
	token := fmt.Sprintf("p%d", len(d.searches)+1)
	d.searches[token] = found
	d.mu.Unlock()
	v := url.Values{"_getpagesoffset": {"0"}, "_count": params["_count"]}
	d.page(w, r, token, v, refuse)
}

func unknownParameter(params url.Values, allowed []string) string {
	for name := range params {
		bare, _, _ := strings.Cut(name, ":")
		if !slices.Contains(allowed, bare) {
			return bare
		}
	}
	return ""
}

func (d *Directory) page(w http.ResponseWriter, r *http.Request, token string, params url.Values, refuse func(int, string, string, ...any)) {
	d.mu.Lock()
	entries, ok := d.searches[token]
	d.mu.Unlock()
	offset, err := strconv.Atoi(params.Get("_getpagesoffset"))
	if !ok || err != nil || offset < 0 || offset > len(entries) {
		refuse(http.StatusGone, "not-found", "HAPI-0417: Search ID does not exist and may have expired")
		return
	}
	size := d.options.PageSize
	if n, err := strconv.Atoi(params.Get("_count")); err == nil && n > 0 {
		size = n
	}
	rest := entries[offset:]
	bundle := map[string]any{"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
	if len(rest) > size {
		rest = rest[:size]
		bundle["link"] = []any{map[string]any{"relation": "next",
			"url": fmt.Sprintf("https://%s/fhir/v2?_getpages=%s&_getpagesoffset=%d&_count=%d", r.Host, token, offset+size, size)}}
	}
	if len(rest) > 0 {
		bundle["entry"] = rest
	}
	answer(w, http.StatusOK, bundle)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/fhir+json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// rate counts the requests of the last second, this one included.
func (d *Directory) rate() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.times = append(slices.DeleteFunc(d.times, func(t time.Time) bool { return now.Sub(t) >= time.Second }), now)
	return len(d.times)
}

// shown gives a resource as the directory shows it: an inactive one has its
// identifiers alone.
func shown(x map[string]any) map[string]any {
	if active, ok := x["active"].(bool); ok && !active {
		return map[string]any{"resourceType": x["resourceType"], "id": x["id"], "identifier": x["identifier"], "active": false}
	}
	return x
}

func (d *Directory) practitioner(x map[string]any) map[string]any {
	reference, _ := x["practitioner"].(map[string]any)
	for _, who := range d.resources {
		if who["resourceType"] == "Practitioner" && "Practitioner/"+text(who["id"]) == text(reference["reference"]) {
			return who
		}
	}
	return nil
}

func (d *Directory) matches(x map[string]any, params url.Values) bool {
	for name, values := range params {
		for _, v := range values {
			if !d.match(x, name, v) {
				return false
			}
		}
	}
	return true
}

func (d *Directory) match(x map[string]any, name, value string) bool {
	bare, modifier, _ := strings.Cut(name, ":")
	switch bare {
	case "mailbox-mss":
		for t := range members(x["telecom"]) {
			v := strings.ToLower(text(t["value"]))
			switch want := strings.ToLower(value); {
			case modifier == "exact" && v == want, modifier == "contains" && strings.Contains(v, want), modifier == "" && strings.HasPrefix(v, want):
				return true
			}
		}
		return false
	case "identifier":
		for id := range members(x["identifier"]) {
			if text(id["system"])+"|"+text(id["value"]) == value {
				return true
			}
		}
		return false
	case "practitioner.identifier":
		who := d.practitioner(x)
		return who != nil && d.match(who, "identifier", value)
	case "family", "given":
		for n := range members(x["name"]) {
			if strings.HasPrefix(strings.ToLower(fmt.Sprint(n[bare])), strings.ToLower(value)) ||
				strings.HasPrefix(strings.ToLower(fmt.Sprint(n[bare])), "["+strings.ToLower(value)) {
				return true
			}
		}
		return false
	case "name":
		return strings.HasPrefix(strings.ToLower(text(x["name"])), strings.ToLower(value))
	case "type":
		for t := range members(x["type"]) {
			for c := range members(t["coding"]) {
				if slices.Contains(strings.Split(value, ","), text(c["system"])+"|"+text(c["code"])) {
					return true
				}
			}
		}
		return false
	case "qualification-code":
		for q := range members(x["qualification"]) {
			code, _ := q["code"].(map[string]any)
			for c := range members(code["coding"]) {
				for want := range strings.SplitSeq(value, ",") {
					if system, token, ok := strings.Cut(want, "|"); ok && text(c["system"]) == system && text(c["code"]) == token || !ok && text(c["code"]) == want {
						return true
					}
				}
			}
		}
		return false
	case "active":
		return fmt.Sprint(x["active"]) == value
	case "_id":
		return text(x["id"]) == value
	}
	return true // _count, _include
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// members gives the objects of an array.
func members(v any) func(func(map[string]any) bool) {
	l, _ := v.([]any)
	return func(yield func(map[string]any) bool) {
		for _, e := range l {
			if m, ok := e.(map[string]any); ok && !yield(m) {
				return
			}
		}
	}
}
