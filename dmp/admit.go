package dmp

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/transport"
)

// Operations, by the names of the guide.
const (
	opExists         = "TD0.2"
	opAuthorize      = "TD0.3"
	opAuthorized     = "TD0.4"
	opFind           = "TD0.5"
	opWeb            = "TD0.9"
	opAdministrative = "TD1.3a"
	opAmend          = "TD1.3b"
	opCloseRecord    = "TD1.4"
	opProfessionals  = "TD1.6"
	opSubmit         = "TD2.1"
	opSearch         = "TD3.1a"
	opIdentify       = "TD3.1b"
	opRetrieve       = "TD3.2"
	opHide           = "TD3.3a"
	opReveal         = "TD3.3b"
	opDelete         = "TD3.3c"
	opArchive        = "TD3.3d"
)

// closedToIndirect are the operations that the matrix PDT-INF-526 refuses to an
// organisation that vouches for its professional without proof.
var closedToIndirect = []string{opAuthorize, opFind, opProfessionals, opSearch, opRetrieve, opHide, opReveal, opArchive}

// admit applies the rules that precede every message: certificates in their
// validity, a professional that the VIHF can describe and that is the one of
// the certificate, a mode that may call the operation, a qualified identity that
// belongs in the environment. A refusal leaves its audit record.
func (c *Client) admit(ctx context.Context, op string, mode Mode, who socle.Professional, patient ins.Identity) (ins.INS, error) {
	id, err := c.rules(ctx, op, mode, who, patient)
	if err != nil {
		return ins.INS{}, c.refused(ctx, op, who, id, err)
	}
	return id, nil
}

// admitRead applies the rules of a consultation: those of admit, then a record of this
// patient that Exists gave not long ago, that is open and that the professional
// may read in the access mode of the client. A refusal leaves its audit record.
func (c *Client) admitRead(ctx context.Context, op string, who socle.Professional, patient ins.Identity, record Record) (ins.INS, error) {
	id, err := c.admitRecord(ctx, op, who, patient, record)
	if err != nil {
		return ins.INS{}, err
	}
	if err := c.mayRead(ctx, op, who, id, record); err != nil {
		return ins.INS{}, c.refused(ctx, op, who, id, err)
	}
	return id, nil
}

// admitRecord applies the rules of what needs a record but no authorization to
// read it, such as a change of one's own documents: those of admit, then a record
// of this patient that Exists gave not long ago and that is open. A refusal
// leaves its audit record.
func (c *Client) admitRecord(ctx context.Context, op string, who socle.Professional, patient ins.Identity, record Record) (ins.INS, error) {
	id, err := c.admit(ctx, op, c.cfg.Mode, who, patient)
	if err != nil {
		return ins.INS{}, err
	}
	if err := c.checked(ctx, op, who, id, record); err != nil {
		return ins.INS{}, c.refused(ctx, op, who, id, err)
	}
	return id, nil
}

// checked is the rule that Exists comes first, for this patient and this professional.
func (c *Client) checked(ctx context.Context, op string, who socle.Professional, id ins.INS, record Record) error {
	if record.asked != nil && record.asked.patient != id {
		return refusal(op, ErrPatientMismatch, "the Record is that of another patient", "call Exists for this one")
	}
	err := record.open(op)
	if err == nil {
		err = c.fresh(op, who, record)
	}
	if errors.Is(err, ErrNotChecked) {
		return c.guard(ctx, op, who, id, RuleExistence, err)
	}
	return err
}

// fresh is the rule that a Record is one that Exists gave this professional not
// long ago.
func (c *Client) fresh(op string, who socle.Professional, record Record) error {
	age := c.cfg.Now().Sub(record.CheckedAt)
	switch {
	case record.asked == nil:
		return refusal(op, ErrNotChecked, "the Record is not one that Exists gave", "call Exists, and keep its Record in memory: it cannot be written and read back")
	case record.asked.who != who.ID || record.asked.structure != who.Structure.ID:
		return refusal(op, ErrNotChecked, "another professional, or another structure, asked for the Record", "call Exists for this one")
	case age > c.cfg.RecordAge:
		return refusal(op, ErrNotChecked, "the existence of the DMP was checked longer ago than Config.RecordAge", "call Exists again")
	case age < -maxSkew:
		return refusal(op, ErrNotChecked, "the existence of the DMP was checked at a time that is still to come", "call Exists again")
	}
	return nil
}

// mayRead is the rule of consultation, in the access mode of the client.
func (c *Client) mayRead(ctx context.Context, op string, who socle.Professional, id ins.INS, record Record) error {
	if err := c.guard(ctx, op, who, id, RuleOpposition, record.opposes(op, c.access.Mode)); err != nil {
		return err
	}
	return c.guard(ctx, op, who, id, RuleAuthorization, record.authorizes(op, c.access.Mode))
}

