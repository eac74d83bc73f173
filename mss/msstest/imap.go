package msstest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"
)

// Extensions that the IMAP server has. Options.Without takes any of them away;
// SASL-IR, IDLE, ENABLE and the rest are as their RFCs have them.
var extensions = []string{
	"SASL-IR", "LITERAL-", "ENABLE", "IDLE", "MOVE", "UIDPLUS", "CONDSTORE", "QRESYNC",
	"ESEARCH", "SPECIAL-USE", "LIST-EXTENDED", "NAMESPACE", "UNSELECT",
}

// session is one IMAP connection (RFC 3501, RFC 9051). It knows what its client
// was told of the selected folder, and tells the rest when it may.
type session struct {
	server *Server
	in     *bufio.Reader
	out    *bufio.Writer

	mu   sync.Mutex // of conn, and held while a response is written
	conn net.Conn

	box      *box // nil until authenticated
	folder   *folder
	writable bool
	told     []uint32 // UIDs that the client knows, in order
	modseq   uint64   // up to which it knows the flags
	synced   uint64   // up to which it knows everything
	condstore,
	qresync bool
	wake chan struct{} // one is there when the folder has changed

	received, sent, commands, fetched atomic.Int64
	section                           cachedSection
}

// NetConn gives the connection, inside TLS if there is TLS.
func (s *session) NetConn() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn
}

func (s *session) has(extension string) bool {
	return slices.Contains(extensions, extension) && !slices.Contains(s.server.options.Without, extension)
}

// counted counts what passes.
type counted struct {
	io.ReadWriter
	s *session
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.ReadWriter.Read(b)
	c.s.received.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.ReadWriter.Write(b)
	c.s.sent.Add(int64(n))
	return n, err
}

func (s *session) use(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = c
	s.in, s.out = bufio.NewReaderSize(counted{c, s}, 4096), bufio.NewWriterSize(counted{c, s}, 4096)
}

// serveIMAP accepts connections until the listener is closed.
func (s *Server) serveIMAP(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		t := &session{server: s, wake: make(chan struct{}, 1)}
		t.use(c)
		s.mu.Lock()
		s.sessions[t] = struct{}{}
		s.mu.Unlock()
		select {
		case <-s.done: // Close may have missed it
			_ = c.Close()
		default:
		}
		s.served.Go(func() {
			t.serve()
			t.leave()
			_ = t.NetConn().Close()
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.sessions, t)
			if t.box != nil {
				t.box.traffic.add(t)
			}
		})
	}
}

func (s *session) serve() {
	status := "OK"
	if s.server.options.PreAuth && s.server.options.ImplicitTLS {
		if b, err := s.server.holder(s.NetConn()); err == nil {
			s.enter(b)
			status = "PREAUTH"
		}
	}
	_ = s.say("* %s [CAPABILITY %s] IMAP ready", status, s.capabilities())
	for {
		p := &command{session: s}
		if s.box == nil {
			_ = s.NetConn().SetReadDeadline(time.Now().Add(time.Minute))
		} else {
			_ = s.NetConn().SetReadDeadline(time.Time{})
		}
		tag, name, err := p.begin()
		if err != nil {
			return
		}
		s.commands.Add(1)
		err = s.run(tag, name, p)
		switch {
		case errors.Is(err, errHangUp), errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, errAnswered):
			continue
		}
		if p.skip() != nil || s.answer(tag, name, err) != nil {
			return
		}
	}
}

var (
	errHangUp   = errors.New("the connection ends")
	errAnswered = errors.New("the command was answered")
)

// answer ends a command: what is new in the folder, then the tagged response.
func (s *session) answer(tag, name string, err error) error {
	var no *imap.Error
	switch {
	case err == nil:
		// EXPUNGE would change the numbers that these commands use.
		s.tell(name != "FETCH" && name != "STORE" && name != "SEARCH")
		return s.say("%s OK %s done", tag, name)
	case errors.As(err, &no):
		code := ""
		if no.Code != "" {
			code = "[" + string(no.Code) + "] "
		}
		return s.say("%s %s %s%s", tag, no.Type, code, no.Text)
	}
	return s.say("%s BAD %s: %s", tag, name, err)
}

// okay is an answer OK with a code.
func okay(code string) error {
	return &imap.Error{Type: imap.StatusResponseTypeOK, Code: imap.ResponseCode(code), Text: "done"}
}

func no(code imap.ResponseCode, text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}

// say writes one response.
func (s *session) say(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(s.out, format+"\r\n", args...)
	return s.out.Flush()
}

