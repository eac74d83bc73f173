package mss

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir"
)

// MailboxType is the type of a mailbox, a code of TRE_R257.
type MailboxType string

// Types of mailboxes.
const (
	MailboxPersonal       MailboxType = "PER"
	MailboxOrganisational MailboxType = "ORG"
	MailboxApplicative    MailboxType = "APP" // of a machine
	MailboxPractice       MailboxType = "CAB" // of a cabinet
)

// Listing is a mailbox of the directory and who holds it: a professional, in a
// structure or not, or a structure.
type Listing struct {
	Address Address
	// Type is empty when the directory does not tell it.
	Type                              MailboxType
	Description, Service, Responsible string
	// Unlisted is "liste rouge", Dematerialised the older "dématérialisation";
	// nil when they are not told.
	Unlisted, Dematerialised *bool

	// RPPS, FamilyName and GivenName are of a professional, as far as they are
	// told.
	RPPS                  socle.RPPS
	FamilyName, GivenName string
	// Structure, StructureName and Sector (TRE_R02) are of a structure.
	Structure     socle.StructureID
	StructureName string
	Sector        socle.Code
	// Resource is the FHIR resource that holds the mailbox, such as
	// Practitioner/003-1. Technical identifiers differ between versions of the
	// directory: do not keep them.
	Resource string
}

// DirectoryRefusal is the reason that the directory gives: an OperationOutcome.
type DirectoryRefusal struct {
	Status int
	Issues []DirectoryIssue
}

// DirectoryIssue is one reason.
type DirectoryIssue struct {
	Severity, Code string
	Text           string // diagnostics, without what identifies
}

// Error tells the status and the reasons.
func (r *DirectoryRefusal) Error() string {
	s := fmt.Sprintf("status %d", r.Status)
	for _, i := range r.Issues {
		s += fmt.Sprintf("; %s %s: %s", i.Severity, i.Code, i.Text)
	}
	return s
}

var hapiCode = regexp.MustCompile(`HAPI-[0-9]{1,6}`)

// Code gives the code of the directory's software (HAPI-0302), or else that of
// the first reason, or else the status.
func (r *DirectoryRefusal) Code() string {
	for _, i := range r.Issues {
		if c := hapiCode.FindString(i.Text); c != "" {
			return c
		}
	}
	if len(r.Issues) > 0 && r.Issues[0].Code != "" {
		return r.Issues[0].Code
	}
	return fmt.Sprint(r.Status)
}

func parseRefused(status int, b []byte) *DirectoryRefusal {
	r := &DirectoryRefusal{Status: status}
	resource, err := fhir.Decode(b, fhir.Limits{Bytes: 1 << 20, Depth: 32, Values: 10_000})
	if err != nil {
		return r
	}
	if o, ok := resource.(*fhir.OperationOutcome); ok {
		for _, i := range o.Issue[:min(len(o.Issue), 20)] {
			text := i.Diagnostics
			if text == "" && i.Details != nil {
				text = i.Details.Text
			}
			r.Issues = append(r.Issues, DirectoryIssue{cut(i.Severity, 20), cut(i.Code, 40), scrub(text)})
		}
	}
	return r
}

// page is a searchset. Its entries are decoded one by one, so that a bad one
// does not hide the others.
type directoryPage struct {
	entries []pageEntry
	next    string
}

type pageEntry struct {
	Resource json.RawMessage
	Search   struct{ Mode string }
}

func badAnswer(format string, args ...any) *Error {
	return &Error{Op: "directory", kind: ErrDirectoryAnswer, Text: fmt.Sprintf(format, args...), outcome: socle.OutcomeRefused}
}

func parsePage(b []byte) (*directoryPage, error) {
	if err := fhir.Check(b, fhir.Limits{Bytes: maxPageBytes, Depth: 40, Values: 2_000_000}); err != nil {
		e := badAnswer("no FHIR document")
		e.Err = err
		return nil, e
	}
	var bundle struct {
		ResourceType string
		Entry        []pageEntry
		Link         []fhir.BundleLink
	}
	if err := json.Unmarshal(b, &bundle); err != nil || bundle.ResourceType != "Bundle" {
		return nil, badAnswer("a Bundle expected")
	}
	p := &directoryPage{entries: bundle.Entry}
	for _, l := range bundle.Link {
		if l.Relation == "next" {
			p.next = l.URL
		}
	}
	return p, nil
}

// directoryResource is what is read of Practitioner, PractitionerRole and
// Organization. Elements that are of another kind in one of them stay raw.
type directoryResource struct {
	ResourceType string
	ID           string
	Active       *bool
	Identifier   []fhir.Identifier
	Name         json.RawMessage
	Type         []fhir.CodeableConcept
	Telecom      []json.RawMessage
	Practitioner *fhir.Reference
	Organization *fhir.Reference
}

func (p *directoryPage) listings(resource string) iter.Seq2[Listing, error] {
	return func(yield func(Listing, error) bool) {
		people := map[string]*directoryResource{}
		resources := make([]*directoryResource, len(p.entries))
		for i, e := range p.entries {
			r := new(directoryResource)
			if json.Unmarshal(e.Resource, r) != nil {
				continue
			}
			resources[i] = r
			if r.ResourceType == "Practitioner" {
				people["Practitioner/"+r.ID] = r
			}
		}
		for i, e := range p.entries {
			r := resources[i]
			switch {
			case e.Search.Mode == "include" || e.Search.Mode == "outcome":
				continue
			case r == nil:
				if !yield(Listing{}, badAnswer("entry %d: no %s of FHIR", i, resource)) {
					return
				}
				continue
			case r.ResourceType != resource || r.Active != nil && !*r.Active:
				continue
			}
			holder := r.holder()
			if r.Practitioner != nil {
				if who := people[relative(r.Practitioner.Reference)]; who != nil {
					if who.Active != nil && !*who.Active {
						continue
					}
					l := who.holder()
					holder.RPPS, holder.FamilyName, holder.GivenName = l.RPPS, l.FamilyName, l.GivenName
				}
			}
			for _, raw := range r.Telecom {
				l, ok, err := mailboxOf(holder, raw)
				if err != nil {
					err = badAnswer("entry %d: %v", i, err)
				} else if !ok {
					continue
				}
				if !yield(l, err) {
					return
				}
			}
		}
	}
}

