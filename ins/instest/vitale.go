package instest

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

const nsRecVit = "http://www.cnamts.fr/INSiRecVit"

// Card is a carte Vitale, or the contexte of an appli carte Vitale.
type Card struct {
	Serial        string // numéro de série logique
	Insured       ins.Matricule
	Beneficiaries []Beneficiary
	App           bool // an appli carte Vitale: no assertion goes with it
	Test          bool // a card of test or demonstration
}

// Beneficiary is a person on a card, whom INSi knows.
type Beneficiary struct {
	Person    Person
	Certified bool // the card holds their NIR certifié
	Rank      int  // rang gémellaire; 0 is 1
}

// Cards gives the cards that the emulator knows unless it is Empty: that of
// the CNDA's test 1.10, a household of our own on it, and an appli carte Vitale.
// The people are those of the [Catalogue].
func Cards() []Card {
	all := Catalogue()
	of := func(name string) Person {
		return all[slices.IndexFunc(all, func(p Person) bool { return p.Traits.BirthName == name })]
	}
	child := of("ECETINSI") // 1.10: by Vitale the same person has the OID of an INS-NIA
	child.INS.OID = ins.OIDNIA
	parent := of("ADRDEUX")
	return []Card{
		{Serial: "0123456789", Insured: parent.INS.Matricule, Beneficiaries: []Beneficiary{{Person: parent, Certified: true}, {Person: child}}},
		{Serial: "APCV0000000001", Insured: of("ADRUN").INS.Matricule, Beneficiaries: []Beneficiary{{Person: of("ADRUN"), Certified: true}}, App: true},
	}
}

// AddCard makes the emulator know a card.
func (s *Server) AddCard(c Card) {
	c.Beneficiaries = slices.Clone(c.Beneficiaries)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cards = append(s.cards, c)
}

// Reader gives a reader of cartes Vitale, by the clock of the emulator.
func (s *Server) Reader() *Reader { return &Reader{clock: s.Clock()} }

// Reader is a reader of cartes Vitale, an [ins.VitaleReader].
type Reader struct {
	clock *emulator.Clock

	mu          sync.Mutex
	card        *Card
	beneficiary int
	readAt      time.Time
}

// Insert puts a card into the reader, in place of the one that is there.
func (r *Reader) Insert(c Card) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.card, r.beneficiary = &c, 0
}

// Remove takes the card out.
func (r *Reader) Remove() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.card, r.beneficiary = nil, 0
}

// Read gives the data of a beneficiary, from 1. The assertion dates from it.
func (r *Reader) Read(beneficiary int) (ins.VitaleData, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.card == nil || beneficiary < 1 || beneficiary > len(r.card.Beneficiaries) {
		return ins.VitaleData{}, errors.New("instest: no card in the reader, or no such beneficiary on it")
	}
	r.beneficiary, r.readAt = beneficiary, r.clock.Now()
	b := r.card.Beneficiaries[beneficiary-1]
	d := ins.VitaleData{
		Card: r.card.Serial, Beneficiary: beneficiary, ReadAt: r.readAt, Insured: r.card.Insured,
		BirthName: b.Person.Traits.BirthName, BirthDate: b.Person.Traits.BirthDate, BirthRank: max(b.Rank, 1), App: r.card.App, Test: r.card.Test,
	}
	if b.Certified {
		d.Certified = b.Person.INS.Matricule
	}
	return d, nil
}

// Assert gives the assertion of the card, unsigned, dated of the reading.
func (r *Reader) Assert(context.Context) (ins.VitaleAssertion, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.card == nil || r.beneficiary == 0 {
		return ins.VitaleAssertion{}, errors.New("instest: no card in the reader, or it was not read")
	}
	var w xmltree.Writer
	w.Start("Assertion", "xmlns", nsSAML, "ID", "_"+soap.NewUUID(), "IssueInstant", r.readAt.UTC().Format("2006-01-02T15:04:05.000Z"), "Version", "2.0").
		Leaf("Issuer", "instest").Start("Subject").Leaf("NameID", r.card.Serial, "NameQualifier", "VITALE").End().End()
	return ins.VitaleAssertion{XML: w.Bytes(), Card: r.card.Serial, Beneficiary: r.beneficiary}, nil
}

// searchByVitale serves WS_INS1.
func (s *Server) searchByVitale(reply replier, e *soap.Envelope, vitale string) {
	q, refused := readVitale(e)
	if refused != nil {
		reply.fault(*refused, e.MessageID)
		return
	}
	if c, ok := s.cannedFor("WS_INS1", q.birthName, ""); ok {
		reply.canned(c, e.MessageID)
		return
	}
	found, refused := s.onCard(q, vitale)
	switch {
	case refused != nil:
		reply.fault(*refused, e.MessageID)
	case found != nil:
		reply.person(*found, s.opts.OID)
	default:
		s.nobody(reply, e.MessageID)
	}
}

