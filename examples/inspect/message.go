package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/soclesante/socle/mss"
)

// maxShown is the most characters of a text that are shown.
const maxShown = 2000

var (
	mailField = regexp.MustCompile(`(?im)^(from|received|return-path|message-id|mime-version|delivered-to)[ \t]*:`)
	emptyLine = regexp.MustCompile(`\r?\n\r?\n`)
)

// isMessage reports whether a file is a mail (RFC 5322), as .eml files are: a
// header, as broken as it may be, with a field that only mails have.
func isMessage(b []byte) bool {
	b = b[:min(len(b), 256<<10)]
	if at := emptyLine.FindIndex(b); at != nil {
		b = b[:at[0]]
	}
	return !bytes.HasPrefix(bytes.TrimSpace(b), []byte("<")) && mailField.Match(b)
}

type messageReport struct {
	From      senderReport `json:"from"`
	To        []string     `json:"to"`
	Cc        []string     `json:"cc,omitempty"`
	Date      string       `json:"date,omitempty"` // RFC 3339
	Subject   string       `json:"subject"`        // without XDM/1.0/DDM+
	MessageID string       `json:"messageId,omitempty"`
	InReplyTo string       `json:"inReplyTo,omitempty"`
	Text      string       `json:"text,omitempty"` // its first 2000 characters
	HTML      bool         `json:"html,omitempty"` // it has a text/html form
	Size      int64        `json:"size"`

	XDM     bool     `json:"xdm"`               // it announces an IHE_XDM.ZIP
	Codes   []string `json:"codes,omitempty"`   // X-MSS-CODECDA
	INS     string   `json:"ins,omitempty"`     // X-MSS-INS
	Product string   `json:"product,omitempty"` // X-MSS-NIL
	Final   bool     `json:"final,omitempty"`   // X-MSS-MES: FIN

	Files         []fileReport         `json:"files,omitempty"` // that are no PDF of a document
	Documents     []documentReport     `json:"documents,omitempty"`
	Receipts      []receiptReport      `json:"receipts,omitempty"`
	Prescriptions []prescriptionReport `json:"prescriptions,omitempty"`
	Faults        []string             `json:"faults,omitempty"`
}

type senderReport struct {
	Kind      string `json:"kind"` // "professional", "patient" or ""
	Name      string `json:"name,omitempty"`
	Address   string `json:"address,omitempty"`
	Matricule string `json:"matricule,omitempty"`
}

type fileReport struct {
	Part      string `json:"part"`
	Name      string `json:"name,omitempty"`
	MediaType string `json:"mediaType"`
	Kind      string `json:"kind,omitempty"` // "PDF" or "photo"
	Size      int64  `json:"size"`
}

type receiptReport struct {
	Kind      string `json:"kind"` // "MDN", "DSN", "KO" or "bounce"
	Status    string `json:"status"`
	Code      string `json:"code,omitempty"`
	Cause     string `json:"cause,omitempty"`
	Recipient string `json:"recipient,omitempty"`
	MessageID string `json:"messageId,omitempty"` // of the message sent
	Words     string `json:"words"`               // all of it, as a sentence
}

type prescriptionReport struct {
	Kind       string `json:"kind"`
	Likelihood string `json:"likelihood"`
	Where      string `json:"where"`
}

