package psc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

const grantCIBA = "urn:openid:params:grant-type:ciba"

// Channel is the device that a person is asked to authenticate with.
type Channel string

// Channels. The zero value leaves the choice to the service.
const (
	ChannelAny    Channel = ""
	ChannelCard   Channel = "CARD"   // CPx card, through CPS-Gestion
	ChannelMobile Channel = "MOBILE" // e-CPS application
)

const (
	// defaultInterval is the time between polls when the service says none,
	// and slowDown what it adds when it says slow_down (CIBA Core §7.3, §11).
	defaultInterval = 5 * time.Second
	slowDown        = 5 * time.Second
	// pollFailures is how many polls in a row may fail without an answer.
	pollFailures = 3
)

// LoginRequest says who logs in.
type LoginRequest struct {
	// Person is the national identifier of the professional, the login_hint.
	Person socle.PersonID
	// Channel is optional.
	Channel Channel
	// Binding is the binding number, two digits, when another program drew it
	// and shows it; drawn for each request if empty, as it should be.
	Binding string
	// Show is called once the service has accepted the request, with the
	// binding number: two digits that the person finds again on their device.
	// It must not block. Mandatory for Login.
	Show func(binding string)
}

// Pending is a login that the person has not confirmed yet.
type Pending struct {
	client   *Client
	ask      *ask
	interval time.Duration
	expires  time.Time
	over     context.Context // ends with Cancel
	cancel   func()
}

// ask is what a pending login must not show: fmt shows the address of what is
// held by pointer.
type ask struct {
	person  socle.PersonID
	binding string
	id      string // auth_req_id
}

// Login authenticates a person by CIBA (poll mode): it asks the service to
// call on them, shows the binding number, and waits until they have answered.
// It returns within 100 ms of the end of ctx. Errors: [ErrUnknownUser],
// [ErrLoginPending], [ErrDenied], [ErrExpired], [ErrClientCertificate],
// [ErrIDToken].
func (c *Client) Login(ctx context.Context, r LoginRequest) (*Session, error) {
	if r.Show == nil {
		return nil, notSent(opStart, errors.New("LoginRequest.Show is missing: the person must see the binding number"))
	}
	p, err := c.StartCIBA(ctx, r)
	if err != nil {
		return nil, err
	}
	return p.Wait(ctx)
}

// StartCIBA asks the service to call on the person and returns without waiting
// for them. The caller shows Pending.Binding, then calls Wait or Cancel. One
// login may be under way for each person: another is refused with
// [ErrLoginPending].
func (c *Client) StartCIBA(ctx context.Context, r LoginRequest) (*Pending, error) {
	if r.Person.IsZero() {
		return nil, notSent(opStart, errors.New("LoginRequest.Person is missing"))
	}
	if err := c.refuseTest(opStart, r.Person); err != nil {
		return nil, err
	}
	binding, err := r.binding()
	if err != nil {
		return nil, notSent(opStart, err)
	}
	p := &Pending{client: c, ask: &ask{person: r.Person, binding: binding}, expires: c.cfg.Now().Add(assumedRequestLife)}
	p.over, p.cancel = context.WithCancel(context.Background())
	if !c.enter(p) {
		return nil, &Error{Op: opStart, kind: ErrLoginPending, outcome: socle.OutcomeNotSent, Fix: "wait for it or cancel it"}
	}
	if err := p.start(ctx, r.Channel); err != nil {
		c.leave(p)
		c.audit(ctx, "login", r.Person, err)
		return nil, err
	}
	if r.Show != nil {
		r.Show(p.ask.binding)
	}
	return p, nil
}

func (r LoginRequest) binding() (string, error) {
	switch b := r.Binding; {
	case b == "":
		return newBinding()
	case len(b) != 2 || b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9':
		return "", errors.New("LoginRequest.Binding: two digits expected")
	default:
		return b, nil
	}
}

// newBinding draws the two digits, 00 to 99, each as likely.
func newBinding() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(100))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%02d", n), nil
}

