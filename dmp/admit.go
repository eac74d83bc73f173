package dmp

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

// Operations, by the names of the guide.
const (
	opExists = "TD0.2"
	opSubmit = "TD2.1"
)

// admit applies the rules that precede every message: certificates in their
// validity, a professional that the VIHF can describe and that is the one of
// the certificate, a qualified identity that belongs in the environment.
func (c *Client) admit(ctx context.Context, op string, mode Mode, who socle.Professional, patient ins.Identity) (ins.INS, error) {
	for _, check := range []struct {
		cert  *x509.Certificate
		field string
		err   error
	}{{c.auth, "Certificate", checkAuth(c)}, {c.sign, "Signature", pki.CheckSignature(c.sign, c.cfg.Now())}} {
		if check.cert != nil && check.err != nil {
			e := refusal(op, ErrInvalidCertificate, "Config."+check.field+": "+check.err.Error(), "")
			e.Err = check.err
			return ins.INS{}, e
		}
	}
	if err := c.admitProfessional(op, mode, who); err != nil {
		return ins.INS{}, err
	}
	id, err := patient.Sendable()
	if err != nil {
		e := refusal(op, nil, "only a qualified identity may go to the DMP: "+err.Error(), "")
		e.Err = err
		return ins.INS{}, e
	}
	switch production := c.cfg.Environment.Production; {
	case production && id.OID.Fictitious() && !c.cfg.Dialect.TestIdentities:
		return ins.INS{}, refusal(op, ErrEnvironment, "an identity of "+id.OID.Kind()+" is refused in production", "set Environment to a test platform")
	case !production && !id.OID.Fictitious():
		c.cfg.Log().WarnContext(ctx, "dmp: a real identity is sent outside production", "operation", op)
	}
	return id, nil
}

func checkAuth(c *Client) error {
	if c.auth == nil {
		return nil
	}
	return pki.CheckAuthentication(c.auth, c.cfg.Now())
}

func (c *Client) admitProfessional(op string, mode Mode, who socle.Professional) error {
	var missing []string
	for _, f := range []struct {
		absent bool
		name   string
	}{
		{who.ID.IsZero(), "ID"},
		{strings.TrimSpace(who.FamilyName) == "", "FamilyName"},
		{who.Profession.IsZero(), "Profession"},
		{who.Structure.ID.IsZero(), "Structure.ID"},
		{strings.TrimSpace(who.Structure.Name) == "", "Structure.Name"},
		{who.Structure.Sector.IsZero(), "Structure.Sector"},
	} {
		if f.absent {
			missing = append(missing, "Professional."+f.name)
		}
	}
	if len(missing) > 0 {
		return refusal(op, ErrProfessional, "mandatory: "+strings.Join(missing, ", "), "")
	}
	if p := who.Profession.Code; (p == socle.ProfessionDoctor || p == socle.ProfessionPharmacist) && who.Speciality.IsZero() {
		return refusal(op, ErrProfessional, "Professional.Speciality is mandatory: the speciality of a doctor, the section of the Ordre of a pharmacist",
			"the DMP would answer « Aucune spécialité dans le vihf »")
	}
	class := pki.Classify(c.sign)
	switch {
	case mode == Direct && class.CommonName != who.ID.String():
		return refusal(op, ErrProfessional, "Professional.ID is not the holder of the card in Signature", "make a client for each card")
	case mode != Direct && class.Structure != who.Structure.ID.String():
		return refusal(op, ErrProfessional, "Structure.ID "+who.Structure.ID.String()+" is not the OU "+class.Structure+" of the certificate",
			"the DMP would answer « Erreur d'authentification de la personne morale »")
	case mode == AIR && who.Authn.Means != socle.MeansCard && who.Authn.Means != socle.MeansMobile:
		return refusal(op, ErrProfessional, "mode INDIRECTE_RENFORCEE needs a professional authenticated by card or e-CPS", "log in with psc, or use Indirect")
	}
	return nil
}

// record sends the audit record of a call that ended with err.
func (c *Client) record(ctx context.Context, op string, who socle.Professional, patient ins.INS, reference string, err error) {
	r := socle.AuditRecord{Service: socle.ServiceDMP, Operation: op, Actor: who.ID, Structure: who.Structure.ID,
		Patient: c.cfg.Pseudonym(patient.Matricule.Wire()), Reference: reference, Outcome: socle.OutcomeOf(err)}
	var e *Error
	if errors.As(err, &e) {
		r.Code = transport.Code(e.Code)
	}
	c.cfg.Record(ctx, r)
}
