// Package msstest is an emulated MSSanté operator, with the patients of Mon
// espace santé behind it: an IMAP server and an SMTP submission server on
// loopback ports, under STARTTLS with a certificate of a throw-away authority
// shaped like the IGC-Santé.
//
// It verifies: the Pro Santé Connect token, who may open which mailbox, and on
// submission every rule of Référentiel #2 that a message shows. What it refuses
// it refuses with the rule, what was expected and what came. It parses messages
// and archives by itself, not with the code of the client.
//
// Over IMAP it has folders with their special uses, flags, searches, moves, pushes
// (IDLE), and tells changes (CONDSTORE, QRESYNC); Options.Without takes away what
// another operator lacks. Server.Fill makes large mailboxes, Server.Renumber and
// Server.Disconnect do what operators do, Server.Fail makes commands slow or fail
// by their names, and Server.Traffic tells what a client has cost.
package msstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/mss"
)

// Options of a [Server].
type Options struct {
	// Introspect says whose token it is: the national identifier (PS_IdNat) and
	// whether the token is active. Mandatory. An error is a validator that
	// cannot answer: the client is refused for now.
	Introspect func(ctx context.Context, token string) (nationalID string, active bool, err error)
	// Authority issues the server's certificate; nil makes one.
	Authority *pki.Authority
	// Clock dates messages; nil runs with the system's time.
	Clock *emulator.Clock
	// Mailboxes to begin with; AddMailbox adds others.
	Mailboxes []Mailbox
	// SizeLimit of a submitted message in bytes, announced by SIZE. Zero means
	// 50,000,000, more than Mon espace santé takes.
	SizeLimit int64
	// DropAfterRefusal closes the connection right after the challenge that
	// refuses a token, as Mailiz does, instead of waiting for the client's
	// answer and saying no.
	DropAfterRefusal bool
	// Struck is called when a planned fault strikes, before its latency, with
	// the name of the operation: a test need not guess how far the client went.
	Struck func(operation string)
	// Mechanisms are those of SASL that are offered; nil is XOAUTH2 alone. With
	// EXTERNAL or PLAIN the TLS handshake asks for a certificate, as for
	// applicative mailboxes.
	Mechanisms []string
	// PreAuth opens the mailbox of the certificate shown without another word:
	// IMAP begins with PREAUTH, which takes ImplicitTLS, and SMTP wants no AUTH.
	PreAuth bool
	// ImplicitTLS begins with TLS instead of offering STARTTLS.
	ImplicitTLS bool
	// DSN offers receipts of delivery (RFC 3461), and returns those asked for.
	DSN bool
	// KeepsSent keeps a copy of what is submitted in the folder of sent messages.
	KeepsSent bool
	// Hosts are names that the server's certificate bears, besides localhost.
	Hosts []string
	// Without are extensions of IMAP that the operator lacks: SASL-IR, IDLE,
	// MOVE, UIDPLUS, CONDSTORE, QRESYNC, ESEARCH, SPECIAL-USE, LITERAL- …
	Without []string
	// Keywords are the only flags that the operator keeps; nil keeps any.
	Keywords []string
	// MaxConnections bounds the IMAP connections of one mailbox; those beyond
	// are refused with NO [LIMIT]. Zero has no bound.
	MaxConnections int
}

// Server is a running operator. Its methods are safe for concurrent use.
type Server struct {
	options   Options
	authority *pki.Authority
	clock     *emulator.Clock
	tls       *tls.Config
	imapAddr  string
	smtp      *smtp.Server
	smtpAddr  string
	listeners []net.Listener
	done      chan struct{}
	served    sync.WaitGroup

	mu       sync.Mutex
	boxes    map[string]*box
	sessions map[*session]struct{}
	idle     map[*box]int
	patients map[string]*patient
	robot    *Robot
	serial   int
	faults   []emulator.Fault
	journal  []emulator.Entry
}

