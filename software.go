package socle

import (
	"errors"
	"regexp"
	"strings"
)

// Service names one of the six services.
type Service string

// Services.
const (
	ServicePSC        Service = "psc"
	ServiceINS        Service = "ins"
	ServiceOrdonnance Service = "ordonnance"
	ServiceDP         Service = "dp"
	ServiceDMP        Service = "dmp"
	ServiceMSS        Service = "mss"
)

// Software is the vendor's program, as the services want to know it.
type Software struct {
	Name    string // commercial name, LPS_Nom
	Version string // LPS_Version
	// Install identifies this installation for the services' support, for as
	// long as it lives: a UUID drawn once and kept (LPS_ID, ContexteLPS Instance).
	Install string
	// OID is the root under which the software makes message and document
	// identifiers.
	OID string
	// Homologation holds the number given for each service: the CNDA's for ins
	// (IDAM) and dmp, the product reference of Convergence for mss (X-MSS-NIL).
	Homologation map[Service]string
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	oidForm  = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*))+$`)
)

// Check reports every field that a client of s would miss, joined.
func (sw Software) Check(s Service) error {
	var errs []error
	if strings.TrimSpace(sw.Name) == "" {
		errs = append(errs, errors.New("Software.Name: mandatory"))
	}
	if strings.TrimSpace(sw.Version) == "" {
		errs = append(errs, errors.New("Software.Version: mandatory"))
	}
	if (s == ServiceINS || s == ServiceDMP) && !uuidForm.MatchString(sw.Install) {
		errs = append(errs, errors.New("Software.Install: a UUID drawn at installation and kept is mandatory"))
	}
	if s == ServiceDMP && (len(sw.OID) > 48 || !oidForm.MatchString(sw.OID)) {
		errs = append(errs, errors.New("Software.OID: the vendor's OID root is mandatory, 48 characters at most"))
	}
	if (s == ServiceINS || s == ServiceDMP || s == ServiceMSS) && strings.TrimSpace(sw.Homologation[s]) == "" {
		errs = append(errs, errors.New("Software.Homologation["+string(s)+"]: mandatory"))
	}
	return errors.Join(errs...)
}
