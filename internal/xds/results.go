package xds

import (
	"fmt"
	"strconv"

	"github.com/soclesante/socle/internal/xmltree"
)

// QueryResponse is the answer to a stored query: a query:AdhocQueryResponse.
// With ResponsePartial there are both objects and errors.
type QueryResponse struct {
	Response
	Total        int // totalResultCount; -1 when it is not told
	Sets         []SubmissionSet
	Documents    []DocumentEntry
	Associations []Association
	References   []string // ids of the rim:ObjectRef
}

// ParseQueryResponse reads a query:AdhocQueryResponse, as tolerant as FromXML.
func ParseQueryResponse(e *xmltree.Element) (*QueryResponse, error) {
	if !e.Is(NSQuery, "AdhocQueryResponse") {
		return nil, &Error{Op: "read", Text: "AdhocQueryResponse expected"}
	}
	r := &QueryResponse{Total: -1}
	var err error
	if r.Response, err = ParseResponse(e); err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(attr(e, "totalResultCount")); err == nil && n >= 0 {
		r.Total = n
	}
	list := e.First(NSRIM, "RegistryObjectList")
	if list == nil { // a failure may have none
		return r, nil
	}
	o, err := objectsOf(list)
	if err != nil {
		return nil, err
	}
	r.Sets, r.Documents, r.Associations, r.References = o.sets, o.documents, o.associations, o.references
	return r, nil
}

// Marshal writes the answer, canonical. It writes what it is given: a registry
// may answer less than may be sent.
func (r *QueryResponse) Marshal() []byte {
	w := &writer{}
	pairs := []string{"xmlns:query", NSQuery, "status", r.Status}
	if r.Total >= 0 {
		pairs = append(pairs, "startIndex", "0", "totalResultCount", strconv.Itoa(r.Total))
	}
	w.Start("query:AdhocQueryResponse", pairs...)
	r.list(&w.Writer)
	w.Start("rim:RegistryObjectList", "xmlns:rim", NSRIM)
	for _, s := range r.Sets {
		w.set(s)
	}
	for i := range r.Documents {
		w.document(&r.Documents[i])
	}
	for i, a := range r.Associations {
		w.association(a, i)
	}
	for _, id := range r.References {
		w.Empty("rim:ObjectRef", "id", id)
	}
	w.End().End()
	return w.Bytes()
}

// objects are those of a rim:RegistryObjectList.
type objects struct {
	sets         []SubmissionSet
	documents    []DocumentEntry
	associations []Association
	references   []string
}

// objectsOf reads the objects of a list. Folders, and objects of other kinds,
// are left out.
func objectsOf(list *xmltree.Element) (*objects, error) {
	n, documents := 0, 0
	var sets map[string]bool
	for o := range list.Elements() {
		if n++; n > maxObjects {
			return nil, &Error{Op: "read", Text: fmt.Sprintf("more than %d registry objects", maxObjects), Err: ErrLimit}
		}
		switch o.Name.Local {
		case "Classification": // a set may be classified beside its package
			if o.Name.Space == NSRIM && scheme(o, "classificationNode") == nodeSubmissionSet {
				if sets == nil {
					sets = map[string]bool{}
				}
				sets[attr(o, "classifiedObject")] = true
			}
		case "ExtrinsicObject":
			documents++
		}
	}
	all := &objects{}
	if documents > 0 {
		all.documents = make([]DocumentEntry, 0, documents)
	}
	for o := range list.Elements() {
		if o.Name.Space != NSRIM {
			continue
		}
		switch o.Name.Local {
		case "ExtrinsicObject":
			all.documents = append(all.documents, DocumentEntry{})
			if err := all.documents[len(all.documents)-1].read(o); err != nil {
				return nil, err
			}
		case "RegistryPackage":
			inside := sets[attr(o, "id")]
			for c := range o.All(NSRIM, "Classification") {
				inside = inside || scheme(c, "classificationNode") == nodeSubmissionSet
			}
			if !inside {
				continue
			}
			set, err := setOf(o)
			if err != nil {
				return nil, err
			}
			all.sets = append(all.sets, set)
		case "Association":
			a := Association{ID: attr(o, "id"), Type: attr(o, "associationType"), Source: attr(o, "sourceObject"), Target: attr(o, "targetObject")}
			var err error
			if a.Slots, err = slotsOf(o); err != nil {
				return nil, err
			}
			all.associations = append(all.associations, a)
		case "ObjectRef":
			all.references = append(all.references, attr(o, "id"))
		}
	}
	return all, nil
}
