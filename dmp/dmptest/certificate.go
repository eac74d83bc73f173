package dmptest

import (
	"crypto/tls"
	"errors"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
)

// Organisation issues the two certificates of a structure, AUTH_CLI and SIGN,
// with one subject.
func (s *Server) Organisation(of socle.Structure) (auth, sign tls.Certificate, err error) {
	o := pki.Organisation{Structure: of.ID.String(), Name: of.Name, State: "Paris (75)", CommonName: "dmp." + of.ID.Value()}
	if auth, err = s.Authority().Organisation(o, pki.AuthClient); err == nil {
		sign, err = s.Authority().Organisation(o, pki.Sign)
	}
	return auth, sign, err
}

// ClientCertificate issues the AUTH_CLI certificate of a structure.
func (s *Server) ClientCertificate(of socle.Structure) (tls.Certificate, error) {
	auth, _, err := s.Organisation(of)
	return auth, err
}

// Card issues the two certificates of a professional's CPS card: the
// authentication and the signature pairs.
func (s *Server) Card(who socle.Professional) (auth, sign tls.Certificate, err error) {
	if who.ID.IsZero() {
		return auth, sign, errors.New("dmptest: Professional.ID is mandatory")
	}
	c := pki.Card{PersonID: who.ID.String(), FamilyName: who.FamilyName, GivenName: who.GivenName, Title: who.Profession.Display,
		Profession: who.Profession.Code, Type: pki.CPS}
	if auth, err = s.Authority().Card(c, pki.CardAuth); err == nil {
		sign, err = s.Authority().Card(c, pki.CardSign)
	}
	return auth, sign, err
}
