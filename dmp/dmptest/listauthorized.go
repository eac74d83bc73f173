package dmptest

import (
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

const nsPatients = "urn:si-dmp-patients"

// listAuthorized answers TD0.4.
func (s *Server) listAuthorized(who *session, e *soap.Envelope) (soap.Message, *soap.Fault) {
	if f := s.may(who, opAuthorized); f != nil {
		return soap.Message{}, f
	}
	in, err := form(e.Body, nsPatients, "patientList", "startDate", "dateType", "psOwnerId?")
	if err != nil {
		return soap.Message{}, refuse(codeMessage, err.Error())
	}
	from, err := time.Parse(dateTime, in["startDate"])
	if err != nil {
		return soap.Message{}, refuse(codeMessage, "patientList/startDate: expected yyyyMMddHHmmss")
	}
	if in["dateType"] != "LASTAUTORIZATION" && in["dateType"] != "LASTDOC" {
		return soap.Message{}, refuse(codeMessage, "patientList/dateType: expected LASTAUTORIZATION or LASTDOC")
	}
	const name = "patientListResponse"
	if status, context, f := s.refusedStatus(opAuthorized); f != nil {
		return soap.Message{}, f
	} else if status != "" {
		return s.told(e, nsPatients, name, status, context, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	holder := newAuthorization(who).holder()
	if owner := in["psOwnerId"]; owner != "" && owner != who.vihf.NameID {
		of := s.structures[who.vihf.StructureID]
		if !slices.ContainsFunc(of.Professionals, func(p socle.PersonID) bool { return p.String() == owner }) {
			return s.told(e, nsPatients, name, codeDenied, "psOwnerId: expected a professional of the same structure", nil)
		}
		holder = owner
	}
	var lines []line
	for id, r := range s.records {
		a := s.decided[id][holder]
		if r.State != dmp.StateOpen || a.is(s.now()) != dmp.AuthorizationValid {
			continue
		}
		l := line{id: id, record: r, doctor: r.TreatingDoctor.String() == holder, access: a.LastAction, document: lastDocument(r)}
		if date := map[string]time.Time{"LASTAUTORIZATION": a.Start, "LASTDOC": l.document}[in["dateType"]]; !date.IsZero() && !date.Before(from) {
			lines = append(lines, l)
		}
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(a.id.matricule, b.id.matricule) })
	return s.told(e, nsPatients, name, statusOK, "", func(w *xmltree.Writer) {
		for _, l := range lines {
			l.write(w)
		}
	})
}

// line is a line of TD0.4.
type line struct {
	id               patientID
	record           *record
	doctor           bool
	access, document time.Time
}

func (l line) write(w *xmltree.Writer) {
	t := l.record.Traits
	w.Start("ns1:patientlistData")
	w.Start("ns1:patientIdentifier").Leaf("ns1:nationalId", l.id.matricule).Leaf("ns1:nationalIdType", l.id.oid).End()
	w.Leaf("ns1:lastName", t.BirthName).Leaf("ns1:firstName", t.First()).Leaf("ns1:dateOfBirth", strings.ReplaceAll(t.BirthDate.Wire(), "-", ""))
	w.Leaf("ns1:MT", yes(l.doctor)).Leaf("ns1:message", "false").Leaf("ns1:lastAccessDate", l.access.UTC().Format(dateTime))
	if !l.document.IsZero() {
		at := l.document.UTC().Format(dateTime)
		w.Leaf("ns1:lastUpdateDate", at).Leaf("ns1:lastAddDate", at)
	}
	w.End()
}

func lastDocument(r *record) (last time.Time) {
	for _, v := range r.versions {
		if v.at.After(last) {
			last = v.at
		}
	}
	return last
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