// refused leaves the audit record of a call that a rule refused, and gives its error.
func (c *Client) refused(ctx context.Context, op string, who socle.Professional, patient ins.INS, err error) error {
	c.record(ctx, op, who, patient, "", err)
	return err
}

func (c *Client) rules(ctx context.Context, op string, mode Mode, who socle.Professional, patient ins.Identity) (ins.INS, error) {
	if err := c.admitCaller(ctx, op, mode, who); err != nil {
		return ins.INS{}, err
	}
	return c.admitPatient(ctx, op, who, patient)
}

// admitPatient applies the rules that are about the identity of the patient.
func (c *Client) admitPatient(ctx context.Context, op string, who socle.Professional, patient ins.Identity) (ins.INS, error) {
	id, err := patient.Sendable()
	if err != nil {
		e := refusal(op, nil, "only a qualified identity may go to the DMP: "+err.Error(), "")
		e.Err = err
		return ins.INS{}, e
	}
	if err := c.admitSecret(ctx, op, who, id, patient); err != nil {
		return id, err
	}
	switch production := c.cfg.Environment.Production; {
	case production && id.OID.Fictitious() && !c.cfg.Dialect.TestIdentities:
		err := refusal(op, ErrEnvironment, "an identity of "+id.OID.Kind()+" is refused in production", "set Environment to a test platform")
		return id, c.guard(ctx, op, who, id, RuleTestIdentity, err)
	case !production && !id.OID.Fictitious():
		c.cfg.Log().WarnContext(ctx, "dmp: a real identity is sent outside production", "operation", op)
	}
	return id, nil
}

// admitCaller applies the rules that are about who calls, not about a patient.
func (c *Client) admitCaller(ctx context.Context, op string, mode Mode, who socle.Professional) error {
	for _, check := range []struct {
		cert  *x509.Certificate
		field string
		err   error
	}{{c.auth, "Certificate", checkAuth(c)}, {c.sign, "Signature", pki.CheckSignature(c.sign, c.cfg.Now())}} {
		if check.cert != nil && check.err != nil {
			e := refusal(op, ErrInvalidCertificate, "Config."+check.field+": "+check.err.Error(), "")
			e.Err = check.err
			return e
		}
	}
	if err := c.admitProfessional(op, mode, who); err != nil {
		return err
	}
	if at := who.Authn.At; at.After(c.cfg.Now().Add(maxSkew)) {
		return refusal(op, ErrInvalidVIHF, "Professional.Authn.At: is still to come", "set the clock of the machine (NTP, at least every 24 hours)")
	}
	if err := c.access.check(op); err != nil {
		return err
	}
	if c.cfg.Environment.Production && who.ID.Test() {
		err := refusal(op, ErrEnvironment, "a test identity of a professional is refused in production", "set Environment to a test platform")
		if err := c.guard(ctx, op, who, ins.INS{}, RuleTestIdentity, err); err != nil {
			return err
		}
	}
	if mode == Indirect && slices.Contains(closedToIndirect, op) && (op != opFind || c.access.Mode != Regulation) {
		err := refusal(op, ErrAccessDenied, "mode INDIRECTE may not call it", "use the card of the professional (Direct) or an authentication by card or e-CPS (AIR)")
		return c.guard(ctx, op, who, ins.INS{}, RuleMode, err)
	}
	return nil
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
	case mode != Direct && class.Structure != who.Structure.ID.String() && !c.cfg.Dialect.OtherStructure:
		return refusal(op, ErrProfessional, "Structure.ID "+who.Structure.ID.String()+" is not the OU "+class.Structure+" of the certificate",
			"the DMP would answer « Erreur d'authentification de la personne morale »")
	case mode == AIR && !strong(who.Authn):
		return refusal(op, ErrProfessional, "mode INDIRECTE_RENFORCEE needs a professional authenticated by card or e-CPS", "log in with psc, or use Indirect")
	}
	return nil
}

// strong reports whether a person was really authenticated: by card or e-CPS, or
// by Pro Santé Connect, which knows no other means and did not always tell which.
func strong(a socle.Authentication) bool {
	return a.Means == socle.MeansCard || a.Means == socle.MeansMobile || a.Means == "" && a.ACR != ""
}

// record sends the audit record of a call that ended with err.
func (c *Client) record(ctx context.Context, op string, who socle.Professional, patient ins.INS, reference string, err error) {
	r := socle.AuditRecord{Service: socle.ServiceDMP, Operation: op, Actor: who.ID, Structure: who.Structure.ID,
		Patient: c.cfg.Pseudonym(patient.Matricule.Wire()), Reference: reference, Outcome: socle.OutcomeOf(err), Reason: strings.Trim(c.access.Reason+"; "+c.reason, "; ")}
	var e *Error
	if errors.As(err, &e) {
		r.Code = transport.Code(e.Code)
	}
	c.cfg.Record(ctx, r)
}
