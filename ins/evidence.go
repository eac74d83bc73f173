package ins

import (
	"slices"
	"strings"
	"time"
)

// EvidenceKind is the code of a high-confidence means by which a person proves
// their identity (dispositif à haut niveau de confiance, RNIV EXI ID 19), as
// fr-core writes it.
type EvidenceKind string

// Kinds with a wide use. [EvidenceKinds] lists all that are known; the RNIV
// lets each structure choose among them, and nothing may be preselected.
const (
	IDCard          EvidenceKind = "CN" // carte nationale d'identité
	Passport        EvidenceKind = "PA"
	ResidencePermit EvidenceKind = "CS"  // titre de séjour
	ElectronicID    EvidenceKind = "eCN" // e-CNI
	HealthApp       EvidenceKind = "AV"  // appli carte Vitale
)

// EvidenceKinds gives the codes that fr-core knows (mode de validation de
// l'identité), in its order.
func EvidenceKinds() []EvidenceKind {
	return []EvidenceKind{IDCard, Passport, ResidencePermit, ElectronicID, "IN", HealthApp, "LECV", "AN", "LEP", "CC", "ANCV"}
}

// Evidence tells that a person proved the traits of an identity, by what,
// when and before whom.
type Evidence struct {
	Kind EvidenceKind
	At   time.Time
	// By is who checked, as the vendor's traces name them. Optional.
	By string
	// Custom accepts a Kind that EvidenceKinds does not list, which the
	// structure's own procedure must name.
	Custom bool
}

func (e Evidence) check() string {
	switch {
	case strings.TrimSpace(string(e.Kind)) == "":
		return "evidence: a kind is mandatory and none may be preselected"
	case e.At.IsZero():
		return "evidence: the date of the check is mandatory"
	case !e.Custom && !slices.Contains(EvidenceKinds(), e.Kind):
		return "evidence: this kind is not listed; set Custom if the structure's procedure allows it"
	}
	return ""
}
