package fhir

// OperationOutcome says why something was refused, or warns.
type OperationOutcome struct {
	Extension []Extension `json:"extension,omitempty"`
	Issue     []Issue     `json:"issue,omitempty"`
}

// Issue is one reason.
type Issue struct {
	Extension   []Extension      `json:"extension,omitempty"`
	Severity    string           `json:"severity,omitempty"` // fatal, error, warning, information
	Code        string           `json:"code,omitempty"`     // IssueType
	Details     *CodeableConcept `json:"details,omitempty"`
	Diagnostics string           `json:"diagnostics,omitempty"`
	Expression  []string         `json:"expression,omitempty"`
}

// ResourceType is "OperationOutcome".
func (*OperationOutcome) ResourceType() string { return "OperationOutcome" }
