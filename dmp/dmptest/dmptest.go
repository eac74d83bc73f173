// Package dmptest is an emulator of the DMP: a TLS server on a loopback port
// that verifies what it receives as the DMP does, refuses with the rule, what was
// expected and what came, and keeps the documents that it accepts.
//
//	srv, err := dmptest.NewServer(dmptest.Options{})
//	defer srv.Close()
//	auth, sign, err := srv.Organisation(pharmacy)
//	client, err := dmp.New(dmp.Config{Environment: srv.Environment(), Roots: srv.Roots(), Certificate: auth, Signature: sign, …})
//
// It answers TD0.2 to 0.5, TD1.3, 1.4 and 1.6, TD2.1 and TD3.1 to 3.3, to each
// profile what the matrices of rights allow ([DefaultRights]). It holds the
// official fictitious patients of the dmp sheet §8, who behave as they are meant to, and some of
// its own; see [Patients]. Patients decide who may read ([Server.Decide]), their
// access journal tells who did ([Server.Accesses]), and every refusal that is
// publicly known can be planned by its name ([Failures]).
package dmptest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xmltree"
)

// basePath precedes the names of the services, as on the real hosts.
const basePath = "/si-dmp-server/v2/services"

// Options of a [Server]. The zero value is an emulator with the patients of
// [Patients], the default rights and the real time.
type Options struct {
	// Authority issues the server's certificate and vouches for the clients'; nil
	// makes one. Package socletest makes one for several emulators.
	Authority *pki.Authority
	// Clock is the server's time (socletest.NewClock); nil is the real one.
	Clock *emulator.Clock
	// Patients replaces those of [Patients]; nil keeps them.
	Patients []Patient
	// Rights replaces [DefaultRights].
	Rights Rights
	// MaxDocumentSize is the largest document taken, in bytes; 0 is 5 MiB.
	MaxDocumentSize int64
	// StrictAuthors refuses a document whose metadata do not name the
	// professional and the structure of the VIHF as an author, and not only a lot
	// and a signature that do not.
	StrictAuthors bool
	// RefuseUnsigned refuses unsigned VIHF, which mode DIRECTE may send.
	RefuseUnsigned bool
	// RefuseSHA1 refuses signatures with SHA-1.
	RefuseSHA1 bool
	// MaxAge is how old a VIHF may be; 0 is one hour.
	MaxAge time.Duration
	// AuthorizationLife is how long an authorization lasts; 0 is a year.
	AuthorizationLife time.Duration
	// Purposes adds codes of PurposeOfUse to those that the emulator knows.
	Purposes map[string]dmp.AccessMode
	// Addr is where the server listens; empty is a free port of 127.0.0.1.
	Addr string
}

// Server is a running emulator of the DMP.
type Server struct {
	options Options
	server  *emulator.Server

	mu         sync.Mutex
	records    map[patientID]*record
	structures map[string]Structure
	unique     map[string]bool // uniqueIds of documents and lots
	failures   []Failure
	decided    map[patientID]map[string]*Authorization // by the holder
	accesses   map[patientID][]Access
}

// NewServer starts an emulator. Close must be called.
func NewServer(o Options) (*Server, error) {
	if o.MaxDocumentSize == 0 {
		o.MaxDocumentSize = 5 << 20
	}
	if o.AuthorizationLife == 0 {
		o.AuthorizationLife = 365 * 24 * time.Hour
	}
	if o.Rights == nil {
		o.Rights = DefaultRights()
	}
	if o.Patients == nil {
		o.Patients = Patients()
	}
	s := &Server{options: o, records: map[patientID]*record{}, structures: map[string]Structure{}, unique: map[string]bool{},
		decided: map[patientID]map[string]*Authorization{}, accesses: map[patientID][]Access{}}
	for _, p := range o.Patients {
		if err := s.AddPatient(p); err != nil {
			return nil, err
		}
	}
	var err error
	s.server, err = emulator.New(emulator.Options{Authority: o.Authority, Clock: o.Clock, ClientAuth: tls.RequireAndVerifyClientCert, Addr: o.Addr}, s)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close stops the server.
func (s *Server) Close() { s.server.Close() }

// URL gives the address of the server.
func (s *Server) URL() string { return s.server.URL }

// Authority gives the authority that vouches for the server and its clients.
func (s *Server) Authority() *pki.Authority { return s.server.Authority() }

// Clock gives the server's clock.
func (s *Server) Clock() *emulator.Clock { return s.server.Clock() }

// Roots gives the pool that a client trusts.
func (s *Server) Roots() *x509.CertPool { return s.server.Roots() }

// Environment gives the client's Environment that points at the server.
func (s *Server) Environment() dmp.Environment {
	return dmp.Environment{Base: s.server.URL + basePath}
}

// Fail plans a fault of the network or of a gateway, a socletest.Fault. Operations are
// "TD0.2" …, and "TD3.3" for its four changes.
func (s *Server) Fail(f emulator.Fault) { s.server.Fail(f) }

// Journal gives the last exchanges, oldest first.
func (s *Server) Journal() []emulator.Entry { return s.server.Journal() }

func (s *Server) now() time.Time { return s.server.Clock().Now() }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, ok := strings.CutPrefix(r.URL.Path, basePath+"/")
	switch _, known := operations[service]; {
	case ok && service == "repository":
		s.repository(w, r)
	case ok && known:
		s.serve(w, r, service)
	default:
		http.NotFound(w, r)
	}
	// A client that still sends must be able to read the answer.
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 256<<20))
}

