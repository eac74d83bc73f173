// Package cda reads any CDA R2 document and writes those of level 1, whose body
// is a file such as a PDF, and those of level 3, whose sections are given.
//
// Reading is tolerant: what is missing, empty or unknown is told by zero values
// and null flavors, never by an error, because real records hold documents of
// all ages. Only what is no CDA at all is refused. Writing is strict: [Document.Marshal]
// writes nothing before the header holds what the French header profile (volet
// Structuration minimale) demands, and says all that is missing by its path.
package cda

import (
	"fmt"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

// NS is the namespace of CDA R2.
const NS = "urn:hl7-org:v3"

// OIDs of the header.
const (
	TemplateHL7France = "2.16.840.1.113883.2.8.2.1" // header of HL7 France
	TemplateCISIS     = "1.2.250.1.213.1.1.1.1"     // header of the framework (CI-SIS)
	TemplateNonXML    = "1.3.6.1.4.1.19376.1.2.20"  // level 1, IHE XDS-SD
	TypeRoot          = "2.16.840.1.113883.1.3"
	TypeExtension     = "POCD_HD000040"
)

// Document is a CDA header and its body.
type Document struct {
	TemplateIDs     []ID
	ID              ID
	Code            Code // type of document: typeCode of XDS
	Title           string
	EffectiveTime   Time // when the document was made
	Confidentiality Code
	Language        string // "fr-FR"
	SetID           ID     // common to all versions
	Version         int    // 0 when there is none

	Patient        Patient   // first recordTarget
	OtherPatients  []Patient // the others, which the French profile forbids
	Authors        []Author
	Custodian      Organization
	Recipients     []Participation // informationRecipient
	Legal          *Participation  // legalAuthenticator: who answers for the document
	Authenticators []Participation
	Participants   []Participation
	Orders         []ID           // inFulfillmentOf/order/id
	Events         []ServiceEvent // documentationOf
	Related        []Related      // relatedDocument
	Consents       []Code         // authorization/consent/code
	Encounter      *Encounter     // componentOf

	// Content is the body to write; a document that was read has a Body instead.
	Content Content
	// Structured is the body of level 3 to write, in the place of Content.
	Structured *Structured
	// Body is the body that was read.
	Body Body
	// XML is the tree that was read and Root its ClinicalDocument, which is not
	// the root of a document that carries its own stylesheet. Both are nil for a
	// document made to be written.
	XML  *xmltree.Document
	Root *xmltree.Element
}

// Patient is a recordTarget.
type Patient struct {
	IDs       []ID // the INS and local ones, in the order of the document
	Addresses []Address
	Telecoms  []Telecom
	Name      Name
	Gender    Code // "M", "F" or "UN" of 2.16.840.1.113883.5.1
	BirthTime Time
	// BirthPlace is the code of the place (COG) or what the document writes in its stead.
	BirthPlace     string
	BirthPlaceName string // city
	Guardians      []Name
}

// Format shows that there is a patient, whatever the verb.
func (p Patient) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "[patient]") }

// Author is who or what made the document.
type Author struct {
	Function Code // role in the care: functionCode
	Time     Time
	Entity
}

// Entity is a person or a device acting in a role, for an organization.
type Entity struct {
	IDs          []ID
	Code         Code // profession and speciality
	Addresses    []Address
	Telecoms     []Telecom
	Person       *Name         // nil for a device and for an organization alone
	Device       *Device       // nil for a person
	Organization *Organization // nil when there is none
}

// ID gives the first identifier that has a value.
func (e Entity) ID() ID { return firstID(e.IDs) }

// Device is software or a machine that writes documents.
type Device struct{ Model, Software string }

// Organization is a structure.
type Organization struct {
	IDs       []ID
	Name      string
	Telecoms  []Telecom
	Addresses []Address
	Industry  Code // standardIndustryClassCode: practiceSettingCode of XDS
}

// ID gives the first identifier that has a value.
func (o Organization) ID() ID { return firstID(o.IDs) }

// Participation is an entity that takes part in the document or in what it documents.
type Participation struct {
	Type      string // typeCode: "PRF", "REF", "INF"… empty where the element fixes it
	Function  Code
	Time      Interval // a moment has the same Low and High
	Signature string   // signatureCode, "S"
	Entity
}

// ServiceEvent is an act that the document documents.
type ServiceEvent struct {
	Class      string // classCode
	IDs        []ID
	Code       Code
	Period     Interval
	Performers []Participation
}

// Related is a document that this one replaces (RPLC), appends to (APND) or transforms (XFRM).
type Related struct {
	Type    string
	IDs     []ID
	SetID   ID
	Version int
}

// Encounter is the care during which the document was made.
type Encounter struct {
	IDs          []ID
	Code         Code
	Period       Interval
	Responsible  *Participation
	FacilityIDs  []ID
	Facility     Code // sector of activity: healthcareFacilityTypeCode of XDS
	FacilityName string
}

func firstID(ids []ID) ID {
	for _, id := range ids {
		if !id.IsZero() {
			return id
		}
	}
	return ID{}
}

// HasTemplate reports whether the document claims that model.
func (d *Document) HasTemplate(root string) bool {
	for _, t := range d.TemplateIDs {
		if t.Root == root {
			return true
		}
	}
	return false
}

// Structure gives the national identifier of the organization, and false when it has none.
func (o Organization) Structure() (string, bool) { return extension(o.IDs, socle.OIDStructure) }

// National gives the national identifier of the professional, and false when there is none.
func (e Entity) National() (string, bool) { return extension(e.IDs, socle.OIDPerson) }

func extension(ids []ID, root string) (string, bool) {
	for _, id := range ids {
		if id.Root == root && id.Extension != "" {
			return id.Extension, true
		}
	}
	return "", false
}
