package dptest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/internal/fhir/loose"
	"github.com/soclesante/socle/ordonnance"
)

// feed takes a transaction: all its lines, or none.
func (s *Server) feed(w http.ResponseWriter, r *http.Request, c caller) {
	if r.Header.Get("Content-Type") != mediaType {
		s.refuse(w, &refusal{status: http.StatusUnsupportedMediaType, code: "dp-validation", text: "Content-Type: " + mediaType + " expected"})
		return
	}
	body, _, err := loose.Parse(r.Body)
	entries := body.Get("entry").Items()
	if err != nil || body.Get("resourceType").Text() != "Bundle" || body.Get("type").Text() != "transaction" || len(entries) == 0 {
		s.refuse(w, &refusal{status: http.StatusBadRequest, code: "dp-validation", text: "body: a Bundle of type transaction with entries expected"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := entries[0].Get("resource", "subject", "identifier")
	patient := id.Get("system").Text() + "|" + id.Get("value").Text()
	d, refused := s.accessible(patient, false)
	if refused != nil {
		s.refuse(w, refused)
		return
	}
	x := check{server: s, caller: c, patient: patient, now: s.Clock().Now()}
	var lines []*line
	for _, e := range entries {
		lines = append(lines, x.line(e))
	}
	switch {
	case len(x.issues) > 0:
		s.refuse(w, &refusal{status: http.StatusUnprocessableEntity, code: "dp-validation", issues: x.issues})
		return
	case len(x.unknown) > 0:
		s.refuse(w, &refusal{status: http.StatusUnprocessableEntity, code: "dp-unknown-product", issues: x.unknown})
		return
	}
	var out arr
	for _, l := range lines {
		status := "201 Created"
		if s.lines[l.id] != nil {
			status = "200 OK"
		} else {
			s.lines[l.id] = l
			d.lines = append(d.lines, l)
		}
		out = append(out, obj{"response": obj{"status": status, "location": "MedicationDispense/" + l.id}})
	}
	s.answer(w, http.StatusOK, obj{"resourceType": "Bundle", "type": "transaction-response", "entry": out})
}

// check reads a transaction and gathers what is wrong with it.
type check struct {
	server  *Server
	caller  caller
	patient string
	now     time.Time
	seen    map[string]bool
	issues  []issue
	unknown []issue
}

func (x *check) line(e loose.Node) *line {
	d, r := x.server.dialect, e.Get("resource")
	l := &line{patient: x.patient, structure: x.caller.structure, resource: r}
	add := func(format string, args ...any) {
		x.issues = append(x.issues, issue{l.id, fmt.Sprintf(format, args...)})
	}
	if r.Get("resourceType").Text() != "MedicationDispense" {
		add("a MedicationDispense expected")
		return l
	}
	uri := r.Get("identifier").Where("system", "urn:ietf:rfc:3986").Get("value").Text()
	uuid, ok := strings.CutPrefix(uri, "urn:uuid:")
	if l.id = strings.ToLower(uuid); !ok || len(uuid) != 36 {
		add("identifier: urn:uuid:… of system urn:ietf:rfc:3986 expected")
	}
	if x.seen[l.id] {
		add("identifier: another one for each line expected")
	}
	if x.seen == nil {
		x.seen = make(map[string]bool)
	}
	x.seen[l.id] = true
	if q := e.Get("request"); q.Get("method").Text() != "POST" || q.Get("url").Text() != "MedicationDispense" || q.Get("ifNoneExist").Text() != "identifier=urn:ietf:rfc:3986|"+uri {
		add("request: POST of MedicationDispense if none has the identifier expected")
	}
	if known := x.server.lines[l.id]; known != nil && (known.patient != x.patient || known.structure != x.caller.structure) {
		add("identifier: taken by a line of another patient or pharmacy")
	}
	if got := r.Get("status").Text(); got != "completed" {
		add("status: completed expected")
	}
	id := r.Get("subject", "identifier")
	if id.Get("system").Text()+"|"+id.Get("value").Text() != x.patient {
		add("subject: one patient for the whole expected")
	}
	x.people(r, add)
	switch c := r.Get("type", "coding").Where("system", d.System(ordonnance.OIDCompleteness)).Get("code").Text(); c {
	case "FFC", "FFP", "RFC", "RFP":
	default:
		add("type: FFC, FFP, RFC or RFP expected")
	}
	if v, ok := r.Get("quantity", "value").Number(); !ok || v <= 0 {
		add("quantity: a number above 0 expected")
	}
	at, err := time.Parse(time.RFC3339, r.Get("whenHandedOver").Text())
	if l.handedOver = at; err != nil || at.After(x.now.Add(5*time.Minute)) {
		add("whenHandedOver: an instant with its zone, not in the future, expected")
	}
	if substituted, ok := r.Get("substitution", "wasSubstituted").Bool(); !ok {
		add("substitution.wasSubstituted: expected")
	} else if !substituted && r.Get("substitution", "type").Exists() {
		add("substitution.type: expected only when the product was substituted")
	}
	switch l.kind = dp.Kind(r.Get("category", "coding").Where("system", d.SystemKind).Get("code").Text()); l.kind {
	case dp.Medicine, dp.Biologic, dp.Vaccine, dp.Device:
	default:
		add("category: the kind of the product expected")
	}
	x.product(r, l, add)
	return l
}

func (x *check) people(r loose.Node, add func(string, ...any)) {
	who := r.Get("performer", 0, "actor", "identifier")
	if who.Get("system").Text() != "urn:oid:"+socle.OIDPerson || who.Get("value").Text() != x.caller.person.String() {
		add("performer: the professional of the token expected")
	}
	where := r.Get("location", "identifier")
	if where.Get("system").Text() != "urn:oid:"+socle.OIDStructure || where.Get("value").Text() != x.caller.structure.String() {
		add("location: the structure of the certificate expected")
	}
}

func (x *check) product(r loose.Node, l *line, add func(string, ...any)) {
	m := r.Get("contained").Where("resourceType", "Medication")
	if !m.Exists() || "#"+m.Get("id").Text() != r.Get("medicationReference", "reference").Text() {
		add("medicationReference: a contained Medication expected")
		return
	}
	cip := m.Get("code", "coding").Where("system", x.server.dialect.System(ordonnance.OIDCIP)).Get("code").Text()
	switch {
	case cip == "" && m.Get("code", "text").Text() == "":
		add("Medication.code: a code or a text expected")
	case cip != "" && (!keyed(cip) || x.server.unknown[cip]):
		x.unknown = append(x.unknown, issue{l.id, "Medication.code: a known CIP13 expected"})
	}
	if day := m.Get("batch", "expirationDate").Text(); day != "" {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			add("Medication.batch.expirationDate: a date expected")
		}
	}
}

// keyed checks a CIP13: 34009 and a GS1 key over 13 digits.
func keyed(s string) bool {
	if len(s) != 13 || s[:5] != "34009" {
		return false
	}
	odd, even := 0, 0
	for i := 0; i < 13; i++ {
		d := int(s[i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if i%2 == 0 {
			odd += d
		} else {
			even += d
		}
	}
	return (odd+3*even)%10 == 0
}
