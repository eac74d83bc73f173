package fhir

// Bundle is a set of resources.
type Bundle struct {
	ID         string        `json:"id,omitempty"`
	Identifier *Identifier   `json:"identifier,omitempty"`
	Type       string        `json:"type,omitempty"`
	Timestamp  DateTime      `json:"timestamp,omitempty"`
	Total      *int          `json:"total,omitempty"`
	Link       []BundleLink  `json:"link,omitempty"`
	Entry      []BundleEntry `json:"entry,omitempty"`
}

// BundleLink is an address related to a bundle, such as that of the next page.
type BundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

// BundleEntry is one resource of a bundle, and what is asked or told of it.
type BundleEntry struct {
	FullURL  string         `json:"fullUrl,omitempty"`
	Resource *Any           `json:"resource,omitempty"`
	Search   *EntrySearch   `json:"search,omitempty"`
	Request  *EntryRequest  `json:"request,omitempty"`
	Response *EntryResponse `json:"response,omitempty"`
}

// EntrySearch tells why an entry is in a searchset: match, include or outcome.
type EntrySearch struct {
	Mode string `json:"mode,omitempty"`
}

// EntryRequest is what a transaction asks of an entry.
type EntryRequest struct {
	Method      string `json:"method"`
	URL         string `json:"url"`
	IfNoneExist string `json:"ifNoneExist,omitempty"`
}

// EntryResponse is what a transaction did of an entry.
type EntryResponse struct {
	Status   string `json:"status"`
	Location string `json:"location,omitempty"`
	Etag     string `json:"etag,omitempty"`
	Outcome  *Any   `json:"outcome,omitempty"`
}

// ResourceType is "Bundle".
func (*Bundle) ResourceType() string { return "Bundle" }

// Next gives the address of the next page, empty on the last.
func (b *Bundle) Next() string {
	for _, l := range b.Link {
		if l.Relation == "next" {
			return l.URL
		}
	}
	return ""
}

// All gives the resources of type T of a bundle, in order.
func All[T Resource](b *Bundle) []T {
	var out []T
	for _, e := range b.Entry {
		if e.Resource == nil {
			continue
		}
		if r, ok := e.Resource.Resource.(T); ok {
			out = append(out, r)
		}
	}
	return out
}

// Binary is bytes with their media type; encoding/json carries them in base 64.
type Binary struct {
	ID          string `json:"id,omitempty"`
	ContentType string `json:"contentType"`
	Data        []byte `json:"data,omitempty"`
}

// ResourceType is "Binary".
func (*Binary) ResourceType() string { return "Binary" }
