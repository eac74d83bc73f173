package xds

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

// Most objects, and slots or classifications of one, that are read.
const (
	maxObjects = 10_000
	maxParts   = 1_000
)

// Parse reads a SubmitObjectsRequest: the whole of METADATA.XML.
func Parse(b []byte, limits xmltree.Limits) (*Submission, error) {
	x, err := xmltree.Parse(b, limits)
	if err != nil {
		return nil, &Error{Op: "read", Text: "not an XML document", Err: err}
	}
	return FromXML(x.Root)
}

// FromXML reads a lcm:SubmitObjectsRequest, a query:AdhocQueryResponse or any
// other element that holds a rim:RegistryObjectList. It accepts what servers
// and senders get wrong: blanks inside scheme UUIDs, "authorSpeciality", a
// submission set classified beside its package.
func FromXML(e *xmltree.Element) (*Submission, error) {
	list := e
	if !e.Is(NSRIM, "RegistryObjectList") {
		list = e.First(NSRIM, "RegistryObjectList")
	}
	if list == nil {
		return nil, &Error{Op: "read", Text: "no RegistryObjectList"}
	}
	o, err := objectsOf(list)
	if err != nil {
		return nil, err
	}
	s := &Submission{Documents: o.documents, Associations: o.associations}
	if len(o.sets) > 0 { // more are left out
		s.Set = o.sets[0]
	}
	return s, nil
}

func attr(e *xmltree.Element, name string) string { return strings.TrimSpace(e.Attr(name)) }

// scheme gives a UUID attribute without the blanks that some senders put into it.
func scheme(e *xmltree.Element, name string) string {
	return strings.ToLower(strings.Join(strings.Fields(e.Attr(name)), ""))
}

func setOf(o *xmltree.Element) (SubmissionSet, error) {
	s := SubmissionSet{ID: attr(o, "id"), Status: attr(o, "status"), Title: localized(o, "Name"), Comments: localized(o, "Description")}
	slots, err := slotsOf(o)
	if err != nil {
		return s, err
	}
	s.Time = takeSlot(&slots, "submissionTime")
	s.Extra = slots
	err = classifications(o, func(c *xmltree.Element, slots []Slot) {
		switch {
		case c.Attr("classificationNode") != "":
		case scheme(c, "classificationScheme") == schemeSetAuthor:
			s.Authors = append(s.Authors, authorOf(slots))
		case scheme(c, "classificationScheme") == schemeContentType && s.ContentType.IsZero():
			s.ContentType = codeOf(c, slots).Code
		default:
			s.Other = append(s.Other, codeOf(c, slots))
		}
	})
	for i := range o.All(NSRIM, "ExternalIdentifier") {
		v := attr(i, "value")
		switch scheme(i, "identificationScheme") {
		case schemeSetPatient:
			s.PatientID = ParseCX(v)
		case schemeSetSource:
			s.SourceID = v
		case schemeSetUnique:
			s.UniqueID = v
		}
	}
	return s, err
}

// read fills d from an ExtrinsicObject, in one pass over its children.
func (d *DocumentEntry) read(o *xmltree.Element) error {
	d.ID, d.LogicalID, d.Status = attr(o, "id"), attr(o, "lid"), attr(o, "status")
	d.ObjectType, d.MimeType = attr(o, "objectType"), attr(o, "mimeType")
	slots, classified := 0, 0
	for c := range o.Elements() {
		if c.Name.Space != NSRIM {
			continue
		}
		switch c.Name.Local {
		case "Slot":
			if slots++; slots > maxParts {
				return errSlots
			}
			d.slot(slotOf(c))
		case "Classification":
			if classified++; classified > maxParts {
				return errClassifications
			}
			if err := d.classification(c); err != nil {
				return err
			}
		case "ExternalIdentifier":
			switch v := attr(c, "value"); scheme(c, "identificationScheme") {
			case schemeDocPatient:
				d.PatientID = ParseCX(v)
			case schemeDocUnique:
				d.UniqueID = v
			}
		case "Name":
			first(&d.Title, localizedOf(c))
		case "Description":
			first(&d.Comments, localizedOf(c))
		case "VersionInfo":
			first(&d.Version, attr(c, "versionName"))
		}
	}
	return nil
}

// first keeps the first value that is not empty.
func first(field *string, v string) {
	if *field == "" {
		*field = v
	}
}

// slot takes a slot into the field that it is, if that is still empty, and
// keeps one that is unknown, comes twice or has more values than its field.
func (d *DocumentEntry) slot(s Slot) {
	var field *string
	v := ""
	if len(s.Values) > 0 {
		v = s.Values[0]
	}
	switch name := strings.ToLower(s.Name); name {
	case "creationtime":
		field = &d.CreationTime
	case "languagecode":
		field = &d.Language
	case "servicestarttime":
		field = &d.ServiceStart
	case "servicestoptime":
		field = &d.ServiceStop
	case "hash":
		field = &d.Hash
	case "repositoryuniqueid":
		field = &d.Repository
	case "uri":
		field = &d.URI
	case "legalauthenticator":
		if d.Legal.IsZero() {
			if d.Legal = ParseXCN(v); len(s.Values) <= 1 {
				return
			}
		}
	case "sourcepatientid":
		if d.SourcePatientID.IsZero() {
			if d.SourcePatientID = ParseCX(v); len(s.Values) <= 1 {
				return
			}
		}
	case "sourcepatientinfo":
		if d.SourcePatientInfo == nil {
			d.SourcePatientInfo = s.Values
			return
		}
	case "size":
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n > 0 && d.Size == 0 {
			if d.Size = n; len(s.Values) <= 1 {
				return
			}
		}
	}
	if field != nil && *field == "" {
		if *field = v; len(s.Values) <= 1 {
			return
		}
	}
	d.Extra = append(d.Extra, s)
}

