package dmp

import (
	"bytes"
	"context"
	"io"
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

// Submission is a document to add to a record.
type Submission struct {
	// Record is what Exists said of this patient; mandatory.
	Record Record
	// Document is what NewDocument made for this patient and this professional; mandatory.
	Document *Document
	// Opposed says that the patient opposes, for a legitimate reason, that this
	// document be sent: nothing is.
	Opposed bool
	Title   string // of the lot; optional
}

// Receipt is what is known of a document that was added. The DMP gives no
// identifier of its own back.
type Receipt struct {
	DocumentID   string // uniqueId of the document
	SubmissionID string // uniqueId of the lot
	Hash         string // SHA-1 of the document, in hexadecimal
	Size         int64  // bytes of the document
	SentAt       time.Time
	MessageID    string // wsa:MessageID of the request
	// Warnings are those of the registry.
	Warnings []RegistryError
}

// Submit adds a document to the patient's record (TD2.1, "Alimentation"): the
// transaction ITI-41 with the document and the XAdES signature of the lot as
// MTOM parts.
//
// Before anything is sent it refuses, as the DMP or the rules would: a record
// that was not checked, is absent or closed, an opposition, an identity that is
// not qualified, a document of another patient or professional, one that is too
// large. It is tried again only when nothing was sent.
//
// When the outcome of an error is unknown, the document may be there: call
// Exists, then Submit the same Document again; ErrDuplicate then says that it
// was done. With PartialSuccess come both the Receipt and the error.
func (c *Client) Submit(ctx context.Context, who socle.Professional, patient ins.Identity, s Submission) (Receipt, error) {
	id, err := c.admit(ctx, opSubmit, c.submitMode(), who, patient)
	if err != nil {
		return Receipt{}, err
	}
	if err := c.admitSubmission(ctx, who, id, s); err != nil {
		return Receipt{}, c.refused(ctx, opSubmit, who, id, err)
	}
	lot := c.newOID(armLot)
	var r Receipt
	err = transport.Retry(ctx, attempts, false, func(attempt int) error {
		var err error
		r, err = c.submit(ctx, who, id, s, lot, attempt)
		return err
	})
	c.record(ctx, opSubmit, who, id, s.Document.ID(), err)
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
	if s.Document == nil || s.Document.made == nil {
		return refusal(opSubmit, ErrInvalidDocument, "Submission.Document: mandatory", "make one with NewDocument")
	}
	if s.Document.made.patient != id {
		return refusal(opSubmit, ErrPatientMismatch, "Submission.Document is that of another patient", "")
	}
	a := s.Document.made.lotAuthors()[0]
	if a.Person.ID != who.ID.String() || a.Institutions[0].ID != who.Structure.ID.String() {
		return refusal(opSubmit, ErrProfessional, "the author of the document is not the professional of the call, or not in the same structure",
			"the DMP would answer « Aucun AuthorInstitution ne correspond à l'utilisateur du VIHF »")
	}
	if err := c.admitHidden(ctx, opSubmit, who, id, s.Document.made.entry); err != nil {
		return err
	}
	return c.fits(opSubmit, s.Document.Size())
}

func (c *Client) submit(ctx context.Context, who socle.Professional, id ins.INS, s Submission, lot string, attempt int) (Receipt, error) {
	now := c.cfg.Now()
	security, err := c.security(opSubmit, c.submitMode(), who, id, now)
	if err != nil {
		return Receipt{}, err
	}
	submission, signature, err := c.lot(who, s, lot, now)
	if err != nil {
		return Receipt{}, err
	}
	unique := soap.NewUUID()
	ids := []xds.Part{{DocumentID: idDocument, ContentID: "document." + unique + "@socle"}, {DocumentID: idSignature, ContentID: "signature." + unique + "@socle"}}
	body, err := submission.Provide(ids)
	if err != nil {
		return Receipt{}, invalid(err)
	}
	m := soap.Message{Action: actionProvide, MessageID: soap.NewMessageID(), Headers: [][]byte{security}, Body: body}
	r := Receipt{DocumentID: s.Document.ID(), SubmissionID: lot, Hash: s.Document.Hash(), Size: s.Document.Size(), SentAt: now, MessageID: m.MessageID}
	_, err = soap.Call(ctx, c.transport, soap.Request{
		Op: opSubmit, URL: c.cfg.Environment.url(serviceRepository), Message: m, Attempt: attempt,
		Parts: []mtom.Part{
			{ContentID: ids[0].ContentID, ContentType: "text/xml", Size: s.Document.Size(), Open: s.Document.Open},
			{ContentID: ids[1].ContentID, ContentType: "text/xml", Size: int64(len(signature)),
				Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(signature)), nil }},
		},
		Check: func(e *soap.Envelope) (string, error) { return r.check(e) },
	})
	if err = called(opSubmit, m.MessageID, err); err != nil && !partial(err) {
		return Receipt{}, err
	}
	return r, err
}
