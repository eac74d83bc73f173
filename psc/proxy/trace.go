package proxy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// TraceType says what happened.
type TraceType string

// Types of trace.
const (
	ConnectSuccess TraceType = "CONNECT_SUCCESS"
	ConnectReplay  TraceType = "CONNECT_REPLAY" // the session was already active
	ConnectFailure TraceType = "CONNECT_FAILURE"
	Send           TraceType = "SEND"
	Disconnect     TraceType = "DISCONNECT"
)

// Trace is the record of one act, in the form of the contract. It never holds a
// token of Pro Santé Connect nor of an API.
type Trace struct {
	Type     TraceType `json:"type"`
	ClientID string    `json:"clientId,omitempty"`
	// NationalID is the identifier of the professional, whatever its kind.
	NationalID   string    `json:"IdRPPS"`
	Address      string    `json:"ipAddress"`
	Ports        []int     `json:"ports"`
	Session      string    `json:"proxy_id_session,omitempty"`
	SessionState string    `json:"session_state,omitempty"`
	DN           string    `json:"dn,omitempty"` // subject of the software's certificate
	At           time.Time `json:"timestamp"`
	Request      *Request  `json:"apiRequest,omitempty"` // of a SEND
}

// Request is the call of an API. Its query is not kept.
type Request struct {
	API    string `json:"nomApiPsc"`
	Method string `json:"methode"`
	Path   string `json:"path"`
}

// Check tells every member that the type of the trace makes mandatory and that
// is missing, and those that it must not have.
func (t Trace) Check() error {
	var problems []error
	need := func(ok bool, member string) {
		if !ok {
			problems = append(problems, fmt.Errorf("proxy: trace %s: %s is missing", t.Type, member))
		}
	}
	switch t.Type {
	case ConnectSuccess, ConnectReplay, ConnectFailure, Send, Disconnect:
	default:
		problems = append(problems, errors.New("proxy: trace: type is none of the contract"))
	}
	need(t.NationalID != "", "IdRPPS")
	need(t.Address != "", "ipAddress")
	need(t.Ports != nil, "ports")
	need(!t.At.IsZero(), "timestamp")
	if t.Type != ConnectFailure {
		need(t.ClientID != "", "clientId")
		need(t.Session != "", "proxy_id_session")
		need(t.SessionState != "", "session_state")
	}
	switch {
	case t.Type == Send:
		need(t.Request != nil && t.Request.API != "" && t.Request.Method != "" && t.Request.Path != "", "apiRequest")
	case t.Request != nil:
		problems = append(problems, fmt.Errorf("proxy: trace %s: apiRequest is for SEND alone", t.Type))
	}
	return errors.Join(problems...)
}

// Sink keeps traces. Its methods are called by several goroutines at once.
type Sink interface {
	// Put keeps a trace, which is whole ([Trace.Check]), and returns once it
	// will survive the end of the program, or fails. When it fails the proxy
	// does not do what it could not trace.
	Put(ctx context.Context, t Trace) error
	// Between gives the traces from start on and before end, in the order in
	// which they were kept. An error may be about one trace: the next may follow.
	Between(ctx context.Context, start, end time.Time) iter.Seq2[Trace, error]
}
