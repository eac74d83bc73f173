package mss

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Bounds of what an operator may send. The library has none of its own.
const (
	maxResponse = 64 << 20 // a response: the UIDs of the largest folder fit
	maxLiteral  = chunk + summaryLimit
	maxLists    = 100 // lists within one another
	maxOwnLine  = 32 << 20
)

// imapConn is the connection that the IMAP library reads and writes. It bounds what the operator sends, limits its silence while it is asked something,
// and runs the commands that the library does not know (QRESYNC, RFC 7162): their
// responses, and VANISHED whenever it comes, do not reach the library.
type imapConn struct {
	*secured
	in      *bufio.Reader
	pending []byte // to hand over before anything is read
	literal int64  // bytes of a literal still to come
	began   bool   // within a response
	plain   bool   // it is a status response, which has no literal
	mine    bool   // it is not for the library
	quoted  bool
	escaped bool
	lists   int
	size    int
	tail    []byte // the last bytes of the line
	dead    error  // what ended the reading
	line    []byte // a response that is ours

	mu       sync.Mutex
	patience time.Duration // within a command; zero outside
	own      *ownCommand   // that runs
	serial   int
	fault    error // what the operator sent that is too much
}

// ownCommand is a command that the library does not know.
type ownCommand struct {
	tag  string
	each func(line string) // on the goroutine that reads
	done chan error
}

func newIMAPConn(conn *secured) *imapConn {
	return &imapConn{secured: conn, in: bufio.NewReaderSize(conn, 4096)}
}

// Read gives the library its part of what the operator sends.
func (c *imapConn) Read(b []byte) (int, error) {
	if c.dead != nil {
		return 0, c.dead // the library asks again after an error
	}
	n, err := c.read(b)
	if err != nil {
		c.dead = err
		c.mu.Lock()
		defer c.mu.Unlock()
		var e *tooMuch
		if errors.As(err, &e) {
			c.fault = err
		}
		if c.own != nil {
			c.own.done <- err
			c.own = nil
		}
	}
	return n, err
}

type tooMuch struct{ text string }

// Error tells what the operator did wrong.
func (e *tooMuch) Error() string { return e.text }

func (c *imapConn) read(b []byte) (int, error) {
	for {
		switch {
		case len(c.pending) > 0:
			n := copy(b, c.pending)
			c.pending = c.pending[n:]
			return n, nil
		case c.literal > 0 && c.mine:
			n, err := c.in.Discard(int(c.literal))
			if c.literal -= int64(n); err != nil {
				return 0, err
			}
			continue
		case c.literal > 0:
			n, err := c.in.Read(b[:min(int64(len(b)), c.literal)])
			c.literal -= int64(n)
			return n, err
		}
		piece, err := c.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if len(piece) == 0 || c.mine {
				return 0, err
			}
			c.pending = piece // the error comes again
			continue
		}
		if err := c.inspect(piece, err == nil); err != nil {
			return 0, err
		}
	}
}

// inspect takes a piece of a line, or the whole of it.
func (c *imapConn) inspect(piece []byte, last bool) error {
	if !c.began {
		c.began, c.quoted, c.escaped, c.lists, c.size, c.tail, c.line = true, false, false, 0, 0, c.tail[:0], nil
		c.classify(piece)
	}
	if c.size += len(piece); c.size > maxResponse {
		return &tooMuch{fmt.Sprintf("the operator sent a response of more than %d bytes", maxResponse)}
	}
	if !c.plain {
		for _, b := range piece {
			switch {
			case c.escaped:
				c.escaped = false
			case c.quoted && b == '\\':
				c.escaped = true
			case b == '"':
				c.quoted = !c.quoted
			case c.quoted:
			case b == '(':
				if c.lists++; c.lists > maxLists {
					return &tooMuch{fmt.Sprintf("the operator sent lists nested deeper than %d", maxLists)}
				}
			case b == ')':
				c.lists--
			}
		}
		c.tail = append(c.tail, piece...)
		c.tail = c.tail[max(0, len(c.tail)-24):]
	}
	if c.mine {
		if c.line = append(c.line, piece...); len(c.line) > maxOwnLine {
			return &tooMuch{"the operator sent too long a list of vanished messages"}
		}
	} else {
		c.pending = piece
	}
	if !last {
		return nil
	}
	if n, ok := literalSize(c.tail); ok && !c.plain {
		if n > maxLiteral {
			return &tooMuch{fmt.Sprintf("the operator sent %d bytes where %d at most were asked for", n, maxLiteral)}
		}
		c.size += int(n)
		c.literal, c.quoted, c.escaped, c.tail = n, false, false, c.tail[:0]
		return nil
	}
	c.began = false
	if c.mine {
		c.take(strings.TrimRight(string(c.line), "\r\n"))
		c.mine, c.line = false, nil
	}
	return nil
}

