package ins

import "log/slog"

// Claim is an INS with its traits as somebody else tells them: a datamatrix
// that was scanned, a document or a message that came in, another software's
// base. Nothing vouches for it: until INSi confirmed it (WS_INS3) it
// may be neither stored as the patient's INS nor sent.
type Claim struct {
	INS    INS
	Traits Traits
}

// String hides the person.
func (c Claim) String() string { return "claim of " + c.INS.OID.Kind() + " " + redacted }

// GoString hides the person.
func (c Claim) GoString() string { return "ins.Claim{" + redacted + "}" }

// MarshalText hides the person.
func (c Claim) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue shows the kind of the INS and hides the person.
func (c Claim) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Oddities tells, without any value, where the number of the matricule and the
// traits do not say the same: the sex, the year and month, the place. They are
// no errors, as they legitimately part after a change of sex or a correction,
// and for people born abroad or overseas: they tell a user where to look.
func (c Claim) Oddities() []string {
	n, t := c.INS.Matricule.Number(), c.Traits
	if n == "" {
		return nil
	}
	var odd []string
	sex := Female
	if n[0]%2 == 1 {
		sex = Male
	}
	if (t.Sex == Male || t.Sex == Female) && t.Sex != sex {
		odd = append(odd, "the first digit of the matricule is of the other sex")
	}
	two := func(i int) int { return int(n[i]-'0')*10 + int(n[i+1]-'0') }
	if d := t.BirthDate; !d.IsZero() {
		month := two(3)
		if two(1) != d.Year%100 || month >= 1 && month <= 12 && d.Month >= 1 && d.Month <= 12 && month != d.Month {
			odd = append(odd, "the matricule is of another year or month of birth")
		}
	}
	if t.BirthPlace != "" && n[5:10] != string(t.BirthPlace) {
		odd = append(odd, "the matricule is of another place of birth")
	}
	return odd
}
