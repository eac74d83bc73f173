package fhir

// Medication is a product.
type Medication struct {
	ID         string                 `json:"id,omitempty"`
	Extension  []Extension            `json:"extension,omitempty"`
	Code       *CodeableConcept       `json:"code,omitempty"`
	Form       *CodeableConcept       `json:"form,omitempty"`
	Ingredient []MedicationIngredient `json:"ingredient,omitempty"`
	Batch      *MedicationBatch       `json:"batch,omitempty"`
}

// MedicationIngredient is a substance of a product.
type MedicationIngredient struct {
	ItemCodeableConcept *CodeableConcept `json:"itemCodeableConcept,omitempty"`
	IsActive            *bool            `json:"isActive,omitempty"`
	Strength            *Ratio           `json:"strength,omitempty"`
}

// MedicationBatch is a lot.
type MedicationBatch struct {
	LotNumber      string   `json:"lotNumber,omitempty"`
	ExpirationDate DateTime `json:"expirationDate,omitempty"`
}

// ResourceType is "Medication".
func (*Medication) ResourceType() string { return "Medication" }

// MedicationRequest is a prescribed drug: one line. medication[x] is one of its fields.
type MedicationRequest struct {
	ID                  string           `json:"id,omitempty"`
	Meta                *Meta            `json:"meta,omitempty"`
	Contained           []Any            `json:"contained,omitempty"`
	Extension           []Extension      `json:"extension,omitempty"`
	Identifier          []Identifier     `json:"identifier,omitempty"`
	Status              string           `json:"status,omitempty"`
	StatusReason        *CodeableConcept `json:"statusReason,omitempty"`
	Intent              string           `json:"intent,omitempty"`
	MedicationConcept   *CodeableConcept `json:"medicationCodeableConcept,omitempty"`
	MedicationReference *Reference       `json:"medicationReference,omitempty"`
	Subject             *Reference       `json:"subject,omitempty"`
	AuthoredOn          DateTime         `json:"authoredOn,omitempty"`
	Requester           *Reference       `json:"requester,omitempty"`
	GroupIdentifier     *Identifier      `json:"groupIdentifier,omitempty"`
	Note                []Annotation     `json:"note,omitempty"`
	DosageInstruction   []Dosage         `json:"dosageInstruction,omitempty"`
	DispenseRequest     *DispenseRequest `json:"dispenseRequest,omitempty"`
	Substitution        *Substitution    `json:"substitution,omitempty"`
}

// DispenseRequest is what is authorised of a line.
type DispenseRequest struct {
	Extension              []Extension `json:"extension,omitempty"`
	ValidityPeriod         *Period     `json:"validityPeriod,omitempty"`
	NumberOfRepeatsAllowed *int        `json:"numberOfRepeatsAllowed,omitempty"`
	Quantity               *Quantity   `json:"quantity,omitempty"`
	ExpectedSupplyDuration *Quantity   `json:"expectedSupplyDuration,omitempty"`
}

// Substitution is whether another product may be given; allowed[x] is one of its fields.
type Substitution struct {
	AllowedBoolean *bool            `json:"allowedBoolean,omitempty"`
	AllowedConcept *CodeableConcept `json:"allowedCodeableConcept,omitempty"`
	Reason         *CodeableConcept `json:"reason,omitempty"`
}

// ResourceType is "MedicationRequest".
func (*MedicationRequest) ResourceType() string { return "MedicationRequest" }

// MedicationDispense is a delivered product; medication[x] is one of its fields.
type MedicationDispense struct {
	ID                      string               `json:"id,omitempty"`
	Meta                    *Meta                `json:"meta,omitempty"`
	Contained               []Any                `json:"contained,omitempty"`
	Extension               []Extension          `json:"extension,omitempty"`
	Identifier              []Identifier         `json:"identifier,omitempty"`
	Status                  string               `json:"status,omitempty"`
	StatusReason            *CodeableConcept     `json:"statusReasonCodeableConcept,omitempty"`
	Category                *CodeableConcept     `json:"category,omitempty"`
	Type                    *CodeableConcept     `json:"type,omitempty"`
	MedicationConcept       *CodeableConcept     `json:"medicationCodeableConcept,omitempty"`
	MedicationReference     *Reference           `json:"medicationReference,omitempty"`
	Subject                 *Reference           `json:"subject,omitempty"`
	Performer               []Performer          `json:"performer,omitempty"`
	Location                *Reference           `json:"location,omitempty"`
	AuthorizingPrescription []Reference          `json:"authorizingPrescription,omitempty"`
	Quantity                *Quantity            `json:"quantity,omitempty"`
	WhenHandedOver          DateTime             `json:"whenHandedOver,omitempty"`
	Receiver                []Reference          `json:"receiver,omitempty"`
	Note                    []Annotation         `json:"note,omitempty"`
	DosageInstruction       []Dosage             `json:"dosageInstruction,omitempty"`
	Substitution            *DispensedSubstitute `json:"substitution,omitempty"`
}

// Performer is who handed over.
type Performer struct {
	Actor Reference `json:"actor"`
}

// DispensedSubstitute is whether another product than the prescribed one was given.
type DispensedSubstitute struct {
	WasSubstituted bool              `json:"wasSubstituted"`
	Type           *CodeableConcept  `json:"type,omitempty"`
	Reason         []CodeableConcept `json:"reason,omitempty"`
}

// ResourceType is "MedicationDispense".
func (*MedicationDispense) ResourceType() string { return "MedicationDispense" }

// Contained gives the contained Medication that ref ("#id") points to, or nil.
func Contained(in []Any, ref *Reference) *Medication {
	if ref == nil {
		return nil
	}
	for _, a := range in {
		if m, ok := a.Resource.(*Medication); ok && "#"+m.ID == ref.Reference {
			return m
		}
	}
	return nil
}
