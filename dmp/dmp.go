// Package dmp talks to the Dossier Médical Partagé, the shared record of Mon
// espace santé, by the "DMP-compatibilité" transactions of the GIE
// SESAM-Vitale: IHE XDS.b and HL7 v3 over SOAP 1.2 and mutual TLS, with the VIHF
// assertion.
//
//	client, err := dmp.New(dmp.Config{Environment: environment, Software: software, Certificate: auth, Signature: sign, Roots: roots})
//	record, err := client.Exists(ctx, who, patient)       // TD0.2
//	doc, err := client.NewDocument(who, patient, report)  // CDA R2 of level 1
//	receipt, err := client.Submit(ctx, who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{doc}}) // TD2.1
//
// Several documents go as one lot, under one signature. A document whose Edition
// replaces another takes its place (TD2.1b; see [Client.Replace]), and documents
// of the record are changed by their author: [Client.SetVisibility] (TD3.3a and
// b), [Client.Delete] (TD3.3c), [Client.Archive] and [Client.Unarchive] (TD3.3d).
//
// What others added is found and read, by who may:
//
//	found, err := client.Search(ctx, who, patient, dmp.Query{Record: record, Types: types}) // TD3.1a
//	for doc, err := range client.Retrieve(ctx, who, patient, dmp.Retrieval{Record: record, Entries: found.Entries}) { … } // TD3.2
//	pending, err := client.Sync(ctx, who, patient, dmp.Synchronization{Record: record, Cursors: store, Key: key}) // what changed since
//
// Who may read is the patient's to decide: [Record.CanRead] tells what they
// decided, [Client.Authorize] notes their consent (TD0.3). In an emergency
// [Client.With] gives a client that breaks the glass, or that acts for the
// regulation of calls. The rules that this package applies before it sends
// anything are [Rule] values: [Client.Override] sets one aside, aloud.
//
// The professional and the patient are arguments of each call. Only a qualified
// identity leaves the machine: [ins.Identity.Sendable] decides. Nothing is sent
// that the service is known to refuse: each refusal says what to change.
//
// Documents of level 3 are made from typed values, [Client.NewVaccinationNote]
// and [Client.NewTestReport], and checked against the rules of their model
// before they are given out. [Client.Adopt] takes one that somebody else made, as
// it came by MSSanté, to be filed byte for byte. [ParseCDA] reads any document of a record:
// vaccinations, rapid tests, links between versions, its text for a screen, and
// what it has wrong.
//
// dmptest is its emulator.
//
// Every document is streamed: a file is opened when a document is made, to hash
// it, and again each time it is sent, and is never held in memory.
package dmp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

// Config of a [Client].
type Config struct {
	// Environment says where the DMP is; mandatory.
	Environment Environment
	// Software is the vendor's program; every field is mandatory, with the
	// homologation number for ServiceDMP.
	Software socle.Software
	// Certificate authenticates the TLS connection: the AUTH_CLI certificate of
	// the organisation, or the authentication pair of the card. Mandatory unless
	// HTTPClient is given.
	Certificate tls.Certificate
	// Signature signs the VIHF and the lots: the SIGN (cachet) certificate of
	// the organisation, with the same subject as Certificate, or the signature
	// pair of the card. Mandatory.
	Signature tls.Certificate
	// Roots vouch for the DMP's certificate, IGC-Santé; mandatory unless
	// HTTPClient is given.
	Roots *x509.CertPool
	// HTTPClient is used as it is instead of one made from Certificate and Roots.
	// Neither bounds how long the DMP may take to answer: give each call a context
	// with a deadline.
	HTTPClient *http.Client
	// Mode is how the professional is authenticated; empty is Direct with a
	// card's certificates and Indirect with an organisation's.
	Mode Mode
	// MaxDocumentSize bounds a document to send, in bytes; 0 is the Dialect's.
	MaxDocumentSize int64
	// RecordAge is how long what Exists said of a record serves for other calls;
	// 0 is 12 hours.
	RecordAge time.Duration
	// Dialect replaces what no public text confirms; the zero value is the
	// dialect that we assume.
	Dialect Dialect

	socle.Watch
}

// Mode is how the professional is authenticated before the DMP
// (Authentification_mode of the VIHF).
type Mode string

// Modes.
const (
	// Direct: the professional's card is in the reader.
	Direct Mode = "DIRECTE"
	// Indirect: the organisation vouches for the professional. It may test a
	// record and feed it, not read it.
	Indirect Mode = "INDIRECTE"
	// AIR (authentification indirecte renforcée): the organisation vouches, and
	// the professional proved who they are by card or e-CPS. The DMP refuses to
	// be fed in this mode (matrix PDT-INF-606), so that Submit uses Indirect.
	AIR Mode = "INDIRECTE_RENFORCEE"
)

// Client speaks to the DMP. It is immutable and safe for concurrent use.
type Client struct {
	cfg       Config
	transport *transport.Client
	auth      *x509.Certificate // nil when HTTPClient holds it
	sign      *x509.Certificate
	access    Access
	reason    string          // of a call, for its audit record
	overrides map[Rule]string // the reason of each rule that is set aside
}