func (d *DocumentEntry) classification(c *xmltree.Element) error {
	slots, err := slotsOf(c)
	if err != nil {
		return err
	}
	var field *socle.Code
	switch scheme(c, "classificationScheme") {
	case schemeDocAuthor:
		d.Authors = append(d.Authors, authorOf(slots))
		return nil
	case schemeConfidence:
		d.Confidentiality = append(d.Confidentiality, codeOf(c, slots).Code)
		return nil
	case schemeEvent:
		d.Events = append(d.Events, codeOf(c, slots).Code)
		return nil
	case schemeClass:
		field = &d.Class
	case schemeType:
		field = &d.Type
	case schemeFormat:
		field = &d.Format
	case schemeFacility:
		field = &d.Facility
	case schemePractice:
		field = &d.Practice
	}
	if field != nil && field.IsZero() {
		*field = codeOf(c, slots).Code
	} else {
		d.Other = append(d.Other, codeOf(c, slots))
	}
	return nil
}

var (
	errSlots           = &Error{Op: "read", Text: fmt.Sprintf("more than %d slots of one object", maxParts), Err: ErrLimit}
	errClassifications = &Error{Op: "read", Text: fmt.Sprintf("more than %d classifications of one object", maxParts), Err: ErrLimit}
)

// classifications calls f with each classification of o and its slots.
func classifications(o *xmltree.Element, f func(*xmltree.Element, []Slot)) error {
	n := 0
	for c := range o.All(NSRIM, "Classification") {
		if n++; n > maxParts {
			return errClassifications
		}
		slots, err := slotsOf(c)
		if err != nil {
			return err
		}
		f(c, slots)
	}
	return nil
}

func codeOf(c *xmltree.Element, slots []Slot) Classification {
	out := Classification{Scheme: scheme(c, "classificationScheme")}
	out.Code = socle.Code{Code: attr(c, "nodeRepresentation"), System: takeSlot(&slots, "codingScheme"), Display: localized(c, "Name")}
	out.Slots = slots
	return out
}

func authorOf(slots []Slot) Author {
	a := Author{Person: ParseXCN(takeSlot(&slots, "authorPerson")), Roles: takeValues(&slots, "authorRole")}
	for _, v := range takeValues(&slots, "authorInstitution") {
		a.Institutions = append(a.Institutions, ParseXON(v))
	}
	for _, name := range []string{"authorSpecialty", "authorSpeciality"} {
		for _, v := range takeValues(&slots, name) {
			a.Specialties = append(a.Specialties, parseCoded(v))
		}
	}
	a.Extra = slots
	return a
}

func slotsOf(o *xmltree.Element) ([]Slot, error) {
	var all []Slot
	for e := range o.All(NSRIM, "Slot") {
		if len(all) == maxParts {
			return nil, errSlots
		}
		all = append(all, slotOf(e))
	}
	return all, nil
}

func slotOf(e *xmltree.Element) Slot {
	s := Slot{Name: attr(e, "name")}
	for v := range e.First(NSRIM, "ValueList").All(NSRIM, "Value") {
		if t := v.Trimmed(); t != "" {
			s.Values = append(s.Values, t)
		}
	}
	return s
}

// takeValues removes the first slot of that name and gives its values. Names
// are compared without case, which senders confuse.
func takeValues(slots *[]Slot, name string) []string {
	i := slices.IndexFunc(*slots, func(s Slot) bool { return strings.EqualFold(s.Name, name) })
	if i < 0 {
		return nil
	}
	values := (*slots)[i].Values
	*slots = slices.Delete(*slots, i, i+1)
	if len(*slots) == 0 {
		*slots = nil
	}
	return values
}

// takeSlot removes the first slot of that name and gives its only value. A slot
// of several values stays.
func takeSlot(slots *[]Slot, name string) string {
	for _, s := range *slots {
		if strings.EqualFold(s.Name, name) {
			if len(s.Values) > 1 {
				return s.Values[0]
			}
			break
		}
	}
	if v := takeValues(slots, name); len(v) > 0 {
		return v[0]
	}
	return ""
}

func localized(o *xmltree.Element, element string) string {
	return localizedOf(o.First(NSRIM, element))
}

func localizedOf(e *xmltree.Element) string {
	for s := range e.All(NSRIM, "LocalizedString") {
		if v := attr(s, "value"); v != "" {
			return v
		}
	}
	return ""
}
