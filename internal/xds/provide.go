package xds

import (
	"net/url"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// Part ties a document of a submission to the part of the MIME package that
// holds its bytes.
type Part struct {
	DocumentID string // DocumentEntry.ID
	ContentID  string // without "cid:" and angle brackets
}

// Provide writes the xdsb:ProvideAndRegisterDocumentSetRequest (ITI-41) of a
// submission whose documents travel as XOP parts. Every document must have its part.
func (s *Submission) Provide(parts []Part) ([]byte, error) {
	body, err := s.Marshal()
	if err != nil {
		return nil, err
	}
	var p problems
	for _, d := range s.Documents {
		n := 0
		for _, part := range parts {
			if part.DocumentID == d.ID && part.ContentID != "" {
				n++
			}
		}
		p.want(n == 1, d.ID, "exactly one part expected")
	}
	p.want(len(parts) == len(s.Documents), "Document", "as many parts as documents expected")
	if err := p.err(); err != nil {
		return nil, err
	}
	var w xmltree.Writer
	w.Start("xdsb:ProvideAndRegisterDocumentSetRequest", "xmlns:xdsb", NSXDSB).Raw(body)
	for _, part := range parts {
		w.Start("xdsb:Document", "id", part.DocumentID)
		w.Empty("xop:Include", "xmlns:xop", NSXOP, "href", "cid:"+url.PathEscape(part.ContentID))
		w.End()
	}
	w.End()
	return w.Bytes(), nil
}

// ParseProvide reads a xdsb:ProvideAndRegisterDocumentSetRequest. ContentIDs
// are percent-decoded; a document that is not an XOP reference has none.
func ParseProvide(e *xmltree.Element) (*Submission, []Part, error) {
	if !e.Is(NSXDSB, "ProvideAndRegisterDocumentSetRequest") {
		return nil, nil, &Error{Op: "read", Text: "ProvideAndRegisterDocumentSetRequest expected"}
	}
	request := e.First(NSLCM, "SubmitObjectsRequest")
	if request == nil {
		return nil, nil, &Error{Op: "read", Text: "no SubmitObjectsRequest"}
	}
	s, err := FromXML(request)
	if err != nil {
		return nil, nil, err
	}
	var parts []Part
	for d := range e.All(NSXDSB, "Document") {
		if len(parts) == maxParts {
			return nil, nil, &Error{Op: "read", Text: "too many documents", Err: ErrLimit}
		}
		href, ok := strings.CutPrefix(attr(d.First(NSXOP, "Include"), "href"), "cid:")
		if ok {
			if href, err = url.PathUnescape(href); err != nil {
				return nil, nil, &Error{Op: "read", Path: "Document", Text: "malformed reference of a part"}
			}
		}
		parts = append(parts, Part{DocumentID: attr(d, "id"), ContentID: href})
	}
	return s, parts, nil
}
