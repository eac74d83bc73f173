package dmp

import (
	"context"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/soap"
)

// PatientQuery is what is known of a patient who has no INS here. It shows
// itself in no log.
type PatientQuery struct {
	FamilyName string // mandatory, two letters at least
	GivenName  string
	BirthDate  ins.BirthDate // a month or a day that is not known is left out
	Sex        ins.Sex       // "M" or "F"
	PostalCode string
	City       string
	// Patient is whom the VIHF names, who must be qualified; optional: see
	// Dialect.Nobody. It is not what is searched for.
	Patient ins.Identity
}

// String hides everything.
func (PatientQuery) String() string { return "patient query " + hidden }

// GoString gives the same as String.
func (q PatientQuery) GoString() string { return q.String() }

// LogValue gives the same as String.
func (q PatientQuery) LogValue() slog.Value { return slog.StringValue(q.String()) }

// Candidates are patients who may be the one searched for.
type Candidates struct {
	List []Candidate
	// Total is how many the DMP found, and Remaining how many it did not give:
	// make the query narrower. -1 is not told.
	Total, Remaining int
}

// Candidate is a patient of the DMP who may be the one searched for. It shows
// its score and its state in logs, not the person.
type Candidate struct {
	Score int // how well the candidate fits, in per cent; -1 when it is not told
	State State
	// OpposesRegulation tells that the patient opposes an access by the Centre 15.
	OpposesRegulation bool

	found *found // a pointer, so that printing a Candidate shows nothing
}

type found struct {
	ins     ins.INS
	traits  ins.Traits
	used    string
	title   string
	contact Contact
}

// INS gives the identifier, zero when the DMP knows the patient by an older one
// only. It qualifies nobody: INSi does.
func (c Candidate) INS() ins.INS { return c.get().ins }

// Traits gives the traits, to choose by.
func (c Candidate) Traits() ins.Traits { return c.get().traits }

// UsedName gives the nom utilisé.
func (c Candidate) UsedName() string { return c.get().used }

// Title gives the civilité, such as "Mme".
func (c Candidate) Title() string { return c.get().title }

// Contact gives the address and the telephone numbers.
func (c Candidate) Contact() Contact { return c.get().contact }

func (c Candidate) get() found {
	if c.found == nil {
		return found{}
	}
	return *c.found
}

// LogValue gives the score and the state.
func (c Candidate) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("score", c.Score), slog.String("state", c.State.String()))
}

// FindPatient searches for the record of a patient whose INS is not known
// (TD0.5, "Recherche d'un patient sans INS"): PDQv3, IHE ITI-47,
// PRPA_IN201305UV02 answered by PRPA_IN201306UV02. That nobody is found is an empty list.
//
// What comes back are candidates, for the professional to choose from: rule
// RG_0320 forbids to show their traits as the identity of a patient, to correct a local
// identity with them, and to take their INS for a qualified one. The matrix of rights
// allows it to pharmacists in regulation only: see [Client.With].
func (c *Client) FindPatient(ctx context.Context, who socle.Professional, q PatientQuery) (Candidates, error) {
	err := c.admitCaller(ctx, opFind, c.cfg.Mode, who)
	if err == nil {
		err = q.check()
	}
	var named ins.INS
	if err == nil {
		named, err = c.named(ctx, opFind, who, q.Patient)
	}
	if err != nil {
		return Candidates{}, c.refused(ctx, opFind, who, named, err)
	}
	find := hl7v3.Find{Family: strings.TrimSpace(q.FamilyName), Given: strings.TrimSpace(q.GivenName), Gender: string(q.Sex), Birth: searched(q.BirthDate),
		PostalCode: strings.TrimSpace(q.PostalCode), City: strings.TrimSpace(q.City)}
	var out Candidates
	_, err = c.send(ctx, message{
		op: opFind, service: servicePDQ, action: hl7v3.ActionFind, who: who, patient: named, again: true,
		body: func(now time.Time) []byte {
			find.Head, find.QueryID = c.head(now), c.queryID()
			return find.Marshal()
		},
		check: func(e *soap.Envelope) (code string, err error) {
			out, code, err = candidates(e, find)
			return code, err
		},
	})
	if err != nil {
		return Candidates{}, err
	}
	return out, nil
}

func (q PatientQuery) check() error {
	var problems []string
	letters := 0
	for _, r := range q.FamilyName {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	if letters < 2 {
		problems = append(problems, "PatientQuery.FamilyName: two letters at least expected")
	}
	if q.Sex != "" && q.Sex != ins.Male && q.Sex != ins.Female {
		problems = append(problems, "PatientQuery.Sex: M, F or nothing expected")
	}
	if !q.BirthDate.IsZero() && (q.BirthDate.Year < 1 || q.BirthDate.Month > 12 && q.BirthDate.Day > 0) {
		problems = append(problems, "PatientQuery.BirthDate: a year expected, and no lunar day")
	}
	if len(problems) > 0 {
		return refusal(opFind, ErrQuery, strings.Join(problems, "; "), "")
	}
	return nil
}

// searched gives a TS, cut where the date is not known.
func searched(d ins.BirthDate) string {
	s := strings.ReplaceAll(d.Wire(), "-", "")
	switch {
	case s == "":
		return ""
	case d.Month < 1 || d.Month > 12:
		return s[:4]
	case d.Day == 0:
		return s[:6]
	}
	return s
}

func candidates(e *soap.Envelope, find hl7v3.Find) (out Candidates, code string, err error) {
	x, err := hl7v3.ParseCandidates(e.Body)
	if err != nil {
		return out, "", unreadable(opFind, err)
	}
	code = x.Code()
	switch {
	case !x.Target.IsZero() && x.Target != find.ID:
		return out, code, &Error{Op: opFind, Code: code, Text: "the answer acknowledges another message", kind: ErrAnswer, ours: true}
	case x.Ack != "AA":
		var details []Detail
		for _, d := range x.Details {
			details = append(details, Detail{d.Code, d.Text})
		}
		return out, code, unacknowledged(opFind, details)
	case x.Query != "OK" && x.Query != "NF" || x.Query == "NF" && len(x.List) > 0:
		return out, code, &Error{Op: opFind, Code: x.Query, Text: "the answer tells neither candidates nor that there is none", kind: ErrAnswer, ours: true}
	}
	out.Total, out.Remaining = x.Total, x.Remaining
	for _, c := range x.List {
		out.List = append(out.List, candidateOf(c))
	}
	return out, code, nil
}

func candidateOf(x hl7v3.Candidate) Candidate {
	p := &found{used: x.Name.Used, title: x.Name.Prefix, contact: contactOf(x.Contact)}
	p.traits = ins.Traits{BirthName: x.Name.Birth, GivenNames: strings.Join(x.Name.Given, " "), Sex: ins.Sex(x.Gender)}
	if len(x.Birth) >= 8 {
		p.traits.BirthDate, _ = ins.ParseBirthDate(x.Birth[:4] + "-" + x.Birth[4:6] + "-" + x.Birth[6:8])
	}
	p.ins = only(x.IDs)
	c := Candidate{Score: x.Score, found: p}
	switch x.Status {
	case "active":
		c.State = StateOpen
	case "terminated":
		c.State = StateClosed
	}
	s := hl7v3.Subject{Observations: x.Observations}
	opposed, _ := s.Observation("OPPOSITION_ACCES_URGENCE")
	c.OpposesRegulation = opposed == "true"
	return c
}
