package dmptest

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

const (
	opChange     = "TD3.3" // what it is of the four, its content tells
	actionChange = "urn:ihe:iti:2010:UpdateDocumentSet"
)

// change answers TD3.3: ITI-57 with another version of the metadata of a
// document, or another status.
func (s *Server) change(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	if !e.Body.Is(xds.NSLCM, "SubmitObjectsRequest") {
		return soap.Message{}, refuse(codeMessage, "soap:Body: expected lcm:SubmitObjectsRequest")
	}
	metadata, err := xds.FromXML(e.Body)
	if err != nil {
		return soap.Message{}, refuse(codeMessage, err.Error())
	}
	s.mu.Lock()
	r := s.find(who.patient)
	c := &change{lot: lot{who: who, body: e.Body, metadata: metadata}, server: s, record: r}
	c.read()
	s.mu.Unlock()
	if c.op == "" {
		return c.answer(nil), nil
	}
	if f := s.may(who, c.op); f != nil {
		return soap.Message{}, f
	}
	planned := s.injected(c.op)
	if planned != nil && planned.Fault != nil {
		return soap.Message{}, planned.Fault.soap()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r != nil && r.State == dmp.StateClosed {
		return soap.Message{}, refuse(codeClosed, "le DMP du patient est fermé")
	}
	if f := c.right(); f != nil {
		return soap.Message{}, f
	}
	c.check()
	return c.answer(planned), nil
}

// change is a request of ITI-57 as it came. Server.mu guards what it reads.
type change struct {
	lot
	server *Server
	record *record // nil when the patient has none
	op     string  // which of the four it is; empty when it is none
	target *version
	// status is the new one, empty for another version of the metadata, which is next.
	status string
	next   *xds.DocumentEntry
	claim  string // OriginalStatus or PreviousVersion
}

// read finds out what is asked, and of which document.
func (c *change) read() {
	m := c.metadata
	if c.record == nil {
		c.fail("XDSUnknownPatientId", "patientId: no DMP for this patient", "")
		return
	}
	if len(m.Associations) != 1 {
		c.fail(codeOperation, fmt.Sprintf("RegistryObjectList: expected one Association, got %d", len(m.Associations)), "")
		return
	}
	switch a := m.Associations[0]; {
	case a.Source != m.Set.ID:
		c.fail("XDSRegistryMetadataError", "Association/@sourceObject: expected the submission set", "")
	case a.Type == xds.UpdateAvailabilityStatus && len(m.Documents) == 0:
		c.readStatus(a)
	case a.Type == xds.HasMember && len(m.Documents) == 1 && a.Target == m.Documents[0].ID:
		c.readRevision(a, &m.Documents[0])
	default:
		c.fail(codeOperation, "expected UpdateAvailabilityStatus without ExtrinsicObject, or HasMember with the ExtrinsicObject that it binds", "")
	}
}

func (c *change) readStatus(a xds.Association) {
	c.status, c.claim = a.SlotValue(xds.SlotNewStatus), a.SlotValue(xds.SlotOriginalStatus)
	switch c.status {
	case xds.StatusDeleted:
		c.op = opDelete
	case xds.StatusArchived, xds.StatusApproved:
		c.op = opArchive
	default:
		c.fail(codeOperation, "NewStatus: expected Deleted, Archived or Approved, got "+short(c.status), "")
		return
	}
	if c.target = c.record.entry(a.Target); c.target == nil {
		c.missing(a.Target)
	}
}

func (c *change) readRevision(a xds.Association, d *xds.DocumentEntry) {
	c.next, c.claim = d, a.SlotValue(xds.SlotPreviousVersion)
	if a.SlotValue("SubmissionSetStatus") != "Original" {
		c.fail("XDSRegistryMetadataError", "HasMember: expected SubmissionSetStatus Original", d.ID)
	}
	for _, v := range c.record.current() {
		if v.entry.LogicalID == d.LogicalID {
			c.target = v
		}
	}
	if c.target == nil {
		c.op = opHide // to say what is missing only to who may hide something
		c.missing(d.LogicalID)
		return
	}
	if c.claim != c.target.entry.Version {
		c.op = opHide
		c.fail("XDSMetadataVersionError", "PreviousVersion: expected "+c.target.entry.Version+", got "+strconv.Quote(c.claim), d.ID)
		return
	}
	old, next := visibility(c.target.entry), visibility(*d)
	hides, reveals := old["MASQUE_PS"] != next["MASQUE_PS"], false
	for code := range next {
		if !old[code] && code != "MASQUE_PS" {
			c.fail(codeUnmodifiable, "confidentialityCode: "+code+" can be lifted, not applied to a document that is stored", d.ID)
			return
		}
	}
	for code := range old {
		reveals = reveals || !next[code] && code != "MASQUE_PS"
	}
	switch {
	case hides && reveals:
		c.fail(codeOperation, "confidentialityCode: expected a change of MASQUE_PS (TD3.3a) or of INVISIBLE_… (TD3.3b), got both", d.ID)
	case reveals:
		c.op = opReveal
	case hides && next["MASQUE_PS"]:
		c.op = opHide
	case hides:
		c.op = opUnhide
	default:
		c.fail(codeOperation, "confidentialityCode: expected a change", d.ID)
	}
}

// missing says that the registry has not the document that is to change.
func (c *change) missing(id string) {
	if c.server.elsewhere(id) {
		c.fail("XDSPatientIdDoesNotMatch", "expected a document of the patient of the VIHF", "")
		return
	}
	c.fail("UnresolvedReferenceException", "expected the entryUUID, or the lid, of a document of the registry", "")
}

// visibility gives the codes that hide a document.
func visibility(d xds.DocumentEntry) map[string]bool {
	all := map[string]bool{}
	for _, c := range d.Confidentiality {
		if c.Code != "N" {
			all[c.Code] = true
		}
	}
	return all
}

// check applies the rules of a change.
func (c *change) check() {
	list := c.body.First(xds.NSRIM, "RegistryObjectList")
	for o := range list.All(xds.NSRIM, "RegistryPackage") {
		c.holds(o, setClassifications, setIdentifiers, "submissionTime")
	}
	for o := range list.All(xds.NSRIM, "ExtrinsicObject") {
		c.holds(o, documentClassifications, documentIdentifiers, "creationTime", "languageCode")
		c.checkWhole(o)
	}
	c.checkPatient(c.metadata.Set.ID, c.metadata.Set.PatientID)
	c.checkAuthor(c.metadata.Set.ID, c.metadata.Set.Authors)
	if c.server.unique[c.metadata.Set.UniqueID] {
		c.fail("XDSDuplicateUniqueIdInRegistry", "uniqueId of the submission set is already in the registry", c.metadata.Set.ID)
	}
	if c.target == nil {
		return
	}
	was := c.target.entry.Status
	allowed := map[string][]string{ // the state machine of the dmp sheet, §4 TD3.3
		xds.StatusApproved: {xds.StatusArchived, xds.StatusDeleted},
		xds.StatusArchived: {xds.StatusApproved, xds.StatusDeleted},
	}[was]
	switch {
	case isSignature(c.target.entry):
		c.fail(codeUnmodifiable, "the signature of a lot does not change", "")
	case was == xds.StatusDeprecated:
		c.fail("XDSRegistryDeprecatedDocumentError", "the document, or this version of its metadata, was replaced", "")
	case was == xds.StatusDeleted:
		c.fail("UnresolvedReferenceException", "the document was deleted", "")
	case c.next != nil:
		c.checkRevision()
	case c.claim != was:
		c.fail(codeUpdate, "OriginalStatus: expected "+short(was)+", got "+short(c.claim), "")
	case !slices.Contains(allowed, c.status):
		c.fail(codeUpdate, "NewStatus: "+short(was)+" cannot become "+short(c.status), "")
	}
}

// right applies what the rights matrix leaves to look at: whose document it is.
func (c *change) right() *soap.Fault {
	if c.target == nil {
		return nil
	}
	own, structures := false, false
	for _, a := range c.target.entry.Authors {
		own = own || a.Person.ID == c.who.vihf.NameID
		for _, o := range a.Institutions {
			structures = structures || o.ID == c.who.vihf.StructureID
		}
	}
	switch right := c.server.right(c.who, c.op); {
	case right == Own && !own:
		return refuse(codeDenied, c.op+": expected the author of the document")
	case right == OfStructure && !structures:
		return refuse(codeDenied, c.op+": expected a document of the structure of the VIHF")
	}
	return nil
}

// checkRevision compares another version of the metadata with the one that is stored.
func (c *change) checkRevision() {
	if !slices.ContainsFunc(c.next.Confidentiality, func(x socle.Code) bool { return x.Code == "N" }) {
		c.fail("XDSRegistryMetadataError", "confidentialityCode: expected N of 2.16.840.1.113883.5.25 among them", c.next.ID)
	}
	old, next := c.target.entry, *c.next
	for _, d := range []*xds.DocumentEntry{&old, &next} {
		d.ID, d.Version, d.Status, d.Confidentiality = "", "", "", nil
		if next.Hash == "" { // the registry's own, which may be left out
			d.Hash, d.Size, d.Repository = "", 0, ""
		}
	}
	if !reflect.DeepEqual(old, next) {
		c.fail(codeUnmodifiable, "ExtrinsicObject: expected that of the registry, whole, with other confidentialityCode", c.next.ID)
	}
}

// answer makes the change, if nothing is against it, and the answer. With an
// error that was planned, no change is made unless it is a partial success.
func (c *change) answer(planned *Failure) soap.Message {
	response := xds.Response{Status: xds.ResponseFailure, Errors: c.errors}
	if len(c.errors) == 0 {
		done := true
		if response.Status = xds.ResponseSuccess; planned != nil {
			response, done = planned.response()
		}
		if done {
			c.apply()
		}
	}
	return soap.Message{Action: actionChange + "-Response", Body: response.Marshal()}
}

func (c *change) apply() {
	c.server.unique[c.metadata.Set.UniqueID] = true
	if c.next == nil {
		c.target.entry.Status = c.status
		c.record.keep(c.metadata.Set, nil, c.metadata.Associations)
		return
	}
	next, status := *c.target, c.target.entry.Status
	next.entry.ID, next.entry.Version = c.next.ID, strconv.Itoa(c.target.number()+1)
	next.entry.Confidentiality = c.next.Confidentiality
	c.record.keep(c.metadata.Set, []*version{&next}, c.metadata.Associations)
	next.entry.Status, c.target.entry.Status = status, xds.StatusDeprecated
}
