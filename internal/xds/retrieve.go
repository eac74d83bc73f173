package xds

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
)

// DocumentRequest names a document to retrieve (ITI-43).
type DocumentRequest struct {
	Repository string // repositoryUniqueId
	UniqueID   string
}

// MarshalRetrieve writes a xdsb:RetrieveDocumentSetRequest, canonical.
func MarshalRetrieve(documents []DocumentRequest) ([]byte, error) {
	var p problems
	p.want(len(documents) > 0, "DocumentRequest", "one at least expected")
	var w xmltree.Writer
	w.Start("xdsb:RetrieveDocumentSetRequest", "xmlns:xdsb", NSXDSB)
	for i, d := range documents {
		path := fmt.Sprintf("DocumentRequest[%d]", i+1)
		p.want(d.Repository != "" && valid(d.Repository), path+"/RepositoryUniqueId", "mandatory")
		p.want(d.UniqueID != "" && valid(d.UniqueID), path+"/DocumentUniqueId", "mandatory")
		p.value(path+"/RepositoryUniqueId", d.Repository)
		p.value(path+"/DocumentUniqueId", d.UniqueID)
		w.Start("xdsb:DocumentRequest").Leaf("xdsb:RepositoryUniqueId", d.Repository).Leaf("xdsb:DocumentUniqueId", d.UniqueID).End()
	}
	w.End()
	return w.Bytes(), p.err()
}

// ParseRetrieve reads a xdsb:RetrieveDocumentSetRequest.
func ParseRetrieve(e *xmltree.Element) ([]DocumentRequest, error) {
	if !e.Is(NSXDSB, "RetrieveDocumentSetRequest") {
		return nil, &Error{Op: "read", Text: "RetrieveDocumentSetRequest expected"}
	}
	var all []DocumentRequest
	for d := range e.All(NSXDSB, "DocumentRequest") {
		if len(all) == maxParts {
			return nil, &Error{Op: "read", Text: "too many documents", Err: ErrLimit}
		}
		all = append(all, DocumentRequest{Repository: d.First(NSXDSB, "RepositoryUniqueId").Trimmed(), UniqueID: d.First(NSXDSB, "DocumentUniqueId").Trimmed()})
	}
	if len(all) == 0 {
		return nil, &Error{Op: "read", Path: "DocumentRequest", Text: "one at least expected"}
	}
	return all, nil
}

// RetrieveResponse is a xdsb:RetrieveDocumentSetResponse. With ResponsePartial
// there are both documents and errors.
type RetrieveResponse struct {
	Response
	Documents []Retrieved
}

// Retrieved is a document of an answer: its bytes are the part ContentID of the
// package, or in line.
type Retrieved struct {
	DocumentRequest
	MimeType  string
	ContentID string // without "cid:" and angle brackets, percent-decoded; empty for one in line
	Inline    []byte
}

// ParseRetrieveResponse reads a xdsb:RetrieveDocumentSetResponse.
func ParseRetrieveResponse(e *xmltree.Element) (*RetrieveResponse, error) {
	if !e.Is(NSXDSB, "RetrieveDocumentSetResponse") {
		return nil, &Error{Op: "read", Text: "RetrieveDocumentSetResponse expected"}
	}
	r := &RetrieveResponse{}
	var err error
	if r.Response, err = ParseResponse(e.First(NSRS, "RegistryResponse")); err != nil {
		return nil, err
	}
	for d := range e.All(NSXDSB, "DocumentResponse") {
		if len(r.Documents) == maxParts {
			return nil, &Error{Op: "read", Text: "too many documents", Err: ErrLimit}
		}
		got := Retrieved{MimeType: d.First(NSXDSB, "mimeType").Trimmed()}
		got.Repository = d.First(NSXDSB, "RepositoryUniqueId").Trimmed()
		got.UniqueID = d.First(NSXDSB, "DocumentUniqueId").Trimmed()
		document := d.First(NSXDSB, "Document")
		include := document.First(NSXOP, "Include")
		switch {
		case document == nil:
			return nil, &Error{Op: "read", Path: "DocumentResponse", Text: "no Document"}
		case include != nil:
			href := attr(include, "href")
			if len(href) <= 4 || !strings.EqualFold(href[:4], "cid:") {
				return nil, &Error{Op: "read", Path: "Document", Text: "an xop:Include has no cid URL"}
			}
			if got.ContentID, err = url.PathUnescape(href[4:]); err != nil {
				got.ContentID = href[4:]
			}
		default:
			if got.Inline, err = inline(document.Text()); err != nil {
				return nil, &Error{Op: "read", Path: "Document", Text: "neither a reference of a part nor base64"}
			}
		}
		r.Documents = append(r.Documents, got)
	}
	return r, nil
}

// inline decodes base64 with white space anywhere. It is never nil.
func inline(s string) ([]byte, error) {
	b := make([]byte, 0, base64.StdEncoding.DecodedLen(len(s)))
	if strings.ContainsAny(s, " \t") { // the decoder skips line ends
		s = strings.Join(strings.Fields(s), "")
	}
	return base64.StdEncoding.AppendDecode(b, []byte(s))
}

// Marshal writes the answer, canonical.
func (r *RetrieveResponse) Marshal() []byte {
	var w xmltree.Writer
	w.Start("xdsb:RetrieveDocumentSetResponse", "xmlns:xdsb", NSXDSB).Raw(r.Response.Marshal())
	for _, d := range r.Documents {
		w.Start("xdsb:DocumentResponse")
		w.Leaf("xdsb:RepositoryUniqueId", d.Repository).Leaf("xdsb:DocumentUniqueId", d.UniqueID).Leaf("xdsb:mimeType", d.MimeType)
		w.Start("xdsb:Document")
		if d.ContentID != "" {
			// As the DMP does: even the colon is encoded.
			w.Empty("xop:Include", "xmlns:xop", NSXOP, "href", "cid:"+strings.ReplaceAll(url.PathEscape(d.ContentID), ":", "%3A"))
		} else {
			w.Raw(base64.StdEncoding.AppendEncode(nil, d.Inline))
		}
		w.End().End()
	}
	w.End()
	return w.Bytes()
}
