package psc

import (
	"fmt"
	"strconv"
	"strings"
)

// AtLeast accepts a level eidasN that is not below the one asked for, and a
// level that the service does not state: [Session.ACR] is then empty. Tokens
// that state eidas3 were seen where eidas1 was asked for. A level that is not
// of that form must be the very one asked for.
func AtLeast(asked, got string) error {
	if got == "" || got == asked {
		return nil
	}
	a, okAsked := eidas(asked)
	g, okGot := eidas(got)
	if !okAsked || !okGot || g < a {
		return fmt.Errorf("expected %s or above, got %q", asked, clean(got, 40))
	}
	return nil
}

func eidas(acr string) (int, bool) {
	digits, ok := strings.CutPrefix(acr, "eidas")
	if !ok || len(digits) != 1 {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}
