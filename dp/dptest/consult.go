package dptest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle"
)

// page is what is left of a search, for the pharmacy that asked.
type page struct {
	structure socle.StructureID
	entries   arr
	total     int
	count     int
}

const pagePath = "/MedicationDispense/_search/page/"

func (s *Server) consult(w http.ResponseWriter, r *http.Request, c caller) {
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		s.refuse(w, &refusal{status: http.StatusUnsupportedMediaType, code: "dp-validation", text: "Content-Type: a form expected"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		s.refuse(w, &refusal{status: http.StatusBadRequest, code: "dp-validation", text: "body: a form expected"})
		return
	}
	patient := r.PostForm.Get("patient.identifier")
	ge, ok := strings.CutPrefix(r.PostForm.Get("whenhandedover"), "ge")
	since, err := time.Parse(time.DateOnly, ge)
	count, err2 := strconv.Atoi(r.PostForm.Get("_count"))
	switch {
	case !strings.HasPrefix(patient, "urn:oid:1.2.250.1.213.1.4.") || !strings.Contains(patient, "|"):
		s.refuse(w, &refusal{status: http.StatusBadRequest, code: "dp-validation", text: "patient.identifier: an INS as system|value expected"})
		return
	case !ok || err != nil:
		s.refuse(w, &refusal{status: http.StatusBadRequest, code: "dp-validation", text: "whenhandedover: ge and a date expected"})
		return
	case err2 != nil || count < 1:
		s.refuse(w, &refusal{status: http.StatusBadRequest, code: "dp-validation", text: "_count: a number above 0 expected"})
		return
	case r.PostForm.Get("_sort") != "-whenhandedover":
		s.refuse(w, &refusal{status: http.StatusBadRequest, code: "dp-validation", text: "_sort: -whenhandedover expected"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, refused := s.accessible(patient, true)
	if refused != nil {
		if refused.status == http.StatusOK {
			s.answer(w, http.StatusOK, searchset(0, arr{outcomeEntry(s.outcome("warning", refused))}, ""))
			return
		}
		s.refuse(w, refused)
		return
	}
	entries, cut := s.shown(d, since)
	p := page{structure: c.structure, entries: entries, total: len(entries), count: min(count, 100)}
	var first arr
	if cut {
		first = arr{outcomeEntry(s.outcome("information", &refusal{status: http.StatusOK, code: "dp-window", text: "the history is cut to the windows of consultation"}))}
	}
	s.send(w, p, first)
}

// shown gives the lines that may be shown, the newest first, and whether some
// are left out for their age.
func (s *Server) shown(d *dossier, since time.Time) (entries arr, cut bool) {
	now := s.Clock().Now()
	var lines []*line
	for _, l := range d.lines {
		switch {
		case l.masked || l.handedOver.Before(since):
		case !s.o.Windows.Shows(l.kind, l.handedOver, now):
			cut = true
		default:
			lines = append(lines, l)
		}
	}
	slices.SortStableFunc(lines, func(a, b *line) int { return -cmp.Compare(a.handedOver.UnixNano(), b.handedOver.UnixNano()) })
	for _, l := range lines {
		entries = append(entries, obj{"resource": withID(l), "search": obj{"mode": "match"}})
	}
	return entries, cut
}

// withID gives the resource as the server keeps it, with its own id.
func withID(l *line) obj {
	b, err := json.Marshal(l.resource)
	if err != nil {
		panic(err) // it was read from JSON, or written as obj
	}
	var o obj
	if err := json.Unmarshal(b, &o); err != nil {
		panic(err)
	}
	o["id"] = l.id
	return o
}

func outcomeEntry(o obj) obj { return obj{"resource": o, "search": obj{"mode": "outcome"}} }

// send answers the first count entries of p, after those of first, and keeps the rest.
func (s *Server) send(w http.ResponseWriter, p page, first arr) {
	n := min(p.count, len(p.entries))
	entries := append(first, p.entries[:n]...)
	next := ""
	if rest := p.entries[n:]; len(rest) > 0 {
		s.serial++
		id := fmt.Sprintf("%d-%d", s.serial, s.Clock().Now().UnixNano())
		s.pages[id] = page{structure: p.structure, entries: rest, total: p.total, count: p.count}
		next = s.http.URL + base + pagePath + id
	}
	s.answer(w, http.StatusOK, searchset(p.total, entries, next))
}

func searchset(total int, entries arr, next string) obj {
	b := obj{"resourceType": "Bundle", "type": "searchset", "total": total}
	if len(entries) > 0 {
		b["entry"] = entries
	}
	if next != "" {
		b["link"] = arr{obj{"relation": "next", "url": next}}
	}
	return b
}

// next answers the following page, to the pharmacy of the first one.
func (s *Server) next(w http.ResponseWriter, c caller, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pages[id]
	if !ok || p.structure != c.structure {
		s.refuse(w, &refusal{status: http.StatusNotFound, code: "dp-validation", text: "no such page"})
		return
	}
	s.send(w, p, nil)
}
