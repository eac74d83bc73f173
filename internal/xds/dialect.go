package xds

// Values of composite types that the public texts show only in part. They are
// variables so that a caller under contract can set others before any document
// is built.
var (
	// NameTypeDevice is XCN.10 of an author that is a device: *assumed* (the
	// samples show persons only).
	NameTypeDevice = "U"
	// LocalPatientType is CX.5 of a patient identifier that is local to a
	// structure: *assumed* from HL7 table 0203.
	LocalPatientType = "PI"
)

// nameTypePerson is XCN.10 of a person: the name of exercise.
const nameTypePerson = "D"
