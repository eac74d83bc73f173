package dmp

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// Whatever a registry answers, there is an *Error, or entries of this patient alone.
func FuzzSearchAnswer(f *testing.F) {
	patient, err := ins.Parse("279035121518989", "1.2.250.1.213.1.4.10")
	if err != nil {
		f.Fatal(err)
	}
	entry := xds.DocumentEntry{ID: "urn:uuid:1", UniqueID: "1.2.3", PatientID: xds.PatientINS("279035121518989", "1.2.250.1.213.1.4.10"), CreationTime: "2026"}
	r := xds.QueryResponse{Response: xds.Response{Status: xds.ResponseSuccess}, Total: 1, Documents: []xds.DocumentEntry{entry}}
	f.Add(soap.Message{Action: "urn:a", Body: r.Marshal()}.Marshal())
	entry.PatientID.ID = "101010000000000"
	r.Documents = append(r.Documents, entry)
	f.Add(soap.Message{Action: "urn:a", Body: r.Marshal()}.Marshal())
	r = xds.QueryResponse{Response: xds.Response{Status: xds.ResponsePartial, Errors: []xds.RegistryError{{Code: "XDSRegistryBusy"}}}, References: []string{"urn:uuid:1"}}
	f.Add(soap.Message{Action: "urn:a", Body: r.Marshal()}.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := soap.Parse(b, xmltree.Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		var own *Error
		a := &answered{}
		if _, err := a.check(opSearch, e, patient, nil); err != nil {
			if !errors.As(err, &own) {
				t.Fatal(err)
			}
			if !own.Partial {
				return
			}
		}
		for _, e := range a.entries(&patient) {
			_ = e.String()
		}
		for _, d := range a.Documents {
			if d.PatientID.Authority.ID == "1.2.250.1.213.1.4.10" && d.PatientID.ID != "279035121518989" {
				t.Fatal("a document of another patient")
			}
		}
		if _, err := a.reference(); err != nil && !errors.As(err, &own) {
			t.Fatal(err)
		}
	})
}

// Whatever a repository answers, a document is said to be complete only when it
// is the one of its metadata.
func FuzzRetrieveAnswer(f *testing.F) {
	want := []byte("<a/>")
	sum := sha1.Sum(want)
	entry := Entry{ID: "1.2.3", Hash: hex.EncodeToString(sum[:]), Size: int64(len(want))}
	answer := func(d xds.Retrieved) []byte {
		d.DocumentRequest = xds.DocumentRequest{Repository: "1.2", UniqueID: "1.2.3"}
		r := xds.RetrieveResponse{Response: xds.Response{Status: xds.ResponseSuccess}, Documents: []xds.Retrieved{d}}
		return soap.Message{Action: "urn:a", Body: r.Marshal()}.Marshal()
	}
	const related = `multipart/related; type="application/xop+xml"; boundary=b`
	packed := func(content string) []byte {
		return []byte("--b\r\nContent-Type: application/xop+xml\r\nContent-ID: <r>\r\n\r\n" + string(answer(xds.Retrieved{ContentID: "a:b@c"})) +
			"\r\n--b\r\nContent-ID: <a:b@c>\r\n\r\n" + content + "\r\n--b--\r\n")
	}
	f.Add(related, packed("<a/>"))
	f.Add(related, packed("<a>"))
	f.Add("application/soap+xml", answer(xds.Retrieved{Inline: want}))
	f.Fuzz(func(t *testing.T, contentType string, b []byte) {
		p, err := mtom.Read(contentType, bytes.NewReader(b), mtom.Limits{Bytes: 1 << 16, Root: 1 << 15, Parts: 2})
		if err != nil {
			return
		}
		e, err := soap.Parse(p.Root, xmltree.Limits{Bytes: 1 << 15})
		if err != nil {
			return
		}
		s := &retrieval{wanted: Retrieval{Entries: []Entry{entry}}, state: make([]error, 1), left: make([]bool, 1), came: make([]bool, 1)}
		s.yield = func(in *Incoming, _ error) bool {
			if got, err := io.ReadAll(in); err == nil && !bytes.Equal(got, want) {
				t.Fatalf("complete: %q", got)
			}
			return true
		}
		var own *Error
		if _, err := s.read(e, p); err != nil && !errors.As(err, &own) {
			t.Fatal(err)
		}
	})
}

// What a store gives back is a cursor, or is refused.
func FuzzCursor(f *testing.F) {
	patient, err := ins.Parse("279035121518989", "1.2.250.1.213.1.4.10")
	if err != nil {
		f.Fatal(err)
	}
	c := newCursor([]byte("key"), patient)
	c.Known["l"] = known{ID: "1.2.3", UUID: "urn:uuid:1"}
	f.Add(c.marshal())
	f.Add([]byte(`{"format":2,"at":"2026-03-01T00:00:00Z","known":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := readCursor(b, []byte("key"), patient, nil)
		if err != nil {
			return
		}
		again, err := readCursor(c.marshal(), []byte("key"), patient, nil)
		if err != nil || len(again.Known) != len(c.Known) {
			t.Fatal(err)
		}
	})
}
