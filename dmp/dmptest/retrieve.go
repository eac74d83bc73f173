package dmptest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

const actionRetrieve = "urn:ihe:iti:2007:RetrieveDocumentSet"

// retrieve answers TD3.2: an MTOM package, even for a fault.
func (s *Server) retrieve(w http.ResponseWriter, r *http.Request, e *soap.Envelope) {
	who, fault := s.authenticate(r, e)
	var answer *retrieveAnswer
	if fault == nil {
		answer, fault = s.documents(who, e)
		s.trace(who, fault)
	}
	if fault != nil {
		_ = soap.WriteFaultPackage(w, e, fault)
		return
	}
	answer.write(w, e)
}

// retrieveAnswer is an answer to TD3.2 that is being made.
type retrieveAnswer struct {
	xds.RetrieveResponse
	content map[string][]byte // by content id
	order   []string          // of the parts
	defect  Defect
}

// documents checks the request and gives what it asks for.
func (s *Server) documents(who *session, e *soap.Envelope) (*retrieveAnswer, *soap.Fault) {
	if f := s.may(who, opRetrieve); f != nil {
		return nil, f
	}
	wanted, err := xds.ParseRetrieve(e.Body)
	if err != nil {
		return nil, refuse(codeMessage, err.Error())
	}
	planned := s.injected(opRetrieve)
	if planned != nil && planned.Fault != nil {
		return nil, planned.Fault.soap()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.find(who.patient)
	switch {
	case record == nil:
		return nil, refuse("XDSUnknownPatientId", "no DMP for the patient of the VIHF (resource-id)")
	case record.State == dmp.StateClosed:
		return nil, refuse(codeClosed, "le DMP du patient est fermé")
	}
	if f := s.mayRead(who, opRetrieve, record); f != nil {
		return nil, f
	}
	a := &retrieveAnswer{content: map[string][]byte{}}
	a.Status = xds.ResponseSuccess
	registry := registryAnswer{who: who, record: record}
	for _, d := range wanted {
		v := record.document(d.UniqueID)
		switch {
		case d.Repository != repositoryOID:
			a.fail("XDSUnknownRepositoryId", "RepositoryUniqueId: expected "+repositoryOID, d.UniqueID)
		case v == nil || !registry.sees(v):
			a.fail("XDSDocumentUniqueIdError", "DocumentUniqueId: no such document, expected a uniqueId", d.UniqueID)
		case planned != nil && planned.lacks(d.UniqueID, wanted):
		default:
			a.add(v)
		}
	}
	switch {
	case len(a.Errors) == 0:
	case len(a.Documents) == 0:
		return nil, refuse(string(a.Errors[0].Code), a.Errors[0].Context)
	default:
		a.Status = xds.ResponsePartial
	}
	if planned != nil {
		planned.spoilDocuments(a)
	}
	return a, nil
}

func (a *retrieveAnswer) fail(code xds.ErrorCode, context, location string) {
	a.Errors = append(a.Errors, xds.RegistryError{Code: code, Context: context, Location: location, Severity: xds.SeverityError})
}

func (a *retrieveAnswer) add(v *version) {
	id := fmt.Sprintf("%s-%d@urn:ihe:iti:xds-b:2007", soap.NewUUID(), len(a.order)+2)
	a.content[id] = v.content
	a.order = append(a.order, id)
	a.Documents = append(a.Documents, xds.Retrieved{DocumentRequest: xds.DocumentRequest{Repository: repositoryOID, UniqueID: v.entry.UniqueID},
		MimeType: v.entry.MimeType, ContentID: id})
}

// parts gives the parts of the package, in their order.
func (a *retrieveAnswer) parts() []mtom.Part {
	var all []mtom.Part
	for _, id := range a.order {
		b := a.content[id]
		mime := "text/xml"
		if i := slices.IndexFunc(a.Documents, func(d xds.Retrieved) bool { return d.ContentID == id }); i >= 0 {
			mime = a.Documents[i].MimeType
		}
		all = append(all, mtom.Part{ContentID: id, ContentType: mime, Size: int64(len(b)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }})
	}
	return all
}

func (a *retrieveAnswer) write(w http.ResponseWriter, e *soap.Envelope) {
	m := soap.Message{Action: actionRetrieve + "Response", Body: a.Marshal()}
	if a.defect != "" && a.defect.write(w, e, m) {
		return
	}
	if err := soap.WritePackage(w, e, m, a.parts()...); err != nil {
		panic(http.ErrAbortHandler)
	}
}
