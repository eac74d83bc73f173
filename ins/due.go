package ins

import "time"

// Years after which INSi is asked again about an INS that is stored, *assumed*
// from the référentiel INS, which asks for it every three to five years: from
// the third on it is due, from the fifth on overdue.
const (
	dueYears     = 3
	overdueYears = 5
)

// Reverification is the vendor's policy on the periodic verification of the
// INS of a base (WS_INS3 …). The zero value takes three and five years.
type Reverification struct {
	DueYears     int // years after INSi vouched for the INS; 0 is 3
	OverdueYears int // 0 is 5, or DueYears when that is more
}

// Due says whether an INS must be verified.
type Due uint8

// States of an INS, from the best to the worst.
const (
	NothingDue Due = iota // the identity has no INS
	Confirmed             // INSi vouched for it lately enough
	DueNow                // verify it
	Overdue               // verify it before its next use
)

// String gives the state in lower case.
func (d Due) String() string { return [...]string{"nothing due", "confirmed", "due", "overdue"}[d] }

// Deadline tells when the INS of an identity must be verified again.
type Deadline struct {
	State Due
	// Since is when INSi vouched for the INS last, Due and Overdue when the
	// states of that name begin. All are zero when nothing is due, or when it is
	// unknown since when INSi vouched for it, which is overdue.
	Since, Due, Overdue time.Time
}

// Of gives the deadline of an identity as seen at that time. An identity that
// is validée or provisoire has none.
func (p Reverification) Of(id Identity, now time.Time) Deadline {
	since := id.ConfirmedAt()
	switch {
	case !id.Status().KeepsINS():
		return Deadline{}
	case since.IsZero():
		return Deadline{State: Overdue}
	}
	due, overdue := p.DueYears, p.OverdueYears
	if due <= 0 {
		due = dueYears
	}
	if overdue <= 0 {
		overdue = overdueYears
	}
	d := Deadline{State: Confirmed, Since: since, Due: since.AddDate(due, 0, 0), Overdue: since.AddDate(max(due, overdue), 0, 0)}
	switch {
	case !now.Before(d.Overdue):
		d.State = Overdue
	case !now.Before(d.Due):
		d.State = DueNow
	}
	return d
}
