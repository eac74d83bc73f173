package xds

import (
	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/nos"
)

// FromCDA derives the metadata of a CDA document from its header (CI-SIS,
// matrix of deduction). It works on any document: what the header lacks stays
// empty. hash is the SHA-1 of the document's bytes, in hexadecimal, and size
// their number; both may be left out.
//
// The caller gives ID, and adds the visibility to Confidentiality.
func FromCDA(d *cda.Document, hash string, size int64) DocumentEntry {
	e := DocumentEntry{
		MimeType:     "text/xml",
		Title:        d.Title,
		Type:         coded(d.Code),
		Format:       format(d),
		PatientID:    patientID(d.Patient),
		UniqueID:     d.ID.String(),
		CreationTime: d.EffectiveTime.UTC(d.EffectiveTime),
		Language:     d.Language,
		Hash:         hash,
		Size:         size,
	}
	if e.Type.Display == "" {
		if known, ok := nos.Lookup(nos.TypeCode, e.Type.Code); ok && known.System == e.Type.System {
			e.Type.Display = known.Display
		}
	}
	e.Class, _ = nos.Class(e.Type.Code)
	if c := coded(d.Confidentiality); !c.IsZero() {
		e.Confidentiality = []socle.Code{c}
	}
	for _, a := range d.Authors {
		e.Authors = append(e.Authors, author(a))
	}
	if d.Legal != nil {
		e.Legal = xcn(d.Legal.Entity)
	}
	e.SourcePatientID = sourcePatientID(d.Patient)
	e.SourcePatientInfo = sourcePatientInfo(d.Patient)
	service(&e, d)
	if d.Encounter != nil {
		e.Facility = coded(d.Encounter.Facility)
	}
	e.Practice = practice(d)
	return e
}

func coded(c cda.Code) socle.Code {
	if c.Code.Code == "" {
		return socle.Code{}
	}
	return c.Code
}

func format(d *cda.Document) socle.Code {
	if d.Body.Kind == cda.BodyNonXML || d.Content.MediaType != "" {
		media := d.Body.MediaType
		if media == "" {
			media = d.Content.MediaType
		}
		c, _ := nos.FormatNonXML(media)
		return c
	}
	templates := make([]string, len(d.TemplateIDs))
	for i, t := range d.TemplateIDs {
		templates[i] = t.Root
	}
	return nos.Format(templates)
}

func patientID(p cda.Patient) CX {
	if id, ok := p.INS(); ok {
		return PatientINS(id.Extension, id.Root)
	}
	return local(p)
}

// sourcePatientID is the identifier in the structure that made the document,
// or else the INS.
func sourcePatientID(p cda.Patient) CX {
	if x := local(p); !x.IsZero() {
		return x
	}
	return patientID(p)
}

func local(p cda.Patient) CX {
	ins, _ := p.INS()
	for _, id := range p.IDs {
		if id.Extension != "" && id != ins {
			return CX{ID: id.Extension, Authority: HD{ID: id.Root, Type: "ISO"}, Type: LocalPatientType}
		}
	}
	return CX{}
}

func sourcePatientInfo(p cda.Patient) []string {
	var info []string
	name := func(family, given, kind string) {
		if family == "" && given == "" {
			return
		}
		var c components
		c.put(1, family)
		c.put(2, given)
		c.put(7, kind)
		info = append(info, "PID-5|"+c.join())
	}
	name(p.Name.BirthFamily(), p.Name.FirstBirthGiven(), "L")
	if used := p.Name.UsedFamily(); used != "" {
		name(used, p.Name.UsedGiven(), "D")
	}
	if b := p.BirthTime.UTC(cda.Time{}); b != "" {
		info = append(info, "PID-7|"+b[:min(8, len(b))])
	}
	switch g := p.Gender.Code.Code; g {
	case "":
	case "UN":
		info = append(info, "PID-8|U")
	default:
		info = append(info, "PID-8|"+escape(g))
	}
	return info
}

func author(a cda.Author) Author {
	out := Author{Person: xcn(a.Entity)}
	if o := a.Organization; o != nil {
		id, ok := o.Structure()
		x := XON{Name: o.Name}
		if ok {
			x.Authority, x.IDType, x.ID = HD{ID: socle.OIDStructure, Type: "ISO"}, "IDNST", id
		}
		if !x.IsZero() {
			out.Institutions = []XON{x}
		}
	}
	if c := coded(a.Code); !c.IsZero() {
		out.Specialties = []socle.Code{c}
	}
	if r := a.Function.Display; r != "" {
		out.Roles = []string{r}
	}
	return out
}

func xcn(e cda.Entity) XCN {
	id := e.ID()
	value := id.Extension
	if value == "" {
		id.Root = ""
	}
	switch {
	case e.Person != nil:
		family, given := e.Person.Person()
		return person(value, id.Root, family, given, nameTypePerson)
	case e.Device != nil:
		return person(value, id.Root, e.Device.Model, e.Device.Software, NameTypeDevice)
	case value != "":
		return person(value, id.Root, "", "", "")
	}
	return XCN{}
}

// service takes the acts: their codes, and the time of the first that has one.
func service(e *DocumentEntry, d *cda.Document) {
	for _, s := range d.Events {
		if c := coded(s.Code); !c.IsZero() {
			e.Events = append(e.Events, c)
		}
		if e.ServiceStart == "" && e.ServiceStop == "" {
			e.ServiceStart = s.Period.Low.UTC(d.EffectiveTime)
			e.ServiceStop = s.Period.High.UTC(d.EffectiveTime)
		}
	}
}

// practice is the frame of exercise of the first performer that has one, else
// of who answers for the document or for the care.
func practice(d *cda.Document) socle.Code {
	var from []cda.Participation
	for _, s := range d.Events {
		from = append(from, s.Performers...)
	}
	if d.Legal != nil {
		from = append(from, *d.Legal)
	}
	if d.Encounter != nil && d.Encounter.Responsible != nil {
		from = append(from, *d.Encounter.Responsible)
	}
	for _, p := range from {
		if p.Organization != nil {
			if c := coded(p.Organization.Industry); !c.IsZero() {
				return c
			}
		}
	}
	return socle.Code{}
}
