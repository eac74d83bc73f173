package ordonnancetest

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ordonnance"
)

// record is a prescription of the base and its state (ordonnance.md §7.2).
type record struct {
	p      ordonnance.Prescription
	status ordonnance.Status
	holder socle.StructureID // who claimed it
	secret string
	since  time.Time
	lines  []lineState
	done   map[string]done // dispensations by their ID
}

type lineState struct {
	ref       string
	status    ordonnance.LineStatus
	delivered int // deliveries, partial ones included
	full      int // complete deliveries
}

// done is a dispensation that was accepted: what came and what was answered.
type done struct {
	secret string
	body   [32]byte
	answer obj
}

// Loading changes a document as it is loaded; zero fields change nothing.
type Loading struct {
	// Validity replaces that of the document: published samples have expired.
	Validity ordonnance.Period
	// Patient replaces the INS of the document's patient.
	Patient ins.INS
	// Number replaces the document's: all published samples have the same.
	Number ordonnance.Number
	// Code2D is a 2D payload that gives no number and opens the prescription.
	Code2D string
}

// Load puts a prescription document (eP-MED-DM) into the base and gives its
// number, a new one when the document has none.
func (s *Server) Load(document []byte) (ordonnance.Number, error) {
	return s.LoadAs(document, Loading{})
}

// LoadAs is Load with changes.
func (s *Server) LoadAs(document []byte, l Loading) (ordonnance.Number, error) {
	p, err := ordonnance.ParseCDA(document)
	if err != nil {
		return "", err
	}
	if !l.Validity.IsZero() {
		p.Validity = l.Validity
	}
	if !l.Patient.IsZero() {
		p.Patient.INS = l.Patient
	}
	if l.Number != "" {
		p.Number = l.Number
	}
	if p.Number == "" {
		p.Number = newNumber()
	}
	if p.Patient.INS.IsZero() {
		return "", errors.New("ordonnancetest: the patient of the document has no INS: give Loading.Patient")
	}
	r := &record{p: p, status: ordonnance.StatusToDispense, done: make(map[string]done)}
	for _, line := range p.Lines {
		r.lines = append(r.lines, lineState{ref: fmt.Sprintf("l%d", line.Index), status: ordonnance.LineOpen})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.records[p.Number]; taken {
		return "", errors.New("ordonnancetest: a prescription of this number is loaded already: give Loading.Number")
	}
	s.records[p.Number] = r
	if l.Code2D != "" {
		s.byCode[l.Code2D] = p.Number
	}
	return p.Number, nil
}

// newNumber draws a number of the form of the published ones: 01 and 16
// characters of the Crockford alphabet. The real rule is not public.
func newNumber() ordonnance.Number {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var b strings.Builder
	b.WriteString("01")
	for range 16 {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(err) // the system has no randomness
		}
		b.WriteByte(alphabet[i.Int64()])
	}
	return ordonnance.Number(b.String())
}

func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Cancel is the prescriber's cancellation.
func (s *Server) Cancel(n ordonnance.Number) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[n]
	if !ok {
		return errors.New("ordonnancetest: no such prescription")
	}
	r.status = ordonnance.StatusCancelled
	return nil
}

// State is what the base knows of a prescription.
type State struct {
	Status        ordonnance.Status
	Holder        socle.StructureID // who claims it now, zero for nobody
	Lines         []ordonnance.LineStatus
	Delivered     []int // deliveries of each line
	Dispensations int   // accepted, replays not counted
}

// State gives the state of a prescription, and false when there is none.
func (s *Server) State(n ordonnance.Number) (State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[n]
	if !ok {
		return State{}, false
	}
	st := State{Status: r.status, Holder: r.holder, Dispensations: len(r.done)}
	for _, l := range r.lines {
		st.Lines, st.Delivered = append(st.Lines, l.status), append(st.Delivered, l.delivered)
	}
	return st, true
}
