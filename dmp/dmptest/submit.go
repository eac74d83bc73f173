package dmptest

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

const (
	opSubmit      = "TD2.1"
	actionProvide = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
)

// Document is a document that the emulator accepted.
type Document struct {
	ID           string // uniqueId
	EntryUUID    string
	LogicalID    string
	Version      int
	Status       string // availabilityStatus
	Title        string
	Type         string // typeCode
	Class        string // classCode
	Format       string // formatCode
	Visibility   []string
	Content      []byte // the CDA document
	Signature    []byte // the signature of its lot
	SubmissionID string // uniqueId of the lot
	Author       string // NameID of the VIHF
	Structure    string // Identifiant_Structure of the VIHF
	Mode         string // Authentification_mode of the VIHF
	ReceivedAt   time.Time
}

// PDF gives the file of a document of level 1.
func (d Document) PDF() ([]byte, error) {
	c, err := readCDA(d.Content)
	if err != nil {
		return nil, err
	}
	return c.file()
}

// repository is the service of XDS.b_DocumentRepository.wsdl.
func (s *Server) repository(w http.ResponseWriter, r *http.Request) {
	p, err := mtom.Read(r.Header.Get("Content-Type"), r.Body, mtom.Limits{Bytes: 8*s.options.MaxDocumentSize + 16<<20, Root: 4 << 20, Parts: 128})
	if err != nil {
		soap.WriteFault(w, nil, refuse(codeMessage, err.Error()))
		return
	}
	e, fault := soap.ReadEnvelope(p.Root, p.Action, xmltree.Limits{})
	switch {
	case fault != nil:
	case e.Action == actionProvide:
		emulator.Annotate(r, opSubmit)
		s.answer(w, r, e, func(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) { return s.submit(who, e, p) })
		return
	case e.Action == actionRetrieve:
		emulator.Annotate(r, opRetrieve)
		s.retrieve(w, r, e)
		return
	default:
		fault = unsupported(e)
	}
	soap.WriteFault(w, e, fault)
}

