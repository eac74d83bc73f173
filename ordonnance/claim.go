package ordonnance

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/soclesante/socle"
)

// Claim is the right of one pharmacy to dispense a prescription that it read,
// with the prescription. Keep it until Dispense succeeded; after a restart, or
// if it is lost, Recover gives it again.
type Claim struct {
	Number       Number
	Secret       Secret
	Pharmacy     socle.StructureID
	ReadAt       time.Time // by the service
	Prescription Prescription
}

// Secret is what proves that a Claim is the caller's. It shows itself nowhere:
// [Secret.Reveal] gives it for safe keeping, [NewSecret] makes it again.
type Secret struct{ v *string } // a pointer, so that printing a struct that holds it shows nothing

// NewSecret gives the secret that Reveal gave.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal gives the characters of the secret.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.v == nil }

// Format hides the secret, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "[secret]") }

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }
