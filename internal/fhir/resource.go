// Package fhir holds the few FHIR R4 (4.0.1) resources that the assumed
// bindings of ordonnance and dp exchange, as plain structs for encoding/json.
//
// Choice types (value[x], medication[x], bounds[x] …) are one explicit field
// for each type in use. Resources of other types are kept as they came, as
// [Unknown]; members that no field names are dropped.
package fhir

import (
	"bytes"
	"encoding/json"
)

// MediaType is the media type of FHIR's JSON form.
const MediaType = "application/fhir+json"

// Resource is one of the resources of this package, or an *Unknown.
type Resource interface {
	// ResourceType gives the FHIR name of the type, such as "Bundle".
	ResourceType() string
}

// Unknown is a resource of a type that this package does not model.
type Unknown struct {
	Type string
	Raw  json.RawMessage
}

// ResourceType gives the type that the resource declares.
func (u *Unknown) ResourceType() string { return u.Type }

// MarshalJSON gives the bytes that were read.
func (u *Unknown) MarshalJSON() ([]byte, error) { return u.Raw, nil }

// Any carries a resource of any type through encoding/json, with its resourceType.
type Any struct{ Resource }

// MarshalJSON writes the resource with resourceType as its first member.
func (a Any) MarshalJSON() ([]byte, error) { return Marshal(a.Resource) }

// UnmarshalJSON reads a resource by its resourceType.
func (a *Any) UnmarshalJSON(b []byte) error {
	var head struct {
		ResourceType string `json:"resourceType"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return err
	}
	if head.ResourceType == "" {
		return &formError{"resourceType is missing"}
	}
	r := blank(head.ResourceType)
	if r == nil {
		a.Resource = &Unknown{Type: head.ResourceType, Raw: bytes.Clone(b)}
		return nil
	}
	if err := json.Unmarshal(b, r); err != nil {
		return err
	}
	a.Resource = r
	return nil
}

// Marshal writes a resource with resourceType as its first member.
func Marshal(r Resource) ([]byte, error) {
	if r == nil {
		return []byte("null"), nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if _, ok := r.(*Unknown); ok {
		return b, nil
	}
	head, err := json.Marshal(r.ResourceType())
	if err != nil {
		return nil, err
	}
	out := append([]byte(`{"resourceType":`), head...)
	if len(b) > len("{}") {
		out = append(out, ',')
	}
	return append(out, b[1:]...), nil
}

func blank(resourceType string) Resource {
	switch resourceType {
	case "Binary":
		return new(Binary)
	case "Bundle":
		return new(Bundle)
	case "DeviceRequest":
		return new(DeviceRequest)
	case "Medication":
		return new(Medication)
	case "MedicationDispense":
		return new(MedicationDispense)
	case "MedicationRequest":
		return new(MedicationRequest)
	case "OperationOutcome":
		return new(OperationOutcome)
	case "Parameters":
		return new(Parameters)
	case "Patient":
		return new(Patient)
	case "Practitioner":
		return new(Practitioner)
	case "PractitionerRole":
		return new(PractitionerRole)
	case "Task":
		return new(Task)
	}
	return nil
}
