package mss

import (
	"maps"
	"regexp"

	"github.com/soclesante/socle"
)

// patientDomain is the domain of Mon espace santé's mailboxes.
const patientDomain = "patient.mssante.fr"

// testDomain is the domain of the mailboxes of the test platforms.
const testDomain = "formation.mssante.fr"

// Dialect holds what no public text confirms of the wire. The zero value is
// what the client assumes; see docs/unknowns.md.
type Dialect struct {
	// PatientDomain is the domain under which patients' addresses are built.
	// Empty means patient.mssante.fr, which is public; that test platforms use
	// it too is assumed. Another is patient.….mssante.fr, as IsPatient has it.
	PatientDomain string
	// PatientLimit is the size in bytes beyond which Mon espace santé bounces
	// a message. Zero means 25,000,000: "25 Mo" is public, its reading as
	// decimal is assumed.
	PatientLimit int64
	// SubmissionInitialResponse sends the token with the AUTH command of SMTP.
	// The zero value waits for the server's request, because the token of Pro
	// Santé Connect may not fit in a command line: that every operator accepts
	// to be waited for is assumed.
	SubmissionInitialResponse bool
	// ContentType is the contentTypeCode of the submission set of an archive.
	// Zero means the sector of the Actor's structure, or else SA33 (Pharmacie
	// d'officine): the present value set is not public, so that both are assumed.
	ContentType socle.Code
	// ActionSlot is the slot of the metadata that tells what is to become of a
	// document sent before (Outgoing.Action). Empty means "action", which is
	// assumed: the text that defines it shows no XML.
	ActionSlot string
	// AllQualified says X-MSS-INS: O only when every document of the archive has a
	// qualified INS. The zero value says it when one has, which is assumed.
	AllQualified bool
	// FinalSubject adds [FIN] to the subject of a message that closes an exchange,
	// beside X-MSS-MES: FIN, for whom the header does not suffice.
	FinalSubject bool
	// OperatorKeepsSent says that the operator keeps a copy of what is submitted
	// by itself: none is appended, and the report tells when it is not there. That
	// operators leave it to the client is assumed.
	OperatorKeepsSent bool
	// AuthUser gives the user name of XOAUTH2. Nil means the mailbox's
	// address, for delegated mailboxes too, which is assumed.
	AuthUser func(mailbox Address) string

	// FolderNames are the names of folders by what they are for, for operators
	// that do not say it themselves (RFC 6154); the first is that of a folder to
	// be made. Nil means a table that is assumed.
	FolderNames map[FolderUse][]string

	// TooMany matches the words with which an operator refuses one connection
	// more: a watched mailbox is then looked at now and then instead. Nil means
	// words that are assumed; the code LIMIT (RFC 5530) always says so.
	TooMany *regexp.Regexp

	// Bounces tell the cause of a bounce by its words, the first that matches.
	// Nil means a table that is assumed: no wording is public.
	Bounces []BouncePattern
	// BounceSubject and BounceSender (the local part of From) tell that a mail in
	// free text is a bounce. Nil means patterns that are assumed.
	BounceSubject, BounceSender *regexp.Regexp
	// PrescriptionWords are the words of a subject, a text or a file name that make
	// it likely that a file is a prescription. Nil means words that are assumed.
	PrescriptionWords *regexp.Regexp
	// ReceiptSender sends receipts under the mailbox's address as sender of the
	// envelope. The zero value has none, as RFC 8098 section 2.1 wants against
	// loops; that operators take a submission without is assumed.
	ReceiptSender bool
}

func (d Dialect) patientDomain() string {
	if d.PatientDomain == "" {
		return patientDomain
	}
	return d.PatientDomain
}

func (d Dialect) patientLimit() int64 {
	if d.PatientLimit == 0 {
		return 25_000_000
	}
	return d.PatientLimit
}

func (d Dialect) authUser(a Address) string {
	if d.AuthUser == nil {
		return a.Wire()
	}
	return d.AuthUser(a)
}

func (d Dialect) contentType(who socle.Professional) socle.Code {
	for _, c := range []socle.Code{d.ContentType, who.Structure.Sector} {
		if c.Code != "" && c.System != "" {
			return c
		}
	}
	return socle.Code{Code: "SA33", System: socle.OIDSector, Display: "Pharmacie d'officine"}
}

// folderNames are assumed: what mail programs have used for long.
var folderNames = map[FolderUse][]string{
	FolderSent:    {"Sent", "INBOX.Sent", "INBOX/Sent", "Sent Messages", "Sent Items", "Éléments envoyés", "Messages envoyés"},
	FolderTrash:   {"Trash", "INBOX.Trash", "INBOX/Trash", "Deleted Messages", "Deleted Items", "Corbeille", "Éléments supprimés"},
	FolderDrafts:  {"Drafts", "INBOX.Drafts", "INBOX/Drafts", "Brouillons"},
	FolderArchive: {"Archive", "INBOX.Archive", "INBOX/Archive", "Archives"},
	FolderJunk:    {"Junk", "INBOX.Junk", "INBOX/Junk", "Spam", "Courrier indésirable", "Indésirables"},
}

func (d Dialect) folderNames() map[FolderUse][]string {
	out := maps.Clone(folderNames)
	for use, names := range d.FolderNames {
		if len(names) > 0 {
			out[use] = names
		}
	}
	return out
}

// tooManyWords are assumed; "Maximum number of connections" is Dovecot's.
var tooManyWords = regexp.MustCompile(`(?i)too many .*(connections|sessions)|maximum number of connections`)

func (d Dialect) tooMany(e *Error) bool {
	words := d.TooMany
	if words == nil {
		words = tooManyWords
	}
	return e.Code == "LIMIT" || words.MatchString(e.Text)
}
