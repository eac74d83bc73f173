package dmp

import (
	"time"

	"github.com/soclesante/socle/internal/cda"
)

// Date is a day, or a month or a year when no more is known: "2009-09-28",
// "2009-09", "2009". A moment of a day keeps its hour: "2009-09-28T09:49:14+01:00".
type Date string

// Day gives the day of t, in its zone.
func Day(t time.Time) Date {
	if t.IsZero() {
		return ""
	}
	return Date(t.Format(time.DateOnly))
}

// Time gives the moment, or the beginning of the day, month or year, and false
// for what is no date.
func (d Date) Time() (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01", "2006"} {
		if t, err := time.Parse(layout, string(d)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// dateOf gives a moment of a document.
func dateOf(t cda.Time) Date {
	switch {
	case t.IsZero():
		return ""
	case t.Digits > 8:
		return Date(t.Time.Format(time.RFC3339))
	}
	return Date(t.ISO())
}

// day gives a day as a document writes it, and false when d is none.
func (d Date) day() (cda.Time, bool) {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return cda.Time{}, false
	}
	return cda.Day(t.Format("20060102")), true
}
