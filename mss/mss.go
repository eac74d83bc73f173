// Package mss reads and writes MSSanté secure mail: a client of the operators'
// "API LPS" (IMAP and SMTP submission with a Pro Santé Connect token), as
// Référentiel #2 of MSSanté asks.
//
// # First call
//
//	client, err := mss.New(mss.Config{
//		Environment: mss.MailizFormation(), // or the addresses of another operator
//		Roots:       igcSante,
//		Software:    software, // with Homologation["mss"], the product reference of Convergence
//	})
//	…
//	box, err := client.Open(ctx, mss.Access{Address: address, Actor: pharmacist}) // with their *psc.Session
//	defer box.Close()
//	for change, err := range box.Changes(ctx, "", cursor) { // the cursor stored last
//		…
//		message, err := box.Read(ctx, change.UID)
//		report, err := box.Reply(ctx, message, mss.Draft{Text: "Votre ordonnance est prête.", Final: true})
//		… // store change.Cursor
//	}
//
// # What it does
//
// A [Client] opens a [Mailbox] (BAL) for a professional. [Mailbox.List] and
// [Mailbox.Read] give messages as a pharmacist sees them: who wrote, patient or
// professional, the text, the files, and the clinical documents of the attached
// IHE_XDM.ZIP archives, unpacked in memory and checked. [Mailbox.Send] and
// [Mailbox.Reply] compose the message themselves, because conformity is in the
// headers: the From grammar, X-MSS-NIL, X-MSS-CODECDA, X-MSS-INS, X-MSS-MES.
// What could not be done as the rules want is told in the [SendReport].
// [Mailbox.ReplyAll], [Mailbox.Forward], [Mailbox.Replace], [Mailbox.Withdraw] and
// [Mailbox.Resend] go the same way, under the same rules. [Mailbox.InSent] helps
// after an outcome that is unknown.
//
// [Mailbox.Changes] follows a folder from a [Cursor] that the vendor stores, and
// [Client.Watch] hands over what arrives in many mailboxes as operators push it:
// a message is told at least once, whatever happens to connections and programs.
// [Mailbox.Folders], [Mailbox.Search], [Mailbox.Mark], [Mailbox.Move] and
// [Mailbox.Trash] keep a mailbox in order; [Mailbox.OpenPart] and [Mailbox.Save]
// stream what is too large to be held. The mail session ends with that of Pro
// Santé Connect (ECO.1.2.6), and comes back by itself while it lives (ECO.1.2.7).
//
// [Threads] makes conversations of summaries, [Message.Prescriptions] tells what
// may be a prescription, and [Document.File] makes of a received document one that
// package dmp submits, once [Document.Fits] says that it is of the patient and
// [Document.Among] that it is not there already.
//
// Around the mailbox: a [Discoverer] finds the operator of an address, a
// [Directory] and [OpenExtraction] find the addresses of others, a [WhiteListSource]
// tells the domains of the space. [Message.Receipts] reads what comes back of a
// message, [Sent] follows it, [Mailbox.Acknowledge] answers with receipts.
//
// The rules are named by their identifiers in Référentiel #2 (ECO.…) or in the
// Ségur requirements (SC.MSS/…).
package mss

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/revocation"
)

// Environment holds the addresses of an operator.
type Environment struct {
	// IMAP is the host and port of reading, such as
	// "mail-psc.formation.mailiz.mssante.fr:143".
	IMAP string
	// Submission is the host and port of sending (SMTP), usually 587.
	Submission string
	// ImplicitTLS begins with TLS (ports 993 and 465) instead of STARTTLS,
	// which is what the référentiel asks for (ECO.1.0.1, ECO.1.0.2).
	ImplicitTLS bool
	// Test says that it is a test platform. The zero value is production, where
	// test and demonstration identities are refused (ErrEnvironment).
	Test bool
}

// MailizFormation gives the addresses of the test platform (formation) of
// Mailiz, the operator of the Ordres and the ANS, as vendors use it. The
// addresses of its production are not public.
func MailizFormation() Environment {
	const host = "mail-psc.formation.mailiz.mssante.fr"
	return Environment{IMAP: host + ":143", Submission: host + ":587", Test: true}
}

