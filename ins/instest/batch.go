package instest

import (
	"time"

	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// batch is a list that waits for its verification.
type batch struct {
	owner  string // Emetteur of the deposit
	ready  time.Time
	refs   []string
	claims []claim
}

// maxBatches bounds what the emulator keeps: the oldest are forgotten.
const maxBatches, maxLines = 1000, 1000

// submitBatch serves WS_INS4, in the provisional dialect: the batch is ready
// after Options.BatchDelay.
func (s *Server) submitBatch(reply replier, e *soap.Envelope, owner string) {
	no := func(rule, expected, got string) { reply.fault(refuse(rule, expected, got), e.MessageID) }
	if !e.Body.Is(nsBatch, "Depot") {
		no("body", "Depot of the provisional dialect", "another element")
		return
	}
	if f := sequence(e.Body, []part{{"IndividuVerifie*", 1}}); f != nil {
		reply.fault(*f, e.MessageID)
		return
	}
	b := batch{owner: owner, ready: s.Clock().Now().Add(s.opts.BatchDelay)}
	seen := map[string]bool{}
	for l := range e.Body.Elements() {
		ref := l.Attr("Reference")
		if ref == "" || seen[ref] || len(b.refs) == maxLines {
			no("IndividuVerifie Reference", "one for each line, 1000 lines at most", "none, or that of another line")
			return
		}
		seen[ref] = true
		c, f := readClaim(l)
		if f != nil {
			reply.fault(*f, e.MessageID)
			return
		}
		b.refs, b.claims = append(b.refs, ref), append(b.claims, c)
	}
	if c, ok := s.cannedFor("WS_INS4", "", ""); ok {
		reply.canned(c, e.MessageID)
		return
	}
	id := soap.NewUUID()
	s.mu.Lock()
	s.batches[id] = b
	if s.batchAge = append(s.batchAge, id); len(s.batchAge) > maxBatches {
		delete(s.batches, s.batchAge[0])
		s.batchAge = s.batchAge[1:]
	}
	s.mu.Unlock()
	reply.envelope("ReponseDepot", nsBatch, func(w *xmltree.Writer, p string) {
		compteRendu(w, p, "00", "OK")
		w.Leaf(p+"IdLot", id)
	})
}

// fetchBatch serves WS_INS5, in the provisional dialect.
func (s *Server) fetchBatch(reply replier, e *soap.Envelope, owner string) {
	if !e.Body.Is(nsBatch, "Retrait") {
		reply.fault(refuse("body", "Retrait of the provisional dialect", "another element"), e.MessageID)
		return
	}
	if f := sequence(e.Body, []part{{"IdLot", 1}}); f != nil {
		reply.fault(*f, e.MessageID)
		return
	}
	if c, ok := s.cannedFor("WS_INS5", "", ""); ok {
		reply.canned(c, e.MessageID)
		return
	}
	s.mu.Lock()
	b, ok := s.batches[e.Body.First("", "IdLot").Trimmed()]
	s.mu.Unlock()
	switch {
	case !ok || b.owner != owner:
		reply.fault(refuse("IdLot", "that of a batch of this emitter", "another"), e.MessageID)
	case s.Clock().Now().Before(b.ready):
		reply.envelope("ReponseRetrait", nsBatch, func(w *xmltree.Writer, p string) { compteRendu(w, p, "10", "Traitement en cours") })
	default:
		reply.envelope("ReponseRetrait", nsBatch, func(w *xmltree.Writer, p string) {
			compteRendu(w, p, "00", "OK")
			for i, c := range b.claims {
				code, label := s.verdict(c)
				w.Start(p+"IndividuVerifie", "Reference", b.refs[i])
				compteRendu(w, p, code, label)
				w.End()
			}
		})
	}
}
