package dmp

import "strings"

// Environment says where the DMP is.
type Environment struct {
	// Base is the address before the name of a service, with the version
	// segment: https://…/si-dmp-server/v2/services
	Base string
	// Web is the address of the web access of professionals (Web PS), before
	// /AccesDirect: only WebURL needs it. No public source gives it.
	Web string
	// Production refuses the test and demonstration identities and certificates.
	Production bool
	// Services replaces the whole address of a service by its name: "patients",
	// "repository" …
	Services map[string]string
}

// Production gives the live DMP. The address is that which a widespread connector
// publishes (DMPConnect-JS); the official guide is not public.
func Production() Environment {
	return Environment{Base: "https://lps2.dmp.gouv.fr/si-dmp-server/v2/services", Production: true}
}

// Services, by their WSDL.
const (
	servicePatients    = "patients"         // GestionDossierPatientPartage.wsdl: TD0.2, TD1.3, TD1.4
	servicePatientList = "patientsSpecific" // PatientsSpecific.wsdl: TD0.4
	servicePDQ         = "patientsPDQ"      // PDQSupplier.wsdl: TD0.5
	serviceRights      = "habilitations"    // Habilitations.wsdl: TD0.3, TD1.6
	serviceRegistry    = "registry"         // XDS.b_DocumentRegistry.wsdl: TD3.1, TD3.3
	serviceRepository  = "repository"       // XDS.b_DocumentRepository.wsdl: TD2.1, TD3.2
)

func (e Environment) url(service string) string {
	if u := e.Services[service]; u != "" {
		return u
	}
	return strings.TrimRight(e.Base, "/") + "/" + service
}
