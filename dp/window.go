package dp

import (
	"fmt"
	"time"
)

// WindowPolicy says how far back the history of each kind of product is shown,
// in months. It is data: the law changed it several times.
type WindowPolicy map[Kind]int

// DefaultWindows gives the windows of consultation: 12 months (Ségur, first
// wave), 3 years for biologics and 21 years for vaccines (decree 2015-208). The
// texts in force since 2023 confirm how long products are kept
// ([DefaultRetention]), not how far back they are shown: *assumed*.
func DefaultWindows() WindowPolicy {
	return WindowPolicy{Medicine: 12, Device: 12, Biologic: 36, Vaccine: 21 * 12}
}

// DefaultRetention gives how long products are kept: 3, 5 and 23 years
// (R.1111-20-2 III).
func DefaultRetention() WindowPolicy {
	return WindowPolicy{Medicine: 36, Device: 36, Biologic: 60, Vaccine: 23 * 12}
}

// Since gives the first instant of the window of k at the time now. A kind that
// the policy does not list has the window of medicines.
func (w WindowPolicy) Since(k Kind, now time.Time) time.Time {
	months, ok := w[k]
	if !ok {
		months = w[Medicine]
	}
	return now.AddDate(0, -months, 0)
}

// Shows reports whether a product of kind k handed over at that time is in its
// window at the time now.
func (w WindowPolicy) Shows(k Kind, handedOver, now time.Time) bool {
	return !handedOver.Before(w.Since(k, now))
}

// oldest gives the first instant of the longest window.
func (w WindowPolicy) oldest(now time.Time) time.Time {
	oldest := now
	for k := range w {
		if s := w.Since(k, now); s.Before(oldest) {
			oldest = s
		}
	}
	return oldest
}

func (w WindowPolicy) check() error {
	for k, months := range w {
		if months <= 0 || months > 100*12 {
			return fmt.Errorf("Config.Windows[%s]: 1 to 1200 months expected", k)
		}
	}
	if w[Medicine] == 0 {
		return fmt.Errorf("Config.Windows[%s]: mandatory", Medicine)
	}
	return nil
}
