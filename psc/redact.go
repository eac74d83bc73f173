package psc

import "log/slog"

// What holds a token or names a person shows only this.

const redactedSession, redactedPending, redactedInfo = "psc.Session(…)", "psc.Pending(…)", "psc.UserInfo(…)"

// String hides the tokens.
func (s *Session) String() string { return redactedSession }

// GoString hides the tokens.
func (s *Session) GoString() string { return redactedSession }

// LogValue hides the tokens and the person.
func (s *Session) LogValue() slog.Value { return slog.StringValue(redactedSession) }

// MarshalJSON hides the tokens: a session is not stored this way.
func (s *Session) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedSession + `"`), nil }

// String hides the request.
func (p *Pending) String() string { return redactedPending }

// GoString hides the request.
func (p *Pending) GoString() string { return redactedPending }

// LogValue hides the request and the person.
func (p *Pending) LogValue() slog.Value { return slog.StringValue(redactedPending) }

// MarshalJSON hides the request.
func (p *Pending) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedPending + `"`), nil }

const redactedAuthorization = "psc.Authorization(…)"

// String hides the login.
func (a *Authorization) String() string { return redactedAuthorization }

// GoString hides the login.
func (a *Authorization) GoString() string { return redactedAuthorization }

// LogValue hides the login.
func (a *Authorization) LogValue() slog.Value { return slog.StringValue(redactedAuthorization) }

// MarshalJSON hides the login: MarshalBinary is what it is kept by.
func (a *Authorization) MarshalJSON() ([]byte, error) {
	return []byte(`"` + redactedAuthorization + `"`), nil
}

// String hides the person.
func (u UserInfo) String() string { return redactedInfo }

// GoString hides the person.
func (u UserInfo) GoString() string { return redactedInfo }

// LogValue hides the person.
func (u UserInfo) LogValue() slog.Value { return slog.StringValue(redactedInfo) }
