package psctest

import "strings"

// National identifiers of the people of [People], and the pharmacies where the
// pharmacists work (prefixed structure identifiers).
const (
	Titulaire    = "899900001001"              // pharmacist who owns Pharmacy
	Adjoint      = "899900001019"              // assistant pharmacist, in two pharmacies: must choose
	Preparateur  = "899900001027"              // préparateur en pharmacie
	Doctor       = "899700218896"              // general practitioner, two activities
	TwoPractices = "899700366240"              // doctor with two exercices
	NoExercise   = "899900001035"              // of whom the directory knows no exercise
	OfEdit       = "ANS20210107161422"         // identity made with the ANS's editor (EDIT)
	Auxiliary    = "500000001815646/CPAT00045" // staff of a structure, by SIRET and internal identifier

	Pharmacy      = "1990000010"
	OtherPharmacy = "1990000028"
)

// Generation is the form of the user information, which changed over the years.
type Generation int

// Generations seen at the service.
const (
	Current Generation = iota // end of 2023: codeCivilite at the top level
	Of2023                    // authMode, codeGenreActivite at the top level too
	Of2021                    // codeCivilite in SubjectRefPro, email_verified
	Minimal                   // no SubjectRefPro
)

// Person is a professional of the directory.
type Person struct {
	ID                    string // national identifier
	FamilyName, GivenName string
	Civility              string // M, MME
	Organisation          string // SubjectOrganization
	Sector                string // TRE_R02, of Secteur_Activite
	Generation            Generation
	Practices             []Practice
	Disabled              bool
}

// Practice is an exercice professionnel.
type Practice struct {
	Profession, Category       string
	SpecialityKind, Speciality string
	Activities                 []Activity
}

// Activity holds the members of an activity by their name on the wire, such as
// "numeroFinessSite"; those it lacks are sent empty, as the service does.
type Activity map[string]string

var activityMembers = []string{"codeModeExercice", "codeSecteurDactivite", "codeSectionPharmacien", "codeRole", "codeGenreActivite",
	"numeroSiretSite", "numeroSirenSite", "numeroFinessSite", "numeroFinessetablissementJuridique", "identifiantTechniqueDeLaStructure",
	"raisonSocialeSite", "enseigneCommercialeSite", "complementDestinataire", "complementPointGeographique", "numeroVoie",
	"indiceRepetitionVoie", "codeTypeDeVoie", "libelleVoie", "mentionDistribution", "bureauCedex", "codePostal", "codeCommune", "codePays",
	"telephone", "telephone2", "telecopie", "adresseEMail", "codeDepartement", "ancienIdentifiantDeLaStructure", "autoriteDenregistrement"}

// People gives the professionals that an emulator knows by default. The doctors
// have the identifiers of the ANS's published samples; the others, and every
// pharmacist (no sample of one is public), are invented.
func People() []Person {
	officine := func(section, structure, name string) Activity {
		return Activity{
			"codeModeExercice": "L", "codeSecteurDactivite": "SA33", "codeSectionPharmacien": section, "codeGenreActivite": "GENR01",
			"numeroFinessSite": structure[1:], "identifiantTechniqueDeLaStructure": "F" + structure[1:],
			"ancienIdentifiantDeLaStructure": structure, "raisonSocialeSite": name, "enseigneCommercialeSite": name,
			"numeroVoie": "1", "codeTypeDeVoie": "RUE", "libelleVoie": "DE L ESSAI", "codePostal": "75014", "codePays": "99000",
			"autoriteDenregistrement": "CNOP/CNOP/CNOP",
		}
	}
	cabinet := func(owner, sector, rank, name string) Activity {
		return Activity{
			"codeModeExercice": "L", "codeSecteurDactivite": sector, "codeGenreActivite": "GENR01", "raisonSocialeSite": name,
			"ancienIdentifiantDeLaStructure": "4" + owner[1:] + rank, "identifiantTechniqueDeLaStructure": "R10100000" + rank,
			"autoriteDenregistrement": "CNOM/CNOM/CNOM",
		}
	}
	salaried := officine("DA", OtherPharmacy, "PHARMACIE DU SECOND ESSAI")
	salaried["codeModeExercice"] = "S"
	prepares := officine("", Pharmacy, "PHARMACIE DU PREMIER ESSAI")
	prepares["codeModeExercice"] = "S"
	return []Person{
		{
			ID: Titulaire, FamilyName: "TITULAIRE0000100", GivenName: "CAMILLE", Civility: "MME", Organisation: "PHARMACIE DU PREMIER ESSAI", Sector: "SA33",
			Practices: []Practice{{Profession: "21", Category: "C", Activities: []Activity{officine("A", Pharmacy, "PHARMACIE DU PREMIER ESSAI")}}},
		},
		{
			ID: Adjoint, FamilyName: "ADJOINT0000101", GivenName: "SACHA", Civility: "M", Organisation: "PHARMACIE DU PREMIER ESSAI", Sector: "SA33", Generation: Of2023,
			Practices: []Practice{{Profession: "21", Category: "C", Activities: []Activity{officine("DA", Pharmacy, "PHARMACIE DU PREMIER ESSAI"), salaried}}},
		},
		{
			ID: Preparateur, FamilyName: "PREPARATEUR0000102", GivenName: "DOMINIQUE", Civility: "MME", Organisation: "PHARMACIE DU PREMIER ESSAI", Sector: "SA33",
			Practices: []Practice{{Profession: "39", Category: "C", Activities: []Activity{prepares}}},
		},
		{
			ID: Doctor, FamilyName: "SPECIALISTE0021889", GivenName: "ROBERT", Civility: "M", Organisation: "CABINET M SPECIALISTE0021889", Sector: "SA07", Generation: Of2021,
			Practices: []Practice{{Profession: "10", Category: "C", SpecialityKind: "S", Speciality: "SM26",
				Activities: []Activity{cabinet(Doctor, "SA07", "001", "CABINET M SPECIALISTE0021889"), cabinet(Doctor, "SA05", "002", "CENTRE DE SANTE DE L ESSAI")}}},
		},
		{
			ID: TwoPractices, FamilyName: "DOC0036624", GivenName: "KIT", Civility: "M", Sector: "SA07", Generation: Of2023,
			Practices: []Practice{
				{Profession: "10", Category: "C", SpecialityKind: "S", Speciality: "SM26", Activities: []Activity{cabinet(TwoPractices, "SA07", "003", "CABINET M DOC0036624")}},
				{Profession: "10", Category: "M", SpecialityKind: "S", Speciality: "SM26"},
			},
		},
		{ID: NoExercise, FamilyName: "SANSEXERCICE0000103", GivenName: "NOA", Civility: "M", Generation: Minimal},
		{
			ID: OfEdit, FamilyName: "NOM", GivenName: "PAUL", Civility: "M", Organisation: "CABINET M NOM", Sector: "SA07", Generation: Of2023,
			Practices: []Practice{{Profession: "10", Category: "C", SpecialityKind: "S", Speciality: "SM54",
				Activities: []Activity{cabinet(Doctor, "SA07", "004", "CABINET M NOM")}}},
		},
		{ID: Auxiliary, FamilyName: "AUXILIAIRE0000104", GivenName: "ALEX", Civility: "MME", Generation: Minimal},
	}
}

