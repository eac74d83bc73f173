package dmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// wsa:Action of ITI-43.
const actionRetrieve = "urn:ihe:iti:2007:RetrieveDocumentSet"

// Bounds of an answer to ITI-43. A document in line, in the envelope, is held in
// memory with it; one that is a part of its own is not.
const (
	maxRetrieved = 128 << 20 // of a document, when Retrieval says nothing
	maxEnvelope  = 16 << 20
	maxRequested = 100 // documents of one request
)

// Retrieval says which documents of a record are wanted.
type Retrieval struct {
	// Record is what Exists said of this patient; mandatory.
	Record Record
	// Entries are the documents, as Search gave them: 1 to 100. Of one that was
	// made otherwise ID is mandatory; without its Repository, that of the DMP is
	// asked, and without Hash or Size nothing is compared with them.
	Entries []Entry
	// MaxSize is the largest document that is taken, in bytes; 0 is 128 MiB.
	MaxSize int64
}

// Incoming is a document that comes. It must be read, as far as it is wanted,
// before the next one is asked for.
type Incoming struct {
	Entry     Entry  // which of the Retrieval it is
	MediaType string // as the repository says; the registry's is in Entry
	// Unverified tells that the Entry has no hash to compare the bytes with.
	Unverified bool

	verified
}

// String gives the identifier of the document, and nothing of what it is about.
func (in Incoming) String() string { return in.Entry.String() }

// GoString gives the same as String.
func (in Incoming) GoString() string { return in.String() }

// Retrieve gives the bytes of documents of the patient's record (TD3.2,
// "Consulter un document"): the transaction ITI-43, of which each document is
// streamed, in the order in which the DMP sends them, and never held in memory.
//
//	for doc, err := range client.Retrieve(ctx, who, patient, dmp.Retrieval{Record: record, Entries: entries}) {
//		if err != nil {
//			return err
//		}
//		content, err := io.ReadAll(doc)
//
// Read gives io.EOF only at the end of a document that has the hash and the size
// of its Entry, and ErrPatientMismatch as soon as a CDA names another patient.
// Anything else ends with ErrIntegrity, or with the error of the connection: what
// was read until then must not be used. [CDA.IsOf] tells more: that a CDA names
// this patient. A document that is left before its end is so in the audit.
//
// An error of the call comes last, without a document, after the documents that
// came all the same: that of PartialSuccess, ErrNoDocument for one that the DMP
// did not give, or what a rule refuses before anything is sent. It is tried again
// when the DMP is not available and no document came yet.
func (c *Client) Retrieve(ctx context.Context, who socle.Professional, patient ins.Identity, r Retrieval) iter.Seq2[*Incoming, error] {
	return func(yield func(*Incoming, error) bool) {
		id, err := c.admitRead(ctx, opRetrieve, who, patient, r.Record)
		if err == nil {
			if err = r.check(id); err != nil {
				err = c.refused(ctx, opRetrieve, who, id, err)
			}
		}
		if err != nil {
			yield(nil, err)
			return
		}
		s := &retrieval{wanted: r, yield: yield, state: make([]error, len(r.Entries)), came: make([]bool, len(r.Entries)), left: make([]bool, len(r.Entries)),
			patient: id, past: patient.History()}
		err = transport.Retry(ctx, attempts, true, func(attempt int) error {
			err := s.call(ctx, c, who, id, attempt)
			if own, ok := errors.AsType[*Error](err); ok && s.given {
				own.retry = false
			}
			return err
		})
		for i, e := range r.Entries { // who read what
			switch {
			case !s.came[i]:
				c.record(ctx, opRetrieve, who, id, e.ID, err)
			case s.left[i]:
				c.because("not read to its end").record(ctx, opRetrieve, who, id, e.ID, s.state[i])
			default:
				c.record(ctx, opRetrieve, who, id, e.ID, s.state[i])
			}
		}
		if err != nil && !s.stopped {
			yield(nil, err)
		}
	}
}

func (r Retrieval) check(id ins.INS) error {
	if len(r.Entries) == 0 || len(r.Entries) > maxRequested {
		return refusal(opRetrieve, ErrQuery, fmt.Sprintf("Retrieval.Entries: 1 to %d documents expected", maxRequested), "")
	}
	if r.MaxSize < 0 {
		return refusal(opRetrieve, ErrQuery, "Retrieval.MaxSize: below zero", "")
	}
	seen := map[string]bool{}
	for i, e := range r.Entries {
		field := fmt.Sprintf("Retrieval.Entries[%d]", i)
		switch {
		case e.ID == "":
			return refusal(opRetrieve, ErrQuery, field+".ID: mandatory", "")
		case strings.HasPrefix(e.ID, "urn:uuid:"):
			return refusal(opRetrieve, ErrQuery, field+".ID: the uniqueId of the document expected, not its entryUUID",
				"the DMP would answer XDSDocumentUniqueIdError")
		case e.patient != nil && *e.patient != id:
			return refusal(opRetrieve, ErrPatientMismatch, field+" is a document of another patient", "")
		case seen[e.ID]:
			return refusal(opRetrieve, ErrQuery, field+" comes twice", "")
		case e.Size > r.max():
			return refusal(opRetrieve, ErrDocumentTooLarge, fmt.Sprintf("%s has %d bytes, at most %d are taken", field, e.Size, r.max()), "raise Retrieval.MaxSize")
		}
		seen[e.ID] = true
	}
	return nil
}

