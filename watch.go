package socle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"
)

// Watch is how a vendor watches a client. One Watch may serve the clients of
// all six services; every field is optional.
type Watch struct {
	// Logger receives warnings and, at debug level, one line for each exchange.
	// Nothing identifying is ever logged.
	Logger *slog.Logger
	// Observe receives each exchange after it ended. It is called on the
	// goroutine of the call and must not block.
	Observe func(context.Context, Exchange)
	// Evidence leaves Exchange.Request and Exchange.Response whole, as the
	// homologation files of CNDA and ANS ask. Never set it on a live system:
	// the bytes identify patients and hold tokens.
	Evidence bool
	// Audit receives who did what for whom.
	Audit func(context.Context, AuditRecord)
	// AuditKey keys the pseudonym of patients in audit records: the same key
	// gives the same pseudonym. Without a key records hold no pseudonym.
	AuditKey []byte
	// Clock replaces time.Now.
	Clock func() time.Time
}

// Now gives the time of the Clock, or of the system.
func (w Watch) Now() time.Time {
	if w.Clock != nil {
		return w.Clock()
	}
	return time.Now()
}

// Log gives the Logger, or one that discards.
func (w Watch) Log() *slog.Logger {
	if w.Logger != nil {
		return w.Logger
	}
	return slog.New(slog.DiscardHandler)
}

// Record sends r to Audit, if there is one, with the time of the Clock when r
// has none.
func (w Watch) Record(ctx context.Context, r AuditRecord) {
	if w.Audit == nil {
		return
	}
	if r.At.IsZero() {
		r.At = w.Now()
	}
	w.Audit(ctx, r)
}

// Pseudonym gives the pseudonym of an identifier: the first 16 bytes, in
// hexadecimal, of its HMAC-SHA-256 under AuditKey; empty without a key.
func (w Watch) Pseudonym(identifier string) string {
	if len(w.AuditKey) == 0 || identifier == "" {
		return ""
	}
	h := hmac.New(sha256.New, w.AuditKey)
	h.Write([]byte(identifier))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Exchange is one request to a service and its answer.
type Exchange struct {
	Service   Service
	Operation string // the service's own name: TD2.1, WS_INS2, ciba.start …
	MessageID string // wsa:MessageID, Message-ID or X-Request-Id
	Attempt   int    // 1 for the first
	Start     time.Time
	Duration  time.Duration
	Status    int    // HTTP status; 0 when there is none
	Code      string // the service's code: CR, fault subcode, registry error
	Outcome   Outcome
	Err       error // nil on success
	// Request and Response are the bytes of the wire, redacted by [Redact]
	// unless Watch.Evidence is set, and cut at 1 MiB.
	Request, Response []byte
}

// AuditRecord says who did what for whom, when and with what result, without
// the patient's identity.
type AuditRecord struct {
	At        time.Time
	Service   Service
	Operation string
	Server    string // host and port that was asked, of a service that has several
	Account   string // what was acted on for the Actor, such as the address of a mailbox
	Actor     PersonID
	Structure StructureID
	Patient   string // Watch.Pseudonym of the matricule; never the matricule
	Reference string // message, document or prescription id
	Outcome   Outcome
	Code      string // the service's code
	Reason    string // why a rule was overridden, in the vendor's words
}

// LogValue gives the record as a group of attributes.
func (r AuditRecord) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Time("at", r.At),
		slog.String("service", string(r.Service)),
		slog.String("operation", r.Operation),
		slog.String("server", r.Server),
		slog.String("account", r.Account),
		slog.String("actor", r.Actor.String()),
		slog.String("structure", r.Structure.String()),
		slog.String("patient", r.Patient),
		slog.String("reference", r.Reference),
		slog.String("outcome", r.Outcome.String()),
		slog.String("code", r.Code),
		slog.String("reason", r.Reason),
	)
}
