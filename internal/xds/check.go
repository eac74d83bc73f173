package xds

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/soclesante/socle"
)

// Forms of values.
var (
	oidForm    = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*))+$`)
	uniqueForm = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*))+(\^[^\^]{1,16})?$`)
	timeForm   = regexp.MustCompile(`^[0-9]{4}([0-9]{2}){0,5}$`)
	hashForm   = regexp.MustCompile(`^[0-9a-fA-F]{40}$`)
)

// longName is the most characters that ebRIM allows in a value of a slot, in a
// code and in an identifier; freeText in a title.
const (
	longName = 256
	freeText = 1024
)

// Check tells all that a submission lacks to be sent, joined; each is an *Error
// with the object and the attribute. hash and size are the registry's to give
// and may be absent.
func (s *Submission) Check() error {
	var p problems
	set := s.Set
	id := set.ID
	p.want(id != "", "SubmissionSet/id", "mandatory")
	p.authors(id, set.Authors)
	p.code(id+"/contentTypeCode", set.ContentType)
	p.patient(id, set.PatientID)
	p.want(oidForm.MatchString(set.SourceID) && len(set.SourceID) <= 64, id+"/sourceId", "an OID of 64 characters at most expected")
	p.want(oidForm.MatchString(set.UniqueID) && len(set.UniqueID) <= 64, id+"/uniqueId", "an OID of 64 characters at most expected")
	p.moment(id+"/submissionTime", set.Time, true)
	p.text(id+"/title", set.Title)
	p.text(id+"/comments", set.Comments)
	p.slots(id, set.Extra)

	ids := map[string]bool{id: true}
	for i := range s.Documents {
		d := &s.Documents[i]
		p.want(!ids[d.ID], d.ID, "two objects have the same id")
		ids[d.ID] = true
		p.document(d)
		p.want(d.PatientID == set.PatientID, d.ID+"/patientId", "the patient of the submission set expected")
	}
	for i, a := range s.Associations {
		path := fmt.Sprintf("Association[%d]", i+1)
		p.want(a.Type != "", path+"/associationType", "mandatory")
		p.want(a.Target != "", path+"/targetObject", "mandatory")
		p.want(ids[a.Source] || a.Source != "" && a.Type != HasMember, path+"/sourceObject", "an object of the submission expected")
		p.slots(path, a.Slots)
	}
	return p.err()
}

// Check tells all that the metadata of a document lacks to be sent, joined, as
// Submission.Check does.
func (d *DocumentEntry) Check() error {
	var p problems
	p.document(d)
	return p.err()
}

func (p *problems) document(d *DocumentEntry) {
	id := d.ID
	p.want(id != "", "DocumentEntry/id", "mandatory")
	p.want(d.MimeType != "", id+"/mimeType", "mandatory")
	p.authors(id, d.Authors)
	p.code(id+"/classCode", d.Class)
	p.code(id+"/typeCode", d.Type)
	p.code(id+"/formatCode", d.Format)
	p.code(id+"/healthcareFacilityTypeCode", d.Facility)
	p.code(id+"/practiceSettingCode", d.Practice)
	p.want(len(d.Confidentiality) >= 1 && len(d.Confidentiality) <= 4, id+"/confidentialityCode", "one to four codes expected")
	for _, c := range d.Confidentiality {
		p.code(id+"/confidentialityCode", c)
	}
	for _, c := range d.Events {
		p.code(id+"/eventCodeList", c)
	}
	p.patient(id, d.PatientID)
	p.want(d.SourcePatientID.ID != "" && d.SourcePatientID.Authority.ID != "", id+"/sourcePatientId", "an identifier with its authority is mandatory")
	p.want(uniqueForm.MatchString(d.UniqueID), id+"/uniqueId", "an OID, or an OID and an extension of 16 characters at most, expected")
	p.moment(id+"/creationTime", d.CreationTime, true)
	p.moment(id+"/serviceStartTime", d.ServiceStart, false)
	p.moment(id+"/serviceStopTime", d.ServiceStop, false)
	p.want(d.Language != "", id+"/languageCode", "mandatory")
	p.want(d.Hash == "" || hashForm.MatchString(d.Hash), id+"/hash", "SHA-1 in hexadecimal expected")
	p.want(d.Size >= 0, id+"/size", "a number of bytes expected")
	p.text(id+"/title", d.Title)
	p.text(id+"/comments", d.Comments)
	p.value(id+"/legalAuthenticator", d.Legal.Wire())
	for _, v := range d.SourcePatientInfo {
		p.value(id+"/sourcePatientInfo", v)
	}
	p.slots(id, d.Extra)
}

func (p *problems) authors(id string, all []Author) {
	p.want(len(all) > 0, id+"/author", "mandatory")
	for _, a := range all {
		p.want(!a.Person.IsZero(), id+"/author/authorPerson", "mandatory")
		p.value(id+"/author/authorPerson", a.Person.Wire())
		for _, o := range a.Institutions {
			p.want(o.Name != "", id+"/author/authorInstitution", "a name is mandatory")
			p.value(id+"/author/authorInstitution", o.Wire())
		}
		for _, c := range a.Specialties {
			p.value(id+"/author/authorSpecialty", codedWire(c))
		}
		for _, r := range a.Roles {
			p.value(id+"/author/authorRole", r)
		}
		p.slots(id+"/author", a.Extra)
	}
}

func (p *problems) code(path string, c socle.Code) {
	p.want(c.Code != "" && c.System != "", path, "a code with its system is mandatory")
	p.value(path, c.Code)
	p.value(path, c.System)
	p.text(path, c.Display)
}

func (p *problems) patient(id string, x CX) {
	p.want(x.ID != "" && x.Authority.ID != "" && x.Authority.Type == "ISO", id+"/patientId", "an identifier with its authority (ISO) is mandatory")
	p.value(id+"/patientId", x.Wire())
}

func (p *problems) moment(path, v string, mandatory bool) {
	p.want(v != "" || !mandatory, path, "mandatory")
	p.want(v == "" || timeForm.MatchString(v), path, "YYYY[MM[DD[hh[mm[ss]]]]] in UTC expected")
}

func (p *problems) text(path, v string) {
	p.want(utf8.RuneCountInString(v) <= freeText, path, fmt.Sprintf("%d characters at most expected", freeText))
}

func (p *problems) value(path, v string) {
	p.want(utf8.RuneCountInString(v) <= longName, path, fmt.Sprintf("%d characters at most expected", longName))
}

func (p *problems) slots(path string, all []Slot) {
	for _, s := range all {
		p.want(s.Name != "", path, "a slot has no name")
		for _, v := range s.Values {
			p.value(path+"/"+s.Name, v)
		}
	}
}
