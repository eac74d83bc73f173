package dmp

import (
	"context"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
)

// Administrative is what the DMP knows of a patient beside the documents. The
// traits are not there: those that the DMP returns may not be shown (RG_0320).
type Administrative struct {
	// Record is as Exists gives it, with the patient's oppositions to bris de
	// glace and to regulation: it serves for the calls made in those access modes. Its
	// Authorization is that of the Record asked with, when the answer tells none.
	Record
	Contact         Contact
	Deceased        bool // as the DMP tells it; Amend does not change it
	Representatives []Representative
}

// amended is what the DMP told of administrative data that Administrative does
// not show, or that Amend must not change by silence.
type amended struct {
	title, used       string
	deceased          bool
	glass, regulation bool // that opposition was told
}

// Administrative gives the administrative data of a record (TD1.3a, "Consultation
// des données administratives"): the query PRPA_IN201307UV02 with the reason
// CNSLT_DATA, answered by PRPA_IN201308UV02.
func (c *Client) Administrative(ctx context.Context, who socle.Professional, patient ins.Identity, record Record) (Administrative, error) {
	id, err := c.admitRecord(ctx, opAdministrative, who, patient, record)
	if err != nil {
		return Administrative{}, err
	}
	var a Administrative
	var told *amended
	r, err := c.ask(ctx, opAdministrative, hl7v3.ReasonConsult, who, id, patient.History(), func(x *hl7v3.Answer) {
		a, told = Administrative{}, nil
		if x.Subject == nil {
			return
		}
		_, glass := x.Subject.Observation(observedGlass)
		_, regulation := x.Subject.Observation(observedRegulation)
		told = &amended{title: x.Subject.Title, used: x.Subject.Used, deceased: x.Subject.Deceased, glass: glass, regulation: regulation}
		a.Contact, a.Deceased = contactOf(x.Subject.Contact), x.Subject.Deceased
		for _, p := range x.Subject.Relationships {
			a.Representatives = append(a.Representatives, representativeOf(p))
		}
	})
	if err != nil {
		return Administrative{}, err
	}
	// What the answer to CNSLT_DATA leaves out was said by that to TEST_EXST.
	if r.Authorization == "" {
		r.Authorization, r.TreatingDoctor = record.Authorization, record.TreatingDoctor
	}
	if !r.Account && !r.MonEspaceSante {
		r.Account, r.MonEspaceSante = record.Account, record.MonEspaceSante
	}
	r.asked.told = told
	a.Record = r
	return a, nil
}