func (s *session) capabilities() string {
	caps := []string{"IMAP4rev1"}
	_, secure := s.NetConn().(*tls.Conn)
	add := func(on bool, names ...string) {
		for _, n := range names {
			if on && s.has(n) {
				caps = append(caps, n)
			}
		}
	}
	add(true, "SASL-IR", "LITERAL-")
	switch {
	case s.box != nil:
		add(true, extensions[2:]...)
	case secure:
		for _, m := range s.AuthenticateMechanisms() {
			caps = append(caps, "AUTH="+m)
		}
	default:
		caps = append(caps, "STARTTLS", "LOGINDISABLED")
	}
	return strings.Join(caps, " ")
}

// run does a command. Its error is told to the client, unless it is errHangUp.
func (s *session) run(tag, name string, p *command) error {
	if extension, ok := needs[name]; ok && !s.has(extension) {
		return fmt.Errorf("unknown command, %s is not announced", extension)
	}
	if f, ok := unauthenticated[name]; ok {
		return f(s, tag, p)
	}
	f, ok := authenticated[name]
	switch {
	case !ok:
		return errors.New("unknown command")
	case s.box == nil:
		return errors.New("authenticate first (ECO.1.2.1)")
	}
	return f(s, p)
}

// needs are the extensions of commands.
var needs = map[string]string{"IDLE": "IDLE", "MOVE": "MOVE", "UID MOVE": "MOVE", "UID EXPUNGE": "UIDPLUS",
	"ENABLE": "ENABLE", "NAMESPACE": "NAMESPACE", "UNSELECT": "UNSELECT"}

var (
	unauthenticated map[string]func(*session, string, *command) error
	authenticated   map[string]func(*session, *command) error
)

func init() {
	unauthenticated = map[string]func(*session, string, *command) error{
		"CAPABILITY": func(s *session, _ string, p *command) error {
			if err := p.end(); err != nil {
				return err
			}
			return s.say("* CAPABILITY %s", s.capabilities())
		},
		"LOGOUT":       func(s *session, tag string, p *command) error { return s.logout(tag, p) },
		"STARTTLS":     (*session).startTLS,
		"AUTHENTICATE": (*session).authenticate,
		"LOGIN":        func(*session, string, *command) error { return no("", "there are no passwords") },
		"ID": func(s *session, _ string, p *command) error {
			if _, err := p.value(); err != nil {
				return err
			}
			return s.say(`* ID ("name" "msstest")`)
		},
	}
	authenticated = map[string]func(*session, *command) error{
		"NOOP": (*session).noop, "CHECK": (*session).noop, "ENABLE": (*session).enable, "NAMESPACE": (*session).namespace,
		"LIST": (*session).list, "STATUS": (*session).status, "CREATE": (*session).create, "RENAME": (*session).rename,
		"DELETE": (*session).delete, "SUBSCRIBE": (*session).subscribe, "UNSUBSCRIBE": (*session).subscribe,
		"SELECT":  func(s *session, p *command) error { return s.choose(p, true) },
		"EXAMINE": func(s *session, p *command) error { return s.choose(p, false) },
		"CLOSE":   func(s *session, p *command) error { return s.unselect(p, true) },
		"UNSELECT": func(s *session, p *command) error {
			return s.unselect(p, false)
		},
		"APPEND": (*session).append, "IDLE": (*session).idle, "EXPUNGE": (*session).expunge, "UID EXPUNGE": (*session).uidExpunge,
	}
	for name, f := range map[string]func(*session, *command, bool) error{"FETCH": (*session).fetch, "SEARCH": (*session).search,
		"STORE": (*session).store, "COPY": (*session).copy, "MOVE": (*session).move} {
		authenticated[name] = func(s *session, p *command) error { return f(s, p, false) }
		authenticated["UID "+name] = func(s *session, p *command) error { return f(s, p, true) }
	}
}

func (s *session) logout(tag string, p *command) error {
	if err := p.end(); err != nil {
		return err
	}
	_ = s.say("* BYE see you")
	_ = s.say("%s OK done", tag)
	return errHangUp
}

func (s *session) startTLS(tag string, p *command) error {
	if _, secure := s.NetConn().(*tls.Conn); secure {
		return errors.New("TLS runs already")
	}
	if err := p.end(); err != nil {
		return err
	}
	if s.in.Buffered() > 0 {
		return errHangUp // commands sent before TLS are not to be trusted
	}
	if s.say("%s OK begin TLS", tag) != nil {
		return errHangUp
	}
	s.use(tls.Server(s.NetConn(), s.server.tls))
	return errAnswered
}

