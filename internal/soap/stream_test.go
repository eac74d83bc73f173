package soap_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xmltree"
)

// streamed asks a server that answers with f, and reads all.
func streamed(t *testing.T, maxBytes int64, f func(http.ResponseWriter, *soap.Envelope)) (parts map[string]string, err error) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, fault := soap.ReadRequest(r, xmltree.Limits{})
		if fault != nil {
			soap.WriteFault(w, e, fault)
			return
		}
		f(w, e)
	}))
	t.Cleanup(srv.Close)
	c, err := transport.New(transport.Config{Service: socle.ServiceDMP, HTTPClient: srv.Client()})
	require.NoError(t, err)
	parts = map[string]string{}
	m := soap.Message{Action: "urn:a", MessageID: soap.NewMessageID(), Body: []byte("<a></a>")}
	err = soap.Stream(context.Background(), c, soap.Request{Op: "TD3.2", URL: srv.URL, Message: m, MaxBytes: maxBytes}, 4, func(e *soap.Envelope, p *mtom.Reader) (string, error) {
		for {
			part, err := p.NextPart()
			if err == io.EOF {
				return "ok", nil
			}
			if err != nil {
				return "", err
			}
			b, err := io.ReadAll(part)
			if err != nil {
				return "", err
			}
			parts[part.ContentID] = string(b)
		}
	})
	return parts, err
}

func TestStreamGivesThePartsAsTheyCome(t *testing.T) {
	t.Parallel()
	part := mtom.Part{ContentID: "a@b", ContentType: "text/xml", Size: 4, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte("<a/>"))), nil }}
	m := soap.Message{Action: "urn:b", Body: []byte("<b></b>")}
	parts, err := streamed(t, 0, func(w http.ResponseWriter, e *soap.Envelope) { require.NoError(t, soap.WritePackage(w, e, m, part)) })
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a@b": "<a/>"}, parts)

	parts, err = streamed(t, 0, func(w http.ResponseWriter, e *soap.Envelope) { soap.WriteResponse(w, e, m) })
	require.NoError(t, err, "one XML document has no parts")
	require.Empty(t, parts)

	var f *soap.Fault
	_, err = streamed(t, 0, func(w http.ResponseWriter, e *soap.Envelope) {
		require.NoError(t, soap.WriteFaultPackage(w, e, &soap.Fault{Code: soap.Sender, Subcodes: []string{"X"}, Status: 200}))
	})
	require.ErrorAs(t, err, &f)
	require.Equal(t, "X", f.Subcode())
	require.Equal(t, 200, f.Status)

	_, err = streamed(t, 0, func(w http.ResponseWriter, e *soap.Envelope) {
		m := m
		m.RelatesTo = "urn:uuid:another"
		require.NoError(t, soap.WritePackage(w, e, m, part))
	})
	require.ErrorIs(t, err, soap.ErrUnrelated)

	large := part
	large.Size = 1 << 20
	large.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(make([]byte, 1<<20))), nil }
	_, err = streamed(t, 64<<10, func(w http.ResponseWriter, e *soap.Envelope) { _ = soap.WritePackage(w, e, m, large) })
	require.True(t, errors.Is(err, transport.ErrTooLarge) || errors.Is(err, mtom.ErrLimit), err)
}
