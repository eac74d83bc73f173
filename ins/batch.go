package ins

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// Official names of the deferred verification: the deposit and the fetch of its result.
const (
	opSubmit = "WS_INS4"
	opFetch  = "WS_INS5"
)

// Line is one claim of a list to verify.
type Line struct {
	// Ref is the vendor's own reference of the line: 1 to 64 letters, digits,
	// dots, hyphens and underscores. It must identify nobody: a matricule is refused.
	Ref   string
	Claim Claim
}

// Batch is a list that INSi took to verify later. Keep it until it is fetched.
type Batch struct {
	ID        string   // as INSi gave it
	Refs      []string // of its lines, in order
	At        time.Time
	MessageID string
}

// BatchResult is what INSi said of one line of a batch.
type BatchResult struct {
	Ref         string
	Confirmed   bool // true for OK, false for KO
	Code, Label string
}

// SubmitBatch hands a list to INSi to be verified later (WS_INS4), on the wire
// of Config.Dialect.Batch, which is provisional: it is refused with [ErrBlocked]
// in production until the vendor fills it from the guide.
//
// A deposit is tried again only while it was surely not sent: with an error of
// outcome Unknown, INSi may hold the batch. Lines are checked before anything is
// sent; the error tells the number of the first that is wrong.
func (c *Client) SubmitBatch(ctx context.Context, who socle.Professional, lines []Line) (Batch, error) {
	d, err := c.batchDialect()
	if err != nil {
		return Batch{}, err
	}
	if len(lines) == 0 || len(lines) > d.MaxLines {
		return Batch{}, invalid("batch", fmt.Sprintf("1 to %d lines expected", d.MaxLines))
	}
	b := Batch{}
	var claims []Claim
	seen := make(map[string]bool, len(lines))
	var w xmltree.Writer
	w.Start("b:"+d.Submit, "xmlns:b", d.Space)
	for i, l := range lines {
		claim, err := c.checkClaim(l.Claim)
		if err == nil {
			err = checkRef(l.Ref)
		}
		if err == nil && seen[l.Ref] {
			err = invalid("batch", "the reference of another line")
		}
		if err != nil {
			return Batch{}, &Error{Op: "batch", Text: fmt.Sprintf("line %d", i+1), Err: err, kind: ErrInvalid}
		}
		seen[l.Ref] = true
		claims = append(claims, claim)
		b.Refs = append(b.Refs, l.Ref)
		w.Start("b:IndividuVerifie", "Reference", l.Ref)
		c.writeClaim(&w, "b:", claim)
		w.End()
	}
	w.End()
	got, err := c.do(ctx, who, call{
		op: opSubmit, action: d.SubmitAction, body: w.Bytes(), once: true,
		sent: func() (sent []string) {
			for _, claim := range claims {
				sent = append(sent, claim.sent()...)
			}
			return sent
		},
		read: func(e *soap.Envelope) (code, matricule string, err error) {
			b.ID, code, err = d.readReceipt(e.Body)
			return code, "", err
		},
	})
	if err != nil {
		return Batch{}, err
	}
	b.At, b.MessageID = got.at, got.messageID
	return b, nil
}

// FetchBatch gives what INSi said of a batch, one result for each line in the
// order of the deposit (WS_INS5). While INSi is at work the error is
// [ErrNotReady], and Retryable. An answer that lacks a line, or has another's, is
// [ErrAnswer].
func (c *Client) FetchBatch(ctx context.Context, who socle.Professional, b Batch) ([]BatchResult, error) {
	d, err := c.batchDialect()
	if err != nil {
		return nil, err
	}
	if b.ID == "" || len(b.Refs) == 0 {
		return nil, invalid("batch", "it has no identifier or no line")
	}
	var w xmltree.Writer
	w.Start("b:"+d.Fetch, "xmlns:b", d.Space).Leaf("b:IdLot", b.ID).End()
	var results []BatchResult
	_, err = c.do(ctx, who, call{
		op: opFetch, action: d.FetchAction, body: w.Bytes(),
		read: func(e *soap.Envelope) (code, matricule string, err error) {
			results, code, err = d.readResults(e.Body, c.cfg.Dialect.Verify.defaults(), b.Refs)
			return code, "", err
		},
	})
	var own *Error
	if errors.As(err, &own) && own.kind == ErrNotReady {
		own.retry = true // by the caller, in a while, not by this call
	}
	return results, err
}

