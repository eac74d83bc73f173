package cda

import (
	"strings"
	"time"

	"github.com/soclesante/socle/internal/xmltree"
)

// Time is a moment (TS) with the precision that the document gives it.
type Time struct {
	// Value is as the document writes it, "20240106113623+0100".
	Value string
	// Time is the moment, zero when Value cannot be read. A value without zone
	// reads as UTC, and Zoned is false.
	Time time.Time
	// Digits tells the precision: 4 year, 6 month, 8 day, 10 hour, 12 minute, 14 second.
	Digits int
	Zoned  bool
	Null   string // nullFlavor
}

// Interval is a period (IVL_TS); a bound that is not known is zero.
type Interval struct {
	Low, High Time
	Null      string
}

// At gives the Time of a moment, to the second, in the zone of t.
func At(t time.Time) Time {
	return Time{Value: t.Format("20060102150405-0700"), Time: t.Truncate(time.Second), Digits: 14, Zoned: true}
}

// Day gives the Time of a day "19790328", or of a month or year.
func Day(digits string) Time { return ParseTime(digits) }

// ParseTime reads a moment: YYYY[MM[DD[HH[MM[SS[.f]]]]]][±ZZzz]. What cannot be
// read stays in Value. Offsets written with two or three digits, which real
// documents have, are understood: "+01", "+100" (one hour).
func ParseTime(s string) Time {
	s = strings.TrimSpace(s)
	t := Time{Value: s}
	body, zone := s, ""
	if i := strings.IndexAny(s, "+-"); i >= 0 {
		body, zone = s[:i], s[i:]
	} else if strings.HasSuffix(s, "Z") {
		body, zone = s[:len(s)-1], "+0000"
	}
	body, _, _ = strings.Cut(body, ".")
	if len(body)%2 != 0 || len(body) < 4 || len(body) > 14 || strings.Trim(body, "0123456789") != "" {
		return t
	}
	loc := time.UTC
	if zone != "" {
		seconds, ok := offset(zone)
		if !ok {
			return t
		}
		loc = time.FixedZone("", seconds)
	}
	v, err := time.ParseInLocation("20060102150405"[:len(body)], body, loc)
	if err != nil || v.IsZero() {
		return t
	}
	t.Time, t.Digits, t.Zoned = v, len(body), zone != ""
	return t
}

func offset(zone string) (seconds int, ok bool) {
	digits := zone[1:]
	switch len(digits) {
	case 2:
		digits += "00"
	case 3:
		digits = "0" + digits
	case 4:
	default:
		return 0, false
	}
	if strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	h, m := int(digits[0]-'0')*10+int(digits[1]-'0'), int(digits[2]-'0')*10+int(digits[3]-'0')
	if h > 14 || m > 59 {
		return 0, false
	}
	seconds = h*3600 + m*60
	if zone[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// IsZero reports whether the moment is not known.
func (t Time) IsZero() bool { return t.Time.IsZero() }

// UTC gives the moment as XDS writes it: YYYYMMDDHHMMSS in UTC, with the
// precision of t. A day, a month or a year has no zone and stays as it is. A
// value without zone is read in the zone of like, if like has one.
func (t Time) UTC(like Time) string {
	if t.IsZero() {
		return ""
	}
	v := t.Time
	if !t.Zoned && like.Zoned && t.Digits > 8 {
		v = time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), 0, like.Time.Location())
	}
	if t.Digits > 8 {
		v = v.UTC()
	}
	return v.Format("20060102150405"[:t.Digits])
}

// ISO gives a day as "1979-03-28", a month as "1979-03", a year as "1979".
func (t Time) ISO() string {
	if t.IsZero() {
		return ""
	}
	switch t.Digits {
	case 4:
		return t.Time.Format("2006")
	case 6:
		return t.Time.Format("2006-01")
	}
	return t.Time.Format(time.DateOnly)
}

// TimeOf reads a moment.
func TimeOf(e *xmltree.Element) Time {
	t := ParseTime(e.Attr("value"))
	t.Null = attr(e, "nullFlavor")
	return t
}

// IntervalOf reads a period. A value without bounds is a moment: its low and
// its high are the same.
func IntervalOf(e *xmltree.Element) Interval {
	i := Interval{Null: attr(e, "nullFlavor")}
	if v := e.Attr("value"); v != "" {
		t := ParseTime(v)
		return Interval{Low: t, High: t}
	}
	if low := e.First("", "low"); low != nil {
		i.Low = TimeOf(low)
	}
	if high := e.First("", "high"); high != nil {
		i.High = TimeOf(high)
	}
	return i
}
