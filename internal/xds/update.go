package xds

import "strings"

// Slots of the associations that change what the registry holds (ITI-57).
const (
	SlotPreviousVersion = "PreviousVersion"
	SlotOriginalStatus  = "OriginalStatus"
	SlotNewStatus       = "NewStatus"
)

// StatusChange gives the association by which a set changes the status of a
// stored document: UpdateAvailabilityStatus of ITI-57.
func StatusChange(set, entryUUID, from, to string) Association {
	return Association{Type: UpdateAvailabilityStatus, Source: set, Target: entryUUID,
		Slots: []Slot{{SlotOriginalStatus, []string{from}}, {SlotNewStatus, []string{to}}}}
}

// Revision gives the association by which a set brings another version of the
// metadata of a stored document, in place of the version previous (ITI-57).
func Revision(set, document, previous string) Association {
	a := Member(set, document)
	a.Slots = append(a.Slots, Slot{SlotPreviousVersion, []string{previous}})
	return a
}

// MarshalUpdate writes the lcm:SubmitObjectsRequest of ITI-57, canonical. Of the
// documents it checks what identifies them only: the rest is what the registry
// gave, and goes back as it came, even where Marshal would refuse it: one that
// has its Original byte for byte but for what changes.
func (s *Submission) MarshalUpdate() ([]byte, error) {
	bare := Submission{Set: s.Set, Associations: s.Associations}
	var p problems
	for i := range s.Documents {
		d := &s.Documents[i]
		p.want(d.ID != "", "DocumentEntry/id", "mandatory")
		p.want(strings.HasPrefix(d.LogicalID, "urn:uuid:"), d.ID+"/lid", "the logicalID of a stored document, urn:uuid:…, expected")
		p.want(d.UniqueID != "", d.ID+"/uniqueId", "mandatory")
		p.want(len(d.Confidentiality) > 0, d.ID+"/confidentialityCode", "one at least expected")
	}
	p = append(p, bare.Check())
	if err := p.err(); err != nil {
		return nil, err
	}
	revised := map[int][]byte{}
	for i := range s.Documents {
		if d := &s.Documents[i]; d.Original.XML != "" {
			b, err := d.revised()
			if err != nil {
				return nil, err
			}
			revised[i] = b
		}
	}
	return s.write(revised), nil
}
