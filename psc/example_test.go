package psc_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// A counter program logs a pharmacist in and acts as them. The emulator stands
// for the service: with psc.Sandbox() and the real certificate the calls are
// the same.
func ExampleClient_Login() {
	ctx := context.Background()
	srv, err := psctest.NewServer(psctest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	certificate, err := srv.ClientCertificate(psctest.Pharmacy)
	if err != nil {
		log.Fatal(err)
	}

	client, err := psc.New(psc.Config{
		Environment: srv.Environment(),
		ClientID:    psctest.ClientID,
		Certificate: certificate,
		Roots:       srv.Roots(),
		Wait:        srv.Wait, // the emulator needs no patience
		Watch:       socle.Watch{Clock: srv.Clock().Now},
	})
	if err != nil {
		log.Fatal(err)
	}
	who, err := socle.ParsePersonID(psctest.Titulaire)
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.Login(ctx, psc.LoginRequest{
		Person: who,
		Show:   func(binding string) { fmt.Println("Confirmez le nombre à", len(binding), "chiffres") },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = session.Logout(ctx) }()

	p, err := session.Professional("")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Profession.Display, "-", p.Speciality.Display)
	fmt.Println(p.Structure.ID, p.Structure.Sector.Display)
	fmt.Println(p.Authn.ACR, p.Authn.Means)
	// Output:
	// Confirmez le nombre à 2 chiffres
	// Pharmacien - Pharmacien titulaire d'officine
	// 1990000010 Pharmacie d'officine
	// eidas3 CARD
}

// The person may refuse, or not answer.
func ExampleClient_Login_denied() {
	srv, err := psctest.NewServer(psctest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.Script(psctest.Titulaire, psctest.Answer{Decision: psctest.Deny})
	certificate, err := srv.ClientCertificate(psctest.Pharmacy)
	if err != nil {
		log.Fatal(err)
	}
	client, err := psc.New(psc.Config{
		Environment: srv.Environment(), ClientID: psctest.ClientID, Certificate: certificate, Roots: srv.Roots(),
		Wait: srv.Wait, Watch: socle.Watch{Clock: srv.Clock().Now},
	})
	if err != nil {
		log.Fatal(err)
	}
	who, err := socle.ParsePersonID(psctest.Titulaire)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Login(context.Background(), psc.LoginRequest{Person: who, Show: func(string) {}})
	switch {
	case errors.Is(err, psc.ErrDenied):
		fmt.Println("refusé par la personne")
	case errors.Is(err, psc.ErrExpired):
		fmt.Println("sans réponse")
	}
	fmt.Println(err)
	// Output:
	// refusé par la personne
	// psc: ciba.token: the person refused the authentication: http status 400 access_denied "not authorized"
}

// Someone who works in several places chooses one.
func ExampleUserInfo_Situations() {
	u, err := psc.ParseUserInfo([]byte(`{"sub":"f:1:899900001019","SubjectNameID":"899900001019","SubjectRefPro":{"exercices":[
		{"codeProfession":"21","codeCategorieProfessionnelle":"C","activities":[
			{"codeSectionPharmacien":"A","codeSecteurDactivite":"SA33","numeroFinessSite":"990000010","raisonSocialeSite":"PHARMACIE DU PREMIER ESSAI"},
			{"codeSectionPharmacien":"DA","codeSecteurDactivite":"SA33","numeroFinessSite":"990000028","raisonSocialeSite":"PHARMACIE DU SECOND ESSAI"}]}]}}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range u.Situations() {
		_, section := s.Role()
		fmt.Println(s.Key, section.Code, s.Structure().Name)
	}
	// Output:
	// 21C-5f4db85fdad7 A PHARMACIE DU PREMIER ESSAI
	// 21C-c573b2d26688 DA PHARMACIE DU SECOND ESSAI
}
