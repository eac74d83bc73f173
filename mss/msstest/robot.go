package msstest

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle/mss"
)

// Robot plays Mon espace santé and its patients: each does what its script says
// with the messages that it receives, and what cannot be delivered comes back by
// mail, as Mon espace santé has it, instead of being refused at once.
//
// Time is that of the server's clock: a delayed act happens once the clock has
// come to it, by itself or by [Robot.Advance].
type Robot struct {
	server  *Server
	working sync.Mutex // held while what is due is done

	mu      sync.Mutex
	scripts map[string][]Act // by folded address
	closed  map[string]bool  // accounts
	pending []due
	serial  int
	running bool
	held    []string
}

// Act is what a patient does with one message that they receive.
type Act struct {
	// After is how long they wait.
	After time.Duration
	// Answer is what they write back. Its Matricule, Subject and InReplyTo are
	// filled in. Nothing is written when the message closed the exchange
	// (X-MSS-MES: FIN): see Robot.Held.
	Answer *PatientMessage
	// Read returns a notification of reading when the message asks for one.
	Read bool
	// Bounce returns the message for this cause, in free text as Mon espace
	// santé does, or else, for BounceTooLarge, as a notification of delivery.
	Bounce mss.BounceCause
}

// due is an act at its time.
type due struct {
	at   time.Time
	rank int
	do   func() error
}

