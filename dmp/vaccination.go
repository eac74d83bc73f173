package dmp

import (
	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/nos"
)

// Kinds of vaccination acts (JDV_HL7_ActSubstanceAdministrationImmunizationCode).
var (
	PrimaryVaccination = lookup(nos.ImmunizationAct, "INITIMMUNIZ") // 1ère série vaccinante
	Booster            = lookup(nos.ImmunizationAct, "BOOSTER")     // rappel
	OtherVaccination   = lookup(nos.ImmunizationAct, "IMMUNIZ")     // sans autre précision
)

// Routes of vaccinations (EDQM, JDV_ImmunizationRouteCodes).
var (
	Intramuscular = lookup(nos.ImmunizationRoute, "20035000")
	Intradermal   = lookup(nos.ImmunizationRoute, "20030000")
	Inhaled       = lookup(nos.ImmunizationRoute, "20020000")
	Oral          = lookup(nos.ImmunizationRoute, "20053000")
	Subcutaneous  = lookup(nos.ImmunizationRoute, "20066000")
)

// Sites of vaccinations (SNOMED CT, JDV_ImmunizationApproachSiteCode).
var (
	LeftDeltoid   = lookup(nos.ImmunizationSite, "16217701000119102")
	RightDeltoid  = lookup(nos.ImmunizationSite, "16217661000119109")
	LeftShoulder  = lookup(nos.ImmunizationSite, "91775009")
	RightShoulder = lookup(nos.ImmunizationSite, "91774008")
	LeftForearm   = lookup(nos.ImmunizationSite, "66480008")
	RightForearm  = lookup(nos.ImmunizationSite, "64262003")
	LeftThigh     = lookup(nos.ImmunizationSite, "61396006")
	RightThigh    = lookup(nos.ImmunizationSite, "11207009")
	LeftButtock   = lookup(nos.ImmunizationSite, "723979003")
	RightButtock  = lookup(nos.ImmunizationSite, "723980000")
)

func lookup(t *nos.Table, code string) socle.Code {
	c, ok := nos.Lookup(t, code)
	if !ok {
		panic("dmp: " + code + " is not in " + t.Name)
	}
	return c
}

// Systems of the codes of vaccines.
const (
	SystemCIS = "1.2.250.1.213.2.3.1"    // speciality, 8 digits
	SystemATC = "2.16.840.1.113883.6.73" // class
	SystemCIP = "1.2.250.1.213.2.3.2"    // presentation, 13 digits
)

// Vaccination is an act of vaccination, as a note or the history tells it.
type Vaccination struct {
	// ID is the identifier of the act; empty draws a UUID when it is written.
	ID string
	// Kind is the kind of act: PrimaryVaccination, Booster or OtherVaccination.
	Kind socle.Code
	// Date is the day of the act. A note needs the day; a history may know only
	// the year.
	Date    Date
	Vaccine Vaccine
	Route   socle.Code // zero when it is not told
	Site    socle.Code // zero when it is not told
	// Rank is the number of the injection in its series; 0 when it is not told.
	Rank      int
	Reactions []Reaction
	Comment   string
	// Author answers for the vaccination, and Performer is who made it. In a note
	// to write, nil is the professional of the call.
	Author, Performer *Participant
	// NotDone tells that it was not made (negationInd): only when read.
	NotDone bool
	// Status is the status of the act when it is not "completed": only when read.
	Status string
}

// Vaccine is the product that was given.
type Vaccine struct {
	Name string
	CIS  string // speciality code, mandatory in a note
	ATC  socle.Code
	CIP  string // presentation code; optional
	Lot  string
	// Codes holds the other codes that a document gives the vaccine, as they are.
	Codes []socle.Code
}

// Reaction is what was observed after a vaccination.
type Reaction struct {
	Code socle.Code // CIM-10, or what the document has
	Date Date
	Text string
}
