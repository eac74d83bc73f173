package ordonnance

import "github.com/soclesante/socle"

// Drug is a prescribed drug with its posology.
type Drug struct {
	Product      Product      `json:"product"`
	Mode         Mode         `json:"mode,omitempty"`
	Dosing       Dosing       `json:"dosing"`
	Substitution Substitution `json:"substitution"`
	Precondition string       `json:"precondition,omitempty"`
}

// Product is a drug, by its codes when it has some.
type Product struct {
	Name        string       `json:"name,omitempty"`
	Codes       []socle.Code `json:"codes,omitempty"` // CIS, CIP13, UCD, virtual drug, ATC
	Form        socle.Code   `json:"form,omitzero"`   // EDQM
	Ingredients []Ingredient `json:"ingredients,omitempty"`
	// Compounded is set for a préparation magistrale, which has no code: Name
	// is then its formula.
	Compounded bool `json:"compounded,omitempty"`
}

// CIP13 gives the code of the presentation, empty without one.
func (p Product) CIP13() string { return code(p.Codes, OIDCIP) }

// CIS gives the code of the speciality, empty without one.
func (p Product) CIS() string { return code(p.Codes, OIDCIS) }

// ATC gives the ATC class, empty without one.
func (p Product) ATC() string { return code(p.Codes, OIDATC) }

// Virtual gives the code of the virtual drug (MV…), empty without one.
func (p Product) Virtual() string { return code(p.Codes, OIDVirtualDrug) }

// Ingredient is a substance and its strength.
type Ingredient struct {
	Name     string     `json:"name,omitempty"`
	Code     socle.Code `json:"code,omitzero"` // SMS
	Strength *Ratio     `json:"strength,omitempty"`
}

// Ratio is an amount for another: 4 for 1 d.
type Ratio struct {
	Numerator   Quantity `json:"numerator"`
	Denominator Quantity `json:"denominator"`
}

// Mode is how a drug is administered (mode d'administration, ordonnance.md §5.6).
type Mode string

// Modes of administration. All but ModeNormal and ModeDelayed have several steps.
const (
	ModeNormal      Mode = "normal"
	ModeTapered     Mode = "tapered"     // doses progressives
	ModeSplit       Mode = "split"       // doses fractionnées
	ModeConditional Mode = "conditional" // doses conditionnelles
	ModeCombined    Mode = "combined"    // doses combinées
	ModeDelayed     Mode = "delayed"     // début différé
)

// Dosing is the posology: in words, and structured when the prescriber's
// software did it.
type Dosing struct {
	// Text is the posology in the prescriber's words, steps on lines of their own.
	Text       string     `json:"text,omitempty"`
	Structured bool       `json:"structured"`
	Route      socle.Code `json:"route"` // EDQM
	Site       socle.Code `json:"site"`  // Display holds the words when there is no code
	Steps      []DoseStep `json:"steps,omitempty"`
	Max        []Ratio    `json:"max,omitempty"`
}

// DoseStep is one step of a posology. The words of the prescriber stand beside
// the values: the values are what was coded, the words what was read on paper,
// and published documents show that they may differ.
type DoseStep struct {
	Sequence  int      `json:"sequence,omitempty"`
	Timing    []Timing `json:"timing,omitempty"`
	Dose      *Range   `json:"dose,omitempty"`
	Rate      *Range   `json:"rate,omitempty"`
	Condition string   `json:"condition,omitempty"`
}

// Timing is when a step applies: within bounds, every so often, or at an event
// of the day.
type Timing struct {
	Period Period    `json:"period,omitzero"`
	Width  *Quantity `json:"width,omitempty"`  // for 2 d
	Every  *Quantity `json:"every,omitempty"`  // every 8 h
	Times  int       `json:"times,omitempty"`  // in each Every; 0 is once
	Event  string    `json:"event,omitempty"`  // HL7 TimingEvent: AC, PC, HS …
	Offset *Quantity `json:"offset,omitempty"` // from the event
	Text   string    `json:"text,omitempty"`
}

// Range is a low and a high amount, with their words.
type Range struct {
	Low      *Quantity `json:"low,omitempty"`
	High     *Quantity `json:"high,omitempty"`
	LowText  string    `json:"lowText,omitempty"`
	HighText string    `json:"highText,omitempty"`
}

// Substitution is whether the pharmacist may give another product.
type Substitution struct {
	Code   string `json:"code,omitempty"` // N or G, code system OIDSubstitution
	Motive Motive `json:"motive,omitempty"`
	Text   string `json:"text,omitempty"` // the prescriber's words
}

// Codes of substitution.
const (
	SubstitutionNone    = "N" // non substituable
	SubstitutionGeneric = "G" // within the generic group
)

// Refused reports whether the prescriber refuses substitution.
func (s Substitution) Refused() bool { return s.Code == SubstitutionNone }

// Motive is why substitution is refused. The names are public, their
// abbreviations *assumed*; no code system is published.
type Motive string

// Motives of non substitution.
const (
	MotiveMargin           Motive = "MTE" // marge thérapeutique étroite
	MotiveChild            Motive = "EFG" // enfant, forme galénique
	MotiveContraindication Motive = "CIF" // contre-indication formelle
	MotiveOther            Motive = "other"
)
