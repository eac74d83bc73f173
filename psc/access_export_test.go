package psc

// ParseAccess is parseAccess for the fuzzing.
var ParseAccess = parseAccess
