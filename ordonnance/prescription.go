package ordonnance

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/soclesante/socle"
)

// OIDs of the nomenclatures that a prescription uses.
const (
	OIDCIS          = "1.2.250.1.213.2.3.1"        // code identifiant de spécialité, 8 digits
	OIDCIP          = "1.2.250.1.213.2.3.2"        // code identifiant de présentation, CIP13
	OIDVirtualDrug  = "1.2.250.1.213.2.59"         // médicament virtuel (Medicabase), MV and 8 digits
	OIDSubstance    = "2.16.840.1.113883.3.6905.2" // substance, SMS
	OIDATC          = "2.16.840.1.113883.6.73"     // ATC class
	OIDEDQM         = "0.4.0.127.0.16.1.1.2.1"     // EDQM standard terms: forms, routes, packagings
	OIDEMDN         = "1.2.250.1.213.2.68"         // nomenclature of devices
	OIDLPP          = "1.2.250.1.215.200.2.1"      // liste des produits et prestations, 7 digits
	OIDSubtype      = "1.2.250.1.213.1.1.4.322"    // TA_ASIP: subtypes and flags
	OIDSubstitution = "2.16.840.1.113883.5.1070"   // substanceAdminSubstitution
	OIDCompleteness = "2.16.840.1.113883.5.4"      // HL7 ActCode: FFC, FFP, RFC, RFP
	OIDInstruction  = "1.3.6.1.4.1.19376.1.5.3.2"  // IHEActCode: PINSTRUCT, FINSTRUCT
	OIDINSTest      = "1.2.250.1.213.1.4.10"       // matricules of test identities
)

// Prescription is an ordonnance: of drugs, of devices or of both.
type Prescription struct {
	Number     Number        `json:"number"`
	Document   Document      `json:"document"`
	WrittenAt  time.Time     `json:"writtenAt"`
	Validity   Period        `json:"validity"` // End is zero when it is not stated
	Status     Status        `json:"status,omitempty"`
	Patient    Patient       `json:"-"`
	Prescriber Practitioner  `json:"prescriber"`
	Replaced   *Practitioner `json:"replaced,omitempty"` // whom the prescriber replaces
	Executor   *Practitioner `json:"executor,omitempty"` // who is asked to dispense
	WantedBy   time.Time     `json:"wantedBy,omitzero"`  // date d'exécution souhaitée
	Subtypes   []Subtype     `json:"subtypes,omitempty"`
	Lines      []Line        `json:"lines"`
	Comment    string        `json:"comment,omitempty"`
	WeightKg   float64       `json:"weightKg,omitempty"`
	HeightCm   float64       `json:"heightCm,omitempty"`
	Pregnant   bool          `json:"pregnant,omitempty"`
	Code2D     *Attachment   `json:"code2D,omitempty"` // image of the 2D code, as it came
	PDF        *Attachment   `json:"pdf,omitempty"`    // copy of the printed prescription
	// Findings are what the reader tolerated. None of them stopped the reading.
	Findings []Finding `json:"findings,omitempty"`
}

// Document identifies the CDA document (eP-MED-DM) of a prescription; it is
// zero when the service gave the prescription without one.
type Document struct {
	ID      string `json:"id,omitempty"` // root, or root^extension
	SetID   string `json:"setId,omitempty"`
	Version int    `json:"version,omitempty"`
	Model   string `json:"model,omitempty"` // "2022.01", "2023.01", "2024.01"
}

// Status is the state of a prescription at the service (*assumed*: no public
// text gives the service's own states).
type Status string

// States of a prescription.
const (
	StatusToDispense      Status = "to-dispense"
	StatusInDispense      Status = "in-dispense" // claimed by a pharmacy
	StatusPartlyDispensed Status = "partly-dispensed"
	StatusDispensed       Status = "dispensed"
	StatusCancelled       Status = "cancelled"
	StatusExpired         Status = "expired"
)

// Subtype is a kind of prescription (ordonnance.md §5.3; code system [OIDSubtype]).
type Subtype string

// Subtypes of prescriptions.
const (
	SubtypeBizone    Subtype = "MED-1096" // prescription bizone
	SubtypeException Subtype = "MED-1097" // médicaments d'exception
	SubtypeSecured   Subtype = "MED-1098" // ordonnance sécurisée
	SubtypeAppliance Subtype = "MED-1132" // grand appareillage
	SubtypeHome      Subtype = "MED-1094" // exécution à domicile
	SubtypeUrgent    Subtype = "MED-1095" // exécution en urgence
	SubtypeMilitary  Subtype = "MED-1159" // affection militaire
)

