package ins

import (
	"crypto/tls"
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
)

// Common names that a software certificate for INSi must have, to the letter.
const (
	// Auto is for automated treatments.
	Auto = "INSI-AUTO"
	// Manu is for calls that a user makes.
	Manu = "INSI-MANU"
)

// CheckCertificate says why INSi would refuse a software certificate at the
// time now, and what to do: it must be an AUTH_CLI certificate that the
// IGC-Santé issued to an organisation of this environment, in its validity,
// with the common name [Auto] or [Manu] and the structure's identifier as OU.
// It gives that identifier in its prefixed form. Without this check the service answers
// desir_560, or refuses the TLS connection without a word.
func CheckCertificate(c tls.Certificate, env Environment, now time.Time) (structure string, err error) {
	refused := func(text, fix string, err error) (string, error) {
		return "", &Error{Op: "certificate", Text: text, Fix: fix, Err: err, kind: ErrNotAuthorized, outcome: socle.OutcomeNotSent}
	}
	leaf, err := pki.Leaf(c)
	if err != nil {
		return refused("", "", err)
	}
	if err := pki.CheckAuthentication(leaf, now); err != nil {
		return refused("", "", err)
	}
	if err := pki.CheckOrganisation(leaf, !env.Production); err != nil {
		return refused("", "", err)
	}
	class := pki.Classify(leaf)
	if class.CommonName != Auto && class.CommonName != Manu {
		return refused(fmt.Sprintf("common name %q, where INSi takes exactly %s or %s (it would answer desir_560)", class.CommonName, Auto, Manu),
			"order a certificate with that common name: capitals, plain hyphen", nil)
	}
	if class.Structure == "" {
		return refused("the certificate has no OU with a structure identifier (1 and FINESS, 3 and SIRET …), which INSi wants as Emetteur",
			"order the certificate in the name of the structure", nil)
	}
	return class.Structure, nil
}
