package fhir

// DeviceRequest is a prescribed device: one line. code[x] is codeCodeableConcept.
type DeviceRequest struct {
	ID              string           `json:"id,omitempty"`
	Extension       []Extension      `json:"extension,omitempty"`
	Identifier      []Identifier     `json:"identifier,omitempty"`
	GroupIdentifier *Identifier      `json:"groupIdentifier,omitempty"`
	Status          string           `json:"status,omitempty"`
	Intent          string           `json:"intent,omitempty"`
	CodeConcept     *CodeableConcept `json:"codeCodeableConcept,omitempty"`
	Subject         *Reference       `json:"subject,omitempty"`
	Occurrence      *Period          `json:"occurrencePeriod,omitempty"`
	AuthoredOn      DateTime         `json:"authoredOn,omitempty"`
	Requester       *Reference       `json:"requester,omitempty"`
	Note            []Annotation     `json:"note,omitempty"`
}

// ResourceType is "DeviceRequest".
func (*DeviceRequest) ResourceType() string { return "DeviceRequest" }
