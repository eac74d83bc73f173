package soap_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// FuzzReadResponse reads what a service may answer: whatever it is, the caller
// gets an envelope, or an error of this package.
func FuzzReadResponse(f *testing.F) {
	m := request()
	p, err := mtom.New(m.Marshal(), m.Action)
	if err != nil {
		f.Fatal(err)
	}
	var packed bytes.Buffer
	if _, err := p.WriteTo(&packed); err != nil {
		f.Fatal(err)
	}
	f.Add(200, m.ContentType(), m.Marshal())
	f.Add(200, p.ContentType(), packed.Bytes())
	f.Add(500, soap.MediaType, []byte(fault12("Sender", "", "")))
	f.Add(502, "text/html", []byte("<!doctype html><html>"))
	f.Add(200, `multipart/related; boundary=b`, []byte("--b\r\n\r\n<x/>\r\n--b--"))
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		limits := xmltree.Limits{Bytes: 1 << 16, Nodes: 5000}
		e, err := soap.ReadResponse(&http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
			Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}, limits)
		var fault *soap.Fault
		var bad *soap.ResponseError
		switch {
		case err == nil && (e == nil || e.Body == nil || e.Fault != nil || status >= 300):
			t.Fatal("no answer taken for one")
		case err == nil:
		case errors.As(err, &fault):
			if e == nil || fault.Status != status {
				t.Fatal("a fault without its envelope or its status")
			}
			_, _, _ = fault.Error(), fault.Outcome(), fault.Retryable()
		case errors.As(err, &bad):
			_, _, _ = bad.Error(), bad.Outcome(), bad.Retryable()
		default:
			t.Fatal(err)
		}
	})
}

// FuzzReadRequest reads what a client may send: whatever it is, there is an
// envelope or a fault that can be answered.
func FuzzReadRequest(f *testing.F) {
	m := request()
	f.Add("POST", m.ContentType(), m.Marshal())
	f.Add("GET", "", []byte(nil))
	f.Add("POST", `application/soap+xml; action="other"`, m.Marshal())
	f.Fuzz(func(t *testing.T, method, contentType string, body []byte) {
		r := &http.Request{Method: method, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewReader(body))}
		e, fault := soap.ReadRequest(r, xmltree.Limits{Bytes: 1 << 16, Nodes: 5000})
		if fault == nil {
			fault = e.CheckAddressing()
		}
		if fault == nil {
			return
		}
		w := httptest.NewRecorder()
		soap.WriteFault(w, e, fault)
		answer, err := soap.ReadResponse(w.Result(), xmltree.Limits{Bytes: 1 << 20})
		if !errors.As(err, &fault) || answer == nil {
			t.Fatal("the fault does not come back: ", err)
		}
	})
}