// Attachment is a file that a prescription carries.
type Attachment struct {
	MediaType string `json:"mediaType"` // what the bytes are
	Declared  string `json:"declared"`  // what the document says they are
	Size      int    `json:"size"`
	Data      []byte `json:"-"`
}

// Finding is something irregular that the reader tolerated.
type Finding struct {
	Rule string `json:"rule"` // one of the Rule constants
	Line int    `json:"line,omitempty"`
	Text string `json:"text"` // in English, without content of the document
}

// Rules of findings.
const (
	RuleLineID     = "line-id"     // two lines share an identifier, or a line has none
	RuleReference  = "reference"   // a reference without # or that points to nothing
	RuleFlag       = "flag"        // a mandatory flag is missing
	RuleMedia      = "media-type"  // bytes are not of the declared type
	RuleIdentifier = "identifier"  // an identifier fails its key
	RuleNumber     = "number"      // the prescription number is missing or of unexpected form
	RuleMode       = "mode"        // administration mode and subordinate entries disagree
	RuleMotive     = "motive"      // substitution is refused without a motive
	RuleReplaced   = "replacement" // replaced prescriber written CON/CORRE instead of REF/353
)

// Period is a span of time; a zero end is open. When DateOnly is set the
// document states days: both are read as the first instant of the day in UTC,
// and the last day is included.
type Period struct {
	Start, End time.Time
	DateOnly   bool
}

// IsZero reports whether neither end is known.
func (p Period) IsZero() bool { return p.Start.IsZero() && p.End.IsZero() }

// Until gives the first instant after the period, zero when its end is open.
func (p Period) Until() time.Time {
	if p.DateOnly && !p.End.IsZero() {
		return p.End.AddDate(0, 0, 1)
	}
	return p.End
}

type periodJSON struct {
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
}

// MarshalJSON writes days as 2006-01-02 and instants as RFC 3339.
func (p Period) MarshalJSON() ([]byte, error) {
	layout := time.RFC3339
	if p.DateOnly {
		layout = time.DateOnly
	}
	var j periodJSON
	if !p.Start.IsZero() {
		j.Start = p.Start.Format(layout)
	}
	if !p.End.IsZero() {
		j.End = p.End.Format(layout)
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Period) UnmarshalJSON(b []byte) error {
	var j periodJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*p = Period{}
	for _, f := range []struct {
		s  string
		to *time.Time
	}{{j.Start, &p.Start}, {j.End, &p.End}} {
		if f.s == "" {
			continue
		}
		layout := time.RFC3339
		if len(f.s) == len(time.DateOnly) {
			layout, p.DateOnly = time.DateOnly, true
		}
		t, err := time.Parse(layout, f.s)
		if err != nil {
			return fmt.Errorf("ordonnance: a period has an end that is neither a date nor an instant")
		}
		*f.to = t
	}
	return nil
}

// Has reports whether the prescription is of that subtype.
func (p Prescription) Has(s Subtype) bool {
	for _, have := range p.Subtypes {
		if have == s {
			return true
		}
	}
	return false
}

// Line gives the line of that index, counted from 1, or nil.
func (p Prescription) Line(index int) *Line {
	for i := range p.Lines {
		if p.Lines[i].Index == index {
			return &p.Lines[i]
		}
	}
	return nil
}

// String tells how many lines there are, never what they say.
func (p Prescription) String() string {
	var s strings.Builder
	s.WriteString("prescription")
	if p.Document.Model != "" {
		s.WriteString(" eP-MED-DM " + p.Document.Model)
	}
	fmt.Fprintf(&s, " of %d lines", len(p.Lines))
	return s.String()
}

// GoString is String.
func (p Prescription) GoString() string { return p.String() }

// LogValue shows the number, the state and how many lines there are.
func (p Prescription) LogValue() slog.Value {
	return slog.GroupValue(slog.String("number", string(p.Number)), slog.String("status", string(p.Status)), slog.Int("lines", len(p.Lines)))
}

// code gives the first of codes that is of that system.
func code(codes []socle.Code, system string) string {
	for _, c := range codes {
		if c.System == system {
			return c.Code
		}
	}
	return ""
}