// Config makes a Client.
type Config struct {
	// Environment is mandatory.
	Environment Environment
	// Roots are the certificates of the IGC-Santé, mandatory: no other
	// authority may be trusted (ECO.1.1.10).
	Roots *x509.CertPool
	// Software must hold the product reference of Convergence under
	// Homologation["mss"]: it goes into X-MSS-NIL on every message (ECO.2.4.3).
	Software socle.Software

	// ReadLimit is the size in bytes of the largest message that Read accepts.
	// Zero means 64 MiB.
	ReadLimit int64
	// SendLimit is the size in bytes of the largest message that is sent,
	// encoded as it travels. Zero means what the operator announces.
	SendLimit int64
	// Silence is for how long the operator may send nothing in the middle of
	// what it was asked to read, before the connection is given up. Zero means
	// two minutes: answers that took one were seen.
	Silence time.Duration
	// Revocation says how the operator's certificate is checked for revocation
	// (ECO.1.1.6, ECO.1.1.7). The zero value checks it.
	Revocation Revocation
	// WhiteList tells which domains are of the MSSanté space: the report of a
	// message tells the recipients outside. Nil checks none.
	WhiteList *WhiteListSource
	// Opposition tells what a patient opposes (MSS/va1.20, va1.22): it is asked
	// before every message to them, and before their documents leave for
	// professionals. An error of it refuses the message. Nil asks nobody: the
	// vendor then sees to it alone.
	Opposition func(ctx context.Context, patient ins.Matricule) (Opposition, error)
	// DialContext replaces the net.Dialer, for a vendor behind a proxy.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Dialect replaces what this package assumes of the wire.
	Dialect Dialect

	socle.Watch
}

// Client opens mailboxes at one operator. It is immutable, safe for concurrent
// use, and holds no connection.
type Client struct {
	cfg        Config
	product    string
	revocation *revocation.Checker // nil when off
}

// New checks cfg and reports every problem of it at once.
func New(cfg Config) (*Client, error) {
	var errs []error
	for _, a := range []struct{ name, address string }{{"IMAP", cfg.Environment.IMAP}, {"Submission", cfg.Environment.Submission}} {
		if host, port, err := net.SplitHostPort(a.address); err != nil || host == "" || port == "" {
			errs = append(errs, fmt.Errorf("Config.Environment.%s: host and port expected", a.name))
		}
	}
	if cfg.Roots == nil {
		errs = append(errs, errors.New("Config.Roots: the certificates of the IGC-Santé are mandatory"))
	}
	if err := cfg.Software.Check(socle.ServiceMSS); err != nil {
		errs = append(errs, err)
	}
	product := strings.TrimSpace(cfg.Software.Homologation[socle.ServiceMSS])
	if strings.ContainsFunc(product, func(r rune) bool { return r <= ' ' || r > '~' }) || len(product) > 64 {
		errs = append(errs, errors.New("Config.Software.Homologation[mss]: the product reference of Convergence is at most 64 ASCII characters without space"))
	}
	if cfg.Silence < 0 {
		errs = append(errs, errors.New("Config.Silence: a negative duration"))
	}
	if cfg.ReadLimit < 0 || cfg.SendLimit < 0 || cfg.Dialect.PatientLimit < 0 {
		errs = append(errs, errors.New("Config.ReadLimit, SendLimit, Dialect.PatientLimit: a negative size"))
	}
	if d := cfg.Dialect.PatientDomain; d != "" && (!isDomain(d) || !isPatientDomain(d)) {
		errs = append(errs, errors.New("Config.Dialect.PatientDomain: patient.mssante.fr or patient.….mssante.fr expected, in lower case: no other domain is known to be one of patients"))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("mss: config: %w", errors.Join(errs...))
	}
	if cfg.ReadLimit == 0 {
		cfg.ReadLimit = 64 << 20
	}
	if cfg.Silence == 0 {
		cfg.Silence = 2 * time.Minute
	}
	if cfg.DialContext == nil {
		cfg.DialContext = new(net.Dialer).DialContext
	}
	return &Client{cfg, product, cfg.Revocation.checker(cfg.Watch)}, nil
}
