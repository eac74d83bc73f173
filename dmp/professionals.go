package dmp

import (
	"context"
	"log/slog"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// Standing says which professionals ListProfessionals gives.
type Standing string

// Standings.
const (
	ActiveProfessionals  Standing = "ACTIVE"    // those who may read
	BlockedProfessionals Standing = "INTERDITE" // those whom the patient blocked
	AllProfessionals     Standing = "TOUTE"     // both
)

// ProfessionalAccess is what a professional may do with a record, as the DMP
// tells it (TD1.6).
type ProfessionalAccess struct {
	// ID is the national identifier, as it came, and IDType the OID of its authority.
	ID, IDType            string
	FamilyName, GivenName string
	// Specialities are the codes G15_21/A … with their labels.
	Specialities []socle.Code
	Since        time.Time // when the authorization began
	LastAction   time.Time // of the professional on the record
	// Standing is ACTIVE or INTERDITE, or another value that the DMP has.
	Standing Standing
	// Rights are the specific rights, as they came.
	Rights []string
}

// LogValue shows the specialities and the standing, not the person: who treats
// whom says something of the patient.
func (p ProfessionalAccess) LogValue() slog.Value {
	return slog.GroupValue(slog.String("standing", string(p.Standing)), slog.Int("specialities", len(p.Specialities)))
}

// ListProfessionals gives the professionals whom the patient authorized or blocked
// (TD1.6, "Liste des PS autorisés ou bloqués"): listAuthorizationByPatient of the service
// habilitations. An empty Standing is ActiveProfessionals.
func (c *Client) ListProfessionals(ctx context.Context, who socle.Professional, patient ins.Identity, record Record, which Standing) ([]ProfessionalAccess, error) {
	id, err := c.admitRecord(ctx, opProfessionals, who, patient, record)
	if err != nil {
		return nil, err
	}
	switch which {
	case "":
		which = ActiveProfessionals
	case ActiveProfessionals, BlockedProfessionals, AllProfessionals:
	default:
		err := refusal(opProfessionals, ErrQuery, "Standing: ActiveProfessionals, BlockedProfessionals or AllProfessionals expected", "")
		return nil, c.refused(ctx, opProfessionals, who, id, err)
	}
	var w xmltree.Writer
	body := w.Start("listAuthorizationByPatient", "xmlns", nsRights).Leaf("mode", string(which)).End().Bytes()
	var all []ProfessionalAccess
	_, err = c.send(ctx, message{
		op: opProfessionals, service: serviceRights, action: actionProfessionals, who: who, patient: id, again: true,
		body: func(time.Time) []byte { return body },
		check: func(e *soap.Envelope) (string, error) {
			var err error
			all, err = c.cfg.Dialect.professionals(e)
			return codeOf(err, statusOK), err
		},
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// maxListed bounds what a list of the DMP may hold.
const maxListed = 100_000

func (d Dialect) professionals(e *soap.Envelope) ([]ProfessionalAccess, error) {
	out, _, err := output(opProfessionals, nsRights, "listAuthorizationByPatientResponse", e)
	if err != nil {
		return nil, err
	}
	all := []ProfessionalAccess{}
	for x := range children(out, "listOfAuthorizationByPatient") {
		if len(all) == maxListed {
			return nil, tooLong(opProfessionals)
		}
		text := func(name string) string { return child(x, name).Trimmed() }
		p := ProfessionalAccess{
			ID: text("nationalId"), IDType: text("nationalIdType"), FamilyName: text("lastName"), GivenName: text("firstName"),
			Since: d.moment(text("startOfAuthorization")), LastAction: d.moment(text("lastActionDate")), Standing: Standing(text("mode")),
		}
		var labels []string
		for l := range children(x, "libSpeciality") {
			labels = append(labels, l.Trimmed())
		}
		for s := range children(x, "codeSpeciality") {
			code := socle.Code{Code: s.Trimmed()}
			if n := len(p.Specialities); n < len(labels) {
				code.Display = labels[n]
			}
			p.Specialities = append(p.Specialities, code)
		}
		for r := range children(x, "specificRight") {
			p.Rights = append(p.Rights, r.Trimmed())
		}
		all = append(all, p)
	}
	return all, nil
}

func tooLong(op string) error {
	return &Error{Op: op, Text: "the list is too long", kind: ErrAnswer, ours: true}
}
