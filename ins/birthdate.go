package ins

import (
	"fmt"
	"log/slog"
	"time"
)

// BirthDate is a date of birth as the état civil and the Vitale card know it,
// which is not always a day of the calendar: a day or a month may be unknown
// (00), and a lunar date has months above 12 (DateLunaire). It is comparable,
// and its zero value means "none".
type BirthDate struct{ Year, Month, Day int }

// ParseBirthDate reads YYYY-MM-DD, incomplete and lunar dates included. A date
// that cannot be, such as the 30th of February, is refused; 00 for an unknown
// month or day is not.
func ParseBirthDate(s string) (BirthDate, error) {
	d, err := readDate(s)
	if err != nil {
		return BirthDate{}, err
	}
	return d, d.check()
}

// readDate reads the form alone, as INSi answers.
func readDate(s string) (BirthDate, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return BirthDate{}, invalid("birth date", "YYYY-MM-DD expected")
	}
	var f [3]int
	for i, r := range [3][2]int{{0, 4}, {5, 7}, {8, 10}} {
		for _, c := range []byte(s[r[0]:r[1]]) {
			if c < '0' || c > '9' {
				return BirthDate{}, invalid("birth date", "YYYY-MM-DD expected")
			}
			f[i] = f[i]*10 + int(c-'0')
		}
	}
	return BirthDate{f[0], f[1], f[2]}, nil
}

func (d BirthDate) check() error {
	switch {
	case d.Year < 1 || d.Year > 9999:
		return invalid("birth date", "the year is missing")
	case d.Month < 0 || d.Month > 99 || d.Day < 0 || d.Day > 31:
		return invalid("birth date", "month 00 to 99 and day 00 to 31 expected")
	case d.Month >= 1 && d.Month <= 12 && d.Day > lastDay(d.Year, d.Month):
		return invalid("birth date", "this month has no such day")
	}
	return nil
}

func lastDay(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

// IsZero reports whether there is no date.
func (d BirthDate) IsZero() bool { return d == BirthDate{} }

// Complete reports whether d is a day of the calendar.
func (d BirthDate) Complete() bool {
	return d.check() == nil && d.Month >= 1 && d.Month <= 12 && d.Day >= 1
}

// after reports whether d is a day of the calendar that is still to come
// everywhere on Earth.
func (d BirthDate) after(now time.Time) bool {
	return d.Complete() && time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC).After(now.Add(14*time.Hour))
}

// Wire gives YYYY-MM-DD, as INSi and FHIR carry it; empty for none.
func (d BirthDate) Wire() string {
	if d.IsZero() {
		return ""
	}
	if d.check() != nil {
		return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
	}
	digit := func(n int) byte { return '0' + byte(n%10) }
	return string([]byte{
		digit(d.Year / 1000), digit(d.Year / 100), digit(d.Year / 10), digit(d.Year), '-',
		digit(d.Month / 10), digit(d.Month), '-', digit(d.Day / 10), digit(d.Day),
	})
}

// Compact gives YYYYMMDD, as CDA and HL7 carry it; empty for none.
func (d BirthDate) Compact() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d%02d%02d", d.Year, d.Month, d.Day)
}

// Estimate gives the date that stands in a health record for an incomplete one
// and whether it had to be estimated: an unknown day becomes the 1st, an
// unknown month January, and both the 31st of December (RNIV EXI ID 11). A
// date marked so is to be shown as estimated (EXI ID 12). Lunar dates are
// given back as they are.
func (d BirthDate) Estimate() (date BirthDate, estimated bool) {
	switch {
	case d.IsZero() || d.Month != 0 && d.Day != 0:
		return d, false
	case d.Month == 0 && d.Day == 0:
		return BirthDate{d.Year, 12, 31}, true
	case d.Month == 0:
		return BirthDate{d.Year, 1, d.Day}, true
	}
	return BirthDate{d.Year, d.Month, 1}, true
}

// String hides the date.
func (d BirthDate) String() string {
	if d.IsZero() {
		return ""
	}
	return redacted
}

// GoString hides the date.
func (d BirthDate) GoString() string { return "ins.BirthDate{" + d.String() + "}" }

// MarshalText hides the date.
func (d BirthDate) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue hides the date.
func (d BirthDate) LogValue() slog.Value { return slog.StringValue(d.String()) }
