package mss

// FaultKind is a kind of [Fault].
type FaultKind string

// Kinds of faults.
const (
	FaultHeader   FaultKind = "HEADER"   // header lines that are no field, or a field that cannot be read
	FaultMIME     FaultKind = "MIME"     // a structure that is broken or beyond the bounds
	FaultCharset  FaultKind = "CHARSET"  // text that is not in the charset it declares
	FaultEncoding FaultKind = "ENCODING" // a transfer encoding that cannot be decoded to the end
	FaultSender   FaultKind = "SENDER"   // a sender that cannot be told
	FaultXDM      FaultKind = "XDM"      // an IHE_XDM.ZIP or one of its documents; Err tells which and why
	FaultCoherent FaultKind = "COHERENT" // X-MSS headers that the message contradicts
)

// Fault is something wrong in a received message that did not prevent reading
// the rest of it. Its text holds nothing of the message.
type Fault struct {
	Kind FaultKind
	Part string // IMAP part number, empty for the message itself
	Err  error
}

// Error tells the kind, the part and the cause.
func (f *Fault) Error() string {
	s := "mss: message fault " + string(f.Kind)
	if f.Part != "" {
		s += " in part " + f.Part
	}
	return s + ": " + f.Err.Error()
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }
