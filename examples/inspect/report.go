package main

import (
	"github.com/soclesante/socle/ordonnance"
)

// report is what is printed of a file.
type report struct {
	File string     `json:"file"`
	Kind string     `json:"kind,omitempty"` // "cda", "datamatrix", "insi", "message", "archive" or "metadata"
	CDA  *cdaReport `json:"cda,omitempty"`

	Datamatrix *datamatrixReport `json:"datamatrix,omitempty"`
	INSi       *insiReport       `json:"insi,omitempty"`
	Message    *messageReport    `json:"message,omitempty"`
	Archive    *archiveReport    `json:"archive,omitempty"`
	Metadata   *metadataReport   `json:"metadata,omitempty"`

	Error string `json:"error,omitempty"`
}

type cdaReport struct {
	ID               string            `json:"id"` // root, or root^extension
	TemplateIDs      []string          `json:"templateIds"`
	TemplateVersions map[string]string `json:"templateVersions,omitempty"` // extensions of templateIds
	Code             codeReport        `json:"code"`
	Title            string            `json:"title"`
	EffectiveTime    string            `json:"effectiveTime"` // as written: YYYYMMDDhhmmss±zzzz
	Confidentiality  string            `json:"confidentiality"`
	SetID            string            `json:"setId"`
	Version          int               `json:"version"`
	Patient          patientReport     `json:"patient"`
	Authors          []authorReport    `json:"authors"`
	Body             bodyReport        `json:"body"`
	Entry            entryReport       `json:"entry"`
	Prescription     *prescription     `json:"prescription,omitempty"`
	Checked          *checked          `json:"checked,omitempty"`
}

type codeReport struct {
	Code        string `json:"code"`
	CodeSystem  string `json:"codeSystem"`
	DisplayName string `json:"displayName"`
}

type patientReport struct {
	Matricule  string   `json:"matricule"`
	OID        string   `json:"oid"`
	KeyValid   bool     `json:"keyValid"` // the key follows from the matricule
	BirthName  string   `json:"birthName"`
	GivenNames []string `json:"givenNames"` // of birth, in order
	UsedName   string   `json:"usedName,omitempty"`
	UsedGiven  string   `json:"usedGivenName,omitempty"`
	Sex        string   `json:"sex"`
	BirthDate  string   `json:"birthDate"`  // 1979-03-28, or 1979-03, or 1979
	BirthPlace string   `json:"birthPlace"` // code of the place (COG)
}

type authorReport struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Role           string `json:"role"` // G15_21/A
	RoleName       string `json:"roleName,omitempty"`
	Organisation   string `json:"organisation"`
	OrganisationID string `json:"organisationId,omitempty"`
	Kind           string `json:"kind"` // "person", "device" or "organisation"
}

type bodyReport struct {
	Kind      string `json:"kind"` // "none", "nonXML" or "structured"
	Size      int64  `json:"size"` // bytes, of the decoded file for nonXML
	MediaType string `json:"mediaType,omitempty"`
}

type entryReport struct {
	ClassCode                  string `json:"classCode"`
	TypeCode                   string `json:"typeCode"`
	FormatCode                 string `json:"formatCode"`
	HealthcareFacilityTypeCode string `json:"healthcareFacilityTypeCode"`
	PracticeSettingCode        string `json:"practiceSettingCode"`
	CreationTime               string `json:"creationTime"` // the times are UTC
	ServiceStartTime           string `json:"serviceStartTime"`
	ServiceStopTime            string `json:"serviceStopTime"`
	LanguageCode               string `json:"languageCode"`
	UniqueID                   string `json:"uniqueId"`
	Hash                       string `json:"hash"` // SHA-1 of the file
	Size                       int64  `json:"size"` // of the file
}

type prescription struct {
	Number   ordonnance.Number    `json:"number"`
	Validity ordonnance.Period    `json:"validity"`
	Subtypes []ordonnance.Subtype `json:"subtypes,omitempty"`
	Lines    []ordonnance.Line    `json:"lines"`
	Findings []ordonnance.Finding `json:"findings,omitempty"`
}