func (p *Pending) start(ctx context.Context, channel Channel) error {
	c := p.client
	form := url.Values{
		"scope":           {c.cfg.Scope},
		"acr_values":      {c.cfg.ACR},
		"login_hint":      {p.ask.person.String()},
		"binding_message": {p.ask.binding},
	}
	if channel != ChannelAny {
		form.Set("channel", string(channel))
	}
	var answer struct {
		ID        string `json:"auth_req_id"`
		ExpiresIn int64  `json:"expires_in"`
		Interval  int64  `json:"interval"`
	}
	var sent time.Time
	err := transport.Retry(ctx, 3, false, func(attempt int) error {
		sent = c.cfg.Now()
		return c.postForm(ctx, operation{opStart, attempt}, c.cfg.Environment.CIBA, form, func(body []byte) error {
			if err := decodeJSON(body, &answer); err != nil {
				return err
			}
			if answer.ID == "" {
				return errors.New("answer without auth_req_id")
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	p.ask.id = answer.ID
	p.interval = life(answer.Interval, defaultInterval)
	c.mu.Lock()
	p.expires = sent.Add(life(answer.ExpiresIn, assumedRequestLife))
	c.mu.Unlock()
	return nil
}

// Binding gives the two digits to show to the person.
func (p *Pending) Binding() string { return p.ask.binding }

// ExpiresAt tells until when the person can answer.
func (p *Pending) ExpiresAt() time.Time { return p.expires }

// Cancel gives the login up; a Wait under way returns at once. The service has
// no such operation: the person may still see the request, and what they answer
// is not asked for.
func (p *Pending) Cancel() { p.client.leave(p) }

// Wait polls until the person has answered, and opens the session. It may be
// called once; the login is over when it returns.
func (p *Pending) Wait(ctx context.Context) (*Session, error) {
	c := p.client
	defer c.leave(p)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.over, cancel)()
	s, err := p.poll(ctx)
	if err == nil {
		err = s.identify(ctx)
		if err != nil {
			s.discard(ctx)
		}
	}
	c.audit(ctx, "login", p.ask.person, err)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (p *Pending) poll(ctx context.Context) (*Session, error) {
	c := p.client
	for failures := 0; ; {
		if err := c.cfg.Wait(ctx, p.interval); err != nil {
			return nil, &Error{Op: opPoll, Err: err}
		}
		form := url.Values{"grant_type": {grantCIBA}, "auth_req_id": {p.ask.id}}
		t, claims, err := c.redeem(ctx, operation{opPoll, 1}, form, expectation{})
		if err == nil {
			return c.newSession(p.ask.person, t, claims), nil
		}
		if t != nil { // the request is used up: its tokens cannot be trusted
			c.newSession(p.ask.person, t, claims).discard(ctx)
			return nil, err
		}
		var e *Error
		if !errors.As(err, &e) || ctx.Err() != nil {
			return nil, err
		}
		switch e.Code {
		case "authorization_pending":
			failures = 0
		case "slow_down":
			failures = 0
			p.interval += slowDown
		default:
			if failures++; !e.Retryable() || failures >= pollFailures {
				return nil, err
			}
		}
		// The service keeps a dead request for a while to say expired_token.
		// One that does not is not polled for ever.
		if c.cfg.Now().After(p.expires) && failures == 0 {
			return nil, &Error{Op: opPoll, kind: ErrExpired, outcome: socle.OutcomeRefused, Status: e.Status, Code: e.Code, Fix: "begin a new login"}
		}
	}
}

// enter takes the only place for a login of the person. One that expired
// without being waited for no longer holds it.
func (c *Client) enter(p *Pending) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.pending[p.ask.person]; other != nil && c.cfg.Now().Before(other.expires) {
		return false
	}
	c.pending[p.ask.person] = p
	return true
}

func (c *Client) leave(p *Pending) {
	p.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[p.ask.person] == p {
		delete(c.pending, p.ask.person)
	}
}

func (c *Client) audit(ctx context.Context, operation string, person socle.PersonID, err error) {
	r := socle.AuditRecord{Service: socle.ServicePSC, Operation: operation, Actor: person, Outcome: socle.OutcomeOf(err)}
	var e *Error
	if errors.As(err, &e) {
		r.Code = e.Code
	}
	c.cfg.Record(ctx, r)
}
