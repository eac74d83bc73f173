package msstest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/soclesante/socle/mss"
)

var errRefused = errors.New("token refused")

// authorize says whether a token opens a mailbox.
func (s *Server) authorize(address, token string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-s.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	id, active, err := s.options.Introspect(ctx, token)
	if err != nil {
		return fmt.Errorf("introspection: %w", err)
	}
	b := s.box(address)
	switch {
	case !active:
		return fmt.Errorf("%w: it is not active", errRefused)
	case b == nil:
		return fmt.Errorf("%w: there is no mailbox of that name", errRefused)
	case !b.opens(id):
		return fmt.Errorf("%w: %s may not open this mailbox", errRefused, id)
	}
	return nil
}

// saslServer is the server side of XOAUTH2, in the manner of the operators
// seen: a refusal is a challenge in JSON, and the word comes after the client
// has answered it.
type saslServer struct {
	server    *Server
	protocol  string // IMAP or SMTP
	operation string
	conn      func() net.Conn
	status    func(int) error
	refused   error // what is said of a refused token
	temporary error // what is said when the validator cannot answer
	accept    func(address string)
	challenge bool // the refusal was sent
}

const refusalChallenge = `{"status":"401","schemes":"bearer","scope":"mail"}`

// Next takes the client's answer.
func (x *saslServer) Next(response []byte) ([]byte, bool, error) {
	if x.challenge {
		if x.protocol == "IMAP" && len(response) == 0 {
			// "=" is an empty initial response and nothing else (RFC 9051 section 6.2.2).
			return nil, false, badContinuation
		}
		return nil, false, x.refused
	}
	if len(response) == 0 {
		return nil, false, nil // asks for it
	}
	address, token, ok := splitXOAUTH2(string(response))
	err := x.server.do(x.protocol, x.operation, address, x.conn(), nil, x.status, func() error {
		if !ok {
			return fmt.Errorf("%w: user=…^Aauth=Bearer …^A^A expected", errRefused)
		}
		return x.server.authorize(address, token)
	})
	switch {
	case err == nil:
		x.accept(address)
		return nil, true, nil
	case errors.Is(err, errRefused):
		x.challenge = true
		if x.server.options.DropAfterRefusal {
			prefix := "334 "
			if x.protocol == "IMAP" {
				prefix = "+ "
			}
			c := x.conn()
			_, _ = c.Write([]byte(prefix + base64.StdEncoding.EncodeToString([]byte(refusalChallenge)) + "\r\n"))
			_ = c.Close()
			return nil, false, net.ErrClosed
		}
		return []byte(refusalChallenge), false, nil
	case errors.Is(err, net.ErrClosed):
		return nil, false, err
	}
	return nil, false, x.temporary
}

func splitXOAUTH2(s string) (address, token string, ok bool) {
	fields := strings.Split(s, "\x01")
	if len(fields) != 4 || fields[2] != "" || fields[3] != "" {
		return "", "", false
	}
	address, ok = strings.CutPrefix(fields[0], "user=")
	if _, err := mss.ParseAddress(address); err != nil || !ok {
		return "", "", false
	}
	token, ok = strings.CutPrefix(fields[1], "auth=Bearer ")
	return address, token, ok && token != ""
}