// operation is what a wsa:Action asks of a service.
type operation struct {
	name   string // as the journal and Fail have it
	answer func(*Server, *session, *soap.Envelope) (soap.Message, *soap.Fault)
	// of, if any, gives the operation that the message asks for: some share an Action.
	of func(*soap.Envelope) operation
}

// operations are those of the services that are asked without attachments.
var operations = map[string]map[string]operation{
	"patients": { // GestionDossierPatientPartage.wsdl
		actionExists: {of: func(e *soap.Envelope) operation {
			if reasonOf(e) == "CNSLT_DATA" {
				return operation{name: opAdministrative, answer: (*Server).administrative}
			}
			return operation{name: opExists, answer: (*Server).exists}
		}},
		actionAmend: {of: func(e *soap.Envelope) operation {
			if reasonOf(e) == "FERM" {
				return operation{name: opCloseRecord, answer: (*Server).closeRecord}
			}
			return operation{name: opAmend, answer: (*Server).amend}
		}},
	},
	"registry": { // XDS.b_DocumentRegistry.wsdl
		actionChange: {name: opChange, answer: (*Server).change},
		actionQuery: {of: func(e *soap.Envelope) operation {
			return operation{name: queryName(e), answer: (*Server).query}
		}},
	},
	"patientsPDQ": {actionFind: {name: opFind, answer: (*Server).findPatient}}, // PDQSupplier.wsdl
	"habilitations": { // Habilitations.wsdl, whose actions are not those of the samples
		actionAuthorize:         {name: opAuthorize, answer: (*Server).authorize},
		actionAuthorizeWSDL:     {name: opAuthorize, answer: (*Server).authorize},
		actionProfessionals:     {name: opProfessionals, answer: (*Server).professionals},
		actionProfessionalsWSDL: {name: opProfessionals, answer: (*Server).professionals},
	},
	"patientsSpecific": {actionAuthorized: {name: opAuthorized, answer: (*Server).listAuthorized}}, // PatientsSpecific.wsdl
}

// serve answers for a service of operations.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, service string) {
	e, fault := soap.ReadRequest(r, xmltree.Limits{Bytes: 1 << 20})
	if fault == nil {
		if op, ok := operations[service][e.Action]; ok {
			if op.of != nil {
				op = op.of(e)
			}
			emulator.Annotate(r, op.name)
			s.answer(w, r, e, func(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) { return op.answer(s, who, e) })
			return
		}
		fault = unsupported(e)
	}
	soap.WriteFault(w, e, fault)
}

// answer verifies who asks, then lets op answer.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, e *soap.Envelope, op func(*session, *soap.Envelope) (soap.Message, *soap.Fault)) {
	who, fault := s.authenticate(r, e)
	if fault == nil {
		var m soap.Message
		m, fault = op(who, e)
		s.trace(who, fault)
		if fault == nil && who.defect != "" && who.defect.write(w, e, m) {
			return
		}
		if fault == nil {
			soap.WriteResponse(w, e, m)
			return
		}
	}
	soap.WriteFault(w, e, fault)
}

// refuse makes a fault of the Sender. The reason names the rule, what was
// expected and what came, and never a value that identifies the patient.
func refuse(subcode, reason string) *soap.Fault {
	f := &soap.Fault{Code: soap.Sender, Reason: reason, Lang: "fr"}
	if subcode != "" {
		f.Subcodes = []string{subcode}
	}
	return f
}

func unsupported(e *soap.Envelope) *soap.Fault {
	if f := e.CheckAddressing(); f != nil {
		return f
	}
	return &soap.Fault{Code: soap.Sender, Subcodes: []string{"ActionNotSupported"}, Space: soap.NSWSA, Lang: "en",
		Reason: "The wsa:Action cannot be processed at the receiver: " + transport.Code(e.Action)}
}

var errPatient = errors.New("dmptest: a matricule of 15 characters, its OID and a State are mandatory")
