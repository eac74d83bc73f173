package ins

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/soclesante/socle/internal/xmltree"
)

// GivenNamesMode is how several given names are written in one request.
type GivenNamesMode uint8

// Ways to write given names.
const (
	// GivenNamesJoined puts them into one Prenom, separated by spaces.
	// *assumed*: the schema allows both ways and the official meaning is not
	// public; two connectors that passed the CNDA's tests write them so.
	GivenNamesJoined GivenNamesMode = iota
	// GivenNamesRepeated writes one Prenom for each.
	GivenNamesRepeated
)

// Dialect holds what no public text of the service settles. The zero value is
// what public implementations were seen to do; a vendor replaces what the
// guide SEL-MP-043 says otherwise.
type Dialect struct {
	GivenNames GivenNamesMode
	// MessageIDPrefix stands before the UUID of wsa:MessageID; empty is
	// "uuid:", *assumed* from recorded requests that were accepted. The
	// official sample has a bare UUID: use "-" for none.
	MessageIDPrefix string
	// NamePrefix stands before the software's name and version in ContexteLPS
	// Nom; empty is "urn:lps:", *assumed* from recorded requests. Use "-" to
	// send the name alone, as the official sample does.
	NamePrefix string
	// NotFoundAsFault takes the fault insi_102, by which the qualification
	// environment answers for a person that it does not know, for CR 01, so
	// that the cascade goes on. *assumed* from what was seen from 2021 to 2026.
	// New refuses it in production, where that fault is an outage.
	NotFoundAsFault bool
	// AssertionMaxAge is how old INSi takes the assertion of a professional;
	// zero is one hour, *assumed* from what one public implementation notes.
	AssertionMaxAge time.Duration
	// VitaleMaxAge is how old INSi takes the assertion of a carte Vitale, and
	// how old its data may be; zero is the 20 minutes of the CNDA's test 1.02.
	VitaleMaxAge time.Duration
	// Verify is the wire of WS_INS3, and Batch that of WS_INS4 and WS_INS5.
	Verify VerifyDialect
	Batch  BatchDialect
}

const (
	defaultAssertionAge = time.Hour
	defaultVitaleAge    = 20 * time.Minute
	// clockSkew is how far ahead the clock that dated an assertion may be, *assumed*.
	clockSkew = 5 * time.Minute
)

// AttributeNames are the names of the attributes of an assertion PS. Public
// sources disagree on their spelling, so that all of them are *assumed*.
type AttributeNames struct{ BillingID, Sector, Speciality, Profession string }

// CardAttributeNames gives the names in the assertion of a card: those of the
// official sample and of a published fixture. The kit of the GIE SESAM-Vitale
// writes CodeSpecialite and SecteurActivite.
func CardAttributeNames() AttributeNames {
	return AttributeNames{"identifiantFacturation", "secteurActivite", "codeSpecialite", "gipProfessionCode"}
}

// PSCAttributeNames gives the names in the assertion of Pro Santé Connect: the
// official sample is reported to have codeSpecialiteAMO.
func PSCAttributeNames() AttributeNames {
	return AttributeNames{"identifiantFacturation", "secteurActivite", "codeSpecialiteAMO", "gipProfessionCode"}
}

// or gives n, with the names of d where it has none.
func (n AttributeNames) or(d AttributeNames) AttributeNames {
	return AttributeNames{cmp.Or(n.BillingID, d.BillingID), cmp.Or(n.Sector, d.Sector), cmp.Or(n.Speciality, d.Speciality), cmp.Or(n.Profession, d.Profession)}
}

// check refuses the same name twice.
func (n AttributeNames) check() error {
	seen := map[string]bool{}
	for _, name := range []string{n.BillingID, n.Sector, n.Speciality, n.Profession} {
		if seen[name] {
			return errors.New("two attributes have the same name")
		}
		seen[name] = true
	}
	return nil
}

func (d Dialect) messageID(uuid string) string {
	switch d.MessageIDPrefix {
	case "":
		return "uuid:" + uuid
	case "-":
		return uuid
	}
	return d.MessageIDPrefix + uuid
}

func (d Dialect) softwareName(name, version string) string {
	switch d.NamePrefix {
	case "":
		return "urn:lps:" + name + ":" + version
	case "-":
		return name
	}
	return d.NamePrefix + name + ":" + version
}

// Versions of the two contexts, *assumed* to be demanded as the schemas are
// named: ContexteBAM 1.0 was seen to be accepted too.
const (
	versionBAM = "01_02"
	versionLPS = "01_00"
)

