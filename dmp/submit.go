package dmp

import (
	"bytes"
	"context"
	"crypto/rsa"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xds"
)

// wsa:Action of ITI-41.
const actionProvide = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"

// Submission is a lot: documents to add to a record together.
type Submission struct {
	// Record is what Exists said of this patient; mandatory.
	Record Record
	// Documents were made for this patient and this professional, by NewDocument
	// or another maker of documents; at least one.
	Documents []*Document
	// Replaced gives the entryUUID of the documents that these replace, by their
	// uniqueId (Edition.Replaces); optional: those that it lacks are asked of the
	// DMP before anything is sent (TD3.1b).
	Replaced map[string]string
	// Opposed says that the patient opposes, for a legitimate reason, that these
	// documents be sent: nothing is.
	Opposed bool
	Title   string // of the lot; optional
}

// Receipt is what is known of a lot that was added. The DMP gives no identifier
// of its own back.
type Receipt struct {
	Documents    []Sent // in the order of the Submission
	SubmissionID string // uniqueId of the lot
	SentAt       time.Time
	MessageID    string // wsa:MessageID of the request
	// Warnings are those of the registry.
	Warnings []RegistryError
}

// traced gives what is to be kept of a lot that failed: its identifiers, when it
// may have been added.
func (r Receipt) traced(err error) Receipt {
	if socle.OutcomeOf(err) != socle.OutcomeUnknown {
		return Receipt{}
	}
	return Receipt{SubmissionID: r.SubmissionID, SentAt: r.SentAt, MessageID: r.MessageID}
}

// Sent is a document that was added.
type Sent struct {
	ID       string // uniqueId of the document
	Hash     string // SHA-1 of the document, in hexadecimal
	Size     int64  // bytes of the document
	Replaces string // uniqueId of the document whose place it took, if any
}

// Submit adds documents to the patient's record (TD2.1, "Alimentation"): the
// transaction ITI-41 with the documents and the XAdES signature of the lot as
// MTOM parts. A document whose Edition.Replaces names another takes its place
// (RPLC): the DMP then deprecates that one.
//
// Before anything is sent it refuses, as the DMP or the rules would: a record
// that was not checked, is absent or closed, an opposition, an identity that is
// not qualified, a document of another patient or professional, one that is too
// large, one that comes twice. It is tried again only when nothing was sent.
//
// When the outcome of an error is unknown, the documents may be there, and the
// Receipt has the SubmissionID and the MessageID of the lot, to be traced, without
// Documents: call
// Exists, then Submit the same Documents again; ErrDuplicate then says that it
// was done. With PartialSuccess come both the Receipt and the error.
func (c *Client) Submit(ctx context.Context, who socle.Professional, patient ins.Identity, s Submission) (Receipt, error) {
	id, err := c.admit(ctx, opSubmit, c.submitMode(), who, patient)
	if err != nil {
		return Receipt{}, err
	}
	if err := c.admitSubmission(ctx, who, id, s); err != nil {
		return Receipt{}, c.refused(ctx, opSubmit, who, id, err)
	}
	l := lot{Submission: s, id: c.newOID(armLot)}
	if l.targets, err = c.targets(ctx, who, patient, s); err != nil {
		return Receipt{}, c.refused(ctx, opSubmit, who, id, err)
	}
	var r Receipt
	err = transport.Retry(ctx, attempts, false, func(attempt int) error {
		var err error
		r, err = c.submit(ctx, who, id, l, attempt)
		return err
	})
	for _, d := range s.Documents {
		c.record(ctx, opSubmit, who, id, d.ID(), err)
	}
	return r, err
}

// submitMode is the mode in which documents are sent: the DMP refuses AIR.
func (c *Client) submitMode() Mode {
	if c.cfg.Mode == AIR {
		return Indirect
	}
	return c.cfg.Mode
}

func (c *Client) admitSubmission(ctx context.Context, who socle.Professional, id ins.INS, s Submission) error {
	if s.Opposed {
		err := refusal(opSubmit, ErrOpposed, "the patient opposes that the document be sent", "")
		if err := c.guard(ctx, opSubmit, who, id, RuleOpposition, err); err != nil {
			return err
		}
	}
	if err := c.checked(ctx, opSubmit, who, id, s.Record); err != nil {
		return err
	}
	if len(s.Documents) == 0 {
		return refusal(opSubmit, ErrInvalidDocument, "Submission.Documents: at least one", "make one with NewDocument")
	}
	seen := map[string]bool{}
	for i, d := range s.Documents {
		if err := c.admitDocument(ctx, who, id, d); err != nil {
			return located(err, i, len(s.Documents))
		}
		for _, unique := range []string{d.ID(), d.made.edition.Replaces} {
			if unique != "" && seen[unique] {
				return located(refusal(opSubmit, ErrInvalidDocument, "another document of the lot is, or replaces, the same one", ""), i, len(s.Documents))
			}
			seen[unique] = true
		}
	}
	return nil
}

