package ins

// GivenNamesMode is how several given names are written in one request.
type GivenNamesMode uint8

// Ways to write given names.
const (
	// GivenNamesJoined puts them into one Prenom, separated by spaces.
	// *assumed*: the schema allows both ways and the official meaning is not
	// public; two connectors that passed the CNDA's tests write them so.
	GivenNamesJoined GivenNamesMode = iota
	// GivenNamesRepeated writes one Prenom for each.
	GivenNamesRepeated
)

// Dialect holds what no public text of the service settles. The zero value is
// what public implementations were seen to do; a vendor replaces what the
// guide SEL-MP-043 says otherwise.
type Dialect struct {
	GivenNames GivenNamesMode
	// MessageIDPrefix stands before the UUID of wsa:MessageID; empty is
	// "uuid:", *assumed* from recorded requests that were accepted. The
	// official sample has a bare UUID: use "-" for none.
	MessageIDPrefix string
	// NamePrefix stands before the software's name and version in ContexteLPS
	// Nom; empty is "urn:lps:", *assumed* from recorded requests. Use "-" to
	// send the name alone, as the official sample does.
	NamePrefix string
	// NotFoundAsFault takes the fault insi_102, by which the qualification
	// environment answers for a person that it does not know, for CR 01, so
	// that the cascade goes on. *assumed* from what was seen from 2021 to 2026.
	// New refuses it in production, where that fault is an outage.
	NotFoundAsFault bool
}

func (d Dialect) messageID(uuid string) string {
	switch d.MessageIDPrefix {
	case "":
		return "uuid:" + uuid
	case "-":
		return uuid
	}
	return d.MessageIDPrefix + uuid
}

func (d Dialect) softwareName(name, version string) string {
	switch d.NamePrefix {
	case "":
		return "urn:lps:" + name + ":" + version
	case "-":
		return name
	}
	return d.NamePrefix + name + ":" + version
}

// Versions of the two contexts, *assumed* to be demanded as the schemas are
// named: ContexteBAM 1.0 was seen to be accepted too.
const (
	versionBAM = "01_02"
	versionLPS = "01_00"
)
