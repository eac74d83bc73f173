package dp

import (
	"strings"

	"github.com/soclesante/socle/ordonnance"
)

// Kind is the kind of a product, on which the time that it is kept and shown
// depends (R.1111-20-2 III of the Code de la santé publique).
type Kind string

// Kinds of products.
const (
	Medicine Kind = "medicine"
	Biologic Kind = "biologic" // médicament biologique, L.5121-1 14°
	Vaccine  Kind = "vaccine"  // L.5121-1 6° b
	Device   Kind = "device"   // dispositif médical implantable
)

// KindOf gives the kind that the codes of a product tell: a vaccine by its ATC
// class (J07), else a medicine. Biologics have no class of their own: set
// Line.Kind for them.
func KindOf(p ordonnance.Product) Kind {
	if strings.HasPrefix(p.ATC(), "J07") {
		return Vaccine
	}
	return Medicine
}

// CheckCIP13 reports, as an *[Error] that is [ErrUnknownProduct], why s is not
// a code identifiant de présentation: 34009, seven digits and a GS1 key.
func CheckCIP13(s string) error {
	if len(s) != 13 || !strings.HasPrefix(s, "34009") {
		return local("CheckCIP13", ErrUnknownProduct, "13 digits that begin with 34009 expected")
	}
	sum := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return local("CheckCIP13", ErrUnknownProduct, "digits expected")
		}
		sum += int(s[i]-'0') * (1 + 2*(i%2))
	}
	if sum%10 != 0 {
		return local("CheckCIP13", ErrUnknownProduct, "wrong key: the last digit does not follow from the others")
	}
	return nil
}
