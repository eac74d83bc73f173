package dmp

import (
	"slices"
	"strings"
)

// fields is the refusal of a document whose fields are incomplete.
func fields(problems []string) error {
	slices.Sort(problems)
	return refusal(opDocument, ErrInvalidDocument, strings.Join(problems, "; "), "")
}
