package main

import (
	"bytes"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// isMetadata reports whether a file is of ebXML RegRep: METADATA.XML of an
// archive, or what the registry of the DMP is asked and answers.
func isMetadata(b []byte) bool {
	return bytes.Contains(b, []byte("urn:oasis:names:tc:ebxml-regrep:xsd:")) && !bytes.Contains(b, []byte("<ClinicalDocument"))
}

// metadataReport is what ebRIM objects say.
type metadataReport struct {
	Message      string              `json:"message"` // SubmitObjectsRequest, AdhocQueryResponse …
	Status       string              `json:"status,omitempty"`
	Total        *int                `json:"total,omitempty"` // totalResultCount
	Query        string              `json:"query,omitempty"` // name of the stored query
	Parameters   []parameterReport   `json:"parameters,omitempty"`
	Sets         []setReport         `json:"sets,omitempty"`
	Documents    []entryMetadata     `json:"documents,omitempty"`
	Associations []associationReport `json:"associations,omitempty"`
	References   []string            `json:"references,omitempty"` // ids of ObjectRef
	Errors       []registryError     `json:"errors,omitempty"`
	Fault        string              `json:"fault,omitempty"` // why a registry would refuse it
}

type parameterReport struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

type setReport struct {
	ID          string       `json:"id"`
	UniqueID    string       `json:"uniqueId"`
	Source      string       `json:"sourceId,omitempty"`
	Title       string       `json:"title,omitempty"`
	Time        string       `json:"time,omitempty"` // UTC
	ContentType codeReport   `json:"contentType"`
	Patient     string       `json:"patientId"` // CX
	Status      string       `json:"status,omitempty"`
	Authors     []authorLine `json:"authors"`
}

type entryMetadata struct {
	EntryID         string       `json:"entryId"` // symbolic, or entryUUID
	LogicalID       string       `json:"logicalId,omitempty"`
	Version         string       `json:"version,omitempty"`
	Status          string       `json:"status,omitempty"`
	Title           string       `json:"title"`
	Comments        string       `json:"comments,omitempty"`
	MimeType        string       `json:"mimeType"`
	Class           codeReport   `json:"class"`
	Type            codeReport   `json:"type"`
	Format          codeReport   `json:"format"`
	Facility        codeReport   `json:"facility"`
	Practice        codeReport   `json:"practice"`
	Confidentiality []codeReport `json:"confidentiality"`
	Events          []codeReport `json:"events,omitempty"`
	Patient         string       `json:"patientId"` // CX
	SourcePatient   string       `json:"sourcePatientId,omitempty"`
	SourceTraits    []string     `json:"sourcePatientInfo,omitempty"`
	Authors         []authorLine `json:"authors"`
	Legal           string       `json:"legalAuthenticator,omitempty"`
	Unknown         []string     `json:"otherSlots,omitempty"` // names
	URI             string       `json:"uri,omitempty"`
	Repository      string       `json:"repositoryId,omitempty"`
	entryTimes
}

type entryTimes struct {
	CreationTime     string `json:"creationTime"` // the times are UTC
	ServiceStartTime string `json:"serviceStartTime,omitempty"`
	ServiceStopTime  string `json:"serviceStopTime,omitempty"`
	LanguageCode     string `json:"languageCode,omitempty"`
	UniqueID         string `json:"uniqueId"`
	Hash             string `json:"hash,omitempty"`
	Size             int64  `json:"size,omitempty"`
}

type authorLine struct {
	Person       string   `json:"person"` // XCN
	Institutions []string `json:"institutions,omitempty"`
	Specialties  []string `json:"specialties,omitempty"`
	Roles        []string `json:"roles,omitempty"`
}

type associationReport struct {
	Type   string            `json:"type"`
	Source string            `json:"source"`
	Target string            `json:"target"`
	Slots  map[string]string `json:"slots,omitempty"`
}

type registryError struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Context  string `json:"context,omitempty"`
	Location string `json:"location,omitempty"`
}

// storedQueries names the queries that the DMP answers.
var storedQueries = map[string]string{
	xds.FindDocuments: "FindDocuments", xds.FindSubmissionSets: "FindSubmissionSets", xds.GetDocuments: "GetDocuments",
	xds.GetAssociations: "GetAssociations", xds.GetDocumentsAndAssociations: "GetDocumentsAndAssociations",
}

func inspectMetadata(b []byte) report {
	doc, err := xmltree.Parse(b, xmltree.Limits{Bytes: maxFile})
	if err != nil {
		return report{Error: err.Error()}
	}
	root := doc.Root
	if root.Name.Local == "Envelope" { // a message whole
		for c := range root.Path("Body").Elements() {
			root = c
			break
		}
	}
	m := &metadataReport{Message: root.Name.Local}
	switch {
	case root.Is(xds.NSQuery, "AdhocQueryRequest"):
		m.query(root)
	case root.Is(xds.NSQuery, "AdhocQueryResponse"):
		err = m.answer(root)
	case root.Is(xds.NSRS, "RegistryResponse"):
		err = m.response(root)
	default:
		if inner := root.First(xds.NSLCM, "SubmitObjectsRequest"); inner != nil { // ProvideAndRegister
			root = inner
		}
		err = m.submission(root)
	}
	if err != nil {
		return report{Error: err.Error()}
	}
	return report{Kind: "metadata", Metadata: m}
}

