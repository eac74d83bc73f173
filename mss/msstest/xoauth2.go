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

// saslServer is the server side of a mechanism of one response. A token is
// refused in the manner of the operators seen: by a challenge in JSON, and the
// word comes after the client has answered it.
type saslServer struct {
	server    *Server
	mechanism string
	protocol  string // IMAP or SMTP
	operation string
	conn      func() net.Conn
	status    func(int) error
	refused   error // what is said of a refused response
	malformed error // what is said of a wrong answer to a challenge
	temporary error // what is said when the validator cannot answer
	accept    func(address string)
	challenge bool // the refusal was sent
}

// refusalChallenges are those of Mailiz (and Dovecot), and of Dovecot.
var refusalChallenges = map[string]string{
	XOAUTH2:     `{"status":"401","schemes":"bearer","scope":"mail"}`,
	OAuthBearer: `{"status":"invalid_token"}`,
}

// Next takes the client's answer.
func (x *saslServer) Next(response []byte) ([]byte, bool, error) {
	if x.challenge {
		if x.mechanism == OAuthBearer && string(response) != "\x01" {
			return nil, false, x.malformed // RFC 7628 section 3.2.3
		}
		return nil, false, x.refused
	}
	if response == nil || len(response) == 0 && x.mechanism != External {
		return nil, false, nil // asks for it
	}
	var address string
	err := x.server.doAs(x.protocol, x.operation, &address, x.conn(), nil, x.status, func() (err error) {
		address, err = x.authenticate(response)
		return err
	})
	refusal := refusalChallenges[x.mechanism]
	switch {
	case err == nil:
		x.accept(address)
		return nil, true, nil
	case errors.Is(err, errRefused) && refusal == "":
		return nil, false, x.refused
	case errors.Is(err, errRefused):
		x.challenge = true
		if x.server.options.DropAfterRefusal {
			prefix := "334 "
			if x.protocol == "IMAP" {
				prefix = "+ "
			}
			c := x.conn()
			_, _ = c.Write([]byte(prefix + base64.StdEncoding.EncodeToString([]byte(refusal)) + "\r\n"))
			_ = c.Close()
			return nil, false, net.ErrClosed
		}
		return []byte(refusal), false, nil
	case errors.Is(err, net.ErrClosed):
		return nil, false, err
	}
	return nil, false, x.temporary
}

// splitOAuthBearer reads the message of RFC 7628 section 3.1.
func splitOAuthBearer(s string) (address, token string, ok bool) {
	header, rest, ok := strings.Cut(s, "\x01")
	name, ok1 := strings.CutPrefix(header, "n,a=")
	name, ok2 := strings.CutSuffix(name, ",")
	if !ok || !ok1 || !ok2 || strings.Contains(name, ",") {
		return "", "", false
	}
	address = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(name)
	pairs, ok := strings.CutSuffix(rest, "\x01\x01")
	if _, err := mss.ParseAddress(address); err != nil || !ok {
		return "", "", false
	}
	for pair := range strings.SplitSeq(pairs, "\x01") {
		switch key, value, _ := strings.Cut(pair, "="); key {
		case "auth":
			token, ok = strings.CutPrefix(value, "Bearer ")
		case "host", "port":
		default:
			return address, "", false
		}
	}
	return address, token, ok && token != ""
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
