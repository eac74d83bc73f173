package transport

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// bounded is the body of an answer. It fails with ErrTooLarge when more than
// limit bytes come, and remembers what broke it.
type bounded struct {
	source      io.ReadCloser
	left, limit int64
	capture     *capture
	err         error // other than io.EOF
	ended       bool  // by io.EOF
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if int64(len(p)) > b.left+1 { // one more tells an answer at its limit from one over it
		p = p[:b.left+1]
	}
	n, err := b.source.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		err = fmt.Errorf("%w: over %d bytes", ErrTooLarge, b.limit)
	}
	b.left -= int64(n)
	b.capture.write(p[:n])
	switch err {
	case nil:
	case io.EOF:
		b.ended = true
	default:
		b.err = err
	}
	return n, err
}

func (b *bounded) Close() error { return b.source.Close() }

// capture keeps the first bytes of a body for an Exchange. net/http may still
// read a request's body after the call ended, hence the lock. A nil capture
// keeps nothing.
type capture struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxCapture = 1 << 20

func (c *capture) write(b []byte) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if room := maxCapture - c.buf.Len(); room > 0 {
		c.buf.Write(b[:min(room, len(b))])
	}
}

func (c *capture) bytes() []byte {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.buf.Bytes())
}

// request makes c see the body of r while net/http streams it, from the start
// again each time that net/http asks for it again. One in memory is seen at once
// and left as it is: net/http sends such a body along with the header.
func (c *capture) request(r *http.Request, inMemory bool) {
	if c == nil || r.Body == nil || r.Body == http.NoBody {
		return
	}
	if inMemory && r.GetBody != nil {
		if body, err := r.GetBody(); err == nil {
			b, _ := io.ReadAll(io.LimitReader(body, maxCapture))
			c.write(b)
			return
		}
	}
	r.Body = tee{r.Body, c}
	if get := r.GetBody; get != nil {
		r.GetBody = func() (io.ReadCloser, error) {
			body, err := get()
			if err != nil {
				return nil, err
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.buf.Reset()
			return tee{body, c}, nil
		}
	}
}

type tee struct {
	io.ReadCloser
	capture *capture
}

func (t tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.capture.write(p[:n])
	return n, err
}
