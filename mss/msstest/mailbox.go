package msstest

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const (
	folderInbox = "INBOX"
	folderSent  = "Sent"
)

// box is a mailbox with what came into it, folder by folder.
type box struct {
	Mailbox
	user *imapmemserver.User

	mu   sync.Mutex
	kept map[string][][]byte
}

func newBox(m Mailbox) (*box, error) {
	m.Openers = slices.Clone(m.Openers)
	b := &box{Mailbox: m, user: imapmemserver.NewUser(m.Address, ""), kept: map[string][][]byte{}}
	for _, f := range []string{folderInbox, folderSent} {
		if err := b.user.Create(f, nil); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *box) opens(nationalID string) bool { return slices.Contains(b.Openers, nationalID) }

func (b *box) append(folder string, raw []byte, options *imap.AppendOptions) (*imap.AppendData, error) {
	data, err := b.user.Append(folder, literal{bytes.NewReader(raw)}, options)
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.kept[folder] = append(b.kept[folder], raw)
	}
	return data, err
}

type literal struct{ *bytes.Reader }

// Size gives the length of the message.
func (l literal) Size() int64 { return l.Reader.Size() }

// Deliver puts a message into the inbox of a mailbox as it is, however broken.
func (s *Server) Deliver(address string, raw []byte) error {
	b := s.box(address)
	if b == nil {
		return errors.New("msstest: deliver: no such mailbox")
	}
	_, err := b.append(folderInbox, bytes.Clone(raw), &imap.AppendOptions{Time: s.clock.Now()})
	return err
}

// Messages gives the messages that came into a folder, INBOX or Sent, the
// oldest first.
func (s *Server) Messages(address, folder string) [][]byte {
	b := s.box(address)
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.kept[folder])
}

// Renumber empties the inbox and gives it a new UIDVALIDITY, as an operator
// does when it rebuilds a mailbox, then delivers its messages again.
func (s *Server) Renumber(address string) error {
	b := s.box(address)
	if b == nil {
		return errors.New("msstest: renumber: no such mailbox")
	}
	b.mu.Lock()
	messages := b.kept[folderInbox]
	b.kept[folderInbox] = nil
	b.mu.Unlock()
	if err := errors.Join(b.user.Delete(folderInbox), b.user.Create(folderInbox, nil)); err != nil {
		return err
	}
	for _, raw := range messages {
		if err := s.Deliver(address, raw); err != nil {
			return err
		}
	}
	return nil
}

// session is one IMAP connection.
type session struct {
	*imapmemserver.UserSession // nil until authenticated
	server                     *Server
	conn                       *imapserver.Conn
	box                        *box
}

var _ interface {
	imapserver.SessionSASL
	imapserver.SessionMove
	imapserver.SessionNamespace
} = (*session)(nil)

var badContinuation = &imap.Error{Type: imap.StatusResponseTypeBad, Text: "Invalid base64 data in continued response"}

func (s *Server) newSession(conn *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	return &session{server: s, conn: conn}, nil, nil
}

// Login is refused: there are no passwords.
func (s *session) Login(string, string) error { return imapserver.ErrAuthFailed }

// AuthenticateMechanisms gives XOAUTH2 (ECO.1.2.1).
func (s *session) AuthenticateMechanisms() []string { return []string{"XOAUTH2"} }

// Authenticate begins XOAUTH2.
func (s *session) Authenticate(mechanism string) (sasl.Server, error) {
	if mechanism != "XOAUTH2" {
		return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeCannot, Text: "XOAUTH2 expected (ECO.1.2.1)"}
	}
	return &saslServer{
		server: s.server, protocol: "IMAP", operation: OpAuthenticateIMAP, conn: s.conn.NetConn, status: unavailable,
		refused:   imapserver.ErrAuthFailed,
		temporary: unavailable(0),
		accept: func(address string) {
			s.box = s.server.box(address)
			s.UserSession = imapmemserver.NewUserSession(s.box.user)
		},
	}, nil
}

func unavailable(int) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeUnavailable, Text: "Temporary failure"}
}

func (s *session) do(operation string, work func() error) error {
	return s.server.do("IMAP", operation, s.box.Address, s.conn.NetConn(), nil, unavailable, work)
}

// Select opens a folder.
func (s *session) Select(folder string, options *imap.SelectOptions) (data *imap.SelectData, err error) {
	err = s.do(OpSelect, func() (err error) {
		data, err = s.UserSession.Select(folder, options)
		return err
	})
	return data, err
}

// Search looks for messages.
func (s *session) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, options *imap.SearchOptions) (data *imap.SearchData, err error) {
	err = s.do(OpSearch, func() (err error) {
		data, err = s.UserSession.Search(kind, criteria, options)
		return err
	})
	return data, err
}

// Fetch gives messages.
func (s *session) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	return s.do(OpFetch, func() error { return s.UserSession.Fetch(w, set, options) })
}

// Append stores a message.
func (s *session) Append(folder string, r imap.LiteralReader, options *imap.AppendOptions) (data *imap.AppendData, err error) {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		return nil, err
	}
	err = s.do(OpAppend, func() (err error) {
		if options.Time.IsZero() {
			options.Time = s.server.clock.Now()
		}
		data, err = s.box.append(folder, b.Bytes(), options)
		return err
	})
	return data, err
}

func statusOf(protocol string, err error) int {
	var reply *smtp.SMTPError
	switch {
	case errors.Is(err, net.ErrClosed):
		return 0
	case errors.As(err, &reply):
		return reply.Code
	case protocol == "SMTP" && err == nil:
		return 250
	case protocol == "SMTP":
		return 535
	case err == nil:
		return 200
	}
	return 400
}
