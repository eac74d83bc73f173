package cda

import (
	"strconv"

	"github.com/soclesante/socle/internal/xmltree"
)

// Marshal writes a document: the header in the order of the schema, and the
// Content in base64 or, when there is one, the Structured body. It writes
// canonical XML in UTF-8 without XML declaration. The content is not read
// before the result is opened.
//
// The models of the header and of the body are written whether TemplateIDs has
// them or not. What [Document.Check] finds is the error.
func (d *Document) Marshal() (*Encoded, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	w := &writer{}
	w.Start("ClinicalDocument", "xmlns", NS)
	w.Empty("realmCode", "code", "FR")
	w.Empty("typeId", "root", TypeRoot, "extension", TypeExtension)
	w.ids("templateId", d.models())
	w.id("id", d.ID)
	w.code("code", d.Code)
	w.Leaf("title", d.Title)
	w.moment("effectiveTime", d.EffectiveTime)
	w.code("confidentialityCode", d.Confidentiality)
	w.Empty("languageCode", "code", d.Language)
	w.id("setId", d.SetID)
	w.number("versionNumber", d.Version)
	w.patient(d.Patient)
	for _, a := range d.Authors {
		w.Start("author")
		w.code("functionCode", a.Function)
		w.moment("time", a.Time)
		w.entity("assignedAuthor", a.Entity, "representedOrganization")
		w.End()
	}
	w.Start("custodian").Start("assignedCustodian")
	w.organization("representedCustodianOrganization", &d.Custodian)
	w.End().End()
	for _, r := range d.Recipients {
		w.Start("informationRecipient")
		w.recipient(r.Entity)
		w.End()
	}
	w.signature("legalAuthenticator", d.Legal)
	for _, a := range d.Authenticators {
		w.signature("authenticator", &a)
	}
	for _, p := range d.Participants {
		w.Start("participant", "typeCode", p.Type)
		w.code("functionCode", p.Function)
		w.interval("time", p.Time)
		w.entity("associatedEntity", p.Entity, "scopingOrganization", "classCode", "PROV")
		w.End()
	}
	for _, o := range d.Orders {
		w.Start("inFulfillmentOf").Start("order")
		w.id("id", o)
		w.End().End()
	}
	for _, s := range d.Events {
		w.Start("documentationOf")
		w.event(s)
		w.End()
	}
	for _, r := range d.Related {
		w.Start("relatedDocument", "typeCode", r.Type).Start("parentDocument")
		w.ids("id", r.IDs) // the French header has nothing else here
		w.End().End()
	}
	for _, c := range d.Consents {
		w.Start("authorization", "typeCode", "AUTH").Start("consent", "classCode", "CONS", "moodCode", "EVN")
		w.code("code", c)
		w.Empty("statusCode", "code", "completed")
		w.End().End()
	}
	w.encounter(d.Encounter)
	if d.Structured != nil {
		w.Start("component").Start("structuredBody").Raw(d.Structured.Sections).End().End().End()
		return &Encoded{head: w.Bytes()}, nil
	}

	// The content stands between the tags of text, so the writer's bytes are
	// cut there.
	w.Start("component").Start("nonXMLBody").Start("text", "mediaType", d.Content.MediaType, "representation", "B64")
	cut := w.Len()
	w.End().End().End().End()
	b := w.Bytes()
	return &Encoded{head: b[:cut:cut], tail: b[cut:], content: d.Content}, nil
}

// levelOne are the models of a document of level 1, which has these and no others.
var levelOne = []ID{{Root: TemplateHL7France}, {Root: TemplateCISIS}, {Root: TemplateNonXML}}

type writer struct{ xmltree.Writer }

// empty writes an element with the attributes that have a value, and nothing
// when none has.
func (w *writer) empty(name string, pairs ...string) {
	var kept []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			kept = append(kept, pairs[i], pairs[i+1])
		}
	}
	if len(kept) > 0 {
		w.Empty(name, kept...)
	}
}

func (w *writer) leaf(name, text string, pairs ...string) {
	if text != "" {
		w.Leaf(name, text, pairs...)
	}
}

