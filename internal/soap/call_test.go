package soap_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xmltree"
)

func client(t *testing.T, watch socle.Watch) *transport.Client {
	t.Helper()
	c, err := transport.New(transport.Config{Service: socle.ServiceDMP, HTTPClient: http.DefaultClient, Watch: watch})
	require.NoError(t, err)
	return c
}

func TestCallGivesTheAnswerAndReportsTheExchange(t *testing.T) {
	t.Parallel()
	var seen socle.Exchange
	c := client(t, socle.Watch{Observe: func(_ context.Context, x socle.Exchange) { seen = x }})
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		e, f := soap.ReadRequest(r, xmltree.Limits{})
		if f != nil {
			soap.WriteFault(w, e, f)
			return
		}
		soap.WriteResponse(w, e, soap.Message{Action: "urn:example:Done", Body: []byte(`<ok xmlns="urn:b" code="17"></ok>`)})
	})
	verdict := errors.New("verdict")
	r := soap.Request{Op: "TD0.0", URL: srv.URL, Message: request(), Check: func(e *soap.Envelope) (string, error) {
		return e.Body.Attr("code"), verdict
	}}
	e, err := soap.Call(context.Background(), c, r)
	require.ErrorIs(t, err, verdict)
	require.True(t, e.Body.Is("urn:b", "ok"))
	require.Equal(t, "17", seen.Code)
	require.Equal(t, r.Message.MessageID, seen.MessageID)
	require.Equal(t, "TD0.0", seen.Operation)
	require.NotContains(t, string(seen.Request), "secret")
}

func TestCallGivesFaults(t *testing.T) {
	t.Parallel()
	var seen socle.Exchange
	c := client(t, socle.Watch{Observe: func(_ context.Context, x socle.Exchange) { seen = x }})
	for _, subcodes := range [][]string{{"A", "B"}, nil} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			soap.WriteFault(w, nil, &soap.Fault{Code: soap.Sender, Subcodes: subcodes, Reason: "non"})
		})
		e, err := soap.Call(context.Background(), c, soap.Request{Op: "x", URL: srv.URL, Message: request()})
		var f *soap.Fault
		require.ErrorAs(t, err, &f)
		require.NotNil(t, e)
		want := "B"
		if subcodes == nil {
			want = "Sender"
		}
		require.Equal(t, want, seen.Code)
		require.Equal(t, socle.OutcomeRefused, seen.Outcome)
	}
}

func TestCallRefusesTheAnswerToAnotherMessage(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		soap.WriteResponse(w, &soap.Envelope{MessageID: "urn:uuid:other"}, soap.Message{Action: "urn:a"})
	})
	_, err := soap.Call(context.Background(), client(t, socle.Watch{}), soap.Request{Op: "x", URL: srv.URL, Message: request()})
	require.ErrorIs(t, err, soap.ErrUnrelated)
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(err))
}

func TestCallSendsPartsAsMTOM(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("x"), 100_000)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		p, err := mtom.Read(r.Header.Get("Content-Type"), r.Body, mtom.Limits{})
		if err != nil {
			soap.WriteFault(w, nil, &soap.Fault{Code: soap.Sender, Reason: err.Error()})
			return
		}
		e, f := soap.ReadEnvelope(p.Root, p.Action, xmltree.Limits{})
		if f != nil {
			soap.WriteFault(w, e, f)
			return
		}
		in, err := p.NextPart()
		if err == nil {
			var b []byte
			if b, err = io.ReadAll(in); err == nil && bytes.Equal(b, content) {
				soap.WriteResponse(w, e, soap.Message{Action: "urn:a"})
				return
			}
		}
		soap.WriteFault(w, e, &soap.Fault{Code: soap.Sender, Reason: "parts"})
	})
	c := client(t, socle.Watch{})
	r := soap.Request{Op: "x", URL: srv.URL, Message: request(), Parts: []mtom.Part{{ContentID: "a", ContentType: "text/xml", Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}}}
	_, err := soap.Call(context.Background(), c, r)
	require.NoError(t, err)
	r.Parts[0].ContentID = ""
	_, err = soap.Call(context.Background(), c, r)
	require.ErrorIs(t, err, mtom.ErrMalformed)
	_, err = soap.Call(context.Background(), c, soap.Request{URL: "http://["})
	require.ErrorContains(t, err, "soap: ")
}