// onCard finds the beneficiary that is asked about. A card that is asserted
// must be the one whose data are sent; a physical one must be asserted.
func (s *Server) onCard(q vitaleQuestion, serial string) (*Person, *Fault) {
	refused := func(expected, got string) (*Person, *Fault) {
		f := refuse("coherence of the Vitale data", expected, got)
		return nil, &f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cards {
		if serial != "" && c.Serial != serial {
			continue
		}
		if c.Insured.Number() != q.insured {
			if serial != "" {
				return refused("the insured person of the card asserted", "another MatriculeOD")
			}
			continue
		}
		if serial == "" && !c.App {
			return refused("the assertion Vitale of a physical card", "none")
		}
		for _, b := range c.Beneficiaries {
			if b.Person.Traits.BirthDate.Wire() == q.birthDate && strconv.Itoa(max(b.Rank, 1)) == q.rank &&
				(q.certified == "" || b.Certified && b.Person.INS.Matricule.Number() == q.certified) {
				return &b.Person, nil
			}
		}
		if serial != "" {
			return refused("a beneficiary of the card asserted", "another person")
		}
	}
	return nil, nil
}

// vitaleQuestion is a RECVITALE as the emulator understood it.
type vitaleQuestion struct{ insured, certified, birthName, birthDate, rank string }

var (
	nir  = regexp.MustCompile(`^[0-9]{6}[0-9AB][0-9]{6}$`)
	key  = regexp.MustCompile(`^[0-9]{2}$`)
	rank = regexp.MustCompile(`^[1-9]$`)
)

// readVitale reads and checks a RECVITALE and the COUVERTURE, which must agree.
func readVitale(e *soap.Envelope) (vitaleQuestion, *Fault) {
	no := func(rule, expected, got string) (vitaleQuestion, *Fault) {
		f := refuse(rule, expected, got)
		return vitaleQuestion{}, &f
	}
	body := e.Body
	if !body.Is(nsRecVit, "RECVITALE") {
		return no("body", "RECVITALE of INSiRecVit", "another element")
	}
	if f := sequence(body, []part{{"MatriculeIndividu", 0}, {"MatriculeOD", 1}, {"NomNaissance", 0}, {"DateNaissance", 1}, {"RangNaissance", 1}}); f != nil {
		return vitaleQuestion{}, f
	}
	q := vitaleQuestion{birthName: body.First("", "NomNaissance").Text(), birthDate: body.First("", "DateNaissance").Text(), rank: body.First("", "RangNaissance").Text()}
	for name, to := range map[string]*string{"MatriculeIndividu": &q.certified, "MatriculeOD": &q.insured} {
		m := body.First("", name)
		if m == nil {
			continue
		}
		if f := sequence(m, []part{{"NumIdentifiant", 1}, {"Cle", 0}, {"TypeMatricule", 0}}); f != nil {
			return vitaleQuestion{}, f
		}
		if *to = m.First("", "NumIdentifiant").Text(); !nir.MatchString(*to) {
			return no(name, "a NIR of 13 characters", "another form")
		}
		if k := m.First("", "Cle"); k != nil && !key.MatchString(k.Text()) {
			return no(name+" Cle", "two digits", "another form")
		}
	}
	if q.birthName != "" {
		if bad := nameSyntax(q.birthName, 80, false); bad != "" {
			return no("EF_INS10_01 NomNaissance", "the alphabet and grammar of names", bad)
		}
	}
	switch {
	case !lunar.MatchString(q.birthDate):
		return no("DateNaissance", "YYYY-MM-DD", "another form")
	case !rank.MatchString(q.rank):
		return no("RangNaissance", "a digit", "another form")
	}
	return q, checkCoverage(e.Header.First(nsBAM, "ContexteBAM").First(nsBAM, "COUVERTURE"), q)
}

// checkCoverage checks the COUVERTURE of a WS_INS1 against its body.
func checkCoverage(cover *xmltree.Element, q vitaleQuestion) *Fault {
	no := func(rule, expected, got string) *Fault { f := refuse("COUVERTURE "+rule, expected, got); return &f }
	if f := sequence(cover, []part{{"GrandRegime", 0}, {"Organisme", 0}, {"CodeCentre", 0}, {"ASSURE", 1}, {"BENEFICIAIRE", 1}}); f != nil {
		return f
	}
	beneficiary := cover.First(nsBAM, "BENEFICIAIRE")
	if f := sequence(beneficiary, []part{{"Nir", 0}, {"DateNai", 1}, {"Rang", 1}, {"Porteur", 0}}); f != nil {
		return f
	}
	switch {
	case cover.First(nsBAM, "ASSURE").First(nsBAM, "Id").First(nsBAM, "Num").Text() != q.insured:
		return no("ASSURE", "the MatriculeOD of the body", "another")
	case beneficiary.First(nsBAM, "Nir").First(nsBAM, "Num").Text() != q.certified:
		return no("BENEFICIAIRE Nir", "the MatriculeIndividu of the body", "another")
	case beneficiary.First(nsBAM, "DateNai").Text() != q.birthDate || beneficiary.First(nsBAM, "Rang").Text() != q.rank:
		return no("BENEFICIAIRE", "the date and the rank of the body", "others")
	}
	return nil
}
