package nos

import "github.com/soclesante/socle"

// Systems of the codes of documents.
const (
	SystemLOINC      = "2.16.840.1.113883.6.1"
	SystemClass      = "1.2.250.1.213.1.1.4.1"     // TRE_A03, classes of documents
	SystemType       = "1.2.250.1.213.1.1.4.12"    // TRE_A05, French types of documents
	SystemFormatIHE  = "1.3.6.1.4.1.19376.1.2.3"   // format codes of IHE
	SystemFormatFR   = "1.2.250.1.213.1.1.4.2.282" // TRE_A06, French format codes
	SystemSpecialty  = "1.2.250.1.213.1.1.4.5"     // TRE_A02, professions and specialities of authors
	SystemPractice   = "1.2.250.1.213.1.1.4.9"     // TRE_A01, frames of exercise
	SystemNormal     = "2.16.840.1.113883.5.25"    // HL7 Confidentiality
	SystemVisibility = "1.2.250.1.213.1.1.4.13"    // TRE_A07, visibility of a document
	SystemNonPerson  = "1.2.250.1.213.1.1.4.6"     // TRE_A00, authors that are no professionals
	classSignature   = "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1"
	schemeURN        = "URN"
)

// ClassCode holds the classes of documents of the DMP: classCode of XDS. The
// value set is not among those that the generator reads, and its date is not known.
var ClassCode = &Table{Name: "JDV_J57-ClassCode-DMP", OID: "1.2.250.1.213.1.1.5.6", codes: []socle.Code{
	{Code: "10", System: SystemClass, Display: "Compte rendu"},
	{Code: "11", System: SystemClass, Display: "Synthèse"},
	{Code: "31", System: SystemClass, Display: "Imagerie médicale"},
	{Code: "42", System: SystemClass, Display: "Prescription"},
	{Code: "43", System: SystemClass, Display: "Dispensation"},
	{Code: "44", System: SystemClass, Display: "Plan/protocole de soins"},
	{Code: "45", System: SystemClass, Display: "Traitements administrés"},
	{Code: "52", System: SystemClass, Display: "Certificat/déclaration"},
	{Code: "60", System: SystemClass, Display: "Remboursement"},
	{Code: "90", System: SystemClass, Display: "Autre document patient"},
	{Code: "95", System: SystemClass, Display: "Document de gestion"},
	{Code: classSignature, System: schemeURN, Display: "Digital Signature"},
}}

// classOfX04 is the published correspondence X04 of 2012-11-12, whole: type of
// document to class. Its types are partly withdrawn but live on in records.
var classOfX04 = map[string][]string{
	"10": {"11488-4", "11506-3", "11493-4", "11490-0", "46241-6", "15507-7", "11502-2", "11526-1", "11528-7", "27899-4", "24611-6",
		"34794-8", "47420-5", "39256-3", "34749-2", "10213-7", "34874-8", "15508-5", "11505-5", "29554-3", "BIL_AUTO"},
	"11":           {"34133-9", "SYNTH"},
	"31":           {"52040-3"},
	"42":           {"29551-9", "52521-2", "52063-5"},
	"43":           {"29550-1", "DISP_AUT"},
	"44":           {"18776-5", "PROT_ALD"},
	"52":           {"CERT_DECL"},
	"90":           {"EXPPAT_1", "EXPPAT_2"},
	"95":           {"INSCR_RCP"},
	classSignature: {"E1762"},
}

// Class gives the class of a type of document: the published correspondence
// first, then [AssumedClass]. It reports false for a type that neither knows.
func Class(typeCode string) (socle.Code, bool) {
	for class, types := range classOfX04 {
		for _, t := range types {
			if t == typeCode {
				return Lookup(ClassCode, class)
			}
		}
	}
	if class, ok := AssumedClass[typeCode]; ok {
		return Lookup(ClassCode, class)
	}
	return socle.Code{}, false
}
