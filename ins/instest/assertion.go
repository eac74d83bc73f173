package instest

import (
	"cmp"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/xml"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

const nsSAML = "urn:oasis:names:tc:SAML:2.0:assertion"

// caller is who asks, and the card that the message is about.
type caller struct {
	emitter string // what both Emetteur must be
	expects string // said of it in a refusal
	vitale  string // serial of the carte Vitale asserted, if any
}

// checkCaller applies the rules of the entry point that was called: a software
// certificate, the signed assertion of a card, or the assertion and the token of
// Pro Santé Connect. A carte Vitale may be asserted beside each of them.
func (s *Server) checkCaller(r *http.Request, e *soap.Envelope, structure string) (caller, *Fault) {
	refused := func(rule, expected, got string) (caller, *Fault) {
		f := refuse(rule, expected, got)
		return caller{}, &f
	}
	c := caller{emitter: structure, expects: "the OU of the client's certificate, " + structure}
	var ps *xmltree.Element
	security := 0
	for sec := range e.Header.All(nsWSSE, "Security") {
		security++
		for a := range sec.Elements() {
			if !a.Is(nsSAML, "Assertion") {
				return refused("wsse:Security", "assertions of SAML 2.0", "a "+a.Name.Local)
			}
			if a.First(nsSAML, "Subject").First(nsSAML, "NameID").Attr("NameQualifier") == "VITALE" {
				if c.vitale != "" {
					return refused("wsse:Security", "one assertion Vitale", "several")
				}
				var f *Fault
				if c.vitale, f = s.checkVitaleAssertion(a); f != nil {
					return caller{}, f
				}
				continue
			}
			if ps != nil {
				return refused("wsse:Security", "one assertion PS", "several")
			}
			ps = a
		}
	}
	if security > 1 {
		return refused("wsse:Security", "one at most", "several")
	}
	if c.vitale != "" && operations[e.Action] != "WS_INS1" {
		return refused("wsse:Security", "an assertion Vitale with WS_INS1 only", "one with another operation")
	}
	var f *Fault
	switch {
	case r.URL.Path == path && ps != nil:
		return refused("wsse:Security", "no assertion PS: the software certificate authenticates", "an assertion PS")
	case r.URL.Path == path:
		return c, nil
	case ps == nil:
		return refused("wsse:Security", "the assertion PS of the professional", "none")
	case r.URL.Path == cardPath:
		c.emitter, f = s.checkCard(ps)
	default:
		c.emitter, f = s.checkPSC(r, ps)
	}
	c.expects = "the NameID of the assertion PS"
	return c, f
}

// checkCard verifies the assertion of a card: the signature of a card of this
// authority, its place, and that the assertion says what the certificate says.
func (s *Server) checkCard(a *xmltree.Element) (holder string, refused *Fault) {
	no := func(rule, expected, got string) (string, *Fault) {
		f := refuse("AssertionPS "+rule, expected, got)
		return "", &f
	}
	now := s.Clock().Now()
	v, err := xmlsec.VerifyElement(a, xmlsec.Options{
		Name: xml.Name{Space: nsSAML, Local: "Assertion"}, After: "Issuer", Limits: xmltree.Limits{Bytes: 256 << 10},
		Certificate: func(c *x509.Certificate) error {
			return errors.Join(pki.CheckSignature(c, now), s.Authority().Verify(c, now))
		},
	})
	if err != nil {
		return no("Signature", "that of a card, between Issuer and Subject", err.Error())
	}
	a, cert := v.Document.Root, v.Certificate
	name, attributes, f := s.readPS(a, s.opts.AssertionMaxAge)
	if f != nil {
		return "", f
	}
	issuer := a.First(nsSAML, "Issuer")
	kind := cardKind(cert)
	switch {
	case issuer.Attr("Format") != "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName":
		return no("Issuer Format", "X509SubjectName", "another")
	case !pki.EqualDN(issuer.Trimmed(), pki.DN(cert)):
		return no("Issuer", "the subject of the signing certificate", "another name")
	case kind == "":
		return no("certificate", "that of a CPx card", "another")
	case name.Attr("NameQualifier") != kind:
		return no("NameQualifier", kind+", after extension 1.2.250.1.71.1.2.2 of the certificate", name.Attr("NameQualifier"))
	case name.Trimmed() != cert.Subject.CommonName:
		return no("NameID", "the CN of the signing certificate", "another")
	case extension(cert, "1.2.250.1.71.1.2.7") == 10 && !attributes["speciality"]:
		return no("codeSpecialite", "one, for a doctor", "none")
	case attributes["profession"]:
		return no("gipProfessionCode", "none: Pro Santé Connect alone has it", "one")
	}
	return name.Trimmed(), nil
}

// checkPSC checks the unsigned assertion of Pro Santé Connect against the token.
func (s *Server) checkPSC(r *http.Request, a *xmltree.Element) (holder string, refused *Fault) {
	no := func(rule, expected, got string) (string, *Fault) {
		f := refuse(rule, expected, got)
		return "", &f
	}
	name, _, f := s.readPS(a, s.opts.AssertionMaxAge)
	if f != nil {
		return "", f
	}
	if got := name.Attr("NameQualifier"); got != "PSC" {
		return no("AssertionPS NameQualifier", "PSC", got)
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || token == "" {
		f := refuse("access token", "Authorization: Bearer and a token", "none")
		f.Status = http.StatusUnauthorized
		return "", &f
	}
	if s.opts.Introspect != nil {
		id, err := s.opts.Introspect(r.Context(), token)
		if err != nil {
			f := refuse("access token", "one that Pro Santé Connect vouches for", "another")
			f.Status = http.StatusUnauthorized
			return "", &f
		}
		if id != name.Trimmed() {
			return no("AssertionPS NameID", "the holder of the access token", "another professional")
		}
	}
	return name.Trimmed(), nil
}

// Names under which public sources write the attributes.
var attributeNames = map[string]string{
	"identifiantFacturation": "billing",
	"secteurActivite":        "sector", "SecteurActivite": "sector",
	"codeSpecialite": "speciality", "codeSpecialiteAMO": "speciality", "CodeSpecialite": "speciality",
	"gipProfessionCode": "profession",
}

// billing is an AM or FINESS number, or a SIRET.
var billing = regexp.MustCompile(`^([0-9][0-9AB][0-9]{7}|[0-9]{14})$`)

// readPS checks what all assertions PS share: the shape, the age, the attributes.
func (s *Server) readPS(a *xmltree.Element, longest time.Duration) (name *xmltree.Element, attributes map[string]bool, refused *Fault) {
	no := func(rule, expected, got string) (*xmltree.Element, map[string]bool, *Fault) {
		f := refuse("AssertionPS "+rule, expected, got)
		return nil, nil, &f
	}
	if f := sequence(a, []part{{"Issuer", 1}, {"Subject", 1}, {"AttributeStatement", 1}}); f != nil {
		return nil, nil, f
	}
	if f := s.checkAge("AssertionPS", a, cmp.Or(longest, time.Hour)); f != nil {
		return nil, nil, f
	}
	subject := a.First(nsSAML, "Subject")
	if f := sequence(subject, []part{{"NameID", 1}}); f != nil {
		return nil, nil, f
	}
	statement := a.First(nsSAML, "AttributeStatement")
	if f := sequence(statement, []part{{"Attribute*", 1}}); f != nil {
		return nil, nil, f
	}
	attributes = map[string]bool{}
	for at := range statement.Elements() {
		kind, value := attributeNames[at.Attr("Name")], at.First(nsSAML, "AttributeValue").Trimmed()
		switch {
		case kind == "":
			return no("Attribute", "a known one", at.Attr("Name"))
		case attributes[kind]:
			return no("Attribute "+at.Attr("Name"), "one", "several")
		case value == "":
			return no("Attribute "+at.Attr("Name"), "a value", "none")
		case kind == "billing" && !billing.MatchString(value):
			return no("identifiantFacturation", "an AM or FINESS number, or a SIRET", "another form")
		}
		attributes[kind] = true
	}
	if !attributes["billing"] {
		return no("identifiantFacturation", "one", "none")
	}
	return subject.First(nsSAML, "NameID"), attributes, nil
}

// checkVitaleAssertion checks the assertion of a carte Vitale and gives the
// card's serial. Its signature needs the card's own keys: it is not checked.
func (s *Server) checkVitaleAssertion(a *xmltree.Element) (serial string, refused *Fault) {
	no := func(rule, expected, got string) (string, *Fault) {
		f := refuse("AssertionVitale "+rule, expected, got)
		return "", &f
	}
	if f := s.checkAge("AssertionVitale", a, cmp.Or(s.opts.VitaleMaxAge, 20*time.Minute)); f != nil {
		return "", f
	}
	issuer := a.First(nsSAML, "Issuer")
	if issuer.Trimmed() == "" || issuer.Attr("Format") != "" {
		return no("Issuer", "a name without Format", "another form")
	}
	if serial = a.First(nsSAML, "Subject").First(nsSAML, "NameID").Trimmed(); serial == "" {
		return no("NameID", "the numéro de série logique", "nothing")
	}
	return serial, nil
}

func (s *Server) checkAge(what string, a *xmltree.Element, longest time.Duration) *Fault {
	refused := func(rule, expected, got string) *Fault { f := refuse(what+" "+rule, expected, got); return &f }
	if a.Attr("Version") != "2.0" || !xmltree.IsNCName(a.Attr("ID")) {
		return refused("Version and ID", "2.0 and a name", "another form")
	}
	issued, err := time.Parse(time.RFC3339Nano, a.Attr("IssueInstant"))
	now := s.Clock().Now()
	switch {
	case err != nil || !strings.HasSuffix(a.Attr("IssueInstant"), "Z"):
		return refused("IssueInstant", "a time in UTC, with Z", "another form")
	case now.Sub(issued) > longest:
		return refused("IssueInstant", "at most "+longest.String()+" ago", now.Sub(issued).Truncate(time.Second).String())
	case issued.Sub(now) > 5*time.Minute:
		return refused("IssueInstant", "a time before now", "one in the future")
	}
	return nil
}

// cardKind reads the kind of a card off its certificate, as the kit of the
// service does: the last byte of the extension. It is empty for what is no card.
func cardKind(c *x509.Certificate) string {
	n := extension(c, "1.2.250.1.71.1.2.2")
	if n < 0 {
		if extension(c, "1.2.250.1.71.1.2.7") < 0 {
			return ""
		}
		return "CPX"
	}
	if kinds := []string{"CPS", "CPF", "CDE-CPE", "CPA"}; n < len(kinds) {
		return kinds[n]
	}
	return "CPX"
}

// extension gives the last byte of an extension, or -1.
func extension(c *x509.Certificate, id string) int {
	i := slices.IndexFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.String() == id && len(e.Value) > 0 })
	if i < 0 {
		return -1
	}
	v := c.Extensions[i].Value
	return int(v[len(v)-1])
}

// Introspect tells whose an access token is, as a national identifier, or why
// it is worth nothing.
type Introspect func(ctx context.Context, token string) (holder string, err error)
