package psc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
)

// UserInfo is what Pro Santé Connect says of a professional. The members of
// every generation seen since 2021 are here; an absent one is empty. Raw is the
// whole answer, with members that this version does not name.
type UserInfo struct {
	Subject                 string          `json:"sub"` // not an identifier of the person: see Person
	PreferredUsername       string          `json:"preferred_username"`
	SubjectNameID           string          `json:"SubjectNameID"`
	GivenName               string          `json:"given_name"`
	FamilyName              string          `json:"family_name"`
	EmailVerified           bool            `json:"email_verified"` // until 2022
	SubjectRole             []string        `json:"SubjectRole"`    // "code^oid"; the OID is that of the value set
	SubjectOrganization     string          `json:"SubjectOrganization"`
	SubjectOrganizationID   string          `json:"SubjectOrganizationID"`
	Reference               Reference       `json:"SubjectRefPro"`
	Sector                  string          `json:"Secteur_Activite"` // "SA07^1.2.250.1.71.4.2.4"
	AccessReason            string          `json:"Mode_Acces_Raison"`
	MedicalRegulationAccess string          `json:"Acces_Regulation_Medicale"` // "VRAI" or "FAUX"
	UITVersion              string          `json:"UITVersion"`
	AuthenticationLevel     string          `json:"Palier_Authentification"`
	Locale                  string          `json:"PSI_Locale"`
	OtherIDs                []OtherID       `json:"otherIds"`
	AuthMode                string          `json:"authMode"`          // CARD … ; since 2023
	CivilityCode            string          `json:"codeCivilite"`      // since the end of 2023: see Civility
	ActivityKindCode        string          `json:"codeGenreActivite"` // since 2023 here too
	Raw                     json.RawMessage `json:"-"`
}

// OtherID is the person's identifier in another register.
type OtherID struct {
	ID      string `json:"identifiant"`
	Origin  string `json:"origine"` // "RPPS", "EDIT" for test identities
	Quality int    `json:"qualite"`
}

// Reference is the person's record of the directory (SubjectRefPro). A person
// without exercise data has an empty one.
type Reference struct {
	CivilityCode string     `json:"codeCivilite"` // until 2023: see UserInfo.Civility
	Practices    []Practice `json:"exercices"`
}

// Practice is an exercice professionnel: a profession and the places where it is practised.
type Practice struct {
	Profession     string     `json:"codeProfession"`               // TRE_G15
	Category       string     `json:"codeCategorieProfessionnelle"` // C, M, E
	Civility       string     `json:"codeCiviliteDexercice"`
	FamilyName     string     `json:"nomDexercice"`
	GivenName      string     `json:"prenomDexercice"`
	SpecialityKind string     `json:"codeTypeSavoirFaire"`
	Speciality     string     `json:"codeSavoirFaire"`
	Activities     []Activity `json:"activities"`
}

// Activity is one activity at one place.
type Activity struct {
	Mode                  string `json:"codeModeExercice"`
	Sector                string `json:"codeSecteurDactivite"` // TRE_R02: SA33 is a pharmacie d'officine
	PharmacistSection     string `json:"codeSectionPharmacien"`
	Role                  string `json:"codeRole"`
	Kind                  string `json:"codeGenreActivite"`
	SIRET                 string `json:"numeroSiretSite"`
	SIREN                 string `json:"numeroSirenSite"`
	FINESS                string `json:"numeroFinessSite"`
	LegalFINESS           string `json:"numeroFinessetablissementJuridique"`
	StructureTechnicalID  string `json:"identifiantTechniqueDeLaStructure"`
	StructureFormerID     string `json:"ancienIdentifiantDeLaStructure"` // with the prefix of a national identifier
	Name                  string `json:"raisonSocialeSite"`
	Brand                 string `json:"enseigneCommercialeSite"`
	AddressComplement     string `json:"complementDestinataire"`
	AddressPoint          string `json:"complementPointGeographique"`
	StreetNumber          string `json:"numeroVoie"`
	StreetNumberExtension string `json:"indiceRepetitionVoie"`
	StreetKind            string `json:"codeTypeDeVoie"`
	Street                string `json:"libelleVoie"`
	Distribution          string `json:"mentionDistribution"`
	Cedex                 string `json:"bureauCedex"`
	PostalCode            string `json:"codePostal"`
	Commune               string `json:"codeCommune"`
	Country               string `json:"codePays"`
	Phone                 string `json:"telephone"`
	Phone2                string `json:"telephone2"`
	Fax                   string `json:"telecopie"`
	Email                 string `json:"adresseEMail"`
	Department            string `json:"codeDepartement"`
	Authority             string `json:"autoriteDenregistrement"`
}

// ParseUserInfo reads the JSON of the userinfo endpoint, of any generation. A
// member of another type than expected is left empty, and Raw has it; what is
// not a JSON object with a sub is an error.
func ParseUserInfo(raw []byte) (UserInfo, error) {
	u, _, err := parseUserInfo(raw)
	return u, err
}

// parseUserInfo tells which member drifted from its type, if one did.
func parseUserInfo(raw []byte) (u UserInfo, drift string, err error) {
	if len(raw) > maxAnswer {
		return UserInfo{}, "", &Error{Op: opUserInfo, Err: fmt.Errorf("answer of more than %d bytes", maxAnswer)}
	}
	err = json.Unmarshal(raw, &u) // goes on after a type that does not fit, and tells the first
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) && mistyped.Field != "" {
		drift, err = mistyped.Field, nil
	}
	if err != nil {
		return UserInfo{}, "", &Error{Op: opUserInfo, Err: fmt.Errorf("answer of %d bytes is not the JSON of a person", len(raw))}
	}
	if u.Subject == "" {
		return UserInfo{}, "", &Error{Op: opUserInfo, Err: errors.New("answer without sub")}
	}
	u.Raw = slices.Clone(raw)
	return u, drift, nil
}

// Person gives the national identifier of the person: SubjectNameID, else
// preferred_username; an RPPS number alone gets its prefix. That of an identity
// of the ANS's editor (EDIT) is a socle.PersonTest.
func (u UserInfo) Person() (socle.PersonID, error) {
	s := u.SubjectNameID
	if s == "" {
		s = u.PreferredUsername
	}
	if r, err := socle.ParseRPPS(s); err == nil {
		return socle.FromRPPS(r), nil
	}
	return socle.ParsePersonID(s)
}

// Civility gives the code of the civility, wherever its generation has it.
func (u UserInfo) Civility() string {
	if u.CivilityCode != "" {
		return u.CivilityCode
	}
	return u.Reference.CivilityCode
}

// userInfo asks who holds an access token.
func (c *Client) userInfo(ctx context.Context, access string) (UserInfo, error) {
	var u UserInfo
	var drift string
	err := transport.Retry(ctx, 3, true, func(attempt int) error {
		return get(ctx, c.http, operation{opUserInfo, attempt}, c.cfg.Environment.UserInfo, access, func(body []byte) error {
			var err error
			u, drift, err = parseUserInfo(body)
			return err
		})
	})
	if err != nil {
		return UserInfo{}, err
	}
	if drift != "" {
		c.cfg.Log().WarnContext(ctx, "psc: userinfo has a member of an unexpected type", "member", drift)
	}
	return u, nil
}
