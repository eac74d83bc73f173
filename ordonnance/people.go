package ordonnance

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
)

// Patient is who a prescription is for, as its document says; nothing of it is
// checked against INSi. It shows itself in no log: its fields are asked for by name.
type Patient struct {
	INS       ins.INS // zero when the document has none, or a malformed one
	Traits    ins.Traits
	UsedName  string // nom utilisé
	UsedGiven string // prénom utilisé
}

// Format shows that there is a patient, whatever the verb.
func (p Patient) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "[patient]") }

// MarshalText shows that there is a patient.
func (p Patient) MarshalText() ([]byte, error) { return []byte("[patient]"), nil }

// LogValue shows that there is a patient.
func (p Patient) LogValue() slog.Value { return slog.StringValue("[patient]") }

// Practitioner is a professional whom a prescription names. Identifiers are
// kept as written: published documents hold some that fail their key.
type Practitioner struct {
	ID           string     `json:"id,omitempty"` // national id, "8" and the RPPS
	FamilyName   string     `json:"familyName,omitempty"`
	GivenName    string     `json:"givenName,omitempty"`
	Prefix       string     `json:"prefix,omitempty"`
	Suffix       string     `json:"suffix,omitempty"`
	Profession   socle.Code `json:"profession,omitzero"` // G15_10/SM26 …
	Phones       []string   `json:"phones,omitempty"`
	Organization string     `json:"organization,omitempty"`   // name
	Structure    string     `json:"organizationId,omitempty"` // national id, "1" and the FINESS
}

// PersonID gives the identifier when it passes its key.
func (p Practitioner) PersonID() (socle.PersonID, error) { return socle.ParsePersonID(p.ID) }

// StructureID gives the identifier of the organisation when it passes its key.
func (p Practitioner) StructureID() (socle.StructureID, error) {
	return socle.ParseStructureID(p.Structure)
}

// FullName gives the given name and the family name.
func (p Practitioner) FullName() string { return strings.TrimSpace(p.GivenName + " " + p.FamilyName) }
