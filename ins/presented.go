package ins

import "log/slog"

// Presented is an identity as a message or a document presents it to others:
// in a FHIR Patient, in HL7v2 segments, in the recordTarget of a CDA document.
// What comes from somewhere else is a [Claim], whatever status it pretends: it
// begins here as an identity that is provisoire, and its INS is to be verified.
type Presented struct {
	Claim // INS is zero when there is none
	// History holds the INS of the past. Only FHIR carries them.
	History []Past
	// Status and Attributes are those of the sender; CDA carries neither.
	Status     Status
	Attributes Attribute
	// Evidence is what the person proved the identity with before the sender,
	// EvidenceDay when, and QueriedDay when INSi was asked: YYYY-MM-DD or empty.
	Evidence                EvidenceKind
	EvidenceDay, QueriedDay string
	Extra
	// Warnings tell oddities of what was read, without any value.
	Warnings []string
}

// Extra is what a representation says besides an [Identity], which does not
// hold it.
type Extra struct {
	// UsedName and UsedGivenName are the nom and prénom utilisés. They are never
	// filled from the INS (EXI ID 08).
	UsedName, UsedGivenName string
	// Local are the identifiers of the software or the structure (IPP). CDA and
	// HL7v2 need one when the identity is not qualified.
	Local []LocalID
	// Method is how the identity was collected. Only FHIR carries it.
	Method CollectionMethod
	// Codes are those of statuses; CDA has none.
	Codes StatusCodes
}

// LocalID is an identifier that means something in one place only.
type LocalID struct {
	Value string
	OID   string // of the authority
	Name  string // of the authority in HL7v2; optional
}

// CollectionMethod is how an identity was collected (fr-core-cs-method-collection).
type CollectionMethod string

// Methods of collection.
const (
	Typed       CollectionMethod = "SM"   // saisie manuelle
	VitaleCard  CollectionMethod = "CV"   // carte Vitale
	Teleservice CollectionMethod = "INSI" // téléservice INSi
	Scanned     CollectionMethod = "CB"   // datamatrix INS
	RadioTag    CollectionMethod = "RFID"
	VitaleApp   CollectionMethod = "AV" // appli carte Vitale
)

// StatusCodes are the codes by which a status is written.
type StatusCodes uint8

// The two systems of codes in use.
const (
	// RNIVCodes are PROV, VALI, RECUP and QUAL (fr-core-cs-identity-status, fr-core 2.2).
	RNIVCodes StatusCodes = iota
	// Table0445 is the HL7 table 0445 (fr-core 2.1 and before), which knows PROV
	// and VALI only: a qualified identity is VALI with an INS; that one which is
	// récupérée is PROV is *assumed*.
	Table0445
)

// code gives the code of a status.
func (c StatusCodes) code(s Status) string {
	if c == RNIVCodes {
		return s.Code()
	}
	if s.Proved() {
		return "VALI"
	}
	return "PROV"
}

// status reads the code of a status, which of them tells an INS beside it.
func (c StatusCodes) status(code string, withINS bool) (Status, bool) {
	if c == Table0445 && code == "VALI" && withINS {
		return Qualifiee, true
	}
	for s, k := range statusCodes {
		if k == code && (c == RNIVCodes || Status(s) == Provisoire || Status(s) == Validee) {
			return Status(s), true
		}
	}
	return Provisoire, false
}

// attributeCodes are those of both systems. HOMD, an homonym found but not
// confirmed, is read as HOMA.
var attributeCodes = []struct {
	bit  Attribute
	code string
}{{Homonyme, "HOMA"}, {Douteuse, "DOUT"}, {Fictive, "FICT"}}

func (a Attribute) codes() (codes []string) {
	for _, k := range attributeCodes {
		if a.Has(k.bit) {
			codes = append(codes, k.code)
		}
	}
	return codes
}

func attributeOf(code string) Attribute {
	if code == "HOMD" {
		return Homonyme
	}
	for _, k := range attributeCodes {
		if k.code == code {
			return k.bit
		}
	}
	return 0
}

// Presented gives what others may know of an identity: its traits, its status,
// and its INS and history only when it is qualified (EXI ID 29, SC.INS/va1.59).
// All representations are made of it.
func (id Identity) Presented(x Extra) Presented {
	s := id.get()
	p := Presented{Status: s.status, Attributes: s.attributes, Extra: x}
	p.Traits = s.traits
	if p.Traits.FirstGivenName == "" {
		p.Traits.FirstGivenName = p.Traits.First()
	}
	if p.Traits.GivenNames == "" {
		p.Traits.GivenNames = p.Traits.FirstGivenName
	}
	if _, err := ParseCOG(string(p.Traits.BirthPlace)); err != nil {
		p.Traits.BirthPlace = ""
	}
	if i, err := id.Sendable(); err == nil {
		p.INS, p.History = i, id.History()
	}
	if s.status.Proved() {
		p.Evidence, p.EvidenceDay = s.evidence.Kind, s.evidence.At.Format("2006-01-02")
	}
	if s.status.KeepsINS() && !s.queriedAt.IsZero() {
		p.QueriedDay = s.queriedAt.Format("2006-01-02")
	}
	return p
}

// settle checks what was read: traits, coherence of status and attributes.
func (p *Presented) settle(op string) error {
	if t := &p.Traits; t.FirstGivenName != "" && t.GivenNames != "" && !begins(t.GivenNames, t.FirstGivenName) {
		p.Warnings = append(p.Warnings, "the list of given names does not begin with the first given name, which alone was taken")
		t.GivenNames = "" // older senders put the other given names alone there
	}
	t, err := p.Traits.Normalize()
	if err != nil {
		return &Error{Op: op, Text: "the identity does not hold", Err: err, kind: ErrInvalid}
	}
	p.Traits = t
	switch {
	case !p.Attributes.legal():
		return &Error{Op: op, Text: "attributes: only douteuse and homonyme go together", Requirement: "EXI ID 24, EXI ID 26", kind: ErrInvalid}
	case p.Attributes.blocks() && p.Status != Provisoire:
		return &Error{Op: op, Text: "an identity that is " + p.Attributes.String() + " is provisoire", Requirement: "EXI SI 09", kind: ErrInvalid}
	case p.Status == Qualifiee && p.INS.IsZero():
		return &Error{Op: op, Text: "an identity that is qualifiée has an INS", Requirement: "EXI ID 29", kind: ErrInvalid}
	case p.Status != Qualifiee && (!p.INS.IsZero() || len(p.History) > 0):
		return &Error{Op: op, Text: "an INS came with an identity that is not qualifiée: the sender may not send it", Requirement: "EXI ID 29, SC.INS/va1.59", kind: ErrInvalid}
	}
	return nil
}

// String hides the person.
func (p Presented) String() string { return "identity " + p.Status.String() + " " + redacted }

// GoString hides the person.
func (p Presented) GoString() string { return "ins.Presented{" + redacted + "}" }

// MarshalText hides the person.
func (p Presented) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// LogValue shows the status and hides the person.
func (p Presented) LogValue() slog.Value { return slog.StringValue(p.String()) }
