package dmp

import (
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/xmlsec"
)

// security makes the wsse:Security header of a message: a VIHF of its own,
// issued now, for this professional and this patient.
func (c *Client) security(op string, mode Mode, who socle.Professional, patient ins.INS, now time.Time) ([]byte, error) {
	d := c.cfg.Dialect
	v := saml.VIHF{
		Mode: saml.Mode(mode), NameID: who.ID.String(), SubjectName: who.FullName(),
		StructureID: who.Structure.ID.String(), Sector: sector(who), Roles: roles(who),
		PatientID: patient.CX(), Nobody: patient.IsZero(),
		Purpose: d.purpose(c.access.Mode), Reason: c.access.Reason, Secret: c.access.Secret,
		Software: saml.Software{Install: c.cfg.Software.Install, Name: c.cfg.Software.Name, Version: c.cfg.Software.Version,
			Homologation: c.cfg.Software.Homologation[socle.ServiceDMP]},
		AuthnInstant: who.Authn.At,
		Dialect:      saml.Dialect{Version: d.VIHFVersion, ModeAttribute: d.ModeAttribute},
	}
	if v.AuthnInstant.After(now) { // by the clock of who authenticated them
		v.AuthnInstant = now
	}
	v.Dialect.AuthnContextDecl, v.Dialect.ConfidentialityElement, v.Dialect.OtherStructure = d.AuthnContextDecl, d.ConfidentialityElement, d.OtherStructure
	for _, x := range d.VIHFAttributes {
		v.Dialect.Extra = append(v.Dialect.Extra, saml.Text(x))
	}
	signer := c.sign
	if mode == Direct && d.UnsignedDirect && c.auth != nil {
		signer = c.auth
	}
	if d.Issuer != nil {
		v.Issuer = d.Issuer(signer)
	}
	if d.SHA1 {
		v.Dialect.Algorithm = xmlsec.RSASHA1
	}
	if mode != Direct && who.Authn.Means == socle.MeansMobile { // in Direct the card speaks, whatever the login was
		v.Dialect.AuthnContext = d.AuthnContext
	}
	var assertion []byte
	var err error
	if mode == Direct && d.UnsignedDirect {
		assertion, err = v.Unsigned(signer, now)
	} else {
		assertion, err = v.Sign(c.cfg.Signature, now)
	}
	if err != nil {
		e := refusal(op, ErrProfessional, "the VIHF cannot be made: "+err.Error(), "")
		e.Err = err
		return nil, e
	}
	return saml.Security(assertion), nil
}

// roles gives the profession and, where there is one, the speciality or section.
func roles(who socle.Professional) []saml.Role {
	complete := func(c socle.Code, system string, known socle.Code) saml.Role {
		if c.System == "" {
			c.System = system
		}
		if c.Display == "" {
			c.Display = known.Display
		}
		if c.Display == "" {
			c.Display = c.Code
		}
		return saml.Role{Code: c.Code, System: c.System, Display: c.Display}
	}
	profession, _ := nos.Profession(who.Profession.Code)
	all := []saml.Role{complete(who.Profession, socle.OIDProfession, profession)}
	if !who.Speciality.IsZero() {
		speciality, _ := nos.Speciality(who.Profession.Code, who.Speciality.Code)
		system := socle.OIDSpeciality
		if who.Profession.Code == socle.ProfessionPharmacist {
			system = socle.OIDPharmacistSection
		}
		all = append(all, complete(who.Speciality, system, speciality))
	}
	return all
}
