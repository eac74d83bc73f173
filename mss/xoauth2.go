package mss

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Refusal is the reason that an operator gives for refusing a token: the JSON
// object of its SASL XOAUTH2 challenge. errors.As finds it in an [*Error] that
// is ErrTokenRefused.
type Refusal struct {
	Status  string // "401"
	Schemes string // "bearer"
	Scope   string // "mail"
}

// Error tells the status and the scope.
func (r *Refusal) Error() string {
	return fmt.Sprintf("XOAUTH2 challenge: status %.10q, schemes %.20q, scope %.40q", r.Status, r.Schemes, r.Scope)
}

const maxChallenge = 4096

// parseRefusal reads a decoded challenge. The status is a string for the
// operators seen and a number for others.
func parseRefusal(challenge []byte) (*Refusal, error) {
	if len(challenge) > maxChallenge {
		return nil, fmt.Errorf("XOAUTH2 challenge of %d bytes, at most %d accepted", len(challenge), maxChallenge)
	}
	var c struct {
		Status         any
		Schemes, Scope string
	}
	if err := json.Unmarshal(challenge, &c); err != nil {
		return nil, errors.New("XOAUTH2 challenge is not a JSON object of status, schemes and scope")
	}
	r := &Refusal{Schemes: c.Schemes, Scope: c.Scope}
	switch s := c.Status.(type) {
	case string:
		r.Status = s
	case float64:
		r.Status = fmt.Sprintf("%.0f", s)
	}
	return r, nil
}

// xoauth2 is the client side of SASL XOAUTH2 (ECO.1.2.1): one string holds the
// mailbox and the token, and a refusal comes as a challenge that must be
// answered before the server says no.
type xoauth2 struct {
	mailbox, token string
	initial        bool   // send the string with the command
	dummy          []byte // answer to a refusal

	sent    bool
	refusal *Refusal
	odd     error // a challenge that is no refusal we know
}

// newXOAUTH2 refuses what would break the frame of the string.
func newXOAUTH2(mailbox, token string, initial bool, dummy []byte) (*xoauth2, error) {
	if strings.ContainsFunc(mailbox+token, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, errors.New("control character in the token or the mailbox")
	}
	if token == "" {
		return nil, errors.New("the source gave an empty token")
	}
	return &xoauth2{mailbox: mailbox, token: token, initial: initial, dummy: dummy}, nil
}

// Start begins, with the string itself when it goes with the command.
func (x *xoauth2) Start() (mechanism string, response []byte, err error) {
	if x.initial {
		return "XOAUTH2", x.response(), nil
	}
	return "XOAUTH2", nil, nil
}

// Next answers the server's request for the string, then its refusal.
func (x *xoauth2) Next(challenge []byte) ([]byte, error) {
	switch {
	case !x.sent:
		return x.response(), nil
	case x.refusal != nil || x.odd != nil:
		return nil, errors.New("challenge after the refusal")
	}
	if x.refusal, x.odd = parseRefusal(challenge); x.odd != nil {
		x.refusal = nil
	}
	return x.dummy, nil
}

func (x *xoauth2) response() []byte {
	x.sent = true
	return []byte("user=" + x.mailbox + "\x01auth=Bearer " + x.token + "\x01\x01")
}
