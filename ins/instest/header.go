package instest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

const (
	nsBAM  = "urn:siram:bam:ctxbam"
	nsLPS  = "urn:siram:lps:ctxlps"
	nsWSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
)

var (
	uuid      = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	messageID = regexp.MustCompile(`^(urn:)?(uuid:)?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
)

// checkHeaders applies the rules of §4.0: which blocks, their order inside, who
// asks, the authorization number, and the emitter against who asks.
func (s *Server) checkHeaders(r *http.Request, e *soap.Envelope, structure string) (caller, *Fault) {
	refused := func(rule, expected, got string) (caller, *Fault) {
		f := refuse(rule, expected, got)
		return caller{}, &f
	}
	if e.Version != "1.2" {
		return refused("SOAP version", "1.2", e.Version)
	}
	for _, h := range []struct{ space, name string }{{soap.NSWSA, "Action"}, {soap.NSWSA, "MessageID"}, {nsBAM, "ContexteBAM"}, {nsLPS, "ContexteLPS"}} {
		n := 0
		for range e.Header.All(h.space, h.name) {
			n++
		}
		if n != 1 {
			return refused("SOAP header", "one "+h.name, fmt.Sprint(n))
		}
	}
	if operations[e.Action] == "" {
		return refused("wsa:Action", "the action of an operation of INSi", e.Action)
	}
	switch {
	case !messageID.MatchString(e.MessageID):
		return refused("wsa:MessageID", "a UUID, after uuid: or not", "another form")
	case !s.fresh(e.MessageID):
		return refused("wsa:MessageID", "one for each message", "one seen before")
	}
	who, f := s.checkCaller(r, e, structure)
	if f != nil {
		return caller{}, f
	}
	bam := e.Header.First(nsBAM, "ContexteBAM")
	if f := checkContext(bam, who, []string{"01_02", "1.0"}, "CTXBAM",
		[]part{{"Id", 1}, {"Temps", 1}, {"Emetteur", 0}, {"DateRef", 0}, {"COUVERTURE", 1}}); f != nil {
		return caller{}, f
	}
	if cover := bam.First(nsBAM, "COUVERTURE"); operations[e.Action] != "WS_INS1" && len(cover.Children) > 0 {
		return refused("ContexteBAM COUVERTURE", "an empty one: only WS_INS1 fills it", "something")
	}
	lps := e.Header.First(nsLPS, "ContexteLPS")
	if f := checkContext(lps, who, []string{"01_00"}, "CTXLPS", []part{{"Id", 1}, {"Temps", 1}, {"Emetteur", 0}, {"LPS", 1}}); f != nil {
		return caller{}, f
	}
	return who, s.checkSoftware(lps.First("", "LPS"))
}

func (s *Server) checkSoftware(lps *xmltree.Element) *Fault {
	if f := sequence(lps, []part{{"IDAM", 1}, {"Version", 1}, {"Instance", 1}, {"Nom", 1}}); f != nil {
		return f
	}
	idam := lps.First("", "IDAM")
	if idam.Attr("R") != "4" {
		f := refuse("ContexteLPS IDAM", `R="4", numéro d'autorisation`, "R="+idam.Attr("R"))
		return &f
	}
	if !slices.Contains(s.opts.IDAMs, idam.Trimmed()) {
		f := unknownSoftware()
		return &f
	}
	if !uuid.MatchString(lps.First("", "Instance").Trimmed()) {
		f := refuse("ContexteLPS Instance", "the UUID of the installation", "another form")
		return &f
	}
	for _, name := range []string{"Version", "Nom"} {
		if lps.First("", name).Trimmed() == "" {
			f := refuse("ContexteLPS "+name, "a value", "none")
			return &f
		}
	}
	return nil
}

// checkContext checks what both contexts share.
func checkContext(e *xmltree.Element, who caller, versions []string, nature string, parts []part) *Fault {
	name := e.Name.Local
	if f := sequence(e, parts); f != nil {
		return f
	}
	refused := func(rule, expected, got string) *Fault { f := refuse(name+" "+rule, expected, got); return &f }
	switch {
	case !slices.Contains(versions, e.Attr("Version")):
		return refused("Version", versions[0], e.Attr("Version"))
	case e.Attr("Nature") != "" && e.Attr("Nature") != nature:
		return refused("Nature", nature, e.Attr("Nature"))
	case !uuid.MatchString(e.First("", "Id").Trimmed()):
		return refused("Id", "a UUID", "another form")
	}
	if _, err := time.Parse(time.RFC3339Nano, e.First("", "Temps").Trimmed()); err != nil {
		return refused("Temps", "an xsd:dateTime with its offset", "another form")
	}
	if got := e.First("", "Emetteur").Trimmed(); got != who.emitter {
		return refused("Emetteur", who.expects, got)
	}
	return nil
}

// part is an element of a sequence: its least number. At most one is allowed,
// but for those that repeat.
type part struct {
	name string
	min  int
}

// sequence checks that the children of e are those of a schema sequence: known,
// in order, and as many as allowed. Names that end with * may repeat.
func sequence(e *xmltree.Element, parts []part) *Fault {
	refused := func(expected, got string) *Fault {
		f := refuse("order and number of elements in "+e.Name.Local, expected, got)
		return &f
	}
	var names []string
	for _, p := range parts {
		names = append(names, strings.TrimSuffix(p.name, "*"))
	}
	expected := strings.Join(names, ", ")
	at, count := 0, 0
	for c := range e.Elements() {
		i := slices.Index(names, c.Name.Local)
		switch {
		case c.Name.Space != e.Name.Space, i < 0:
			return refused(expected, "an unknown "+c.Name.Local)
		case i < at:
			return refused(expected, c.Name.Local+" after "+names[at])
		case i == at:
			if count++; count > 1 && !strings.HasSuffix(parts[i].name, "*") {
				return refused("one "+names[i], "several")
			}
		default:
			at, count = i, 1
		}
	}
	for i, p := range parts {
		if p.min > 0 && e.First("", names[i]) == nil {
			return refused(expected, "no "+names[i])
		}
	}
	for _, n := range e.Children {
		if t, ok := n.(xmltree.Text); ok && strings.TrimSpace(string(t)) != "" {
			return refused(expected, "text between elements")
		}
	}
	return nil
}