// authenticate runs a SASL exchange (RFC 3501 section 6.2.2, RFC 4959).
func (s *session) authenticate(tag string, p *command) error {
	mechanism, err := p.atom()
	if err != nil {
		return err
	}
	var response []byte
	if !p.atEnd() {
		if !s.has("SASL-IR") {
			return errors.New("no initial response expected, SASL-IR is not announced")
		}
		first, err := p.atom()
		if err != nil {
			return err
		}
		if response, err = decodeSASL(first); err != nil {
			return badContinuation
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	if _, secure := s.NetConn().(*tls.Conn); !secure {
		return no(imap.ResponseCodePrivacyRequired, "STARTTLS first (ECO.1.0.2)")
	}
	if s.box != nil {
		return errors.New("authenticated already")
	}
	x, err := s.Authenticate(strings.ToUpper(mechanism))
	if err != nil {
		return err
	}
	for {
		challenge, done, err := x.Next(response)
		switch {
		case errors.Is(err, net.ErrClosed):
			return errHangUp
		case err != nil:
			return err
		case done:
			return s.welcome()
		}
		if s.say("+ %s", base64.StdEncoding.EncodeToString(challenge)) != nil {
			return errHangUp
		}
		line, err := s.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return errHangUp
		}
		whole := string(line)
		for errors.Is(err, bufio.ErrBufferFull) && len(whole) < maxLine {
			line, err = s.in.ReadSlice('\n')
			whole += string(line)
		}
		whole = strings.TrimRight(whole, "\r\n")
		if whole == "*" {
			return errors.New("cancelled")
		}
		if whole == "=" {
			return badContinuation
		}
		if response, err = decodeSASL(whole); err != nil {
			return badContinuation
		}
	}
}

func decodeSASL(s string) ([]byte, error) {
	if s == "=" {
		return []byte{}, nil
	}
	return base64.StdEncoding.DecodeString(s)
}

var badContinuation = &imap.Error{Type: imap.StatusResponseTypeBad, Text: "Invalid base64 data in continued response"}

// welcome says that the mailbox is open, unless it has too many connections.
func (s *session) welcome() error {
	s.server.mu.Lock()
	n := 0
	for t := range s.server.sessions {
		if t != s && t.box == s.box {
			n++
		}
	}
	s.server.mu.Unlock()
	if limit := s.server.options.MaxConnections; limit > 0 && n >= limit {
		s.server.mu.Lock()
		s.box = nil
		s.server.mu.Unlock()
		return no(imap.ResponseCodeLimit, "Maximum number of connections exceeded")
	}
	return okay("CAPABILITY " + s.capabilities())
}

func (s *session) noop(p *command) error {
	if err := p.end(); err != nil {
		return err
	}
	return s.do(OpNoop, func() error { return nil })
}

// enable turns CONDSTORE or QRESYNC on (RFC 5161, RFC 7162 section 3.2.3).
func (s *session) enable(p *command) error {
	if s.folder != nil {
		return errors.New("ENABLE goes before SELECT (RFC 5161 section 3.1)")
	}
	var on []string
	for !p.atEnd() {
		name, err := p.atom()
		if err != nil {
			return err
		}
		switch name = strings.ToUpper(name); {
		case name == "QRESYNC" && s.has(name):
			s.qresync, s.condstore = true, true
		case name == "CONDSTORE" && s.has(name):
			s.condstore = true
		default:
			continue
		}
		on = append(on, " "+name)
	}
	if err := p.end(); err != nil {
		return err
	}
	return s.say("* ENABLED%s", strings.Join(on, ""))
}

func (s *session) namespace(p *command) error {
	if err := p.end(); err != nil {
		return err
	}
	return s.say(`* NAMESPACE (("" "/")) NIL NIL`)
}

// failing is the answer of a planned fault.
func failing(status int) error {
	switch status {
	case 429:
		return no(imap.ResponseCodeLimit, "Too many connections")
	case 500:
		return no("", "Internal error")
	}
	return no(imap.ResponseCodeUnavailable, "Temporary failure")
}

func (s *session) do(operation string, work func() error) error {
	return s.server.do("IMAP", operation, s.box.Address, s.NetConn(), nil, failing, work)
}

// AuthenticateMechanisms gives those offered.
func (s *session) AuthenticateMechanisms() []string { return s.server.options.Mechanisms }

// Authenticate begins one.
func (s *session) Authenticate(mechanism string) (sasl.Server, error) {
	if err := s.server.offered(mechanism); err != nil {
		return nil, no(imap.ResponseCodeCannot, err.Error())
	}
	return &saslServer{
		server: s.server, mechanism: mechanism, protocol: "IMAP", operation: OpAuthenticateIMAP, conn: s.NetConn, status: failing,
		refused:   no(imap.ResponseCodeAuthenticationFailed, "Authentication failed"),
		temporary: failing(0),
		malformed: badContinuation,
		accept:    func(address string) { s.enter(s.server.box(address)) },
	}, nil
}

func (s *session) enter(b *box) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.box = b
}
