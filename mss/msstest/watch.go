package msstest

import (
	"errors"
	"strings"
)

// idle answers IDLE (RFC 2177): what changes in the folder is pushed until the
// client says DONE.
func (s *session) idle(p *command) error {
	if err := p.end(); err != nil {
		return err
	}
	if err := s.do(OpIdle, func() error { return nil }); err != nil {
		return err
	}
	if s.say("+ idling") != nil {
		return errHangUp
	}
	s.server.idling(s, 1)
	defer s.server.idling(s, -1)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-s.wake:
				s.tell(true)
			case <-stop:
				return
			}
		}
	}()
	select {
	case s.wake <- struct{}{}: // what came before
	default:
	}
	line, err := s.in.ReadString('\n')
	close(stop)
	<-stopped
	switch {
	case err != nil:
		return errHangUp
	case !strings.EqualFold(strings.TrimRight(line, "\r\n"), "DONE"):
		return errors.New("DONE expected")
	}
	return nil
}

// idling counts the connections in IDLE.
func (s *Server) idling(t *session, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle[t.box] += by
}

// Idling tells how many connections of a mailbox wait in IDLE.
func (s *Server) Idling(address string) int {
	b := s.box(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idle[b]
}
