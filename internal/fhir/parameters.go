package fhir

// Parameters is the input of an operation.
type Parameters struct {
	Parameter []Parameter `json:"parameter,omitempty"`
}

// Parameter is one named value; value[x] is one of its fields.
type Parameter struct {
	Name            string      `json:"name"`
	ValueString     string      `json:"valueString,omitempty"`
	ValueCode       string      `json:"valueCode,omitempty"`
	ValueBoolean    *bool       `json:"valueBoolean,omitempty"`
	ValueDateTime   DateTime    `json:"valueDateTime,omitempty"`
	ValueIdentifier *Identifier `json:"valueIdentifier,omitempty"`
	Resource        *Any        `json:"resource,omitempty"`
}

// ResourceType is "Parameters".
func (*Parameters) ResourceType() string { return "Parameters" }

// Get gives the first parameter of that name, or nil.
func (p *Parameters) Get(name string) *Parameter {
	for i := range p.Parameter {
		if p.Parameter[i].Name == name {
			return &p.Parameter[i]
		}
	}
	return nil
}
