package ins

// Environment is the place where INSi is reached. All operations share one
// address: the SOAP action tells them apart.
type Environment struct {
	Name string
	// URL is the entry point for software certificates (TLS with client
	// authentication).
	URL string
	// CardURL is the entry point for messages that carry the assertion of a card.
	CardURL string
	// PSCURL is the entry point for messages that carry an assertion of Pro Santé
	// Connect. It is not public: the CNAM tells it to authorized vendors.
	PSCURL string
	// Production refuses test and demonstration identities, and wants a
	// certificate of the production authority.
	Production bool
}

// Qualification gives the qualification environment, where vendors prepare the
// CNDA's authorization. The addresses are those of the service's own WSDL
// (DESIR_ICIR_EXP 1.5.0, in its editions for software certificates and for cards).
func Qualification() Environment {
	return Environment{
		Name:    "qualification",
		URL:     "https://qualiflps-services-ps-tlsm.ameli.fr/lps",
		CardURL: "https://qualiflps.services-ps.ameli.fr/lps",
	}
}

// Production gives the production environment. The addresses are those that
// published configurations document (the connector SAPA for certificates,
// Pyxvital for cards); the CNAM's own pages give them to authorized vendors only.
func Production() Environment {
	return Environment{
		Name:       "production",
		URL:        "https://services-ps-tlsm.ameli.fr/lps",
		CardURL:    "https://services-ps.ameli.fr/lps",
		Production: true,
	}
}
