package dmp

import (
	"strings"
	"time"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/xds"
)

// entryOf gives the domain form of an ExtrinsicObject found in the record of patient.
func entryOf(d *xds.DocumentEntry, patient *ins.INS) Entry {
	e := Entry{
		ID: d.UniqueID, EntryUUID: d.ID, LogicalID: d.LogicalID, Version: d.Version, Status: statusOf(d.Status),
		Title: d.Title, Comments: d.Comments, Type: d.Type, Class: d.Class, Format: d.Format,
		Facility: d.Facility, Practice: d.Practice, Events: d.Events, Confidentiality: d.Confidentiality,
		Legal:   participantXCN(d.Legal),
		Created: dateXDS(d.CreationTime), Start: dateXDS(d.ServiceStart), End: dateXDS(d.ServiceStop), Language: d.Language,
		MediaType: d.MimeType, Hash: strings.ToLower(d.Hash), Size: d.Size, Repository: d.Repository,
		FromPatient: fromPatient(d.Class, d.Type), patient: patient, stored: d,
	}
	if len(d.Authors) > 0 {
		e.Authors = make([]Participant, len(d.Authors))
	}
	for i, a := range d.Authors {
		p := participantXCN(a.Person)
		if len(a.Specialties) > 0 {
			p.Role = a.Specialties[0]
		} else if len(a.Roles) > 0 {
			p.Role.Display = a.Roles[0]
		}
		if len(a.Institutions) > 0 {
			p.Structure, p.StructureName = a.Institutions[0].ID, a.Institutions[0].Name
		}
		e.Authors[i] = p
	}
	for _, c := range d.Confidentiality {
		if c.Code != "N" {
			e.Visibility = append(e.Visibility, Visibility(c.Code))
		}
	}
	for _, s := range d.Extra {
		e.Extra = append(e.Extra, Attribute(s))
	}
	for _, c := range d.Other {
		e.Extra = append(e.Extra, Attribute{Name: c.Scheme, Values: []string{c.Code.Code, c.Code.System, c.Code.Display}})
	}
	return e
}

func participantXCN(x xds.XCN) Participant {
	return Participant{ID: x.ID, FamilyName: x.Family, GivenName: x.Given}
}

// statuses by their URN.
var statuses = map[string]Status{xds.StatusApproved: StatusApproved, xds.StatusDeprecated: StatusDeprecated,
	xds.StatusArchived: StatusArchived, xds.StatusDeleted: StatusDeleted}

func statusOf(urn string) Status {
	if s, ok := statuses[urn]; ok {
		return s
	}
	return Status(urn)
}

// urn is the inverse of statusOf.
func (s Status) urn() string {
	for urn, known := range statuses {
		if known == s {
			return urn
		}
	}
	return string(s)
}

// dateXDS gives a moment of the metadata, YYYY[MM[DD[hh[mm[ss]]]]] in UTC. What
// is none is kept as it came.
func dateXDS(s string) Date {
	switch len(s) {
	case 4:
		return Date(s)
	case 6:
		return Date(s[:4] + "-" + s[4:])
	case 8:
		return Date(s[:4] + "-" + s[4:6] + "-" + s[6:])
	case 10, 12:
		s += "0000"[:14-len(s)]
	}
	if t, err := time.Parse(utc, s); err == nil {
		return Date(t.Format(time.RFC3339))
	}
	return Date(s)
}
