// Package socle is the vocabulary shared by the clients of the French digital
// health services: who acts ([Professional], [Structure]), with what
// ([Software]), what was exchanged ([Exchange], [AuditRecord]) and how a call
// ended ([OutcomeOf], [Retryable]).
//
// Each service has its own package, and each package its emulator:
//
//	psc         who acts            Pro Santé Connect
//	ins         who is treated      Identité Nationale de Santé (INSi)
//	ordonnance  what is prescribed  ordonnance numérique
//	dp          what is dispensed   Dossier pharmaceutique
//	dmp         what is recorded    DMP, Mon espace santé
//	mss         what is written     MSSanté
//
// The emulators share a clock, an authority and a vocabulary of faults: package
// socletest.
//
// A counter visit goes through them in that order: examples/comptoir is the
// whole of it in one program, against the emulators.
//
// # Conventions
//
// A client is made by New with a Config; New reports every problem of the
// Config at once, each with the name of its field. A client is immutable, safe
// for concurrent use and cheap to share; the professional and the patient are
// arguments of each call, never state of a client.
//
// # Errors
//
// Each package has one Error type that keeps the service's own code and words
// and answers errors.Is for the situations that a caller branches on.
// [OutcomeOf] and [Retryable] work on the errors of every package: an outcome
// that is [OutcomeUnknown] means that the service may have done the work, so
// that it must be asked before the call is made again.
//
// # Identifying values
//
// A value that identifies a patient never shows itself in a log, an error or a
// metric: its String, MarshalText and LogValue are redacted, and the wire form
// is asked for by name.
package socle