// VerifyDialect is the wire of the unit verification (WS_INS3), whose schema
// is not public. The zero value of each field is what the model classes of a
// vendor kit show, and *assumed* for the rest: replace it by the guide's.
type VerifyDialect struct {
	// Action is the wsa:Action; empty is that of the known operation name
	// verifierInsAvecTraitsIdentite, built as those of WS_INS1 and 2: *assumed*.
	Action string
	// RequestSpace and Request name the root of the request. Empty is Requete in
	// the namespace http://www.cnamts.fr/INSiLot2/REQUnitaire, *assumed* by
	// analogy with that of the answer.
	RequestSpace, Request string
	// ResponseSpace and Response name the root of the answer. Empty is Resultat in
	// http://www.cnamts.fr/INSiLot2/REPUnitaire, as the kit has it.
	ResponseSpace, Response string
	// Confirmed and Refuted are the CodeCR by which INSi says OK and KO; nil is
	// 00 and 01: *assumed*. Any other code is an error, never a KO.
	Confirmed, Refuted []string
}

func (d VerifyDialect) defaults() VerifyDialect {
	d.Action = cmp.Or(d.Action, "urn:ServiceIdentiteCertifiee:1.0.0:verifierInsAvecTraitsIdentite")
	d.RequestSpace = cmp.Or(d.RequestSpace, "http://www.cnamts.fr/INSiLot2/REQUnitaire")
	d.Request = cmp.Or(d.Request, "Requete")
	d.ResponseSpace = cmp.Or(d.ResponseSpace, "http://www.cnamts.fr/INSiLot2/REPUnitaire")
	d.Response = cmp.Or(d.Response, "Resultat")
	if d.Confirmed == nil {
		d.Confirmed = []string{"00"}
	}
	if d.Refuted == nil {
		d.Refuted = []string{"01"}
	}
	return d
}

func (d VerifyDialect) check() error {
	d = d.defaults()
	for _, code := range d.Confirmed {
		if slices.Contains(d.Refuted, code) {
			return errors.New("a code is in both Confirmed and Refuted")
		}
	}
	return names(d.Request, d.Response)
}

// BatchDialect is the wire of the deferred verification (WS_INS4 to submit,
// WS_INS5 to fetch). Nothing of it is public: every default is *assumed*, and
// names itself provisional, so that nobody takes it for the service's. It is
// refused in production while Space is empty.
type BatchDialect struct {
	// Space is the namespace of all elements of requests and answers.
	Space string
	// SubmitAction and FetchAction are the wsa:Action.
	SubmitAction, FetchAction string
	// Names of the roots: of the deposit and its answer, of the fetch and its answer.
	Submit, Receipt, Fetch, Results string
	// Accepted, Done and NotReady are the CodeCR of the batch itself: taken,
	// finished, still at work. Those of its lines are VerifyDialect's.
	Accepted, Done, NotReady []string
	// MaxLines bounds a batch; zero is 1000.
	MaxLines int
}

func (d BatchDialect) defaults() BatchDialect {
	d.Space = cmp.Or(d.Space, provisional)
	d.SubmitAction = cmp.Or(d.SubmitAction, provisional+":submit")
	d.FetchAction = cmp.Or(d.FetchAction, provisional+":fetch")
	d.Submit, d.Receipt = cmp.Or(d.Submit, "Depot"), cmp.Or(d.Receipt, "ReponseDepot")
	d.Fetch, d.Results = cmp.Or(d.Fetch, "Retrait"), cmp.Or(d.Results, "ReponseRetrait")
	for _, c := range []struct {
		codes *[]string
		usual string
	}{{&d.Accepted, "00"}, {&d.Done, "00"}, {&d.NotReady, "10"}} {
		if *c.codes == nil {
			*c.codes = []string{c.usual}
		}
	}
	d.MaxLines = cmp.Or(d.MaxLines, 1000)
	return d
}

const provisional = "urn:socle:provisional:ins:batch"

func (d BatchDialect) check() error {
	d = d.defaults()
	for _, code := range d.Done {
		if slices.Contains(d.NotReady, code) {
			return errors.New("a code is in both Done and NotReady")
		}
	}
	if d.MaxLines < 0 {
		return errors.New("MaxLines: negative")
	}
	return names(d.Submit, d.Receipt, d.Fetch, d.Results)
}

func names(all ...string) error {
	for _, n := range all {
		if !xmltree.IsNCName(n) {
			return errors.New("a name is not that of an XML element")
		}
	}
	return nil
}
