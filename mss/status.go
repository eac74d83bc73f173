package mss

import (
	"errors"
	"slices"
	"time"

	"github.com/soclesante/socle"
)

// Status is how far a message sent has come, for one recipient.
type Status string

// Statuses. A status only gives way to one that tells more: see [Status.To].
const (
	StatusQueued        Status = "queued"    // to be sent, or to be sent again: nothing was
	StatusSubmitted     Status = "submitted" // being handed over
	StatusUncertain     Status = "uncertain" // handed over, without an answer: never send it again by itself
	StatusAccepted      Status = "accepted"  // the operator has it
	StatusDelivered     Status = "delivered"
	StatusRead          Status = "read"
	StatusReplied       Status = "replied"
	StatusBounced       Status = "bounced"
	StatusIntegrationKO Status = "integration KO" // delivered, and its document could not be filed there
)

var successors = map[Status][]Status{
	StatusQueued:        {StatusSubmitted, StatusUncertain, StatusAccepted, StatusDelivered, StatusRead, StatusReplied, StatusBounced, StatusIntegrationKO},
	StatusSubmitted:     {StatusQueued, StatusUncertain, StatusAccepted, StatusDelivered, StatusRead, StatusReplied, StatusBounced, StatusIntegrationKO},
	StatusUncertain:     {StatusSubmitted, StatusAccepted, StatusDelivered, StatusRead, StatusReplied, StatusBounced, StatusIntegrationKO},
	StatusAccepted:      {StatusDelivered, StatusRead, StatusReplied, StatusBounced, StatusIntegrationKO},
	StatusDelivered:     {StatusRead, StatusReplied, StatusBounced, StatusIntegrationKO},
	StatusRead:          {StatusReplied, StatusIntegrationKO},
	StatusBounced:       {StatusRead, StatusReplied, StatusIntegrationKO}, // whoever read it did get it
	StatusIntegrationKO: {StatusReplied},
	StatusReplied:       nil,
}

// To reports whether a message of this status may come to another. Receipts
// come late, twice and in any order: what is not a step forward is ignored.
func (s Status) To(next Status) bool { return slices.Contains(successors[s], next) }

var (
	// ErrOtherMessage: the receipt is about another message, or does not say
	// about which.
	ErrOtherMessage = errors.New("about another message")
	// ErrOtherRecipient: the receipt is about somebody whom the message was not
	// sent to, or does not say about whom of several.
	ErrOtherRecipient = errors.New("about another recipient")
)

// Sent follows a message that is being sent. Its fields may be stored; a
// patient's address does so by [Address.Wire] only.
type Sent struct {
	MessageID  string // without brackets: Draft.MessageID, so that it is known before sending
	Recipients []Progress
}

// Progress is how far a message has come for one recipient.
type Progress struct {
	Recipient Address
	Status    Status
	At        time.Time // of the last change
	// Code and Text are those of the error or of the receipt that told of it.
	Code, Text string
	Cause      BounceCause // of a Bounced
}

// NewSent begins to follow a message, queued.
func NewSent(messageID string, at time.Time, recipients ...Address) *Sent {
	s := &Sent{MessageID: messageID}
	for _, r := range recipients {
		s.Recipients = append(s.Recipients, Progress{Recipient: r, Status: StatusQueued, At: at})
	}
	return s
}

// Submitting notes that the message is about to be handed over: store it
// before. It reports whether it may be: a message that the operator has, or
// may have, is only sent again when that is uncertain and the user wants it.
func (s *Sent) Submitting(at time.Time) bool {
	for _, r := range s.Recipients {
		if !r.Status.To(StatusSubmitted) {
			return false
		}
	}
	return s.all(Progress{Status: StatusSubmitted, At: at})
}

// Submitted notes the end of Send or Reply: accepted without an error;
// uncertain, queued again or bounced as the outcome of the error tells.
func (s *Sent) Submitted(err error, at time.Time) {
	p := Progress{Status: StatusAccepted, At: at}
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			p.Code, p.Text = e.Code, e.Text
		}
		switch outcome := socle.OutcomeOf(err); {
		case outcome == socle.OutcomeUnknown:
			p.Status = StatusUncertain
		case outcome == socle.OutcomeRefused && !socle.Retryable(err):
			p.Status, p.Cause = StatusBounced, BounceOther
			switch {
			case errors.Is(err, ErrTooLarge):
				p.Cause = BounceTooLarge
			case errors.Is(err, ErrNoRecipient):
				p.Cause = BounceInvalidAddress
			}
		default:
			p.Status = StatusQueued
		}
	}
	s.all(p)
}

// Receive notes what a receipt tells, and reports whether it tells anything
// new. The error is ErrOtherMessage or ErrOtherRecipient.
func (s *Sent) Receive(r Receipt) (bool, error) {
	if r.MessageID == "" || r.MessageID != s.MessageID {
		return false, ErrOtherMessage
	}
	p := Progress{Status: r.Status, At: r.At, Code: r.Code, Text: r.Text, Cause: r.Cause}
	if r.Recipient.IsZero() && len(s.Recipients) == 1 {
		return s.advance(0, p), nil
	}
	for i, to := range s.Recipients {
		if !r.Recipient.IsZero() && to.Recipient.same(r.Recipient) {
			return s.advance(i, p), nil
		}
	}
	// The address that was reached may be another than the one written to; with
	// one recipient there is no doubt whose receipt it is.
	if len(s.Recipients) == 1 && r.Kind != ReceiptKO && !r.Recipient.IsPatient() {
		return s.advance(0, p), nil
	}
	return false, ErrOtherRecipient
}

// Answered notes that a message received answers this one, and reports whether
// it does and that is new.
func (s *Sent) Answered(m Summary) bool {
	if s.MessageID == "" || m.InReplyTo != s.MessageID && !slices.Contains(m.References, s.MessageID) {
		return false
	}
	for i, to := range s.Recipients {
		if to.Recipient.same(m.Sender.Address) {
			return s.advance(i, Progress{Status: StatusReplied, At: m.Date})
		}
	}
	return false
}

// Status gives that of the message as a whole: a failure for anybody, or else
// that of the recipient for whom it has come least far.
func (s *Sent) Status() Status {
	order := []Status{StatusIntegrationKO, StatusBounced, StatusUncertain, StatusQueued, StatusSubmitted,
		StatusAccepted, StatusDelivered, StatusRead, StatusReplied}
	for _, st := range order {
		if slices.ContainsFunc(s.Recipients, func(p Progress) bool { return p.Status == st }) {
			return st
		}
	}
	return StatusQueued
}

func (s *Sent) all(p Progress) (changed bool) {
	for i := range s.Recipients {
		changed = s.advance(i, p) || changed
	}
	return changed
}

func (s *Sent) advance(i int, p Progress) bool {
	if !s.Recipients[i].Status.To(p.Status) {
		return false
	}
	p.Recipient = s.Recipients[i].Recipient
	s.Recipients[i] = p
	return true
}
