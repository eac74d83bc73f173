package mss

import "slices"

// SendReport tells how a message was sent, and above all what could not be
// done as the rules want: a vendor shows or logs Degraded, and nobody finds out
// months later that a header was missing.
type SendReport struct {
	MessageID string // without brackets, for the thread and the receipts
	Size      int64  // bytes, as sent
	// To are all recipients, of To and then of Cc, each once: what NewSent takes.
	// Recipients is how many there are, of which Patients of Mon espace santé.
	To                   []Address
	Recipients, Patients int
	// Codes is X-MSS-CODECDA, INS is X-MSS-INS ("O", "N"), Final is X-MSS-MES:
	// FIN, all empty when the message has no reason to carry them.
	Codes []string
	INS   string
	Final bool
	// Submitted reports that the operator accepted the message. It is false
	// with an error, whose outcome says whether the operator may have.
	Submitted bool
	// SentCopy reports that the message is in the folder of sent messages.
	SentCopy bool
	// Degraded is what was sent or done less well than the rules ask.
	Degraded []Degraded
}

// Degraded is a rule that was not wholly satisfied, and why.
type Degraded struct {
	Rule string // such as ECO.2.1.1
	Text string
}

// addressed tells whom a message goes to.
func (r *SendReport) addressed(e envelope) {
	r.To, r.Patients = slices.Concat(e.to, e.cc), e.patients
	r.Recipients = len(r.To)
}

func (r *SendReport) degrade(rule, text string) {
	r.Degraded = append(r.Degraded, Degraded{rule, text})
}
