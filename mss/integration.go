package mss

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Integration is why a document that was received could not be filed: a code
// of HL7 table 0357 (messageErrorCondition, 100 to 207) or of the user table
// 0533 (applicationErrorCondition, 900 to 906), and its label.
type Integration struct {
	Code  string
	Label string
}

// Codes with which an integration is refused (volet "Transmission au LPS d'un
// document CDA par courriel MSS", tables of error codes). A client that refuses
// a document uses those of 900 to 906.
const (
	IntegrationAccepted         = "0"
	IntegrationSegmentSequence  = "100"
	IntegrationRequiredField    = "101"
	IntegrationDataType         = "102"
	IntegrationTableValue       = "103"
	IntegrationCardinality      = "198"
	IntegrationOtherHL7         = "199"
	IntegrationMessageType      = "200"
	IntegrationEvent            = "201"
	IntegrationProcessing       = "202"
	IntegrationVersion          = "203"
	IntegrationApplication      = "207"
	IntegrationWrongVersion     = "900" // not the latest version, of a document to replace or delete
	IntegrationAuthorNotAllowed = "901"
	IntegrationUnknownPatient   = "902"
	IntegrationNoINS            = "903"
	IntegrationINSDiffers       = "904"
	IntegrationINSIncomplete    = "905"
	IntegrationOther            = "906"
)

var integrationLabels = map[string]string{
	IntegrationAccepted:         "Message accepted",
	IntegrationSegmentSequence:  "Segment sequence error",
	IntegrationRequiredField:    "Required field missing",
	IntegrationDataType:         "Data type error",
	IntegrationTableValue:       "Table value not found",
	IntegrationCardinality:      "Non-conformant cardinality",
	IntegrationOtherHL7:         "Other HL7 Error",
	IntegrationMessageType:      "Unsupported message type",
	IntegrationEvent:            "Unsupported event code",
	IntegrationProcessing:       "Unsupported processing",
	IntegrationVersion:          "Unsupported version",
	IntegrationApplication:      "Application error",
	IntegrationWrongVersion:     "Version du document incorrecte lors d'une demande de remplacement/suppression",
	IntegrationAuthorNotAllowed: "Auteur non autorisé à remplacer ou supprimer un document",
	IntegrationUnknownPatient:   "Identifiant patient inconnu",
	IntegrationNoINS:            "INS non présent dans le document",
	IntegrationINSDiffers:       "L'INS transmis ne correspond pas exactement à celui stocké dans la base du consommateur",
	IntegrationINSIncomplete:    "L'INS transmis n'est pas complet",
	IntegrationOther:            "Erreur 'Autre'",
}

// IntegrationLabel gives the official label of a code, empty for one that is in
// neither table.
func IntegrationLabel(code string) string { return integrationLabels[code] }

// parseIntegration reads "code^label^…", as the disposition of a notification
// and the text of a mail have it.
func parseIntegration(s string) (Integration, bool) {
	code, rest, _ := strings.Cut(strings.TrimSpace(s), "^")
	label, _, _ := strings.Cut(rest, "^")
	code = strings.TrimSpace(code)
	if !integrationCode.MatchString(code) {
		return Integration{}, false
	}
	if label = strings.TrimSpace(label); label == "" {
		label = IntegrationLabel(code)
	}
	return Integration{code, cut(label, 300)}, true
}

var integrationCode = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,20}$`)

// koSubject matches both subjects of a failed integration: the one of the rule,
// and the one that its example of an ordinary mail shows.
var koSubject = regexp.MustCompile(`(?i)^[\s\p{Zs}]*(?:(?:re|tr|fwd?|ré)\s*:\s*)*` +
	`\[[\s\p{Zs}]*(?:KO[\s\p{Zs}]+int[ée]gration[\s\p{Zs}]+syst[èe]me|Erreur[\s\p{Zs}]+d.?int[ée]gration)[\s\p{Zs}]*!?[\s\p{Zs}]*\]` +
	`[\s\p{Zs}]*\[[\s\p{Zs}]*([0-9A-Za-z_.-]{1,20})[\s\p{Zs}]*\][\s\p{Zs}]*(.*)$`)

// splitKO gives the code in the subject of a failed integration and the subject
// of the message that failed.
func splitKO(subject string) (code, original string, ok bool) {
	m := koSubject.FindStringSubmatch(norm.NFC.String(subject))
	if m == nil {
		return "", "", false
	}
	return m[1], strings.TrimSpace(m[2]), true
}

// withKO gives the subject of a failed integration.
func withKO(code, original string) string {
	return "[KO Intégration système !][" + code + "] " + original
}

// withoutAccents leaves the ASCII of a text, for fields that carry nothing else.
func withoutAccents(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '’' || r == '‘':
			return '\''
		case unicode.Is(unicode.Mn, r):
			return -1
		case r < ' ' || r == 0x7f:
			return ' '
		case r > '~':
			return '?'
		}
		return r
	}, norm.NFD.String(strings.ToValidUTF8(s, "?")))
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
