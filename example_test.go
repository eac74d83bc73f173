package socle_test

import (
	"errors"
	"fmt"

	"github.com/soclesante/socle"
)

// refused stands for what a call of any package returns.
type refused struct{}

func (refused) Error() string          { return "dmp: …" }
func (refused) Outcome() socle.Outcome { return socle.OutcomeUnknown }
func (refused) Retryable() bool        { return true }

// What to do after a call that writes and failed.
func ExampleOutcomeOf() {
	var err error = refused{}
	switch socle.OutcomeOf(err) {
	case socle.OutcomeDone:
		fmt.Println("done")
	case socle.OutcomeNotSent:
		fmt.Println("nothing happened: send it again when it is retryable:", socle.Retryable(err))
	case socle.OutcomeRefused:
		fmt.Println("the service said no: change what the error says")
	case socle.OutcomeUnknown:
		fmt.Println("it may have been done: ask the service first")
	}
	// Output: it may have been done: ask the service first
}

func ExampleParseStructureID() {
	id, err := socle.ParseStructureID("1060016219")
	fmt.Println(id.Kind() == socle.StructureFINESS, id.Value(), err)

	_, err = socle.ParseStructureID("1060016218")
	var bad *socle.IdentifierError
	fmt.Println(errors.As(err, &bad), err)
	// Output:
	// true 060016219 <nil>
	// true FINESS: wrong key
}

// A redacted message keeps what tells an operation and its result.
func ExampleRedact() {
	body := `<r:RESULTAT xmlns:r="u"><r:CR><r:CodeCR>00</r:CodeCR></r:CR><r:NomNaissance>ADRTROIS</r:NomNaissance></r:RESULTAT>`
	fmt.Println(string(socle.Redact("application/soap+xml", []byte(body))))
	// Output: <r:RESULTAT xmlns:r="u"><r:CR><r:CodeCR>00</r:CodeCR></r:CR><r:NomNaissance>…</r:NomNaissance></r:RESULTAT>
}
