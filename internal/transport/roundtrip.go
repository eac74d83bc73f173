package transport

import (
	"context"
	"net/http"
	"time"
)

// grace is left to net/http to end a cancelled request by itself.
const grace = 30 * time.Millisecond

// roundTrip is http.Client.Do that a body cannot hold back: after a
// cancellation net/http waits for the Read of the request's body that is under
// way, and that may be stuck on a slow disk or a network. Such a Read is left
// behind; it ends the request when it returns.
func (c *Client) roundTrip(ctx context.Context, req *http.Request, inMemory bool) (*http.Response, error) {
	if inMemory || req.Body == nil || req.Body == http.NoBody {
		return c.http.Do(req)
	}
	type result struct {
		resp *http.Response
		err  error
	}
	done := make(chan result, 1)
	go func() {
		resp, err := c.http.Do(req)
		done <- result{resp, err}
	}()
	select {
	case r := <-done:
		return r.resp, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.resp, r.err
	case <-time.After(grace):
	}
	go func() {
		if r := <-done; r.resp != nil {
			r.resp.Body.Close()
		}
	}()
	return nil, ctx.Err()
}
