package dmptest

import (
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

const (
	statusOK = "DMPOk"
	dateTime = "20060102150405"
)

// professionals answers TD1.6.
func (s *Server) professionals(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	if f := s.may(who, opProfessionals); f != nil {
		return soap.Message{}, f
	}
	in, err := form(e.Body, nsRights, "listAuthorizationByPatient", "mode")
	if err != nil {
		return soap.Message{}, refuse(codeMessage, err.Error())
	}
	mode := in["mode"]
	if mode != "ACTIVE" && mode != "INTERDITE" && mode != "TOUTE" {
		return soap.Message{}, refuse(codeMessage, "listAuthorizationByPatient/mode: expected ACTIVE, INTERDITE or TOUTE")
	}
	const name = "listAuthorizationByPatientResponse"
	if status, context, f := s.refusedStatus(opProfessionals); f != nil {
		return soap.Message{}, f
	} else if status != "" {
		return s.told(e, nsRights, name, status, context, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(who.patient)
	if r == nil || r.State != dmp.StateOpen {
		return s.told(e, nsRights, name, codeDenied, textNoDMP, nil)
	}
	s.decision(who, r)
	var all []*Authorization
	for _, a := range s.decided[who.patient] {
		is := standing(a.is(s.now()))
		if is != "" && (mode == "TOUTE" || mode == is) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *Authorization) int { return strings.Compare(a.holder(), b.holder()) })
	return s.told(e, nsRights, name, statusOK, "", func(w *xmltree.Writer) {
		for _, a := range all {
			a.write(w, s.now())
		}
	})
}

// standing gives the mode of a line; empty for one that is not listed. That of
// an authorization that has expired is *assumed*.
func standing(a dmp.Authorization) string {
	switch a {
	case dmp.AuthorizationValid:
		return "ACTIVE"
	case dmp.AuthorizationForbidden:
		return "INTERDITE"
	case dmp.AuthorizationExpired:
		return "EXPIREE"
	}
	return ""
}

func (a *Authorization) write(w *xmltree.Writer, now time.Time) {
	system := "1.2.250.1.71.4.2.1"
	if a.Professional.IsZero() {
		system = "1.2.250.1.71.4.2.2"
	}
	w.Start("ns1:listOfAuthorizationByPatient").Leaf("ns1:nationalId", a.holder()).Leaf("ns1:nationalIdType", system)
	w.Leaf("ns1:firstName", a.GivenName).Leaf("ns1:lastName", a.FamilyName)
	if author, ok := nos.Author(a.Role.Code, a.Speciality.Code); ok {
		w.Leaf("ns1:codeSpeciality", author.Code).Leaf("ns1:libSpeciality", author.Display)
	}
	w.Leaf("ns1:startOfAuthorization", a.Start.UTC().Format(dateTime)).Leaf("ns1:lastActionDate", a.LastAction.UTC().Format(dateTime))
	w.Leaf("ns1:mode", standing(a.is(now))).End()
}