// subject is the engine's identifier of a federated person; the storage is the sandbox's.
func (p Person) subject() string { return "f:550dc1c8-d97b-4b1e-ac8c-8eb4471cf9dd:" + p.ID }

func (p Person) otherIDs() []any {
	origin := ""
	switch {
	case strings.HasPrefix(p.ID, "8"):
		origin = "RPPS"
	case strings.HasPrefix(p.ID, "ANS"):
		origin = "EDIT"
	default:
		return []any{}
	}
	return []any{map[string]any{"identifiant": p.ID, "origine": origin, "qualite": 1}}
}

// userInfo gives the JSON of the person in their generation.
func (p Person) userInfo(mode string) map[string]any {
	u := map[string]any{
		"sub": p.subject(), "preferred_username": p.ID, "SubjectNameID": p.ID,
		"given_name": p.GivenName, "family_name": p.FamilyName,
	}
	if p.Generation == Minimal {
		u["codeCivilite"] = p.Civility
		return u
	}
	record := map[string]any{"exercices": p.practices()}
	roles := []any{}
	for _, e := range p.Practices {
		roles = append(roles, e.Profession+"^1.2.250.1.213.1.1.5.5")
	}
	for name, value := range map[string]any{
		"SubjectRole": roles, "SubjectOrganization": p.Organisation, "SubjectOrganizationID": "", "SubjectRefPro": record,
		"Secteur_Activite": p.Sector + "^1.2.250.1.71.4.2.4", "Mode_Acces_Raison": "", "Acces_Regulation_Medicale": "FAUX",
		"UITVersion": "1.0", "Palier_Authentification": "APPPRIP3^1.2.250.1.213.1.5.1.1.1", "PSI_Locale": "1.2.250.1.213.1.3.1.1",
		"otherIds": p.otherIDs(),
	} {
		u[name] = value
	}
	switch p.Generation {
	case Of2021:
		u["email_verified"] = false
		record["codeCivilite"] = p.Civility
	case Of2023:
		record["codeCivilite"] = p.Civility
		u["authMode"], u["codeGenreActivite"] = mode, "GENR01"
	default:
		u["codeCivilite"], u["authMode"], u["codeGenreActivite"] = p.Civility, mode, "GENR01"
	}
	return u
}

func (p Person) practices() []any {
	list := []any{}
	for _, e := range p.Practices {
		activities := []any{}
		for _, a := range e.Activities {
			all := map[string]string{}
			for _, name := range activityMembers {
				all[name] = a[name]
			}
			activities = append(activities, all)
		}
		list = append(list, map[string]any{
			"codeProfession": e.Profession, "codeCategorieProfessionnelle": e.Category, "codeCiviliteDexercice": p.Civility,
			"nomDexercice": p.FamilyName, "prenomDexercice": p.GivenName,
			"codeTypeSavoirFaire": e.SpecialityKind, "codeSavoirFaire": e.Speciality, "activities": activities,
		})
	}
	return list
}
