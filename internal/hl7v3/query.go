package hl7v3

import (
	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

const interactionQuery = "PRPA_IN201307UV02"

// Query asks what the DMP knows of one patient.
type Query struct {
	Head
	Reason  socle.Code
	QueryID ID
	Patient ID // the INS: its OID and the matricule
}

// Marshal gives the message in canonical form.
func (q Query) Marshal() []byte {
	var w xmltree.Writer
	q.start(&w, interactionQuery, "T", "AL")
	w.Start("controlActProcess", "classCode", "CACT", "moodCode", "EVN")
	writeCode(&w, "reasonCode", q.Reason)
	w.Start("queryByParameter")
	writeID(&w, "queryId", q.QueryID)
	w.Empty("statusCode", "code", "new")
	w.Start("parameterList").Start("patientIdentifier")
	writeID(&w, "value", q.Patient)
	w.Leaf("semanticsText", "Patient.id").End().End()
	return w.End().End().End().Bytes()
}

// ParseQuery reads a query. It must ask for exactly one patient.
func ParseQuery(e *xmltree.Element) (*Query, error) {
	h, err := readHead(e, interactionQuery)
	if err != nil {
		return nil, err
	}
	act := e.Path("controlActProcess")
	parameters := act.Path("queryByParameter")
	q := &Query{Head: h, Reason: readCode(act.Path("reasonCode")), QueryID: readID(parameters.Path("queryId"))}
	n := 0
	for p := range parameters.Path("parameterList").All("", "patientIdentifier") {
		q.Patient = readID(p.Path("value"))
		n++
	}
	switch {
	case q.Reason.Code == "":
		return nil, missing(interactionQuery, "controlActProcess/reasonCode")
	case q.QueryID.IsZero():
		return nil, missing(interactionQuery, "queryByParameter/queryId")
	case n != 1 || q.Patient.Root == "" || q.Patient.Extension == "":
		return nil, &Error{interactionQuery, "parameterList must hold one patientIdentifier with root and extension"}
	}
	return q, nil
}