func (r Retrieval) max() int64 {
	if r.MaxSize == 0 {
		return maxRetrieved
	}
	return r.MaxSize
}

// retrieval is a Retrieve that is under way.
type retrieval struct {
	wanted  Retrieval
	yield   func(*Incoming, error) bool
	given   bool    // a document was given
	stopped bool    // the caller wants no more
	came    []bool  // by place among the entries
	left    []bool  // those that were not read to their end
	state   []error // how the reading of those that came ended
	patient ins.INS
	past    []ins.Past
}

func (s *retrieval) call(ctx context.Context, c *Client, who socle.Professional, id ins.INS, attempt int) error {
	security, err := c.security(opRetrieve, c.cfg.Mode, who, id, c.cfg.Now())
	if err != nil {
		return err
	}
	var request []xds.DocumentRequest
	limit := int64(maxEnvelope)
	for _, e := range s.wanted.Entries {
		repository := e.Repository
		if repository == "" {
			repository = c.cfg.Dialect.Repository
		}
		request = append(request, xds.DocumentRequest{Repository: repository, UniqueID: e.ID})
		limit += s.wanted.max() + 4<<10 // headers of the part
	}
	body, err := xds.MarshalRetrieve(request)
	if err != nil {
		e := refusal(opRetrieve, ErrQuery, err.Error(), "")
		e.Err = err
		return e
	}
	m := soap.Message{Action: c.action(opRetrieve, actionRetrieve), MessageID: soap.NewMessageID(), Headers: [][]byte{security}, Body: body}
	err = soap.Stream(ctx, c.transport, soap.Request{
		Op: opRetrieve, URL: c.cfg.Environment.url(serviceRepository), Message: m, Attempt: attempt,
		MaxBytes: limit, Limits: xmltree.Limits{Bytes: maxEnvelope},
		Answer: c.answer(opRetrieve, actionRetrieve), Uncorrelated: c.cfg.Dialect.Uncorrelated,
	}, len(request), s.read)
	return called(opRetrieve, m.MessageID, err)
}

// read gives the documents of an answer while they come.
func (s *retrieval) read(e *soap.Envelope, p *mtom.Reader) (string, error) {
	answer, err := xds.ParseRetrieveResponse(e.Body)
	if err != nil {
		return "", unusable(opRetrieve, err.Error(), err)
	}
	if _, err := p.Resolve(e.Doc.Root); err != nil {
		return "", unusable(opRetrieve, err.Error(), err)
	}
	code, _, failed := outcome(opRetrieve, answer.Response)
	if failed != nil && !partial(failed) {
		return code, failed // documents of a failure are none
	}
	places, parts := make([]int, len(answer.Documents)), map[string]int{}
	for i, d := range answer.Documents {
		place := slices.IndexFunc(s.wanted.Entries, func(e Entry) bool { return e.ID == d.UniqueID })
		if place < 0 || slices.Contains(places[:i], place) {
			return code, unusable(opRetrieve, "the answer has a document that was not asked for, or one twice: nothing of it is given", nil)
		}
		places[i] = place
		if d.ContentID != "" {
			parts[d.ContentID] = i
		}
	}
	for i, d := range answer.Documents {
		if d.ContentID == "" && !s.give(places[i], d, bytes.NewReader(d.Inline)) {
			return code, nil
		}
	}
	for len(parts) > 0 {
		part, err := p.NextPart()
		if err == io.EOF {
			err = mtom.ErrMissing // a document that is no part, in an answer that is no package
		}
		if err != nil {
			return code, s.broken(err)
		}
		i := parts[part.ContentID] // Resolve leaves no other
		delete(parts, part.ContentID)
		if !s.give(places[i], answer.Documents[i], part) {
			return code, nil
		}
	}
	if _, err := p.NextPart(); err != io.EOF { // a package ends, and has nothing that its root does not name
		return code, s.broken(err)
	}
	if failed != nil {
		return code, failed
	}
	for i, came := range s.came {
		if !came {
			return code, (&Error{Op: opRetrieve, Text: fmt.Sprintf("the DMP did not give Retrieval.Entries[%d], and does not say why", i),
				Partial: s.given, kind: ErrNoDocument, ours: true}).refused()
		}
	}
	return code, nil
}

// give gives a document to the caller, and reports whether more is wanted.
func (s *retrieval) give(place int, d xds.Retrieved, r io.Reader) bool {
	e := s.wanted.Entries[place]
	in := &Incoming{Entry: e, MediaType: d.MimeType, Unverified: e.Hash == "",
		verified: newVerified(r, e, s.wanted.max(), header{patient: s.patient, past: s.past})}
	s.came[place], s.given = true, true
	s.stopped = !s.yield(in, nil)
	s.left[place] = in.err == nil
	in.close()
	if in.err != io.EOF {
		s.state[place] = in.err
	}
	return !s.stopped
}

// broken is an answer whose parts cannot be read.
func (s *retrieval) broken(err error) error {
	for _, own := range []error{mtom.ErrMalformed, mtom.ErrMissing, mtom.ErrDuplicate, mtom.ErrUnreferenced, mtom.ErrLimit} {
		if errors.Is(err, own) {
			e := unusable(opRetrieve, "the package of the answer: "+err.Error(), err)
			e.Partial = s.given
			return e
		}
	}
	return cut(err)
}
