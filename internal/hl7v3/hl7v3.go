// Package hl7v3 reads and writes the HL7 v3 patient registry messages of the
// DMP: the query about a patient, PRPA_IN201307UV02, and its answer 201308 (TD0.2,
// TD1.3a), the search by traits, 201305 and 201306 (TD0.5, PDQv3), and the change of
// the data of a record, 201314 and 201315 (TD1.3b, TD1.4).
//
// Both sides of each message are here: a client writes queries and reads
// answers, an emulator the reverse. Reading is tolerant: names are compared with
// their namespace, order is free, and codes that are not known are kept.
//
// The answer 201308 also holds the traits that the DMP knows. They are not read,
// but for the civilité and the nom utilisé, which a change of the data sends back:
// rule RG_0320 forbids to show them or to correct a local identity with them.
//
// Source: dmp sheet §4 TD0.2, TD0.5, TD1.3, TD1.4, HL7 v3 normative edition 2008, domain PRPA.
package hl7v3

import (
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

// NS is the namespace of HL7 v3.
const NS = "urn:hl7-org:v3"

// wsa:Action of the two messages.
const (
	ActionQuery  = "urn:hl7-org:v3:PRPA_IN201307UV02"
	ActionAnswer = "urn:hl7-org:v3:PRPA_IN201308UV02"
)

// OIDs of the exchange.
const (
	OIDInteraction = "2.16.840.1.113883.1.6"
	OIDDMP         = "1.2.250.1.213.4.1.1.1"   // the DMP as a receiver, a sender and a custodian
	OIDReason      = "1.2.250.1.213.1.1.4.11"  // reasons of patient queries
	OIDAttention   = "1.2.250.1.213.4.1.2.6.1" // keyword AUTORISATION
	OIDAuthorized  = "1.2.250.1.213.4.1.2.6.2" // its values
	OIDTreating    = "1.2.250.1.213.4.1.2.6.3" // keyword STATUT_MT
	OIDAccount     = "1.2.250.1.213.4.1.2.9"   // observation COMPTE_INTERNET_OUVERT
	OIDObservation = "1.2.250.1.213.4.1.2.3"   // observation RATTACHEMENT_ENS …
)

const dateTime = "20060102150405" // TS of HL7, local or UTC

// ReasonExistence is the reason of TD0.2.
var ReasonExistence = socle.Code{Code: "TEST_EXST", System: OIDReason, Display: "Test d'existence de dossier"}

// ID is an instance identifier (II).
type ID struct{ Root, Extension string }

// IsZero reports whether there is no identifier.
func (id ID) IsZero() bool { return id == ID{} }

// Device is the sender or the receiver of a message.
type Device struct{ OID, Software string }

// Head is what every message begins with.
type Head struct {
	ID               ID
	Created          time.Time
	Processing       string // "D", "T" or "P" (HL7 ProcessingID)
	Receiver, Sender Device
}

// Error says why a message was not read. It names elements, never values.
type Error struct{ Message, Text string }

func (e *Error) Error() string { return "hl7v3: " + e.Message + ": " + e.Text }

func missing(message, path string) error { return &Error{message, path + " is missing"} }

func (h Head) start(w *xmltree.Writer, interaction, mode, ack string) {
	w.Start(interaction, "xmlns", NS, "xmlns:xsi", xmltree.NSXSI, "ITSVersion", "XML_1.0")
	writeID(w, "id", h.ID)
	w.Empty("creationTime", "value", h.Created.Format(dateTime))
	w.Empty("interactionId", "extension", interaction, "root", OIDInteraction)
	w.Empty("processingCode", "code", h.Processing)
	w.Empty("processingModeCode", "code", mode)
	w.Empty("acceptAckCode", "code", ack)
	h.Receiver.write(w, "receiver", "RCV")
	h.Sender.write(w, "sender", "SND")
}

func (d Device) write(w *xmltree.Writer, name, typeCode string) {
	w.Start(name, "typeCode", typeCode).Start("device", "classCode", "DEV", "determinerCode", "INSTANCE")
	w.Empty("id", "root", d.OID).Leaf("softwareName", d.Software).End().End()
}

func writeID(w *xmltree.Writer, name string, id ID) {
	if id.Extension == "" {
		w.Empty(name, "root", id.Root)
	} else {
		w.Empty(name, "extension", id.Extension, "root", id.Root)
	}
}

func readHead(e *xmltree.Element, interaction string) (Head, error) {
	if !e.Is(NS, interaction) {
		got := "nothing"
		if e != nil {
			got = e.Name.Local
		}
		return Head{}, &Error{interaction, "the message is " + got}
	}
	h := Head{
		ID:         readID(e.Path("id")),
		Processing: e.Path("processingCode").Attr("code"),
		Receiver:   readDevice(e.Path("receiver", "device")),
		Sender:     readDevice(e.Path("sender", "device")),
	}
	if t, err := ParseTime(e.Path("creationTime").Attr("value")); err == nil {
		h.Created = t
	}
	if h.ID.IsZero() {
		return h, missing(interaction, "id")
	}
	return h, nil
}

func readID(e *xmltree.Element) ID { return ID{e.Attr("root"), e.Attr("extension")} }

func readDevice(e *xmltree.Element) Device {
	return Device{e.Path("id").Attr("root"), e.Path("softwareName").Trimmed()}
}

func readCode(e *xmltree.Element) socle.Code {
	return socle.Code{Code: e.Attr("code"), System: e.Attr("codeSystem"), Display: e.Attr("displayName")}
}

func writeCode(w *xmltree.Writer, name string, c socle.Code, more ...string) {
	pairs := append([]string{"code", c.Code}, more...)
	if c.System != "" {
		pairs = append(pairs, "codeSystem", c.System)
	}
	if c.Display != "" {
		pairs = append(pairs, "displayName", c.Display)
	}
	w.Empty(name, pairs...)
}

// ParseTime reads a TS: yyyyMMddHHmmss, or its beginning, with an optional
// fraction and an optional offset; without one it is UTC.
func ParseTime(s string) (time.Time, error) { return ParseTimeIn(s, time.UTC) }

// ParseTimeIn is ParseTime with another zone than UTC for what has no offset.
func ParseTimeIn(s string, zone *time.Location) (time.Time, error) {
	digits, offset := s, ""
	for i, r := range s {
		if r == '+' || r == '-' {
			digits, offset = s[:i], s[i:]
			break
		}
	}
	for i, r := range digits {
		if r == '.' {
			digits = digits[:i]
			break
		}
	}
	if n := len(digits); n < 4 || n > len(dateTime) || n%2 != 0 {
		return time.Time{}, fmt.Errorf("hl7v3: time of %d digits", n)
	}
	layout := dateTime[:len(digits)]
	if offset != "" {
		return time.Parse(layout+"-0700", digits+offset)
	}
	return time.ParseInLocation(layout, digits, zone)
}
