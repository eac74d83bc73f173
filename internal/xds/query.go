package xds

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

// Stored queries of ITI-18 that the DMP answers (dmp sheet §4 TD3.1).
const (
	FindDocuments               = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
	FindSubmissionSets          = "urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9"
	GetDocuments                = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
	GetAssociations             = "urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155"
	GetDocumentsAndAssociations = "urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a"
)

// Parameters of stored queries. A name with From or To at its end takes a number.
const (
	ParamPatient         = "$XDSDocumentEntryPatientId"
	ParamStatus          = "$XDSDocumentEntryStatus"
	ParamType            = "$XDSDocumentEntryTypeCode"
	ParamClass           = "$XDSDocumentEntryClassCode"
	ParamFormat          = "$XDSDocumentEntryFormatCode"
	ParamPractice        = "$XDSDocumentEntryPracticeSettingCode"
	ParamFacility        = "$XDSDocumentEntryHealthcareFacilityTypeCode"
	ParamConfidentiality = "$XDSDocumentEntryConfidentialityCode"
	ParamEvent           = "$XDSDocumentEntryEventCodeList"
	ParamAuthor          = "$XDSDocumentEntryAuthorPerson"
	ParamCreationFrom    = "$XDSDocumentEntryCreationTimeFrom"
	ParamCreationTo      = "$XDSDocumentEntryCreationTimeTo"
	ParamStartFrom       = "$XDSDocumentEntryServiceStartTimeFrom"
	ParamStartTo         = "$XDSDocumentEntryServiceStartTimeTo"
	ParamStopFrom        = "$XDSDocumentEntryServiceStopTimeFrom"
	ParamStopTo          = "$XDSDocumentEntryServiceStopTimeTo"
	ParamEntryUUID       = "$XDSDocumentEntryEntryUUID"
	ParamUniqueID        = "$XDSDocumentEntryUniqueId"
	ParamSetPatient      = "$XDSSubmissionSetPatientId"
	ParamSetStatus       = "$XDSSubmissionSetStatus"
	ParamSetTimeFrom     = "$XDSSubmissionSetSubmissionTimeFrom"
	ParamSetTimeTo       = "$XDSSubmissionSetSubmissionTimeTo"
	ParamUUID            = "$uuid"
)

// Query is a stored query: an AdhocQueryRequest.
type Query struct {
	ID         string // FindDocuments …
	References bool   // answer ObjectRef rather than LeafClass
	Params     []Param
}

// Form is how the values of a parameter are written.
type Form int

// Forms.
const (
	Text   Form = iota // 'it''s'
	List               // ('a','b'): any of them
	Number             // 20260302083000
)

// Param is a parameter of a query. Two of the same name must both hold.
type Param struct {
	Name   string // with its dollar
	Form   Form
	Values []string // unquoted; one unless the form is List
}

// Coded gives the values of codes: code^^scheme.
func Coded(codes ...socle.Code) []string {
	var all []string
	for _, c := range codes {
		all = append(all, c.Code+"^^"+c.System)
	}
	return all
}

// Values gives the values of all parameters of that name.
func (q *Query) Values(name string) []string {
	var all []string
	for _, p := range q.Params {
		if p.Name == name {
			all = append(all, p.Values...)
		}
	}
	return all
}

// Marshal writes the query:AdhocQueryRequest, canonical. The error names the
// parameter that cannot be written.
func (q *Query) Marshal() ([]byte, error) {
	var p problems
	p.want(q.ID != "", "AdhocQuery/id", "mandatory")
	returns := "LeafClass"
	if q.References {
		returns = "ObjectRef"
	}
	var w xmltree.Writer
	w.Start("query:AdhocQueryRequest", "xmlns:query", NSQuery)
	w.Empty("query:ResponseOption", "returnComposedObjects", "true", "returnType", returns)
	w.Start("rim:AdhocQuery", "xmlns:rim", NSRIM, "id", q.ID)
	for _, param := range q.Params {
		values, err := param.wire()
		if err != "" {
			p.want(false, param.Name, err)
			continue
		}
		w.Start("rim:Slot", "name", param.Name).Start("rim:ValueList")
		for _, v := range values {
			w.Leaf("rim:Value", v)
		}
		w.End().End()
	}
	w.End().End()
	return w.Bytes(), p.err()
}

// wire gives the contents of the rim:Value elements of a parameter. A list that
// is longer than one may be goes over several (ITI TF-2 §3.18.4.1.2.3.5).
func (p Param) wire() (values []string, problem string) {
	switch {
	case len(p.Name) < 2 || p.Name[0] != '$' || utf8.RuneCountInString(p.Name) > longName || !valid(p.Name):
		return nil, "a name that begins with $ expected"
	case len(p.Values) == 0:
		return nil, "a value expected"
	case p.Form != List && len(p.Values) > 1:
		return nil, "one value expected"
	}
	if p.Form == Number {
		if !isNumber(p.Values[0]) {
			return nil, "digits expected"
		}
		return p.Values, ""
	}
	all := make([]string, len(p.Values))
	for i, v := range p.Values {
		all[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'"
		switch {
		case v == "" || !valid(v):
			return nil, "a value that is not empty and that XML can carry expected"
		case utf8.RuneCountInString(all[i])+2 > longName:
			return nil, fmt.Sprintf("%d characters at most expected, with the quotes", longName-2)
		}
	}
	if p.Form == Text {
		return all, ""
	}
	line, n := "", 0
	for _, v := range all {
		size := utf8.RuneCountInString(v) + 1 // with a comma or a parenthesis
		if line != "" && n+size+1 > longName {
			values = append(values, "("+line+")")
			line, n = "", 0
		}
		if line != "" {
			line += ","
		}
		line += v
		n += size
	}
	return append(values, "("+line+")"), ""
}

func isNumber(s string) bool {
	return s != "" && len(s) <= longName && strings.Trim(s, "0123456789") == ""
}

// valid reports whether what is written is read as it was: no character that
// XML cannot carry, and no blank at an end.
func valid(s string) bool {
	if strings.TrimSpace(s) != s || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0xFFFE || r == 0xFFFF })
}
