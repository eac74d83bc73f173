package proxy

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// traces gives those of a period, from start on and before end (now if absent).
func (h *Handler) traces(w http.ResponseWriter, r *http.Request) {
	if h.cfg.ServeTraces == nil || !h.cfg.ServeTraces(r) {
		h.refuse(w, http.StatusNotFound, "No such operation.", nil)
		return
	}
	start, end, problem := period(r.URL.RawQuery, h.cfg.Now())
	if problem != "" {
		h.refuse(w, http.StatusBadRequest, problem, nil)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	comma := "["
	for t, err := range h.cfg.Traces.Between(r.Context(), start, end) {
		if err != nil {
			h.cfg.Log().WarnContext(r.Context(), "proxy: a trace could not be read", "err", err)
			continue
		}
		b, err := json.Marshal(t)
		if err != nil {
			continue
		}
		if _, err := w.Write(append([]byte(comma), b...)); err != nil {
			return
		}
		comma = ","
	}
	if comma == "[" {
		_, _ = w.Write([]byte("["))
	}
	_, _ = w.Write([]byte("]\n"))
}

// period reads start and end (RFC 3339); a plus that was not escaped is one.
func period(query string, now time.Time) (start, end time.Time, problem string) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return start, end, "The query cannot be read."
	}
	read := func(name string) (time.Time, bool) {
		t, err := time.Parse(time.RFC3339, strings.ReplaceAll(values.Get(name), " ", "+"))
		return t, err == nil && len(values[name]) == 1
	}
	var ok bool
	if start, ok = read("start"); !ok {
		return start, end, "start: a date of RFC 3339 expected."
	}
	if end = now.Add(time.Nanosecond); values.Has("end") {
		if end, ok = read("end"); !ok {
			return start, end, "end: a date of RFC 3339 expected."
		}
	}
	if end.Before(start) {
		return start, end, "end is before start."
	}
	return start, end, ""
}