func inspectMessage(b []byte) report {
	m := mss.ParseMessage(b)
	r := &messageReport{
		From: senderReport{Kind: string(m.Sender.Kind), Name: m.Sender.Name, Address: m.Sender.Address.Wire()},
		To:   wires(m.To), Cc: wires(m.Cc), Subject: m.Subject, MessageID: m.MessageID, InReplyTo: m.InReplyTo, Size: m.Size,
		Text: short(m.Text, maxShown), HTML: m.HTML != "", XDM: m.XDM, Codes: m.Codes, INS: m.INS, Product: m.Product, Final: m.Final,
	}
	if !m.Sender.Matricule.IsZero() {
		r.From.Matricule = m.Sender.Matricule.Wire()
	}
	if !m.Date.IsZero() {
		r.Date = m.Date.Format(time.RFC3339)
	}
	for _, a := range m.Files() {
		r.Files = append(r.Files, fileOf(a))
	}
	for _, d := range m.Documents {
		r.Documents = append(r.Documents, receivedDocument(d))
	}
	for _, x := range m.Receipts() {
		r.Receipts = append(r.Receipts, receiptReport{Kind: string(x.Kind), Status: string(x.Status), Code: x.Code, Cause: string(x.Cause),
			Recipient: x.Recipient.Wire(), MessageID: x.MessageID, Words: inWords(x)})
	}
	for _, p := range m.Prescriptions() {
		where := p.Number
		switch {
		case p.Document >= 0:
			where = fmt.Sprintf("document %d", p.Document+1)
		case p.Attachment != nil:
			where = "part " + p.Attachment.Part
		}
		r.Prescriptions = append(r.Prescriptions, prescriptionReport{string(p.Kind), p.Likelihood.String(), where})
	}
	for _, f := range m.Faults {
		r.Faults = append(r.Faults, f.Error())
	}
	return report{Kind: "message", Message: r}
}

func wires(l []mss.Address) []string {
	out := make([]string, len(l))
	for i, a := range l {
		out[i] = a.Wire()
	}
	return out
}

func fileOf(a mss.Attachment) fileReport {
	return fileReport{Part: a.Part, Name: a.Name, MediaType: a.MediaType, Kind: string(a.Kind()), Size: a.Size}
}

func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// inWords says what a receipt tells.
func inWords(r mss.Receipt) string {
	who := "its reader"
	if !r.Recipient.IsZero() {
		who = r.Recipient.Wire()
	}
	what := map[mss.Status]string{
		mss.StatusAccepted:      "is on its way to " + who,
		mss.StatusDelivered:     "was delivered to " + who,
		mss.StatusRead:          "was read by " + who,
		mss.StatusBounced:       "was not delivered to " + who,
		mss.StatusIntegrationKO: "was delivered to " + who + ", whose software could not file its document",
	}[r.Status]
	s := "the message " + what
	if r.Cause != "" {
		s += ": " + string(r.Cause)
	}
	if r.Code != "" {
		s += " (" + strings.TrimSpace(r.Code+" "+r.Text) + ")"
	}
	return s
}

func (m *messageReport) print(line func(name, format string, args ...any)) {
	line("from", "%s", strings.TrimSpace(strings.Join([]string{m.From.Kind, m.From.Name, m.From.Address, m.From.Matricule}, " ")))
	line("to", "%s", strings.Join(append(append([]string{}, m.To...), m.Cc...), ", "))
	line("date", "%s", m.Date)
	line("subject", "%s", oneLine(m.Subject))
	line("id", "%s", m.MessageID)
	if m.InReplyTo != "" {
		line("answers", "%s", m.InReplyTo)
	}
	if m.XDM {
		line("announces", "documents %s, X-MSS-INS %s", strings.Join(m.Codes, ","), m.INS)
	}
	line("product", "%s", m.Product)
	if m.Final {
		line("exchange", "closed (X-MSS-MES: FIN)")
	}
	for _, r := range m.Receipts {
		line("receipt", "%s: %s", r.Kind, oneLine(r.Words))
		line("", "about %s", r.MessageID)
	}
	line("text", "%s", short(oneLine(m.Text), 300))
	for _, f := range m.Files {
		line("file", "%s: %s, %s, %d bytes", f.Part, oneLine(f.Name), f.MediaType, f.Size)
	}
	for i, d := range m.Documents {
		d.print(fmt.Sprintf("document %d", i+1), line)
	}
	for _, p := range m.Prescriptions {
		line("prescription", "%s, %s: %s", p.Likelihood, p.Kind, p.Where)
	}
	for _, f := range m.Faults {
		line("fault", "%s", f)
	}
}
