package msstest

import (
	"bytes"
	"mime"
	"slices"
	"strings"

	"github.com/soclesante/socle/mss"
)

// patient is someone with an account of Mon espace santé.
type patient struct {
	address  string
	received [][]byte
	final    map[string]bool // mailboxes that have closed the exchange
}

// AddPatient opens the mailbox of Mon espace santé of a matricule and gives
// its address.
func (s *Server) AddPatient(matricule string) (string, error) {
	a, err := mss.ParseAddress(matricule + "@patient.mssante.fr")
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := fold(a.Wire()); s.patients[key] == nil {
		s.patients[key] = &patient{address: a.Wire(), final: map[string]bool{}}
	}
	return a.Wire(), nil
}

func (s *Server) patient(address string) *patient {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.patients[fold(address)]
}

// receive puts a message into the mailbox of a patient, who may not answer any
// more when it says X-MSS-MES: FIN (ECO.2.2.8).
func (s *Server) receive(p *patient, from string, raw []byte) {
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	final := slices.ContainsFunc(strings.Split(string(header), "\r\n"), func(line string) bool {
		name, value, _ := strings.Cut(line, ":")
		return strings.EqualFold(name, "X-MSS-MES") && strings.TrimSpace(value) == "FIN"
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	p.received = append(p.received, bytes.Clone(raw))
	p.final[fold(from)] = final
}

// Received gives the messages that a patient received, the oldest first.
func (s *Server) Received(address string) [][]byte {
	p := s.patient(address)
	if p == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(p.received)
}

// Closed reports whether the last message of a mailbox to a patient closed the
// exchange with X-MSS-MES: FIN.
func (s *Server) Closed(patientAddress, mailbox string) bool {
	p := s.patient(patientAddress)
	if p == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.final[fold(mailbox)]
}

func decoded(s string) string {
	if d, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return d
	}
	return s
}
