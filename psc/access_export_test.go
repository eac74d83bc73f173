package psc

// ParseAccess is parseAccess for the fuzzing.
var ParseAccess = parseAccess

// Held counts the sessions with tokens.
func (x *Exchanger) Held() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.sessions) + len(x.leaving)
}
