package ins

// Environment is the place where INSi is reached with a software certificate.
// All operations share one address: the SOAP action tells them apart.
type Environment struct {
	Name string
	// URL is the entry point for software certificates (TLS with client
	// authentication).
	URL string
	// Production refuses test and demonstration identities, and wants a
	// certificate of the production authority.
	Production bool
}

// Qualification gives the qualification environment, where vendors prepare the
// CNDA's authorization. The address is that of the service's own WSDL
// (DESIR_ICIR_EXP 1.5.0, edition for software certificates).
func Qualification() Environment {
	return Environment{Name: "qualification", URL: "https://qualiflps-services-ps-tlsm.ameli.fr/lps"}
}

// Production gives the production environment. The address is the one that
// the configuration of a published connector (SAPA) documents; the CNAM's own
// pages give it to authorized vendors only.
func Production() Environment {
	return Environment{Name: "production", URL: "https://services-ps-tlsm.ameli.fr/lps", Production: true}
}
