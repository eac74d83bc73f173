package mss

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Refusal is the reason that an operator gives for refusing a token: the JSON
// object of its SASL challenge, XOAUTH2 or OAUTHBEARER (RFC 7628 section
// 3.2.2). errors.As finds it in an [*Error] that is ErrTokenRefused.
type Refusal struct {
	Status  string // "401", "invalid_token"
	Schemes string // "bearer"
	Scope   string // "mail"
}

// Error tells the status and the scope.
func (r *Refusal) Error() string {
	return fmt.Sprintf("SASL challenge: status %.20q, schemes %.20q, scope %.40q", r.Status, r.Schemes, r.Scope)
}

const maxChallenge = 4096

// parseRefusal reads a decoded challenge. The status is a string for the
// operators seen and a number for others.
func parseRefusal(challenge []byte) (*Refusal, error) {
	if len(challenge) > maxChallenge {
		return nil, fmt.Errorf("SASL challenge of %d bytes, at most %d accepted", len(challenge), maxChallenge)
	}
	var c struct {
		Status         any
		Schemes, Scope string
	}
	if err := json.Unmarshal(challenge, &c); err != nil {
		return nil, errors.New("SASL challenge is not a JSON object of status, schemes and scope")
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

// exchanged is the client side of a SASL exchange of one response: XOAUTH2
// (ECO.1.2.1), OAUTHBEARER, EXTERNAL or PLAIN. The refusal of a token comes as a
// challenge that must be answered before the server says no.
type exchanged struct {
	mechanism string
	response  []byte
	initial   bool   // send the response with the command
	dummy     []byte // answer to a refusal; nil where a refusal has no challenge

	sent    bool
	refusal *Refusal
	odd     error // a challenge that is no refusal we know
}

// newXOAUTH2 refuses what would break the frame of the string.
func newXOAUTH2(mailbox, token string, initial bool, dummy []byte) (*exchanged, error) {
	if err := framed(mailbox, token); err != nil {
		return nil, err
	}
	return &exchanged{mechanism: mechanismXOAUTH2, initial: initial, dummy: dummy,
		response: []byte("user=" + mailbox + "\x01auth=Bearer " + token + "\x01\x01")}, nil
}

// newOAuthBearer makes the message of RFC 7628 section 3.1, whose refusal is
// answered with one byte 0x01 (section 3.2.3).
func newOAuthBearer(mailbox, token string, initial bool) (*exchanged, error) {
	if err := framed(mailbox, token); err != nil {
		return nil, err
	}
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(mailbox) // RFC 5801 section 4
	return &exchanged{mechanism: mechanismOAuthBearer, initial: initial, dummy: []byte{1},
		response: []byte("n,a=" + name + ",\x01auth=Bearer " + token + "\x01\x01")}, nil
}

func framed(mailbox, token string) error {
	if strings.ContainsFunc(mailbox+token, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("control character in the token or the mailbox")
	}
	if token == "" {
		return errors.New("the source gave an empty token")
	}
	return nil
}

// Start begins, with the response itself when it goes with the command.
func (x *exchanged) Start() (mechanism string, response []byte, err error) {
	if x.initial {
		return x.mechanism, x.answer(), nil
	}
	return x.mechanism, nil, nil
}

// Next answers the server's request for the response, then its refusal.
func (x *exchanged) Next(challenge []byte) ([]byte, error) {
	switch {
	case !x.sent:
		return x.answer(), nil
	case x.refusal != nil || x.odd != nil:
		return nil, errors.New("challenge after the refusal")
	case x.dummy == nil:
		return nil, errors.New("challenge that " + x.mechanism + " does not have")
	}
	if x.refusal, x.odd = parseRefusal(challenge); x.odd != nil {
		x.refusal = nil
	}
	return x.dummy, nil
}

func (x *exchanged) answer() []byte {
	x.sent = true
	return x.response
}

// login is what one connection is opened with.
type login struct {
	auth        Auth
	user, token string // the token is empty for an applicative mailbox
}

// exchange chooses the mechanism by what the server offers. It gives nil when
// nothing is to be said.
func (l login) exchange(offers func(mechanism string) bool, initial bool, dummy []byte) (*exchanged, error) {
	switch m := l.auth.mechanism; {
	case m == mechanismNone:
		return nil, nil
	case m == mechanismExternal:
		return &exchanged{mechanism: m, initial: initial, response: []byte(l.auth.user)}, nil
	case m == mechanismPlain:
		user := cmp.Or(l.auth.user, l.user)
		return &exchanged{mechanism: m, initial: initial, response: []byte("\x00" + user + "\x00" + l.auth.secret())}, nil
	case m == mechanismOAuthBearer, !offers(mechanismXOAUTH2) && offers(mechanismOAuthBearer):
		return newOAuthBearer(l.user, l.token, initial)
	}
	return newXOAUTH2(l.user, l.token, initial, dummy)
}