func (w *writer) id(name string, id ID) {
	w.empty(name, "root", id.Root, "extension", id.Extension, "nullFlavor", id.Null)
}

func (w *writer) ids(name string, ids []ID) {
	for _, id := range ids {
		w.id(name, id)
	}
}

func (w *writer) number(name string, n int) {
	if n > 0 {
		w.Empty(name, "value", strconv.Itoa(n))
	}
}

func (w *writer) code(name string, c Code) {
	var pairs []string
	for _, a := range [][2]string{{"code", c.Code.Code}, {"codeSystem", c.System}, {"codeSystemName", c.SystemName}, {"displayName", c.Display}, {"nullFlavor", c.Null}} {
		if a[1] != "" {
			pairs = append(pairs, a[0], a[1])
		}
	}
	if len(pairs)+len(c.Original)+len(c.Translations) == 0 {
		return
	}
	w.Start(name, pairs...)
	w.leaf("originalText", c.Original)
	for _, t := range c.Translations {
		w.code("translation", t)
	}
	w.End()
}

func (w *writer) moment(name string, t Time) { w.empty(name, "value", t.Value, "nullFlavor", t.Null) }

// interval writes an IVL_TS.
func (w *writer) interval(name string, i Interval) {
	if i.Low == (Time{}) && i.High == (Time{}) {
		w.empty(name, "nullFlavor", i.Null)
		return
	}
	w.Start(name)
	w.moment("low", i.Low)
	w.moment("high", i.High)
	w.End()
}

func (w *writer) addresses(all []Address, orNull bool) {
	for _, a := range all {
		var pairs []string
		if a.Use != "" {
			pairs = append(pairs, "use", a.Use)
		}
		if a.Null != "" {
			pairs = append(pairs, "nullFlavor", a.Null)
		}
		w.Start("addr", pairs...)
		for _, p := range a.Parts {
			if p.Kind == "" {
				w.Text(p.Text)
			} else {
				w.Leaf(p.Kind, p.Text)
			}
		}
		w.End()
	}
	if len(all) == 0 && orNull {
		w.Empty("addr", "nullFlavor", "NASK")
	}
}

func (w *writer) telecoms(all []Telecom, orNull bool) {
	for _, t := range all {
		w.empty("telecom", "use", t.Use, "value", t.Value, "nullFlavor", t.Null)
	}
	if len(all) == 0 && orNull {
		w.Empty("telecom", "nullFlavor", "NASK")
	}
}

func (w *writer) name(n Name) {
	if n.Null != "" {
		w.Empty("name", "nullFlavor", n.Null)
		return
	}
	w.Start("name")
	for _, p := range n.Prefix {
		w.Leaf("prefix", p)
	}
	parts := func(element string, all []NamePart) {
		for _, p := range all {
			if p.Qualifier == "" {
				w.Leaf(element, p.Text)
			} else {
				w.Leaf(element, p.Text, "qualifier", p.Qualifier)
			}
		}
	}
	parts("family", n.Family)
	parts("given", n.Given)
	for _, s := range n.Suffix {
		w.Leaf("suffix", s)
	}
	if len(n.Family)+len(n.Given) == 0 {
		w.Text(n.Text)
	}
	w.End()
}

func (w *writer) patient(p Patient) {
	w.Start("recordTarget").Start("patientRole")
	w.ids("id", p.IDs)
	w.addresses(p.Addresses, true)
	w.telecoms(p.Telecoms, true)
	w.Start("patient", "classCode", "PSN")
	w.name(p.Name)
	w.code("administrativeGenderCode", p.Gender)
	w.moment("birthTime", p.BirthTime)
	for _, g := range p.Guardians {
		w.Start("guardian").Start("guardianPerson")
		w.name(g)
		w.End().End()
	}
	w.Start("birthplace").Start("place").Start("addr")
	w.leaf("county", p.BirthPlace)
	w.leaf("city", p.BirthPlaceName)
	w.End().End().End()
	w.End().End().End()
}
