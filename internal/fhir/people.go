package fhir

// Patient is who is treated.
type Patient struct {
	ID         string       `json:"id,omitempty"`
	Extension  []Extension  `json:"extension,omitempty"`
	Identifier []Identifier `json:"identifier,omitempty"`
	Name       []HumanName  `json:"name,omitempty"`
	Gender     string       `json:"gender,omitempty"`
	BirthDate  DateTime     `json:"birthDate,omitempty"`
}

// ResourceType is "Patient".
func (*Patient) ResourceType() string { return "Patient" }

// Practitioner is a professional.
type Practitioner struct {
	ID         string       `json:"id,omitempty"`
	Identifier []Identifier `json:"identifier,omitempty"`
	Name       []HumanName  `json:"name,omitempty"`
}

// ResourceType is "Practitioner".
func (*Practitioner) ResourceType() string { return "Practitioner" }

// PractitionerRole is a professional in an exercise situation.
type PractitionerRole struct {
	ID           string            `json:"id,omitempty"`
	Contained    []Any             `json:"contained,omitempty"`
	Extension    []Extension       `json:"extension,omitempty"`
	Practitioner *Reference        `json:"practitioner,omitempty"`
	Organization *Reference        `json:"organization,omitempty"`
	Code         []CodeableConcept `json:"code,omitempty"`
}

// ResourceType is "PractitionerRole".
func (*PractitionerRole) ResourceType() string { return "PractitionerRole" }
