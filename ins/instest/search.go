package instest

import (
	"regexp"
	"strings"

	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

const nsRecSans = "http://www.cnamts.fr/INSiRecSans"

// searchByTraits serves WS_INS2.
func (s *Server) searchByTraits(reply replier, e *soap.Envelope) {
	q, refused := readTraits(e.Body)
	if refused != nil {
		reply.fault(*refused, e.MessageID)
		return
	}
	if c, ok := s.cannedFor("WS_INS2", q.birthName, strings.Join(q.given, " ")); ok {
		reply.canned(c, e.MessageID)
		return
	}
	found := s.find(q)
	switch {
	case len(found) == 1:
		reply.person(found[0], s.opts.OID)
	case len(found) > 1:
		reply.cr("02", "Plusieurs identites trouvees")
	default:
		s.nobody(reply, e.MessageID)
	}
}

// nobody answers that nobody was found, in the manner of the environment.
func (s *Server) nobody(reply replier, messageID string) {
	s.mu.Lock()
	fault := s.opts.NotFoundAsFault
	s.mu.Unlock()
	if fault {
		reply.fault(Unavailable(), messageID)
		return
	}
	reply.cr("01", "Aucune identite trouvee")
}

// question is a search as the emulator understood it.
type question struct {
	birthName, sex, birthDate, birthPlace string
	given                                 []string // the words of all Prenom
}

// readTraits reads and checks a RECSANSVITALE: element order and number, then
// the syntax of each trait (SEL-MP-043 EF_INS01_03, EF_INS10_01, EF_INS10_02).
func readTraits(e *xmltree.Element) (question, *Fault) {
	refused := func(rule, expected, got string) (question, *Fault) {
		f := refuse(rule, expected, got)
		return question{}, &f
	}
	if !e.Is(nsRecSans, "RECSANSVITALE") {
		return refused("body", "RECSANSVITALE of INSiRecSans", "another element")
	}
	if f := sequence(e, []part{{"NomNaissance", 1}, {"Prenom*", 1}, {"Sexe", 1}, {"DateNaissance", 1}, {"LieuNaissance", 0}}); f != nil {
		return question{}, f
	}
	text := func(name string) string { return e.First("", name).Text() }
	q := question{birthName: text("NomNaissance"), sex: text("Sexe"), birthDate: text("DateNaissance"), birthPlace: text("LieuNaissance")}
	if bad := nameSyntax(q.birthName, 80, false); bad != "" {
		return refused("EF_INS10_01 NomNaissance", "the alphabet and grammar of names", bad)
	}
	for p := range e.All("", "Prenom") {
		if bad := nameSyntax(p.Text(), 61, true); bad != "" {
			return refused("EF_INS10_02 Prenom", "the alphabet and grammar of given names", bad)
		}
		q.given = append(q.given, strings.Fields(p.Text())...)
	}
	switch {
	case q.sex != "M" && q.sex != "F":
		return refused("EF_INS25_04 Sexe", "M or F", "another value")
	case !lunar.MatchString(q.birthDate):
		return refused("DateNaissance", "YYYY-MM-DD", "another form")
	case e.First("", "LieuNaissance") != nil && !cog.MatchString(q.birthPlace):
		return refused("LieuNaissance", "five characters among 0-9, A and B", "another form")
	}
	return q, nil
}

var (
	lunar = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	cog   = regexp.MustCompile(`^[0-9AB]{5}$`)

	// Names begin with a letter or an apostrophe. Letters and hyphens follow
	// freely; a space or an apostrophe stands alone.
	alphabet = regexp.MustCompile(`^[A-Z '-]*$`)
	grammar  = regexp.MustCompile(`^'?(?:[A-Z-]+[ '])*[A-Z-]*$`)
	begin    = regexp.MustCompile(`^[A-Z']`)
)

// nameSyntax tells what is wrong with a name, without it; empty for nothing.
func nameSyntax(s string, longest int, given bool) string {
	switch {
	case s == "":
		return "nothing"
	case len(s) > longest:
		return "a longer value"
	case !alphabet.MatchString(s):
		return "a character that is not A-Z, space, apostrophe or hyphen"
	case !begin.MatchString(s):
		return "a first character that is neither a letter nor an apostrophe"
	case !grammar.MatchString(s):
		return "spaces or apostrophes that follow each other"
	case given && strings.Contains(s, "--"):
		return "a double hyphen"
	case given && (strings.HasSuffix(s, "-") || strings.HasSuffix(s, "'")):
		return "a hyphen or an apostrophe at the end"
	}
	return ""
}
