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
	s := &Submission{}
	sets := map[string]bool{}
	n := 0
	for o := range list.Elements() {
		if n++; n > maxObjects {
			return nil, &Error{Op: "read", Text: fmt.Sprintf("more than %d registry objects", maxObjects)}
		}
		if o.Is(NSRIM, "Classification") && scheme(o, "classificationNode") == nodeSubmissionSet {
			sets[attr(o, "classifiedObject")] = true
		}
	}
	found := false
	for o := range list.Elements() {
		if o.Name.Space != NSRIM {
			continue
		}
		switch o.Name.Local {
		case "ExtrinsicObject":
			d, err := documentOf(o)
			if err != nil {
				return nil, err
			}
			s.Documents = append(s.Documents, d)
		case "RegistryPackage":
			inside := false
			for c := range o.All(NSRIM, "Classification") {
				inside = inside || scheme(c, "classificationNode") == nodeSubmissionSet
			}
			if !inside && !sets[attr(o, "id")] || found {
				continue // a folder, or one set too many
			}
			set, err := setOf(o)
			if err != nil {
				return nil, err
			}
			s.Set, found = set, true
		case "Association":
			a := Association{ID: attr(o, "id"), Type: attr(o, "associationType"), Source: attr(o, "sourceObject"), Target: attr(o, "targetObject")}
			var err error
			if a.Slots, err = slotsOf(o); err != nil {
				return nil, err
			}
			s.Associations = append(s.Associations, a)
		}
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

func documentOf(o *xmltree.Element) (DocumentEntry, error) {
	d := DocumentEntry{
		ID: attr(o, "id"), LogicalID: attr(o, "lid"), Status: attr(o, "status"), ObjectType: attr(o, "objectType"),
		MimeType: attr(o, "mimeType"), Version: attr(o.First(NSRIM, "VersionInfo"), "versionName"),
		Title: localized(o, "Name"), Comments: localized(o, "Description"),
	}
	slots, err := slotsOf(o)
	if err != nil {
		return d, err
	}
	d.CreationTime = takeSlot(&slots, "creationTime")
	d.Language = takeSlot(&slots, "languageCode")
	d.ServiceStart = takeSlot(&slots, "serviceStartTime")
	d.ServiceStop = takeSlot(&slots, "serviceStopTime")
	d.Legal = ParseXCN(takeSlot(&slots, "legalAuthenticator"))
	d.SourcePatientID = ParseCX(takeSlot(&slots, "sourcePatientId"))
	d.SourcePatientInfo = takeValues(&slots, "sourcePatientInfo")
	d.Hash = takeSlot(&slots, "hash")
	if v := slotValue(slots, "size"); v != "" {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n > 0 {
			d.Size = n
			takeSlot(&slots, "size")
		}
	}
	d.Repository = takeSlot(&slots, "repositoryUniqueId")
	d.URI = takeSlot(&slots, "URI")
	d.Extra = slots

	one := map[string]*socle.Code{schemeClass: &d.Class, schemeType: &d.Type, schemeFormat: &d.Format, schemeFacility: &d.Facility, schemePractice: &d.Practice}
	err = classifications(o, func(c *xmltree.Element, slots []Slot) {
		name := scheme(c, "classificationScheme")
		switch field := one[name]; {
		case name == schemeDocAuthor:
			d.Authors = append(d.Authors, authorOf(slots))
		case name == schemeConfidence:
			d.Confidentiality = append(d.Confidentiality, codeOf(c, slots).Code)
		case name == schemeEvent:
			d.Events = append(d.Events, codeOf(c, slots).Code)
		case field != nil && field.IsZero():
			*field = codeOf(c, slots).Code
		default:
			d.Other = append(d.Other, codeOf(c, slots))
		}
	})
	for i := range o.All(NSRIM, "ExternalIdentifier") {
		switch v := attr(i, "value"); scheme(i, "identificationScheme") {
		case schemeDocPatient:
			d.PatientID = ParseCX(v)
		case schemeDocUnique:
			d.UniqueID = v
		}
	}
	return d, err
}

// classifications calls f with each classification of o and its slots.
func classifications(o *xmltree.Element, f func(*xmltree.Element, []Slot)) error {
	n := 0
	for c := range o.All(NSRIM, "Classification") {
		if n++; n > maxParts {
			return &Error{Op: "read", Text: fmt.Sprintf("more than %d classifications of one object", maxParts)}
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
			return nil, &Error{Op: "read", Text: fmt.Sprintf("more than %d slots of one object", maxParts)}
		}
		s := Slot{Name: attr(e, "name")}
		for v := range e.First(NSRIM, "ValueList").All(NSRIM, "Value") {
			if t := v.Trimmed(); t != "" {
				s.Values = append(s.Values, t)
			}
		}
		all = append(all, s)
	}
	return all, nil
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
	for s := range o.First(NSRIM, element).All(NSRIM, "LocalizedString") {
		if v := attr(s, "value"); v != "" {
			return v
		}
	}
	return ""
}
