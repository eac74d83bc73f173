package instest

import (
	"net/http"
	"strconv"

	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

const (
	nsSiram = "urn:siram"
	// nsRefusal marks the refusals of the emulator that have no public code.
	nsRefusal = "urn:socle:instest"
)

// Fault is a SOAP fault of the téléservice.
type Fault struct {
	Receiver bool   // soap:Receiver, an outage; else soap:Sender
	Siram    string // subcode, such as siram_40
	Code     string // code of the Erreur, such as insi_102; empty writes none
	Severity string // information, avertissement, erreur, fatale, or as seen: fatal
	Lang     string // of Reason; "fr" by default
	Reason   string
	Text     string // of the Erreur
	// Echo writes the request's MessageID into the Erreur.
	Echo   bool
	Status int // HTTP status; 0 is 500

	rule, expected, got string // of a refusal of the emulator itself
}

// Unavailable gives the fault siram_40/insi_102, as recorded: the outage of
// the search by traits, by which the qualification environment also answers
// for a person that it does not know.
func Unavailable() Fault {
	return Fault{
		Receiver: true, Siram: "siram_40", Code: "insi_102", Severity: "fatal", Lang: "en",
		Reason: "Le service est temporairement inaccessible.",
		Text:   "L'appel au service de recherche avec les traits d'identité renvoie une erreur technique.",
	}
}

// unknownSoftware is the fault siram_100/desir_550, as recorded.
func unknownSoftware() Fault {
	return Fault{
		Siram: "siram_100", Code: "desir_550", Severity: "erreur", Echo: true,
		Reason: "L'accès par ce progiciel au service n'est pas autorisé.",
		Text:   "Numéro d'autorisation du logiciel inconnu.",
	}
}

// notEntitled is the fault desir_560 of a certificate that may not call.
func notEntitled() Fault {
	return Fault{
		Siram: siramNotEntitled, Code: "desir_560", Severity: "erreur", Echo: true,
		Reason: "Vous ne disposez pas des droits suffisants pour accéder à ce service",
		Text:   "Vous ne disposez pas des droits suffisants pour accéder à ce service",
	}
}

// refuse is a refusal that the service surely makes, under a code that is not public.
func refuse(rule, expected, got string) Fault {
	return Fault{
		rule: rule, expected: expected, got: got, Lang: "en",
		Reason: "instest: " + rule + ": expected " + expected + ", got " + got,
	}
}

// body writes f as an envelope.
func (f Fault) body(style Style, messageID string) []byte {
	code, prefix, lang := "Sender", "soap", f.Lang
	if f.Receiver {
		code = "Receiver"
	}
	if style.Prefixes == Prefixed {
		prefix = "S"
	}
	if lang == "" {
		lang = "fr"
	}
	p := prefix + ":"
	var w xmltree.Writer
	w.Start("soap:Envelope", "xmlns:soap", soap.NS12).Start(p+"Body", "xmlns:"+prefix, soap.NS12).
		Start(p+"Fault").Start(p+"Code").Leaf(p+"Value", p+code)
	if f.Siram != "" {
		w.Start(p+"Subcode").Leaf(p+"Value", "sir:"+f.Siram, "xmlns:sir", nsSiram).End()
	}
	w.End().Start(p+"Reason").Leaf(p+"Text", f.Reason, "xml:lang", lang).End()
	switch {
	case f.rule != "":
		w.Start(p+"Detail").Empty("r:Refusal", "xmlns:r", nsRefusal, "rule", f.rule, "expected", f.expected, "got", f.got).End()
	case f.Code != "":
		attrs := []string{"xmlns:siram", nsSiram, "code", f.Code, "severite", f.Severity}
		if f.Echo && messageID != "" {
			attrs = append(attrs, "messageID", messageID)
		}
		w.Start(p+"Detail").Leaf("siram:Erreur", f.Text, attrs...).End()
	}
	return w.End().End().End().Bytes()
}

// replier writes answers in a style.
type replier struct {
	w     http.ResponseWriter
	style Style
}

func (r replier) fault(f Fault, messageID string) {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	r.raw(status, "", f.body(r.style, messageID))
}

func (r replier) raw(status int, contentType string, body []byte) {
	if contentType == "" {
		contentType = "application/soap+xml; charset=utf-8"
	}
	r.w.Header().Set("Content-Type", contentType)
	r.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	r.w.WriteHeader(status)
	_, _ = r.w.Write(body)
}