func (c *Client) batchDialect() (BatchDialect, error) {
	d := c.cfg.Dialect.Batch
	if c.cfg.Environment.Production && d.Space == "" {
		return d, &Error{Op: "batch", Text: "the wire of the deferred verification is not public, and ours is provisional",
			Fix: "fill Dialect.Batch from the guide, or use a BatchVerifier, which asks for one line after the other", kind: ErrBlocked}
	}
	return d.defaults(), nil
}

// readReceipt reads the answer to a deposit.
func (d BatchDialect) readReceipt(root *xmltree.Element) (id, code string, err error) {
	if !root.Is(d.Space, d.Receipt) {
		return "", "", unusable("the answer holds no " + d.Receipt + " of the deposit")
	}
	r := reader{}
	code, label := r.compteRendu(root)
	if r.err == nil && !slices.Contains(d.Accepted, code) {
		return "", code, &Error{Code: code, Text: scrub(label, nil), kind: ErrRejected, outcome: socle.OutcomeRefused}
	}
	if id = r.one(root, "IdLot").Trimmed(); r.err == nil && (id == "" || len(id) > 200) {
		r.fail("no usable IdLot")
	}
	return id, code, r.err
}

// readResults reads the answer to a fetch.
func (d BatchDialect) readResults(root *xmltree.Element, unit VerifyDialect, refs []string) ([]BatchResult, string, error) {
	if !root.Is(d.Space, d.Results) {
		return nil, "", unusable("the answer holds no " + d.Results + " of the fetch")
	}
	r := reader{}
	code, label := r.compteRendu(root)
	switch {
	case r.err != nil:
		return nil, code, r.err
	case slices.Contains(d.NotReady, code):
		return nil, code, &Error{Code: code, Text: scrub(label, nil), kind: ErrNotReady}
	case !slices.Contains(d.Done, code):
		return nil, code, &Error{Code: code, Text: scrub(label, nil), kind: ErrRejected, outcome: socle.OutcomeRefused}
	}
	at := make(map[string]int, len(refs))
	for i, ref := range refs {
		at[ref] = i
	}
	results := make([]BatchResult, len(refs))
	for e := range root.All("", "IndividuVerifie") {
		ref := e.Attr("Reference")
		i, ok := at[ref]
		if !ok {
			return nil, code, unusable("the answer holds a line that the batch has not, or one twice")
		}
		delete(at, ref)
		line := BatchResult{Ref: ref}
		var err error
		if line.Code, line.Label, line.Confirmed, err = unit.verdict(e, nil); err != nil {
			return nil, code, err
		}
		results[i] = line
	}
	if len(at) > 0 {
		return nil, code, unusable(fmt.Sprintf("the answer lacks %d lines of the batch", len(at)))
	}
	return results, code, nil
}

var refForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// checkRef refuses references that would identify somebody, or break a journal.
func checkRef(ref string) error {
	if !refForm.MatchString(ref) {
		return invalid("line", "reference: 1 to 64 letters, digits, dots, hyphens and underscores expected")
	}
	plain := strings.NewReplacer(".", "", "-", "", "_", "").Replace(ref)
	if len(plain) == 13 && form(plain+"00") == nil {
		plain += matriculeKey(plain)
	}
	if _, err := ParseMatricule(plain); err == nil {
		return invalid("line", "reference: it looks like a matricule; give the software's own identifier of the record")
	}
	return nil
}