// New makes a client. It reports every problem of cfg at once, each with the
// name of its field.
func New(cfg Config) (*Client, error) {
	c := &Client{cfg: cfg}
	var errs []error
	report := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("dmp: Config.%s: %w", field, err))
		}
	}
	report("Environment.Base", checkAddress(cfg.Environment.Base, "mandatory: the address that precedes the names of the services, such as Production.Base"))
	if cfg.Environment.Web != "" {
		report("Environment.Web", checkAddress(cfg.Environment.Web, ""))
	}
	if joined, ok := cfg.Software.Check(socle.ServiceDMP).(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			errs = append(errs, fmt.Errorf("dmp: Config.%w", err))
		}
	}
	c.cfg.Dialect = cfg.Dialect.defaults()
	if c.cfg.MaxDocumentSize == 0 {
		c.cfg.MaxDocumentSize = c.cfg.Dialect.MaxDocumentSize
	}
	if cfg.MaxDocumentSize < 0 {
		report("MaxDocumentSize", errors.New("below zero"))
	}
	if c.cfg.RecordAge == 0 {
		c.cfg.RecordAge = 12 * time.Hour
	}
	if cfg.RecordAge < 0 {
		report("RecordAge", errors.New("below zero"))
	}
	c.certificates(report)
	tc := transport.Config{Service: socle.ServiceDMP, Roots: cfg.Roots, HTTPClient: cfg.HTTPClient,
		UserAgent: userAgent(cfg.Software), Watch: cfg.Watch}
	if c.auth != nil {
		tc.Certificate = &c.cfg.Certificate
	}
	if cfg.HTTPClient == nil && cfg.Roots == nil {
		report("Roots", errors.New("mandatory: the authorities of the IGC-Santé that vouch for the DMP"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var err error
	if c.transport, err = transport.New(tc); err != nil {
		return nil, fmt.Errorf("dmp: Config.%w", err)
	}
	if !cfg.Environment.Production && !pki.Classify(c.sign).Test {
		cfg.Log().Warn("dmp: a production certificate is used outside production")
	}
	return c, nil
}

// certificates checks the two pairs, alone and together, and settles the mode.
func (c *Client) certificates(report func(string, error)) {
	now := c.cfg.Now()
	if c.cfg.HTTPClient == nil || len(c.cfg.Certificate.Certificate) > 0 {
		leaf, err := pki.Leaf(c.cfg.Certificate)
		if err == nil {
			err = pki.CheckAuthentication(leaf, now)
		}
		report("Certificate", err)
		if err == nil {
			c.auth = leaf
		}
	}
	sign, err := pki.Leaf(c.cfg.Signature)
	if err == nil {
		err = pki.CheckSignature(sign, now)
	}
	report("Signature", err)
	if err != nil {
		return
	}
	c.sign = sign
	class := pki.Classify(sign)
	card := class.Usage == pki.CardSign
	if c.cfg.Mode == "" {
		c.cfg.Mode = Indirect
		if card {
			c.cfg.Mode = Direct
		}
	}
	switch mode := c.cfg.Mode; {
	case mode != Direct && mode != Indirect && mode != AIR:
		report("Mode", errors.New("DIRECTE, INDIRECTE or INDIRECTE_RENFORCEE expected"))
	case mode == Direct && !card:
		report("Mode", errors.New("DIRECTE needs the signature pair of a card in Signature, not a certificate of an organisation"))
	case mode != Direct && card:
		report("Mode", errors.New(string(mode)+" needs the SIGN certificate of an organisation in Signature, not a card's"))
	case mode != Direct && class.Structure == "":
		report("Signature", errors.New("the certificate has no OU that is a structure id: the DMP needs it in mode "+string(mode)))
	case c.auth == nil:
	case mode == Direct && c.auth.Subject.CommonName != sign.Subject.CommonName:
		report("Signature", errors.New("its holder is not that of Certificate: give both pairs of one card"))
	case mode != Direct && !pki.EqualDN(pki.DN(c.auth), pki.DN(sign)):
		report("Signature", errors.New("its subject is not that of Certificate: the DMP demands the same DN of both"))
	}
	if c.cfg.Environment.Production && class.Test {
		report("Signature", errors.New("a certificate of the test IGC-Santé is refused in production"))
	}
}

func userAgent(sw socle.Software) string {
	keep := func(r rune) rune {
		if r > ' ' && r < 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return r
		}
		return '-'
	}
	if sw.Name == "" {
		return ""
	}
	ua := strings.Map(keep, sw.Name)
	if sw.Version != "" {
		ua += "/" + strings.Map(keep, sw.Version)
	}
	return ua
}

// Close closes the connections that no call uses. The client may still be used.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// checkAddress checks an address of the Environment.
func checkAddress(address, absent string) error {
	if address == "" {
		return errors.New(absent)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("an https address without query expected")
	}
	return nil
}