// located says of which document of a lot of n an error is.
func located(err error, i, n int) error {
	if e, ok := err.(*Error); ok && n > 1 {
		e.Text = "Submission.Documents[" + strconv.Itoa(i) + "]: " + e.Text
	}
	return err
}

// admitDocument applies the rules that are about one document of a lot.
func (c *Client) admitDocument(ctx context.Context, who socle.Professional, id ins.INS, d *Document) error {
	if d == nil || d.made == nil {
		return refusal(opSubmit, ErrInvalidDocument, "a document that nothing made", "make it with NewDocument")
	}
	if d.made.patient != id {
		return refusal(opSubmit, ErrPatientMismatch, "the document is that of another patient", "")
	}
	if a := d.made.lotAuthors()[0]; a.Person.ID != who.ID.String() || len(a.Institutions) == 0 || a.Institutions[0].ID != who.Structure.ID.String() {
		return refusal(opSubmit, ErrProfessional, "the author of the document is not the professional of the call, or not in the same structure",
			"the DMP would answer « Aucun AuthorInstitution ne correspond à l'utilisateur du VIHF »")
	}
	if err := c.admitHidden(ctx, opSubmit, who, id, d.made.entry); err != nil {
		return err
	}
	return c.fits(opSubmit, d.Size())
}

// submit sends a lot once.
func (c *Client) submit(ctx context.Context, who socle.Professional, id ins.INS, l lot, attempt int) (Receipt, error) {
	now := c.cfg.Now()
	var security, signature []byte
	var submission *xds.Submission
	err := c.both(func() (err error) {
		security, err = c.security(opSubmit, c.submitMode(), who, id, now)
		return err
	}, func() (err error) {
		submission, signature, err = c.compose(who, l, now)
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	r := Receipt{SubmissionID: l.id, SentAt: now, MessageID: soap.NewMessageID()}
	unique := soap.NewUUID()
	var ids []xds.Part
	var parts []mtom.Part
	add := func(id string, size int64, open func() (io.ReadCloser, error)) {
		part := mtom.Part{ContentID: strings.ToLower(id) + "." + unique + "@socle", ContentType: "text/xml", Size: size, Open: open}
		ids, parts = append(ids, xds.Part{DocumentID: id, ContentID: part.ContentID}), append(parts, part)
	}
	for i, d := range l.Documents {
		add(documentName(i), d.Size(), d.Open)
		sent := Sent{ID: d.ID(), Hash: d.Hash(), Size: d.Size()}
		if old := d.made.edition.Replaces; l.targets[old] != "" {
			sent.Replaces = old
		}
		r.Documents = append(r.Documents, sent)
	}
	add(idSignature, int64(len(signature)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(signature)), nil })
	body, err := submission.Provide(ids)
	if err != nil {
		return Receipt{}, invalid(err)
	}
	m := soap.Message{Action: c.action(opSubmit, actionProvide), MessageID: r.MessageID, Headers: [][]byte{security}, Body: body}
	_, err = soap.Call(ctx, c.transport, soap.Request{
		Op: opSubmit, URL: c.cfg.Environment.url(serviceRepository), Message: m, Attempt: attempt, Parts: parts,
		Answer: c.answer(opSubmit, actionProvide), Uncorrelated: c.cfg.Dialect.Uncorrelated,
		Check: func(e *soap.Envelope) (string, error) { return r.check(opSubmit, e) },
	})
	if err = called(opSubmit, m.MessageID, err); err != nil && !partial(err) {
		return r.traced(err), err
	}
	return r, err
}

// both does the two signatures of a submission: at once when the key is in
// memory, one after the other when a card may hold it.
func (c *Client) both(first, second func() error) error {
	if _, ok := c.cfg.Signature.PrivateKey.(*rsa.PrivateKey); !ok {
		if err := first(); err != nil {
			return err
		}
		return second()
	}
	done := make(chan error, 1)
	go func() { done <- first() }()
	err := second()
	if other := <-done; other != nil {
		return other
	}
	return err
}
