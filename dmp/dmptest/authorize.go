package dmptest

import (
	"fmt"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// Actions of the service habilitations: those of the samples, and those of its WSDL.
const (
	nsRights                = "urn:si-dmp-habilitations"
	actionAuthorize         = "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization"
	actionProfessionals     = "urn:si-dmp-habilitations:HabilitationsEndPoint:listAuthorizationByPatient"
	actionAuthorizeWSDL     = "urn:hl7-org:v3:setAuthorization"
	actionProfessionalsWSDL = "urn:hl7-org:v3:listAuthorizationByPatient"
)

// Words of setAuthorization; the first is official, the others are *assumed*.
const (
	textAlready = "Autorisation déjà présente aucune action effectuée"
	textAbsent  = "Autorisation absente aucune action effectuée"
	textBlocked = "Le patient a bloqué le professionnel"
	textNoDMP   = "Le patient n'a pas de DMP ouvert"
)

// authorize answers TD0.3.
func (s *Server) authorize(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	if f := s.may(who, opAuthorize); f != nil {
		return soap.Message{}, f
	}
	in, err := form(e.Body, nsRights, "setAuthorization", "action", "role?")
	if err != nil {
		return soap.Message{}, refuse(codeMessage, err.Error())
	}
	action, role := in["action"], in["role"]
	if action != "AJOUT" && action != "SUPPRESSION" {
		return soap.Message{}, refuse(codeMessage, "setAuthorization/action: expected AJOUT or SUPPRESSION")
	}
	if _, there := in["role"]; there && role != "MEDECIN_TRAITANT" {
		return soap.Message{}, refuse(codeMessage, "setAuthorization/role: expected MEDECIN_TRAITANT")
	}
	answer := func(status, context string) (soap.Message, *soap.Fault) {
		return s.told(e, nsRights, "setAuthorizationResponse", status, context, nil)
	}
	if status, context, f := s.refusedStatus(opAuthorize); f != nil {
		return soap.Message{}, f
	} else if status != "" {
		return answer(status, context)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(who.patient)
	switch {
	case r == nil || r.State != dmp.StateOpen:
		return answer(codeDenied, textNoDMP)
	case role != "" && who.vihf.Roles[0].Code != "10":
		return answer(codeDenied, "role: expected a doctor")
	}
	now := s.decision(who, r)
	switch is := now.is(s.now()); {
	case is == dmp.AuthorizationForbidden:
		return answer(codeDenied, textBlocked)
	case action == "SUPPRESSION" && role != "":
		if r.TreatingDoctor.String() != who.vihf.NameID {
			return answer(statusOK, textAbsent)
		}
		r.TreatingDoctor = socle.PersonID{}
	case action == "SUPPRESSION":
		if is == dmp.AuthorizationNone {
			return answer(statusOK, textAbsent)
		}
		now.Revoked = true
	case is == dmp.AuthorizationValid && (role == "" || r.TreatingDoctor.String() == who.vihf.NameID):
		return answer(statusOK, textAlready)
	default:
		a := newAuthorization(who)
		s.decide(who.patient, a)
		if role != "" {
			r.TreatingDoctor = a.Professional
		}
	}
	return answer(statusOK, "")
}

// form reads the children of a message of the DMP's own: text elements in their
// order, those with a question mark optional.
func form(e *xmltree.Element, ns, name string, children ...string) (map[string]string, error) {
	if !e.Is(ns, name) {
		return nil, fmt.Errorf("soap:Body: expected %s of %s", name, ns)
	}
	in := map[string]string{}
	for c := range e.Elements() {
		for len(children) > 0 && strings.HasSuffix(children[0], "?") && strings.TrimSuffix(children[0], "?") != c.Name.Local {
			children = children[1:]
		}
		if len(children) == 0 || strings.TrimSuffix(children[0], "?") != c.Name.Local || c.Name.Space != ns {
			return nil, fmt.Errorf("%s: %s was not expected there", name, c.Name.Local)
		}
		for range c.Elements() {
			return nil, fmt.Errorf("%s/%s: expected text", name, c.Name.Local)
		}
		in[c.Name.Local] = c.Trimmed()
		children = children[1:]
	}
	for _, c := range children {
		if !strings.HasSuffix(c, "?") {
			return nil, fmt.Errorf("%s/%s: expected once", name, c)
		}
	}
	return in, nil
}

// told makes the answer of a service of the DMP's own: what fill writes, the
// status and the context.
func (s *Server) told(e *soap.Envelope, ns, name, status, context string, fill func(*xmltree.Writer)) (soap.Message, *soap.Fault) {
	var w xmltree.Writer
	w.Start("ns1:"+name, "xmlns:ns1", ns).Start("ns1:output")
	if fill != nil {
		fill(&w)
	}
	w.Leaf("ns1:status", status)
	if context != "" {
		w.Leaf("ns1:context", context)
	}
	return soap.Message{Action: e.Action + "Response", Body: w.End().End().Bytes()}, nil
}

// refusedStatus gives the status or the fault that was planned for an operation.
func (s *Server) refusedStatus(op string) (status, context string, fault *soap.Fault) {
	switch f := s.injected(op); {
	case f == nil:
		return "", "", nil
	case f.Fault != nil:
		return "", "", f.Fault.soap()
	case f.Status != nil:
		return f.Status.Code, f.Status.Text, nil
	}
	return "", "", nil
}
