package fhir

// Task is the state of a workflow: here, of a prescription.
type Task struct {
	ID             string           `json:"id,omitempty"`
	Meta           *Meta            `json:"meta,omitempty"`
	Extension      []Extension      `json:"extension,omitempty"`
	Identifier     []Identifier     `json:"identifier,omitempty"`
	Status         string           `json:"status,omitempty"`
	BusinessStatus *CodeableConcept `json:"businessStatus,omitempty"`
	Intent         string           `json:"intent,omitempty"`
	For            *Reference       `json:"for,omitempty"`
	AuthoredOn     DateTime         `json:"authoredOn,omitempty"`
	LastModified   DateTime         `json:"lastModified,omitempty"`
	Requester      *Reference       `json:"requester,omitempty"`
	Owner          *Reference       `json:"owner,omitempty"`
	Note           []Annotation     `json:"note,omitempty"`
	Restriction    *TaskRestriction `json:"restriction,omitempty"`
}

// TaskRestriction is when the task may be done.
type TaskRestriction struct {
	Period *Period `json:"period,omitempty"`
}

// ResourceType is "Task".
func (*Task) ResourceType() string { return "Task" }
