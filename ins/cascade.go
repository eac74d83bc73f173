package ins

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/soclesante/socle"
)

// Search is how INSi was searched for an identity, whether it was found or not.
type Search struct {
	// Result is what INSi answered, when Search gave no error.
	Result Result
	// Attempts are all questions asked, in order, for the user and the traces.
	Attempts []Attempt
}

// Attempt is one question of a [Search].
type Attempt struct {
	// Asked says which given names were sent, by their place in the list: "given
	// name 2", "all given names", and "with birth place".
	Asked     string
	Code      string // CR 00, 01 or 02, or the code of a fault
	MessageID string
	Err       error // nil when the person was found
}

// LogValue gives the codes of the attempts.
func (s Search) LogValue() slog.Value {
	var codes []string
	for _, a := range s.Attempts {
		codes = append(codes, a.Asked+": "+a.Code)
	}
	return slog.GroupValue(slog.Any("attempts", codes), slog.Any("result", s.Result))
}

// String gives the attempts and hides the person.
func (s Search) String() string { return s.LogValue().String() }

// GoString hides the person.
func (s Search) GoString() string { return "ins.Search{" + s.String() + "}" }

// MarshalText gives the attempts and hides the person.
func (s Search) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Search asks INSi for the person of an identity (WS_INS2) with one given name
// after the other, then with all of them, until one is found (CNDA 2.07). When
// INSi knows several persons (CR 02) it asks with all given names, then with
// the place of birth if it is known (CNDA 2.06). It stops at the first answer
// that identifies one person, and at any technical failure.
//
// The Search tells every attempt, also with an error: ErrBlocked when the rules
// forbid to ask ([Identity.CanQuery]), ErrNotFound when every attempt gave CR
// 01, ErrAmbiguous when several persons remained, or what [Client.SearchByTraits]
// gives. The identity found is to be shown to the user and taken by
// [Identity.Accept]; nothing is taken by itself.
func (c *Client) Search(ctx context.Context, who socle.Professional, id Identity) (Search, error) {
	if err := id.CanQuery(); err != nil {
		return Search{}, err
	}
	t := id.Traits()
	var s Search
	ask := func(a asked, place COG) error {
		r, err := c.search(ctx, who, query{t.BirthName, a.given, t.Sex, t.BirthDate, place})
		at := Attempt{Asked: a.label, Code: crFound, MessageID: r.MessageID, Err: err}
		if place != "" {
			at.Asked += " with birth place"
		}
		var e *Error
		if errors.As(err, &e) {
			at.Code, at.MessageID = e.Code, e.MessageID
		}
		s.Attempts = append(s.Attempts, at)
		if err == nil {
			s.Result = r
		}
		return err
	}
	questions := givenNames(t)
	if len(questions) == 0 {
		return s, &Error{Op: "identity", Text: "no given name that INSi would take: 61 characters at most, no hyphen or apostrophe at an end", Requirement: "EF_INS10_02", kind: ErrBlocked}
	}
	var err error
	for _, q := range questions {
		if err = ask(q, ""); errors.Is(err, ErrNotFound) {
			continue
		}
		if errors.Is(err, ErrAmbiguous) {
			return s, escalate(err, ask, q, questions, t)
		}
		return s, err
	}
	return s, err
}

// escalate narrows the CR 02 that question q gave: by all given names, then by
// the place of birth beside the last names that gave CR 02. When neither finds
// one person, several remain.
func escalate(ambiguous error, ask func(asked, COG) error, q asked, questions []asked, t Traits) error {
	for _, all := range questions {
		if all.given == t.GivenNames && all != q {
			err := ask(all, "")
			switch {
			case errors.Is(err, ErrAmbiguous):
				q = all
			case !errors.Is(err, ErrNotFound):
				return err
			}
		}
	}
	if t.BirthPlace != "" {
		if err := ask(q, t.BirthPlace); !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrAmbiguous) {
			return err
		}
	}
	return ambiguous
}

// asked is one way to write the given names.
type asked struct{ label, given string }

// givenNames gives the questions of the cascade: the premier prénom when it is
// a compound of several words, each given name, then all of them. What INSi
// would not take, because it is too long or malformed alone, is left out.
func givenNames(t Traits) []asked {
	var all []asked
	add := func(label, given string) {
		if len(given) <= maxGivenNames && checkName(given, true) == "" &&
			!slices.ContainsFunc(all, func(a asked) bool { return a.given == given }) {
			all = append(all, asked{label, given})
		}
	}
	if strings.Contains(t.FirstGivenName, " ") {
		add("compound first given name", t.FirstGivenName)
	}
	list := strings.Fields(t.GivenNames)
	for i, g := range list {
		add(fmt.Sprintf("given name %d", i+1), g)
	}
	if len(list) > 1 {
		add("all given names", strings.Join(list, " "))
	}
	return all
}