// query tells the parameters as they are written, and whether a registry would
// refuse them.
func (m *metadataReport) query(e *xmltree.Element) {
	query := e.First(xds.NSRIM, "AdhocQuery")
	if m.Query = storedQueries[query.Attr("id")]; m.Query == "" {
		m.Query = query.Attr("id")
	}
	for s := range query.All(xds.NSRIM, "Slot") {
		p := parameterReport{Name: s.Attr("name")}
		for v := range s.First(xds.NSRIM, "ValueList").All(xds.NSRIM, "Value") {
			p.Values = append(p.Values, v.Trimmed())
		}
		m.Parameters = append(m.Parameters, p)
	}
	if _, err := xds.ParseQuery(e); err != nil {
		m.Fault = err.Error()
	}
}

func (m *metadataReport) answer(e *xmltree.Element) error {
	r, err := xds.ParseQueryResponse(e)
	if err != nil {
		return err
	}
	if r.Total >= 0 {
		m.Total = &r.Total
	}
	m.errors(r.Response)
	for _, s := range r.Sets {
		m.Sets = append(m.Sets, set(s))
	}
	m.objects(r.Documents, r.Associations)
	m.References = r.References
	return nil
}

func (m *metadataReport) response(e *xmltree.Element) error {
	r, err := xds.ParseResponse(e)
	if err == nil {
		m.errors(r)
	}
	return err
}

func (m *metadataReport) submission(e *xmltree.Element) error {
	s, err := xds.FromXML(e)
	if err != nil {
		return err
	}
	if s.Set.ID != "" || s.Set.UniqueID != "" {
		m.Sets = []setReport{set(s.Set)}
	}
	m.objects(s.Documents, s.Associations)
	return nil
}

func (m *metadataReport) errors(r xds.Response) {
	m.Status = last(r.Status)
	for _, e := range r.Errors {
		m.Errors = append(m.Errors, registryError{string(e.Code), last(e.Severity), e.Context, e.Location})
	}
}

func (m *metadataReport) objects(documents []xds.DocumentEntry, associations []xds.Association) {
	for _, d := range documents {
		m.Documents = append(m.Documents, entryOf(d))
	}
	for _, a := range associations {
		r := associationReport{Type: last(a.Type), Source: a.Source, Target: a.Target}
		for _, s := range a.Slots {
			if r.Slots == nil {
				r.Slots = map[string]string{}
			}
			r.Slots[s.Name] = last(strings.Join(s.Values, ", "))
		}
		m.Associations = append(m.Associations, r)
	}
}

// last gives the last word of a URN.
func last(urn string) string { return urn[strings.LastIndexByte(urn, ':')+1:] }

func codeLine(c socle.Code) codeReport { return codeReport{c.Code, c.System, c.Display} }

func codeLines(all []socle.Code) []codeReport {
	out := make([]codeReport, 0, len(all))
	for _, c := range all {
		out = append(out, codeLine(c))
	}
	return out
}

func authorLines(all []xds.Author) []authorLine {
	out := make([]authorLine, 0, len(all))
	for _, a := range all {
		l := authorLine{Person: a.Person.Wire(), Roles: a.Roles}
		for _, i := range a.Institutions {
			l.Institutions = append(l.Institutions, i.Wire())
		}
		for _, s := range a.Specialties {
			l.Specialties = append(l.Specialties, strings.TrimSpace(s.Code+" "+s.Display))
		}
		out = append(out, l)
	}
	return out
}

func set(s xds.SubmissionSet) setReport {
	return setReport{ID: s.ID, UniqueID: s.UniqueID, Source: s.SourceID, Title: s.Title, Time: s.Time, ContentType: codeLine(s.ContentType),
		Patient: s.PatientID.Wire(), Status: last(s.Status), Authors: authorLines(s.Authors)}
}

func entryOf(d xds.DocumentEntry) entryMetadata {
	e := entryMetadata{
		EntryID: d.ID, LogicalID: d.LogicalID, Version: d.Version, Status: last(d.Status), Title: d.Title, Comments: d.Comments, MimeType: d.MimeType,
		Class: codeLine(d.Class), Type: codeLine(d.Type), Format: codeLine(d.Format), Facility: codeLine(d.Facility), Practice: codeLine(d.Practice),
		Confidentiality: codeLines(d.Confidentiality), Events: codeLines(d.Events), Patient: d.PatientID.Wire(), SourcePatient: d.SourcePatientID.Wire(),
		SourceTraits: d.SourcePatientInfo, Authors: authorLines(d.Authors), Legal: d.Legal.Wire(), URI: d.URI, Repository: d.Repository,
		entryTimes: entryTimes{d.CreationTime, d.ServiceStart, d.ServiceStop, d.Language, d.UniqueID, d.Hash, d.Size},
	}
	for _, s := range d.Extra {
		e.Unknown = append(e.Unknown, s.Name)
	}
	return e
}