// submit answers TD2.1.
func (s *Server) submit(who *session, e *soap.Envelope, p *mtom.Reader) (soap.Message, *soap.Fault) {
	if f := s.may(who, opSubmit); f != nil {
		return soap.Message{}, f
	}
	if !p.Multipart {
		return soap.Message{}, refuse(codeMessage, "Content-Type: expected multipart/related, the documents as MTOM parts")
	}
	lot, fault := s.receive(who, e, p)
	if fault != nil {
		return soap.Message{}, fault
	}
	planned := s.injected(opSubmit)
	if planned != nil && planned.Fault != nil {
		return soap.Message{}, planned.Fault.soap()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.find(who.patient)
	if record != nil && record.State == dmp.StateClosed {
		return soap.Message{}, refuse(codeClosed, "le DMP du patient est fermé")
	}
	if record == nil {
		lot.fail("XDSUnknownPatientId", "patientId: no DMP for this patient", "")
	}
	lot.check(s)
	if record != nil && len(lot.errors) == 0 {
		lot.checkReplaced(s, record)
	}
	response := xds.Response{Status: xds.ResponseFailure, Errors: lot.errors}
	if len(lot.errors) == 0 {
		done := true
		if response.Status = xds.ResponseSuccess; planned != nil {
			response, done = planned.response()
		}
		if done {
			s.store(record, lot)
		}
	}
	return soap.Message{Action: actionProvide + "Response", Body: response.Marshal()}, nil
}

// lot is a submission as it came.
type lot struct {
	who      *session
	body     *xmltree.Element
	metadata *xds.Submission
	parts    map[string][]byte // content by document id of the metadata
	source   []string          // sourcePatientInfo of a document
	errors   []xds.RegistryError
}

func (l *lot) fail(code xds.ErrorCode, context, location string) {
	l.errors = append(l.errors, xds.RegistryError{Code: code, Context: context, Location: location, Severity: xds.SeverityError})
}

// receive reads the metadata and the parts of a submission.
func (s *Server) receive(who *session, e *soap.Envelope, p *mtom.Reader) (*lot, *soap.Fault) {
	metadata, references, err := xds.ParseProvide(e.Body)
	if err != nil {
		return nil, refuse(codeMessage, err.Error())
	}
	if _, err := p.Resolve(e.Doc.Root); err != nil {
		return nil, refuse(codeMessage, err.Error())
	}
	l := &lot{who: who, body: e.Body, metadata: metadata, parts: map[string][]byte{}}
	content := map[string][]byte{}
	for {
		part, err := p.NextPart()
		if err == io.EOF {
			break
		}
		if errors.Is(err, mtom.ErrMissing) {
			break // XDSMissingDocument tells which
		}
		if err != nil {
			return nil, refuse(codeMessage, err.Error())
		}
		b, err := io.ReadAll(io.LimitReader(part, s.options.MaxDocumentSize+1))
		if err != nil {
			return nil, refuse(codeMessage, "a part was cut: "+err.Error())
		}
		if len(b) == 0 {
			l.fail("InvalidDocumentContent", "document size: expected more than 0 bytes", "")
		}
		if int64(len(b)) > s.options.MaxDocumentSize {
			l.fail(codeTooLarge, fmt.Sprintf("document size: expected at most %d bytes", s.options.MaxDocumentSize), "")
			_, _ = io.Copy(io.Discard, part)
		}
		content[part.ContentID] = b
	}
	for _, r := range references {
		known := slices.ContainsFunc(metadata.Documents, func(d xds.DocumentEntry) bool { return d.ID == r.DocumentID })
		b, came := content[r.ContentID]
		switch {
		case !known:
			l.fail("XDSMissingDocumentMetadata", "xdsb:Document without ExtrinsicObject", r.DocumentID)
		case l.parts[r.DocumentID] != nil:
			l.fail("XDSRepositoryDuplicateUniqueIdInMessage", "two xdsb:Document for one ExtrinsicObject", r.DocumentID)
		case came:
			l.parts[r.DocumentID] = b
		}
	}
	return l, nil
}

// check applies the rules of a submission. s.mu is held.
func (l *lot) check(s *Server) {
	if len(l.errors) > 0 && l.errors[0].Code == codeTooLarge {
		return // what follows would only say it again
	}
	l.checkMetadata(s.options.StrictAuthors)
	seen := map[string]bool{l.metadata.Set.UniqueID: true}
	if s.unique[l.metadata.Set.UniqueID] {
		l.fail("XDSDuplicateUniqueIdInRegistry", "uniqueId of the submission set is already in the registry", l.metadata.Set.ID)
	}
	for _, d := range l.metadata.Documents {
		content, came := l.parts[d.ID]
		switch {
		case !came:
			l.fail("XDSMissingDocument", "ExtrinsicObject without document", d.ID)
			continue
		case seen[d.UniqueID]:
			l.fail("XDSRegistryDuplicateUniqueIdInMessage", "uniqueId: two objects have it", d.ID)
		case s.unique[d.UniqueID]:
			l.fail("XDSDuplicateUniqueIdInRegistry", "uniqueId is already in the registry", d.ID)
		}
		seen[d.UniqueID] = true
		if sum := sha1.Sum(content); d.Hash != "" && !strings.EqualFold(d.Hash, hex.EncodeToString(sum[:])) {
			l.fail("XDSNonIdenticalHash", "hash: expected the SHA-1 of the document", d.ID)
		}
		if d.Size != 0 && d.Size != int64(len(content)) {
			l.fail("XDSNonIdenticalSize", fmt.Sprintf("size: expected %d, the size of the document", len(content)), d.ID)
		}
		if !isSignature(d) {
			l.checkDocument(d, content)
		}
	}
	if len(l.errors) == 0 {
		l.checkSignature(s)
	}
}

// store keeps the documents of a lot. s.mu is held.
func (s *Server) store(r *record, l *lot) {
	s.unique[l.metadata.Set.UniqueID] = true
	var versions []*version
	var signature []byte
	for _, d := range l.metadata.Documents {
		s.unique[d.UniqueID] = true
		content := bytes.Clone(l.parts[d.ID])
		sum := sha1.Sum(content)
		d.Hash, d.Size, d.LogicalID, d.Version = hex.EncodeToString(sum[:]), int64(len(content)), "", ""
		v := &version{entry: d, content: content, author: l.who.vihf.NameID, structure: l.who.vihf.StructureID,
			mode: string(l.who.vihf.Mode), at: s.now()}
		if isSignature(d) {
			signature = content
		}
		versions = append(versions, v)
	}
	for _, v := range versions {
		if !isSignature(v.entry) {
			v.signature = signature
		}
	}
	r.keep(l.metadata.Set, versions, l.metadata.Associations)
	r.deprecate(l.metadata.Associations)
}
