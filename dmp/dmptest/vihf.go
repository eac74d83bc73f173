package dmptest

import (
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xmlsec"
)

// session is who asks, once verified.
type session struct {
	vihf    *saml.VIHF
	signer  *x509.Certificate // nil when the VIHF is unsigned
	class   pki.Class         // of the TLS certificate
	client  *x509.Certificate
	patient patientID
	access  dmp.AccessMode
	op      string // the operation asked for, for the access journal
	defect  Defect // planned for the answer
}

// Structure is what the emulator knows of a structure. One that it does not
// know is taken for active, with the sector that the VIHF says.
type Structure struct {
	ID     socle.StructureID
	Name   string     // told in refusals; optional
	Sector socle.Code // of TRE_R02; zero: any
	// Entity is the legal entity whose certificate may act for the structure (EJ/EG).
	Entity socle.StructureID
	// Inactive refuses all its calls.
	Inactive bool
	// Professionals are those who exercise there; nil: anyone.
	Professionals []socle.PersonID
}

// AddStructure adds a structure, or replaces one.
func (s *Server) AddStructure(of Structure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.structures[of.ID.String()] = of
}

// Words of the DMP (dmp sheet §6).
const (
	textCertificate = "Le certificat ayant signé le VIHF est invalide : "
	textRole        = "Aucune spécialité dans le vihf. Spécialité obligatoire pour les Médecins et les Pharmaciens"
	textLegal       = "Erreur d'authentification de la personne morale"
	textUnknown     = "Impossible d'effectuer un test d'existence : Structure introuvable ou Inactive"
	textUnlinked    = "PS et Structure non liés"
	textAuthor      = "Aucun AuthorInstitution ne correspond à l'utilisateur du VIHF"
)

// authenticate verifies the addressing headers, the TLS certificate and the VIHF.
func (s *Server) authenticate(r *http.Request, e *soap.Envelope) (*session, *soap.Fault) {
	if f := e.CheckAddressing(); f != nil {
		return nil, f
	}
	bodies := 0
	for range e.Body.Parent.Elements() {
		bodies++
	}
	if bodies != 1 {
		return nil, refuse(codeMessage, "soap:Body: expected one element")
	}
	who := &session{client: r.TLS.PeerCertificates[0]}
	who.class = pki.Classify(who.client)
	if err := pki.CheckAuthentication(who.client, s.now()); err != nil {
		return nil, refuse(codeCertificate, "certificat TLS : "+err.Error())
	}
	a, f := s.assertion(e)
	if f != nil {
		return nil, f
	}
	who.signer = a.Certificate
	var err error
	if who.vihf, err = a.VIHF(); err != nil {
		switch {
		case errors.Is(err, saml.ErrSpeciality):
			return nil, refuse("", textRole)
		case errors.Is(err, saml.ErrStructure) && s.entityOf(who.vihf.StructureID) == who.class.Structure:
			err = nil
		case errors.Is(err, saml.ErrStructure):
			return nil, refuse("", textLegal+" : "+err.Error())
		}
		if err != nil {
			return nil, refuse(codeVIHF, err.Error())
		}
	}
	if f := s.holder(who); f != nil {
		return nil, f
	}
	if f := s.purpose(who); f != nil {
		return nil, f
	}
	if who.vihf.PatientID == "" {
		if !slices.Contains(aboutNobody, e.Action) {
			return nil, refuse(codeVIHF, "resource-id: expected the patient of the message")
		}
		return who, nil
	}
	matricule, rest, _ := strings.Cut(who.vihf.PatientID, "^")
	parts := strings.Split(rest, "&")
	if len(parts) != 3 {
		return nil, refuse(codeVIHF, "resource-id: expected matricule^^^&OID&ISO^NH")
	}
	who.patient = patientID{parts[1], matricule}
	return who, s.secret(who)
}

// purpose reads the access mode, and checks what it asks for.
func (s *Server) purpose(who *session) *soap.Fault {
	code := who.vihf.Purpose.Code
	mode, known := purposes[code]
	if !known {
		mode, known = s.options.Purposes[code]
	}
	switch {
	case !known:
		return refuse(codeVIHF, "purposeofuse: expected normal, bris_de_glace or centre_15, got "+transport.Code(code))
	case mode == dmp.BreakGlass && strings.TrimSpace(who.vihf.Reason) == "":
		return refuse(codeVIHF, "Mode_Acces_Raison: expected the reason of the bris de glace")
	}
	who.access = mode
	return nil
}

