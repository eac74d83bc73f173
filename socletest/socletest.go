// Package socletest holds what the emulators of the six services share: one
// clock, one test authority and one vocabulary of faults for all of them.
//
//	clock := socletest.NewClock(time.Time{})
//	authority, err := socletest.NewAuthority(clock)
//	dmpSrv, err := dmptest.NewServer(dmptest.Options{Authority: authority, Clock: clock})
//	insSrv, err := instest.NewServer(instest.Options{Authority: authority, Clock: clock})
//	dmpSrv.Fail(socletest.Fault{Operation: "TD2.1", ResetAfter: true})
//
// With one authority the same certificates open every emulator. Nothing made
// here is worth anything outside tests.
package socletest

import (
	"time"

	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/pki"
)

// Clock is the time of emulators, safe for concurrent use: Now tells it,
// Advance(d) moves it, Set(t) stops it at t or, with a zero t, lets it run again
// with the system's time. Give its Now to the Clock of a client's Config too.
type Clock = emulator.Clock

// NewClock makes a clock that stands still at t until it is told to move, or,
// when t is zero, one that runs with the system's time and can be advanced.
func NewClock(t time.Time) *Clock { return emulator.NewClock(t) }

// Fault is a failure of the network or of a gateway, for the Fail method of an
// emulator. Its fields add up:
//
//	Operation   string        the operation that fails, "" for the next one
//	Latency     time.Duration is waited before the work
//	Status      int           is answered instead of the work: 503, 429 …
//	ResetBefore bool          cuts the connection instead of the work
//	ResetAfter  bool          does the work, then cuts the connection
//	SlowBody    time.Duration over which the body of the answer is spread
//	Times       int           how many requests fail: 0 is once, -1 always
type Fault = emulator.Fault

// Entry is an exchange as an emulator saw it, in its Journal:
//
//	At                time.Time     by the emulator's clock
//	Operation         string        as the service names it: TD2.1, WS_INS2 …
//	Method, Path      string        Path is without the query
//	Status            int           HTTP; 0 when the connection was cut
//	Duration          time.Duration
//	ClientDN          string        subject of the client's certificate, RFC 2253
//	Request, Response []byte        whole bodies, cut at 1 MiB
//	Fault             string        the fault that struck, "" for none
type Entry = emulator.Entry

// Authority is a throw-away authority with the shape of the IGC-Santé. Roots()
// gives the pool for a Config's Roots; Organisation(Organisation, Usage) and
// Card(Card, Usage) issue certificates.
type Authority = pki.Authority

// NewAuthority makes an authority whose certificates are valid from the day
// before clock, for three years; a nil clock is the system's time.
func NewAuthority(clock *Clock) (*Authority, error) {
	return pki.NewAuthority(pki.WithClock(clock.Now))
}

// Organisation describes the holder of a software certificate:
//
//	Structure  string  prefixed structure id, the OU: 1 and FINESS, 3 and SIRET …
//	Name       string  raison sociale, the O
//	State      string  département, the ST, such as "Rhône (69)"
//	CommonName string  service applicatif; INSi wants INSI-AUTO or INSI-MANU
//	NotBefore, NotAfter time.Time  validity; zero: from yesterday, for 3 years
type Organisation = pki.Organisation

// Card describes the holder of a CPx card:
//
//	PersonID                      string  national id with its prefix: 8 and RPPS
//	FamilyName, GivenName, Title  string  empty for a card that names nobody
//	Profession                    string  TRE_G15 code, such as "21"
//	Type                          CardType  empty: CPS
//	Organization                  string  the O of a card that names nobody
//	NotBefore, NotAfter           time.Time  validity, as of an Organisation
type Card = pki.Card

// Usage is what a certificate is issued for.
type Usage = pki.Usage

// Usages: of an Organisation, then of a Card.
const (
	AuthClient = pki.AuthClient // AUTH_CLI: TLS client authentication
	Sign       = pki.Sign       // SIGN (cachet)
	CardAuth   = pki.CardAuth   // authentication pair
	CardSign   = pki.CardSign   // signature pair
)

// CardType is the kind of a card.
type CardType = pki.CardType

// Kinds of cards.
const (
	CPS = pki.CPS // carte de professionnel de santé
	CPF = pki.CPF // … en formation
	CPE = pki.CPE // carte de personnel d'établissement
	CPA = pki.CPA // carte de personnel autorisé
)
