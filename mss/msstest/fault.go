package msstest

import (
	"crypto/tls"
	"net"
	"slices"
	"time"

	"github.com/soclesante/socle/internal/emulator"
)

// Operations, as faults and the journal name them.
const (
	OpAuthenticateIMAP = "imap.authenticate"
	OpSelect           = "imap.select"
	OpSearch           = "imap.search"
	OpFetch            = "imap.fetch"
	OpAppend           = "imap.append"
	OpList             = "imap.list"
	OpStatus           = "imap.status"
	OpCreate           = "imap.create"
	OpRename           = "imap.rename"
	OpDelete           = "imap.delete"
	OpStore            = "imap.store"
	OpCopy             = "imap.copy"
	OpMove             = "imap.move"
	OpExpunge          = "imap.expunge"
	OpIdle             = "imap.idle"
	OpNoop             = "imap.noop"
	OpAuthenticateSMTP = "smtp.authenticate"
	OpMail             = "smtp.mail"   // before DATA
	OpSubmit           = "smtp.submit" // the message was received whole
)

// Fail plans a fault. In IMAP a Status is answered with NO [UNAVAILABLE], with
// NO [LIMIT] when it is 429 and with NO Internal error when it is 500; in SMTP it
// is the reply code. SlowBody is waited after the work.
func (s *Server) Fail(f emulator.Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// Recover forgets the faults still planned.
func (s *Server) Recover() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) take(operation string) emulator.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Operation != "" && f.Operation != operation {
			continue
		}
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			s.faults[i].Times--
		}
		return f
	}
	return emulator.Fault{}
}

// wait lasts d, or until the server is closed.
func (s *Server) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.done:
	}
}

// do runs the work of an operation with the fault planned for it, and writes
// it in the journal. status makes the error of Fault.Status.
func (s *Server) do(protocol, operation, mailbox string, conn net.Conn, request []byte, status func(int) error, work func() error) error {
	return s.doAs(protocol, operation, &mailbox, conn, request, status, work)
}

// doAs is do for a mailbox that the work finds.
func (s *Server) doAs(protocol, operation string, mailbox *string, conn net.Conn, request []byte, status func(int) error, work func() error) error {
	start, fault := s.clock.Now(), s.take(operation)
	reset := false // once it is in the journal, so that who sees it finds it there
	entry := emulator.Entry{At: start, Operation: operation, Method: protocol, Request: request, Fault: fault.String()}
	defer func() {
		entry.Path = *mailbox
		entry.Duration = s.clock.Now().Sub(start)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.journal = append(s.journal, entry)
		if len(s.journal) > 1000 {
			s.journal = slices.Delete(s.journal, 0, len(s.journal)-1000)
		}
		if reset {
			cut(conn)
		}
	}()
	if entry.Fault != "" && s.options.Struck != nil {
		s.options.Struck(operation)
	}
	s.wait(fault.Latency)
	if fault.ResetBefore {
		reset = true
		return net.ErrClosed
	}
	var err error
	if fault.Status != 0 {
		err = status(fault.Status)
	} else {
		err = work()
	}
	s.wait(fault.SlowBody)
	if fault.ResetAfter {
		reset = true
		return net.ErrClosed
	}
	entry.Status = statusOf(protocol, err)
	if err != nil {
		entry.Response = []byte(err.Error())
	}
	return err
}

// Journal gives the last exchanges, oldest first: Method is IMAP or SMTP, Path
// the mailbox, Status 0 when the connection was cut, else the SMTP code or, in
// IMAP, 200 for OK and 400 for NO. Request holds submitted messages, Response
// the words of a refusal.
func (s *Server) Journal() []emulator.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.journal)
}

// cut resets a connection.
func cut(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
