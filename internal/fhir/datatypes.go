package fhir

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Systems of FHIR's own.
const (
	SystemUCUM = "http://unitsofmeasure.org"
	SystemURI  = "urn:ietf:rfc:3986" // identifiers that are URIs, such as urn:uuid:…
)

// Identifier is a business identifier.
type Identifier struct {
	System string           `json:"system,omitempty"`
	Value  string           `json:"value,omitempty"`
	Type   *CodeableConcept `json:"type,omitempty"`
}

// Identified gives the value of the first identifier of that system, empty without one.
func Identified(ids []Identifier, system string) string {
	for _, id := range ids {
		if id.System == system {
			return id.Value
		}
	}
	return ""
}

// Coding is one code of a system.
type Coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

// CodeableConcept is a concept as codes and text.
type CodeableConcept struct {
	Coding []Coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

// Code gives the first coding of that system; of any system when it is empty.
// c may be nil.
func (c *CodeableConcept) Code(system string) (Coding, bool) {
	if c != nil {
		for _, k := range c.Coding {
			if system == "" || k.System == system {
				return k, true
			}
		}
	}
	return Coding{}, false
}

// Reference points to another resource by address or by identifier.
type Reference struct {
	Reference  string      `json:"reference,omitempty"`
	Type       string      `json:"type,omitempty"`
	Identifier *Identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

// Quantity is an amount. Its value keeps the digits that were read.
type Quantity struct {
	Value  json.Number `json:"value,omitempty"`
	Unit   string      `json:"unit,omitempty"`
	System string      `json:"system,omitempty"`
	Code   string      `json:"code,omitempty"`
}

// Number gives v as a decimal.
func Number(v float64) json.Number { return json.Number(strconv.FormatFloat(v, 'f', -1, 64)) }

// Float gives the value. q may be nil.
func (q *Quantity) Float() (float64, bool) {
	if q == nil {
		return 0, false
	}
	f, err := q.Value.Float64()
	return f, err == nil
}

// Period is a span of time, both ends included at their precision.
type Period struct {
	Start DateTime `json:"start,omitempty"`
	End   DateTime `json:"end,omitempty"`
}

// Range is a low and a high amount.
type Range struct {
	Low  *Quantity `json:"low,omitempty"`
	High *Quantity `json:"high,omitempty"`
}

// Ratio is an amount for another.
type Ratio struct {
	Numerator   *Quantity `json:"numerator,omitempty"`
	Denominator *Quantity `json:"denominator,omitempty"`
}

// Annotation is a note.
type Annotation struct {
	Text string `json:"text,omitempty"`
}

// HumanName is a person's name.
type HumanName struct {
	Use    string   `json:"use,omitempty"`
	Family string   `json:"family,omitempty"`
	Given  []string `json:"given,omitempty"`
}

// Meta holds the profiles and the version of a resource.
type Meta struct {
	VersionID   string   `json:"versionId,omitempty"`
	LastUpdated DateTime `json:"lastUpdated,omitempty"`
	Profile     []string `json:"profile,omitempty"`
}

// Extension is an addition to an element; value[x] is one of its fields.
type Extension struct {
	URL             string      `json:"url"`
	ValueBoolean    *bool       `json:"valueBoolean,omitempty"`
	ValueInteger    *int        `json:"valueInteger,omitempty"`
	ValueString     string      `json:"valueString,omitempty"`
	ValueMarkdown   string      `json:"valueMarkdown,omitempty"`
	ValueDateTime   DateTime    `json:"valueDateTime,omitempty"`
	ValueCoding     *Coding     `json:"valueCoding,omitempty"`
	ValueReference  *Reference  `json:"valueReference,omitempty"`
	ValueAnnotation *Annotation `json:"valueAnnotation,omitempty"`
	ValueQuantity   *Quantity   `json:"valueQuantity,omitempty"`
	Extension       []Extension `json:"extension,omitempty"`
}

// Extended gives the first extension of that URL, or nil.
func Extended(xs []Extension, url string) *Extension {
	for i := range xs {
		if xs[i].URL == url {
			return &xs[i]
		}
	}
	return nil
}

// DateTime is a FHIR date, dateTime or instant: a year, a month, a day, or a
// day and a time with its zone.
type DateTime string

// At gives t to the second with its zone.
func At(t time.Time) DateTime {
	if t.IsZero() {
		return ""
	}
	return DateTime(t.Format(time.RFC3339))
}

// Day gives the day of t.
func Day(t time.Time) DateTime {
	if t.IsZero() {
		return ""
	}
	return DateTime(t.Format(time.DateOnly))
}

// Time reads the value. A value without a time of day is read as its first
// instant in UTC and dateOnly is true.
func (d DateTime) Time() (t time.Time, dateOnly, ok bool) {
	s := string(d)
	if strings.ContainsRune(s, 'T') {
		t, err := time.Parse(time.RFC3339, s)
		return t, false, err == nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true, true
		}
	}
	return time.Time{}, false, false
}
