package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// talk answers each connection with those bytes, or with nothing until the other
// side gives up.
func talk(t *testing.T, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if answer == "" {
				_, _ = io.Copy(io.Discard, c)
			} else {
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, answer)
			}
			c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// net/http quotes what it cannot read, and errors of files name them: neither
// is in the text of an error, whatever prints it.
func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	const secret = "ORTIE"
	broken := func(err error) io.Reader { return io.MultiReader(strings.NewReader("x"), iotest.ErrReader(err)) }
	for name, x := range map[string]struct {
		answer string
		body   io.Reader
		text   string
	}{
		"not HTTP":     {secret + " CAPUCINE\r\n\r\n", nil, "not HTTP"},
		"status":       {"HTTP/1.1 " + secret + "\r\n\r\n", nil, "not HTTP"},
		"header":       {"HTTP/1.1 200 OK\r\n" + secret + " CAPUCINE\r\n\r\n", nil, "not HTTP"},
		"length":       {"HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n", nil, "cause is wrapped"},
		"encoding":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + secret + "\r\n\r\n", nil, "cause is wrapped"},
		"location":     {"HTTP/1.1 302 Found\r\nLocation: http://" + secret + "%zz\r\nContent-Length: 0\r\n\r\n", nil, "cause is wrapped"},
		"file":         {"", broken(&fs.PathError{Op: "read", Path: "/" + secret + ".pdf", Err: fs.ErrInvalid}), "cause is wrapped"},
		"wrapped file": {"", broken(fmt.Errorf("part: %w", &fs.PathError{Op: "read", Path: "/" + secret + ".pdf", Err: fs.ErrInvalid})), "cause is wrapped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen socle.Exchange
			tr := &http.Transport{}
			defer tr.CloseIdleConnections()
			c, err := transport.New(transport.Config{Service: socle.ServiceDMP, HTTPClient: &http.Client{Transport: tr},
				Watch: socle.Watch{Observe: func(_ context.Context, x socle.Exchange) { seen = x }}})
			require.NoError(t, err)
			err = c.Do(t.Context(), transport.Operation{Name: "op"}, request(t, "POST", talk(t, x.answer), x.body), func(*http.Response) (string, error) { return "", nil })
			require.ErrorContains(t, err, x.text)
			for _, err := range []error{err, seen.Err} {
				require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), secret)
			}
			if x.body != nil {
				require.ErrorIs(t, err, fs.ErrInvalid, "the cause is kept")
			}
			require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
		})
	}
}

func TestCodesAreShownIfTheyLookLikeCodes(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "00", "insi_102", "DMPAccessDeniedByRightsService", "urn:x:y", "not-found", "404"} {
		require.Equal(t, code, transport.Code(code))
	}
	for _, no := range []string{"MME ORTIE", "279035121518989", "DMP279035121518989", "née", "a\nb", strings.Repeat("x", 101)} {
		require.Equal(t, "…", transport.Code(no))
	}
	var seen socle.Exchange
	c, err := transport.New(transport.Config{Service: socle.ServiceDMP, HTTPClient: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})}, Watch: socle.Watch{Observe: func(_ context.Context, x socle.Exchange) { seen = x }}})
	require.NoError(t, err)
	require.Error(t, c.Do(t.Context(), transport.Operation{Name: "op"}, request(t, "GET", "http://dmp.example", nil),
		func(*http.Response) (string, error) { return "MME ORTIE", errors.New("refused") }))
	require.Equal(t, "…", seen.Code)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
