package xds

import (
	"fmt"
	"strconv"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

// Marshal writes the lcm:SubmitObjectsRequest of a submission: what ITI-41
// carries, and METADATA.XML of an XDM archive. It writes canonical XML without
// XML declaration. What Check finds is the error.
func (s *Submission) Marshal() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return s.write(nil), nil
}

// write writes a submission; revised are documents that are written already, by
// their index.
func (s *Submission) write(revised map[int][]byte) []byte {
	w := &writer{}
	w.Start("lcm:SubmitObjectsRequest", "xmlns:lcm", NSLCM)
	w.Start("rim:RegistryObjectList", "xmlns:rim", NSRIM)
	w.set(s.Set)
	for i := range s.Documents {
		if b := revised[i]; b != nil {
			w.Raw(b)
		} else {
			w.document(&s.Documents[i])
		}
	}
	for i, a := range s.Associations {
		w.association(a, i)
	}
	w.End().End()
	return w.Bytes()
}

// writer writes the parts of registry objects; of is the id of the one that is
// open, and n counts its parts.
type writer struct {
	xmltree.Writer
	of string
	n  int
}

func (w *writer) part() string {
	w.n++
	return fmt.Sprintf("%s_%02d", w.of, w.n)
}

// association writes the association of that place among others.
func (w *writer) association(a Association, place int) {
	id := a.ID
	if id == "" {
		id = fmt.Sprintf("as%02d", place+1)
	}
	w.Start("rim:Association", "associationType", a.Type, "id", id, "sourceObject", a.Source, "targetObject", a.Target)
	w.slots(a.Slots)
	w.End()
}

func (w *writer) set(s SubmissionSet) {
	w.of, w.n = s.ID, 0
	w.Start("rim:RegistryPackage", optional("id", s.ID, "status", s.Status)...)
	w.slot("submissionTime", s.Time)
	w.slots(s.Extra)
	w.text("rim:Name", s.Title)
	w.text("rim:Description", s.Comments)
	w.authors(schemeSetAuthor, s.Authors)
	w.classify(schemeContentType, s.ContentType)
	w.others(s.Other)
	w.Empty("rim:Classification", "classificationNode", nodeSubmissionSet, "classifiedObject", w.of, "id", w.part())
	w.identify(schemeSetPatient, "XDSSubmissionSet.patientId", s.PatientID.Wire())
	w.identify(schemeSetSource, "XDSSubmissionSet.sourceId", s.SourceID)
	w.identify(schemeSetUnique, "XDSSubmissionSet.uniqueId", s.UniqueID)
	w.End()
}

func (w *writer) document(d *DocumentEntry) {
	w.of, w.n = d.ID, 0
	object := d.ObjectType
	if object == "" {
		object = ObjectTypeStable
	}
	w.Start("rim:ExtrinsicObject", optional("id", d.ID, "lid", d.LogicalID, "mimeType", d.MimeType, "objectType", object, "status", d.Status)...)
	w.slot("creationTime", d.CreationTime)
	w.slot("languageCode", d.Language)
	w.slot("serviceStartTime", d.ServiceStart)
	w.slot("serviceStopTime", d.ServiceStop)
	w.slot("legalAuthenticator", d.Legal.Wire())
	w.slot("sourcePatientId", d.SourcePatientID.Wire())
	w.slot("sourcePatientInfo", d.SourcePatientInfo...)
	w.slot("hash", d.Hash)
	if d.Size > 0 {
		w.slot("size", strconv.FormatInt(d.Size, 10))
	}
	w.slot("repositoryUniqueId", d.Repository)
	w.slot("URI", d.URI)
	w.slots(d.Extra)
	w.text("rim:Name", d.Title)
	w.text("rim:Description", d.Comments)
	if d.Version != "" {
		w.Empty("rim:VersionInfo", "versionName", d.Version)
	}
	w.authors(schemeDocAuthor, d.Authors)
	w.classify(schemeClass, d.Class)
	w.classify(schemeConfidence, d.Confidentiality...)
	w.classify(schemeEvent, d.Events...)
	w.classify(schemeFormat, d.Format)
	w.classify(schemeFacility, d.Facility)
	w.classify(schemePractice, d.Practice)
	w.classify(schemeType, d.Type)
	w.others(d.Other)
	w.identify(schemeDocPatient, "XDSDocumentEntry.patientId", d.PatientID.Wire())
	w.identify(schemeDocUnique, "XDSDocumentEntry.uniqueId", d.UniqueID)
	w.End()
}

func (w *writer) slot(name string, values ...string) {
	var kept []string
	for _, v := range values {
		if v != "" {
			kept = append(kept, v)
		}
	}
	if len(kept) == 0 {
		return
	}
	w.Start("rim:Slot", "name", name).Start("rim:ValueList")
	for _, v := range kept {
		w.Leaf("rim:Value", v)
	}
	w.End().End()
}

func (w *writer) slots(all []Slot) {
	for _, s := range all {
		w.slot(s.Name, s.Values...)
	}
}

func (w *writer) text(element, value string) {
	if value != "" {
		w.Start(element).Empty("rim:LocalizedString", "value", value).End()
	}
}

func (w *writer) authors(scheme string, all []Author) {
	for _, a := range all {
		w.Start("rim:Classification", "classificationScheme", scheme, "classifiedObject", w.of, "id", w.part(), "nodeRepresentation", "")
		w.slot("authorPerson", a.Person.Wire())
		var institutions, specialties []string
		for _, o := range a.Institutions {
			institutions = append(institutions, o.Wire())
		}
		for _, c := range a.Specialties {
			specialties = append(specialties, codedWire(c))
		}
		w.slot("authorInstitution", institutions...)
		w.slot("authorRole", a.Roles...)
		w.slot("authorSpecialty", specialties...)
		w.slots(a.Extra)
		w.End()
	}
}

func (w *writer) classify(scheme string, codes ...socle.Code) {
	for _, c := range codes {
		w.others([]Classification{{Scheme: scheme, Code: c}})
	}
}

func (w *writer) others(all []Classification) {
	for _, c := range all {
		w.Start("rim:Classification", "classificationScheme", c.Scheme, "classifiedObject", w.of, "id", w.part(), "nodeRepresentation", c.Code.Code)
		w.slot("codingScheme", c.Code.System)
		w.slots(c.Slots)
		w.text("rim:Name", c.Code.Display)
		w.End()
	}
}

func (w *writer) identify(scheme, name, value string) {
	w.Start("rim:ExternalIdentifier", "id", w.part(), "identificationScheme", scheme, "registryObject", w.of, "value", value)
	w.text("rim:Name", name)
	w.End()
}

// optional drops the pairs without value.
func optional(pairs ...string) []string {
	var kept []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			kept = append(kept, pairs[i], pairs[i+1])
		}
	}
	return kept
}
