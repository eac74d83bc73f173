package instest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// verify serves WS_INS3, in the provisional dialect.
func (s *Server) verify(reply replier, e *soap.Envelope) {
	if !e.Body.Is(nsVerifyRequest, "Requete") {
		reply.fault(refuse("body", "Requete of the provisional dialect", "another element"), e.MessageID)
		return
	}
	if f := sequence(e.Body, []part{{"IndividuVerifie", 1}}); f != nil {
		reply.fault(*f, e.MessageID)
		return
	}
	claim, refused := readClaim(e.Body.First(nsVerifyRequest, "IndividuVerifie"))
	if refused != nil {
		reply.fault(*refused, e.MessageID)
		return
	}
	if c, ok := s.cannedFor("WS_INS3", claim.traits.birthName, strings.Join(claim.traits.given, " ")); ok {
		reply.canned(c, e.MessageID)
		return
	}
	code, label := s.verdict(claim)
	reply.envelope("Resultat", nsVerifyAnswer, func(w *xmltree.Writer, p string) { compteRendu(w, p, code, label) })
}

// claim is an INS with its traits as the emulator understood them.
type claim struct {
	number, key, oid string
	traits           question // given is the whole list
}

// verdict says OK when the emulator knows a person with this INS and these
// traits, and KO else: an INS of the past is KO.
func (s *Server) verdict(c claim) (code, label string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.people {
		t, oid := p.Traits, p.INS.OID
		if s.opts.OID != 0 {
			oid = s.opts.OID
		}
		if p.INS.Matricule.Number() == c.number && oid.String() == c.oid && t.BirthName == c.traits.birthName && string(t.Sex) == c.traits.sex &&
			t.BirthDate.Wire() == c.traits.birthDate && (c.traits.birthPlace == "" || string(t.BirthPlace) == c.traits.birthPlace) &&
			begins(tokens(t.GivenNames), tokens(strings.Join(c.traits.given, " "))) {
			return "00", "OK"
		}
	}
	return "01", "KO"
}

func begins(list, first []string) bool {
	return len(first) <= len(list) && slices.Equal(list[:len(first)], first)
}

var oidForm = regexp.MustCompile(`^1\.2\.250\.1\.213\.1\.4\.(8|9|10|11)$`)

// readClaim reads and checks an IndividuVerifie.
func readClaim(e *xmltree.Element) (claim, *Fault) {
	no := func(rule, expected, got string) (claim, *Fault) {
		f := refuse(rule, expected, got)
		return claim{}, &f
	}
	if f := sequence(e, []part{{"INSFourni", 1}, {"TraitsIdentiteIndividu", 1}}); f != nil {
		return claim{}, f
	}
	given, traits := e.First("", "INSFourni"), e.First("", "TraitsIdentiteIndividu")
	if f := sequence(given, []part{{"IdIndividu", 1}, {"OID", 1}}); f != nil {
		return claim{}, f
	}
	id := given.First("", "IdIndividu")
	if f := sequence(id, []part{{"NumIdentifiant", 1}, {"Cle", 1}, {"TypeMatricule", 0}}); f != nil {
		return claim{}, f
	}
	if f := sequence(traits, []part{{"NomNaissance", 1}, {"Prenom", 1}, {"ListePrenom", 1}, {"Sexe", 1}, {"DateNaissance", 1}, {"LieuNaissance", 0}}); f != nil {
		return claim{}, f
	}
	text := func(of *xmltree.Element, name string) string { return of.First("", name).Text() }
	c := claim{number: text(id, "NumIdentifiant"), key: text(id, "Cle"), oid: text(given, "OID"), traits: question{
		birthName: text(traits, "NomNaissance"), sex: text(traits, "Sexe"), birthDate: text(traits, "DateNaissance"),
		birthPlace: text(traits, "LieuNaissance"), given: strings.Fields(text(traits, "ListePrenom")),
	}}
	switch {
	case !nir.MatchString(c.number):
		return no("NumIdentifiant", "a matricule of 13 characters", "another form")
	case c.key != matriculeKey(c.number):
		return no("Cle", "the key of the matricule", "another")
	case !oidForm.MatchString(c.oid):
		return no("OID", "that of an INS", "another")
	case nameSyntax(c.traits.birthName, 80, false) != "":
		return no("EF_INS10_01 NomNaissance", "the alphabet and grammar of names", nameSyntax(c.traits.birthName, 80, false))
	case nameSyntax(text(traits, "ListePrenom"), 100, true) != "":
		return no("EF_INS10_02 ListePrenom", "the alphabet and grammar of given names", nameSyntax(text(traits, "ListePrenom"), 100, true))
	case !begins(tokens(text(traits, "ListePrenom")), tokens(text(traits, "Prenom"))):
		return no("Prenom", "the beginning of ListePrenom", "another name")
	case c.traits.sex != "M" && c.traits.sex != "F":
		return no("EF_INS25_04 Sexe", "M or F", "another value")
	case !lunar.MatchString(c.traits.birthDate):
		return no("DateNaissance", "YYYY-MM-DD", "another form")
	case traits.First("", "LieuNaissance") != nil && !cog.MatchString(c.traits.birthPlace):
		return no("LieuNaissance", "five characters among 0-9, A and B", "another form")
	}
	return c, nil
}

// matriculeKey computes a key in the other way than the client: Corsica's
// letters become 0 and take one or two million away.
func matriculeKey(number string) string {
	minus := int64(0)
	switch number[6] {
	case 'A':
		minus = 1_000_000
	case 'B':
		minus = 2_000_000
	}
	n := int64(0)
	for _, c := range strings.NewReplacer("A", "0", "B", "0").Replace(number) {
		n = n*10 + int64(c-'0')
	}
	k := 97 - (n-minus)%97
	return string([]byte{'0' + byte(k/10), '0' + byte(k%10)})
}