// secret checks that a connexion secrète is for a minor.
func (s *Server) secret(who *session) *soap.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.find(who.patient); who.vihf.Secret && r != nil && !dmp.Minor(r.Traits.BirthDate, s.now()) {
		return refuse(codeVIHF, "confidentiality-code: expected a minor for INVISIBLE_REPRESENTANTS_LEGAUX")
	}
	return nil
}

// names gives the given name and the family name of who acts, out of the name
// that the VIHF has, or else out of the card.
func (s *session) names() (given, family string) {
	given, family, two := strings.Cut(strings.TrimSpace(s.vihf.SubjectName), " ")
	switch {
	case two:
		return given, family
	case given != "" || s.client == nil:
		return "", given
	}
	for _, n := range s.client.Subject.Names {
		switch text, _ := n.Value.(string); n.Type.String() {
		case "2.5.4.4":
			family = text
		case "2.5.4.42":
			given = text
		}
	}
	return given, family
}

// assertion reads and verifies the one assertion of the message.
func (s *Server) assertion(e *soap.Envelope) (*saml.Assertion, *soap.Fault) {
	n := 0
	for range e.Header.All(saml.NSWSSE, "Security") {
		n++
	}
	security := e.Block(saml.NSWSSE, "Security")
	if n != 1 || security == nil {
		return nil, refuse(codeVIHF, "wsse:Security: expected once in the header")
	}
	var kids []string
	for c := range security.Elements() {
		kids = append(kids, c.Name.Local)
	}
	if !slices.Equal(kids, []string{"Assertion"}) {
		return nil, refuse(codeVIHF, "wsse:Security: expected one saml2:Assertion and nothing else")
	}
	a, err := saml.VerifyElement(security.First(saml.NS, "Assertion"), saml.Options{
		Now: s.now(), MaxAge: s.options.MaxAge, AllowUnsigned: !s.options.RefuseUnsigned, AllowSHA1: !s.options.RefuseSHA1,
		Certificate: s.maySign,
	})
	if errors.Is(err, xmlsec.ErrCertificate) {
		var cause *pki.Error
		text := err.Error()
		if errors.As(err, &cause) && errors.Is(cause, pki.ErrWrongUsage) {
			text = "Not a valid signature certificate"
		}
		return nil, refuse(codeCertificate, textCertificate+text)
	}
	if err != nil {
		return nil, refuse(codeVIHF, err.Error())
	}
	return a, nil
}

// maySign is the policy for certificates that sign VIHF and lots.
func (s *Server) maySign(c *x509.Certificate) error {
	if err := pki.CheckSignature(c, s.now()); err != nil {
		return err
	}
	return s.Authority().Verify(c, s.now())
}

// entityOf gives the legal entity whose certificate may act for a structure.
func (s *Server) entityOf(structure string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.structures[structure].Entity.String()
}

// holder compares the holders of the certificates with the VIHF.
func (s *Server) holder(who *session) *soap.Fault {
	card := who.class.Usage == pki.CardAuth
	switch direct := who.vihf.Mode == saml.Direct; {
	case direct && !card:
		return refuse(codeCertificate, "mode DIRECTE: expected the TLS certificate of a card, got "+who.class.Usage.String())
	case !direct && card:
		return refuse(codeCertificate, "mode "+string(who.vihf.Mode)+": expected the TLS certificate of an organisation, got a card's")
	case direct && who.class.CommonName != who.vihf.NameID:
		return refuse(codeVIHF, "Subject/NameID: expected the holder of the card of the TLS connection")
	case direct && who.signer == nil && !pki.EqualDN(who.vihf.Issuer, pki.DN(who.client)):
		return refuse(codeVIHF, "Issuer: expected the subject of the card")
	case !direct && !pki.EqualDN(pki.DN(who.signer), pki.DN(who.client)):
		return refuse(codeCertificate, textCertificate+"expected the same subject as the TLS certificate, "+pki.DN(who.client)+", got "+pki.DN(who.signer))
	case !direct && who.class.Structure != who.vihf.StructureID && who.class.Structure != s.entityOf(who.vihf.StructureID):
		return refuse("", textLegal+" : expected "+who.class.Structure+", got "+who.vihf.StructureID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of, known := s.structures[who.vihf.StructureID]
	switch {
	case !known:
	case of.Inactive:
		return refuse("", textUnknown+" : "+of.Name)
	case !of.Sector.IsZero() && of.Sector.Code != who.vihf.Sector.Code:
		return refuse("", textUnknown+" : expected the sector "+of.Sector.Code+", got "+who.vihf.Sector.Code)
	case of.Professionals != nil && !slices.ContainsFunc(of.Professionals, func(id socle.PersonID) bool { return id.String() == who.vihf.NameID }):
		return refuse("", textUnlinked)
	}
	return nil
}
