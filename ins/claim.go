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