// NewRobot gives the patients of a server a life. A server has one at most.
func NewRobot(s *Server) (*Robot, error) {
	r := &Robot{server: s, scripts: map[string][]Act{}, closed: map[string]bool{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.robot != nil {
		return nil, errors.New("msstest: the server has a robot already")
	}
	s.robot = r
	return r, nil
}

// Patient opens an account of Mon espace santé and writes its script: one act for
// each message received, in order; nothing is done with those that follow. It
// gives the patient's address.
func (r *Robot) Patient(matricule string, acts ...Act) (string, error) {
	address, err := r.server.AddPatient(matricule)
	if err != nil {
		return "", err
	}
	for i, a := range acts {
		if n := count(a.Answer != nil, a.Read, a.Bounce != ""); n == 0 || a.Bounce != "" && n > 1 {
			return "", fmt.Errorf("msstest: robot: act %d: an answer, a reading, or else a bounce expected", i+1)
		}
		if a.Bounce != "" && bounceWords[a.Bounce] == "" {
			return "", fmt.Errorf("msstest: robot: act %d: a cause of bounce of Mon espace santé expected, %q came", i+1, a.Bounce)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scripts[fold(address)] = append(r.scripts[fold(address)], acts...)
	return address, nil
}

func count(all ...bool) (n int) {
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

// CloseAccount closes the account of a patient: their messages come back.
func (r *Robot) CloseAccount(matricule string) error {
	address, err := r.server.AddPatient(matricule)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed[fold(address)] = true
	return nil
}

// Write makes a patient write to a mailbox first, after a delay. When the
// professional has closed the exchange, it is held back: see Held.
func (r *Robot) Write(mailbox string, after time.Duration, m PatientMessage) error {
	from, err := r.server.AddPatient(m.Matricule)
	if err != nil {
		return err
	}
	if r.server.box(mailbox) == nil {
		return errors.New("msstest: robot: no such mailbox")
	}
	r.plan(after, func() error { return r.write(from, mailbox, m) })
	return nil
}

func (r *Robot) write(from, mailbox string, m PatientMessage) error {
	if r.server.Closed(from, mailbox) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.held = append(r.held, "ECO.2.2.8: the professional has closed the exchange (X-MSS-MES: FIN): the patient cannot write")
		return nil
	}
	_, err := r.server.DeliverFromPatient(mailbox, m)
	return err
}

// Held tells why messages of patients were not sent.
func (r *Robot) Held() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.held)
}

// Advance moves the server's clock and does what is due then, before it returns.
func (r *Robot) Advance(d time.Duration) {
	r.server.clock.Advance(d)
	r.settle()
}

// take receives a message for an address of Mon espace santé. It gives whether
// it was delivered.
func (r *Robot) take(to, from string, raw []byte) bool {
	a, err := mss.ParseAddress(to)
	if err != nil {
		return false
	}
	number, ok := a.Matricule()
	p := r.server.patient(to)
	r.mu.Lock()
	closed := r.closed[fold(to)]
	r.mu.Unlock()
	var cause mss.BounceCause
	switch {
	case len(raw) > patientLimit:
		cause = mss.BounceTooLarge
	case !ok || !number.KeyValid():
		cause = mss.BounceInvalidAddress
	case closed:
		cause = mss.BounceClosed
	case p == nil:
		cause = mss.BounceUnknownPatient
	}
	if cause != "" {
		r.plan(0, func() error { return r.bounce(to, from, raw, cause) })
		return false
	}
	r.mu.Lock()
	var act Act
	if l := r.scripts[fold(to)]; len(l) > 0 {
		act, r.scripts[fold(to)] = l[0], l[1:]
	}
	r.mu.Unlock()
	if act.Bounce != "" {
		r.plan(act.After, func() error { return r.bounce(to, from, raw, act.Bounce) })
		return false
	}
	r.server.receive(p, from, raw)
	if act.Read || act.Answer != nil {
		r.plan(act.After, func() error { return r.act(p.address, from, number.Wire(), raw, act) })
	}
	return true
}

// act reads and answers a message.
func (r *Robot) act(patient, mailbox, matricule string, raw []byte, a Act) error {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	id := strings.Trim(m.Header.Get("Message-ID"), "<> ")
	if a.Read && m.Header.Get("Disposition-Notification-To") != "" {
		if err := r.server.deliverMDN(mailbox, patient, id); err != nil {
			return err
		}
	}
	if a.Answer == nil {
		return nil
	}
	answer := *a.Answer
	answer.Matricule, answer.InReplyTo = matricule, id
	if answer.Subject == "" {
		answer.Subject = "Re: " + strings.TrimPrefix(decoded(m.Header.Get("Subject")), "Re: ")
	}
	if l, err := m.Header.AddressList("Reply-To"); err == nil && len(l) == 1 {
		mailbox = l[0].Address // the patient answers there (ENS §9)
	}
	return r.write(patient, mailbox, answer)
}

// bounceWords are guesses: no wording of Mon espace santé is public.
var bounceWords = map[mss.BounceCause]string{
	mss.BounceClosed:         "Votre message n'a pas pu être remis : la messagerie du destinataire est clôturée.",
	mss.BounceUnknownPatient: "Votre message n'a pas pu être remis : patient inconnu de Mon espace santé.",
	mss.BounceInvalidAddress: "Votre message n'a pas pu être remis : l'adresse du destinataire est invalide.",
	mss.BounceTooLarge:       "552 5.3.4 message size exceeds the limit of 25 MB",
}

func (r *Robot) bounce(to, from string, raw []byte, cause mss.BounceCause) error {
	if from == "" {
		return nil // never answer what has no sender (RFC 5321 section 6.1)
	}
	if cause == mss.BounceTooLarge {
		return r.server.DeliverDSN(from, DSN{Returned: raw, Recipient: to, Action: "failed", Code: "5.3.4",
			Diagnostic: bounceWords[cause], Subject: "Undelivered Mail Returned to Sender"})
	}
	id := ""
	if m, err := mail.ReadMessage(bytes.NewReader(raw)); err == nil {
		id = strings.Trim(m.Header.Get("Message-ID"), "<> ")
	}
	return r.server.DeliverBounce(from, Bounce{Text: bounceWords[cause], MessageID: id})
}

// plan keeps an act for its time.
func (r *Robot) plan(after time.Duration, do func() error) {
	select {
	case <-r.server.done:
		return
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serial++
	r.pending = append(r.pending, due{r.server.clock.Now().Add(after), r.serial, do})
	if !r.running {
		r.running = true
		r.server.served.Go(r.run)
	}
}

// run does what is due for as long as something is to come. The clock may be
// moved by anybody, so that it is looked at now and then.
func (r *Robot) run() {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for r.settle() {
		select {
		case <-t.C:
		case <-r.server.done:
			return
		}
	}
}

// settle does what is due, and gives whether there is more to come.
func (r *Robot) settle() bool {
	r.working.Lock()
	defer r.working.Unlock()
	for {
		r.mu.Lock()
		now := r.server.clock.Now()
		slices.SortFunc(r.pending, func(a, b due) int {
			if c := a.at.Compare(b.at); c != 0 {
				return c
			}
			return a.rank - b.rank
		})
		if len(r.pending) == 0 {
			r.running = false
			r.mu.Unlock()
			return false
		}
		next := r.pending[0]
		if next.at.After(now) {
			r.mu.Unlock()
			return true
		}
		r.pending = slices.Delete(r.pending, 0, 1)
		r.mu.Unlock()
		if err := next.do(); err != nil {
			r.mu.Lock()
			r.held = append(r.held, err.Error())
			r.mu.Unlock()
		}
	}
}

// plays gives the robot of the server, nil for none.
func (s *Server) plays() *Robot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.robot
}
