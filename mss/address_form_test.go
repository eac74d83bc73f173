package mss

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The forms as the texts give them: RFC 5322 dot-atom, RFC 1035 labels.
var (
	localForm  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
	domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

func TestFormsOfAddresses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	for _, s := range []string{"", ".", "a", "a.", ".a", "a..b", "a.b", "a-.b", "-a.b", "a.b-", "a-b.c", "A.b", "a_b.c", "é.b", "a.b\n", long + ".b", long + "a.b", "b." + long, "b." + long + "a"} {
		require.Equal(t, localForm.MatchString(s), isLocal(s), s)
		require.Equal(t, domainForm.MatchString(s), isDomain(s), s)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.SampledFrom([]rune("aZ0-._!\x00é @")), 0, 12, -1).Draw(t, "s")
		if localForm.MatchString(s) != isLocal(s) || domainForm.MatchString(s) != isDomain(s) {
			t.Fatalf("%q", s)
		}
	})
}