// NewServer starts an operator. Close must be called.
func NewServer(o Options) (*Server, error) {
	if o.Introspect == nil {
		return nil, errors.New("msstest: Options.Introspect is mandatory: the operator must know whose token it is")
	}
	if o.Mechanisms == nil {
		o.Mechanisms = []string{XOAUTH2}
	}
	for _, m := range o.Mechanisms {
		if !slices.Contains([]string{XOAUTH2, OAuthBearer, External, Plain}, m) {
			return nil, fmt.Errorf("msstest: Options.Mechanisms: XOAUTH2, OAUTHBEARER, EXTERNAL or PLAIN expected, %q came", m)
		}
	}
	if o.SizeLimit == 0 {
		o.SizeLimit = 50_000_000
	}
	s := &Server{options: o, authority: o.Authority, clock: o.Clock, done: make(chan struct{}),
		boxes: map[string]*box{}, sessions: map[*session]struct{}{}, idle: map[*box]int{}, patients: map[string]*patient{}}
	if s.clock == nil {
		s.clock = emulator.NewClock(time.Time{})
	}
	if s.authority == nil {
		var err error
		if s.authority, err = pki.NewAuthority(pki.WithClock(s.clock.Now)); err != nil {
			return nil, fmt.Errorf("msstest: %w", err)
		}
	}
	for _, m := range o.Mailboxes {
		if err := s.AddMailbox(m); err != nil {
			return nil, err
		}
	}
	certificate, err := s.authority.Server(append([]string{"localhost", "127.0.0.1"}, o.Hosts...)...)
	if err != nil {
		return nil, fmt.Errorf("msstest: %w", err)
	}
	s.tls = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if o.asksCertificates() {
		s.tls.ClientAuth, s.tls.ClientCAs, s.tls.Time = tls.VerifyClientCertIfGiven, s.authority.Roots(), s.clock.Now
	}
	if err := s.serve(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) serve() error {
	quiet := log.New(io.Discard, "", 0)
	s.smtp = smtp.NewServer(smtp.BackendFunc(s.newSubmission))
	s.smtp.Domain = "localhost"
	s.smtp.TLSConfig = s.tls
	s.smtp.MaxMessageBytes = s.options.SizeLimit
	s.smtp.MaxLineLength = 12288 // RFC 4954 section 4: a token is long
	s.smtp.MaxRecipients = 50
	s.smtp.ErrorLog = quiet
	s.smtp.EnableDSN = s.options.DSN
	imapListener, err := s.listen()
	if err != nil {
		return err
	}
	smtpListener, err := s.listen()
	if err != nil {
		_ = imapListener.Close()
		return err
	}
	s.listeners = []net.Listener{imapListener, smtpListener}
	s.imapAddr, s.smtpAddr = imapListener.Addr().String(), smtpListener.Addr().String()
	s.served.Go(func() { s.serveIMAP(imapListener) })
	s.served.Go(func() { _ = s.smtp.Serve(smtpListener) })
	return nil
}

func (s *Server) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("msstest: %w", err)
	}
	if s.options.ImplicitTLS {
		l = tls.NewListener(l, s.tls)
	}
	return l, nil
}

// Close stops the servers and their connections.
func (s *Server) Close() {
	select {
	case <-s.done:
		return
	default:
		close(s.done)
	}
	for _, l := range s.listeners {
		_ = l.Close() // theirs to close, but for one that they do not serve yet
	}
	s.mu.Lock()
	for t := range s.sessions {
		_ = t.NetConn().Close()
	}
	s.mu.Unlock()
	_ = s.smtp.Close()
	s.served.Wait()
}

// Environment gives the addresses of the servers, for mss.Config.
func (s *Server) Environment() mss.Environment {
	return mss.Environment{IMAP: s.imapAddr, Submission: s.smtpAddr, ImplicitTLS: s.options.ImplicitTLS, Test: true}
}

// Authority gives the authority that issued the server's certificate.
func (s *Server) Authority() *pki.Authority { return s.authority }

// Roots gives the pool that a client of the server trusts, for mss.Config.
func (s *Server) Roots() *x509.CertPool { return s.authority.Roots() }

// Clock gives the server's clock.
func (s *Server) Clock() *emulator.Clock { return s.clock }

// Mailbox is a mailbox (BAL) of the operator.
type Mailbox struct {
	Address string
	// Organisation says that it is one (ORG), whose messages are signed with an
	// entity; otherwise it is a person's (PER).
	Organisation bool
	// Openers are the national identifiers (PS_IdNat) of who may open it.
	Openers []string
	// Certificate is the common name of the certificate ORG AUTH_CLI that opens
	// it: it is an applicative mailbox (APP), whose messages are signed with an
	// entity too.
	Certificate string
	// User and Password are what PLAIN wants besides the certificate; an empty User
	// is the address (MSS/CONF.12), without Password PLAIN opens nothing.
	User, Password string
}

func (m Mailbox) signsAsEntity() bool { return m.Organisation || m.Certificate != "" }

// AddMailbox adds a mailbox, with the folders INBOX, Sent, Drafts, Trash and
// Archive.
func (s *Server) AddMailbox(m Mailbox) error {
	a, err := mss.ParseAddress(m.Address)
	if err != nil || a.IsPatient() {
		return errors.New("msstest: mailbox: the address of a professional expected")
	}
	b := newBox(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boxes[fold(m.Address)] = b
	return nil
}

func (s *Server) box(address string) *box {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.boxes[fold(address)]
}

func fold(address string) string { return strings.ToLower(address) }
