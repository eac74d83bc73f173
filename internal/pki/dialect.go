package pki

// IssuerPersons is the common name of the authority of cards. Its test name is
// public; that of production is assumed to be the same without "TEST ".
const IssuerPersons = "AC IGC-SANTE FORT PERSONNES"

// Names of the test roots, assumed from the production root of the gamme
// élémentaire. Only the test authority writes them and nothing reads them.
const (
	rootElementaire = testPrefix + "AC RACINE IGC-SANTE ELEMENTAIRE"
	rootFort        = testPrefix + "AC RACINE IGC-SANTE FORT"
)
