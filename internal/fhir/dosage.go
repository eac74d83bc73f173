package fhir

import "encoding/json"

// Dosage is how a product is taken.
type Dosage struct {
	Extension             []Extension       `json:"extension,omitempty"`
	Sequence              int               `json:"sequence,omitempty"`
	Text                  string            `json:"text,omitempty"`
	AdditionalInstruction []CodeableConcept `json:"additionalInstruction,omitempty"`
	PatientInstruction    string            `json:"patientInstruction,omitempty"`
	Timing                *Timing           `json:"timing,omitempty"`
	AsNeededBoolean       *bool             `json:"asNeededBoolean,omitempty"`
	AsNeededConcept       *CodeableConcept  `json:"asNeededCodeableConcept,omitempty"`
	Site                  *CodeableConcept  `json:"site,omitempty"`
	Route                 *CodeableConcept  `json:"route,omitempty"`
	DoseAndRate           []DoseAndRate     `json:"doseAndRate,omitempty"`
	MaxDosePerPeriod      *Ratio            `json:"maxDosePerPeriod,omitempty"`
}

// DoseAndRate is the amount of one intake and its speed; dose[x] and rate[x]
// are one of their fields.
type DoseAndRate struct {
	DoseRange    *Range    `json:"doseRange,omitempty"`
	DoseQuantity *Quantity `json:"doseQuantity,omitempty"`
	RateRatio    *Ratio    `json:"rateRatio,omitempty"`
	RateRange    *Range    `json:"rateRange,omitempty"`
	RateQuantity *Quantity `json:"rateQuantity,omitempty"`
}

// Timing is when something happens.
type Timing struct {
	Event  []DateTime       `json:"event,omitempty"`
	Repeat *TimingRepeat    `json:"repeat,omitempty"`
	Code   *CodeableConcept `json:"code,omitempty"`
}

// TimingRepeat is a schedule; bounds[x] is one of its fields.
type TimingRepeat struct {
	BoundsDuration *Quantity   `json:"boundsDuration,omitempty"`
	BoundsRange    *Range      `json:"boundsRange,omitempty"`
	BoundsPeriod   *Period     `json:"boundsPeriod,omitempty"`
	Count          int         `json:"count,omitempty"`
	Frequency      int         `json:"frequency,omitempty"`
	Period         json.Number `json:"period,omitempty"`
	PeriodUnit     string      `json:"periodUnit,omitempty"`
	DayOfWeek      []string    `json:"dayOfWeek,omitempty"`
	TimeOfDay      []string    `json:"timeOfDay,omitempty"`
	When           []string    `json:"when,omitempty"`
	Offset         int         `json:"offset,omitempty"` // minutes
}