// relative gives Type/id of a reference.
func relative(reference string) string {
	parts := strings.Split(reference, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

func (r *directoryResource) holder() Listing {
	l := Listing{Resource: r.ResourceType + "/" + r.ID}
	for _, id := range r.Identifier {
		v := strings.TrimSpace(id.Value)
		switch id.System {
		case systemRPPS, systemIDNPS:
			// IDNPS puts 8 before; RPPS-rang, under the system of RPPS at times, 3 digits after.
			if id.System == systemIDNPS {
				v = strings.TrimPrefix(v, "8")
			}
			if n, err := socle.ParseRPPS(v); err == nil && r.ResourceType == "Practitioner" {
				l.RPPS = n
			} else if s, err := socle.ParseStructureID("4" + v); err == nil && l.Structure.IsZero() {
				l.Structure = s
			}
		case "https://rppsrang.esante.gouv.fr":
			if s, err := socle.ParseStructureID("4" + v); err == nil && l.Structure.IsZero() {
				l.Structure = s
			}
		case systemFINESS:
			if f, err := socle.ParseFINESS(v); err == nil {
				l.Structure = socle.FromFINESS(f)
			}
		case systemIDNST:
			if s, err := socle.ParseStructureID(v); err == nil && l.Structure.IsZero() {
				l.Structure = s
			}
		}
	}
	var names []fhir.HumanName
	if json.Unmarshal(r.Name, &names) == nil && len(names) > 0 {
		n := names[0]
		for _, other := range names {
			if other.Use == "usual" || other.Use == "official" {
				n = other
				break
			}
		}
		l.FamilyName, l.GivenName = n.Family, strings.Join(n.Given, " ")
	} else {
		_ = json.Unmarshal(r.Name, &l.StructureName)
	}
	for _, t := range r.Type {
		if c, ok := t.Code(systemSectors); ok {
			l.Sector = socle.Code{Code: c.Code, System: socle.OIDSector, Display: c.Display}
		}
	}
	return l
}

type directoryExtension struct {
	URL                  string
	ValueCode            string
	ValueString          string
	ValueBoolean         *bool
	ValueCoding          *fhir.Coding
	ValueCodeableConcept *fhir.CodeableConcept
	Extension            []directoryExtension
}

const (
	extensionEmailType = "fr-core-contact-point-email-type"
	extensionMailbox   = "as-ext-mailbox-mss-metadata"
)

// mailboxOf reads a ContactPoint. ok is false for what is no mailbox of
// MSSanté: a phone, or an ordinary e-mail of a structure.
func mailboxOf(holder Listing, raw json.RawMessage) (l Listing, ok bool, err error) {
	var point struct {
		System, Value string
		Extension     []directoryExtension
	}
	if json.Unmarshal(raw, &point) != nil {
		return l, false, errors.New("a telecom that is no ContactPoint")
	}
	if point.System != "" && point.System != "email" || !strings.Contains(point.Value, "@") {
		return l, false, nil
	}
	kind := ""
	var metadata *directoryExtension
	for i, x := range point.Extension {
		switch x.URL[strings.LastIndexByte(x.URL, '/')+1:] {
		case extensionEmailType:
			kind = strings.ToUpper(x.code(nil))
		case extensionMailbox:
			metadata = &point.Extension[i]
		}
	}
	l = holder
	l.Address, err = ParseAddress(asciiAddress(strings.TrimSpace(point.Value)))
	if kind != "" && kind != "MSSANTE" || kind == "" && metadata == nil && (err != nil || !strings.HasSuffix(l.Address.Domain(), ".mssante.fr")) {
		return l, false, nil
	}
	if err != nil {
		return Listing{}, false, err
	}
	if metadata != nil {
		l.describe(metadata.Extension)
	}
	return l, true, nil
}

func (l *Listing) describe(extensions []directoryExtension) {
	types := []string{string(MailboxPersonal), string(MailboxOrganisational), string(MailboxApplicative), string(MailboxPractice)}
	for _, x := range extensions {
		switch x.URL {
		case "type":
			l.Type = MailboxType(strings.ToUpper(x.code(types)))
		case "description":
			l.Description = strings.TrimSpace(x.ValueString)
		case "service":
			l.Service = strings.TrimSpace(x.ValueString)
		case "responsible":
			l.Responsible = strings.TrimSpace(x.ValueString)
		case "listeRouge":
			l.Unlisted = x.ValueBoolean
		case "digitization":
			l.Dematerialised = x.ValueBoolean
		}
	}
}

// code gives the code of an extension in whichever form it comes, one of known
// rather than another.
func (x directoryExtension) code(known []string) string {
	var all []string
	if x.ValueCodeableConcept != nil {
		for _, c := range x.ValueCodeableConcept.Coding {
			all = append(all, c.Code)
		}
	}
	if x.ValueCoding != nil {
		all = append(all, x.ValueCoding.Code)
	}
	all = append(all, x.ValueCode, x.ValueString)
	best := ""
	for _, c := range all {
		if slices.Contains(known, strings.ToUpper(c)) {
			return c
		}
		if best == "" {
			best = c
		}
	}
	return best
}