// classify tells from its beginning whose a response is.
func (c *imapConn) classify(piece []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own != nil && c.patience > 0 {
		_ = c.Conn.SetReadDeadline(time.Now().Add(c.patience))
	}
	rest, untagged := bytes.CutPrefix(piece, []byte("* "))
	if !untagged {
		c.plain = true
		c.mine = c.own != nil && bytes.HasPrefix(piece, []byte(c.own.tag+" "))
		return
	}
	first, rest, _ := bytes.Cut(bytes.TrimRight(rest, "\r\n"), []byte(" "))
	second, _, _ := bytes.Cut(rest, []byte(" "))
	switch strings.ToUpper(string(first)) {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		c.plain, c.mine = true, false
	case "VANISHED":
		c.plain, c.mine = true, true
	default:
		c.plain, c.mine = false, c.own != nil && bytes.EqualFold(second, []byte("FETCH"))
	}
}

func literalSize(tail []byte) (int64, bool) {
	s := strings.TrimRight(string(tail), "\r\n")
	s, ok := strings.CutSuffix(s, "}")
	at := strings.LastIndexByte(s, '{')
	if !ok || at < 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(s[at+1:], "+"), 10, 64)
	return n, err == nil && n >= 0
}

// take gives a response that is ours to its command.
func (c *imapConn) take(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.own == nil {
		return
	}
	status, ok := strings.CutPrefix(line, c.own.tag+" ")
	if !ok {
		c.own.each(line)
		return
	}
	c.own.done <- statusOf(status)
	c.own = nil
}

// statusOf gives the error of a status such as "NO [CODE] text", nil for OK.
func statusOf(s string) error {
	kind, text, _ := strings.Cut(s, " ")
	if kind = strings.ToUpper(kind); kind == "OK" {
		return nil
	}
	e := &imap.Error{Type: imap.StatusResponseType(kind), Text: text}
	if in, ok := strings.CutPrefix(text, "["); ok {
		if code, after, ok := strings.Cut(in, "]"); ok {
			code, _, _ = strings.Cut(code, " ")
			e.Code, e.Text = imap.ResponseCode(code), strings.TrimSpace(after)
		}
	}
	return e
}

// command runs a command of ours while the library runs none. each is given the
// FETCH and VANISHED responses, and must be quick; gone says that the library
// reads no more.
func (c *imapConn) command(text string, each func(line string), gone <-chan struct{}) error {
	own := &ownCommand{each: each, done: make(chan error, 1)}
	c.mu.Lock()
	if c.fault != nil {
		defer c.mu.Unlock()
		return c.fault
	}
	c.serial++
	own.tag = fmt.Sprintf("S%d", c.serial)
	c.own = own
	c.mu.Unlock()
	if _, err := c.Conn.Write([]byte(own.tag + " " + text + "\r\n")); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.own = nil
		return err
	}
	select {
	case err := <-own.done:
		return err
	case <-gone:
		return errors.New("connection closed in the middle of a command")
	}
}

// expect limits the silence of the operator from now on; zero ends that.
func (c *imapConn) expect(patience time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.patience = patience
	var t time.Time
	if patience > 0 {
		t = time.Now().Add(patience)
	}
	_ = c.Conn.SetReadDeadline(t)
}

// SetReadDeadline is called by the library, with zero when it waits for nothing
// in particular.
func (c *imapConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.IsZero() && c.patience > 0 {
		t = time.Now().Add(c.patience)
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *imapConn) wrong() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}
