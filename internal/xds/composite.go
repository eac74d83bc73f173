package xds

import (
	"fmt"
	"strings"

	"github.com/soclesante/socle"
)

// HD is an assigning authority (HL7 v2 hierarchic designator).
type HD struct {
	Namespace string
	ID        string // OID
	Type      string // "ISO"
}

// CX is an identifier of a patient with its authority:
// 123456789012345^^^&1.2.250.1.213.1.4.8&ISO^NH. It is comparable.
type CX struct {
	ID        string
	Authority HD
	Type      string // "NH" for an INS, "PI" for a local one
	// Rest holds, at their places, the components that have no field here.
	Rest string
}

// XCN is a person with an identifier:
// 899900000009^ARNICA^Paule^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS. It is comparable.
type XCN struct {
	ID        string
	Family    string
	Given     string
	Authority HD
	NameType  string // "D" for the name of exercise
	IDType    string // "IDNPS" for a national identifier, "EI" for one inside a structure
	Rest      string
}

// XON is an organization:
// PHARMACIE X^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1750512344. It is comparable.
type XON struct {
	Name      string
	Authority HD
	IDType    string // "IDNST"
	ID        string
	Rest      string
}

// PatientINS gives the CX of an INS.
func PatientINS(matricule, oid string) CX {
	return CX{ID: matricule, Authority: HD{ID: oid, Type: "ISO"}, Type: "NH"}
}

// Professional gives the XCN of a professional of a national identifier.
func Professional(id socle.PersonID, family, given string) XCN {
	return person(id.String(), socle.OIDPerson, family, given, nameTypePerson)
}

// Organization gives the XON of a structure.
func Organization(id socle.StructureID, name string) XON {
	return XON{Name: name, Authority: HD{ID: socle.OIDStructure, Type: "ISO"}, IDType: "IDNST", ID: id.String()}
}

func person(id, authority, family, given, nameType string) XCN {
	x := XCN{ID: id, Family: family, Given: given, NameType: nameType}
	if id != "" {
		x.Authority, x.IDType = HD{ID: authority, Type: "ISO"}, "IDNPS"
		if strings.ContainsRune(id, '/') {
			x.IDType = "EI"
		}
	}
	return x
}

// ParseCX reads a CX. No string is refused.
func ParseCX(s string) CX {
	c := split(s)
	return CX{ID: c.take(1), Authority: c.hd(4), Type: c.take(5), Rest: c.rest()}
}

// ParseXCN reads an XCN. No string is refused.
func ParseXCN(s string) XCN {
	c := split(s)
	return XCN{ID: c.take(1), Family: c.take(2), Given: c.take(3), Authority: c.hd(9), NameType: c.take(10), IDType: c.take(13), Rest: c.rest()}
}

// ParseXON reads an XON. No string is refused.
func ParseXON(s string) XON {
	c := split(s)
	return XON{Name: c.take(1), Authority: c.hd(6), IDType: c.take(7), ID: c.take(10), Rest: c.rest()}
}

// IsZero reports whether there is nothing.
func (x CX) IsZero() bool { return x == CX{} }

// IsZero reports whether there is nothing.
func (x XCN) IsZero() bool { return x == XCN{} }

// IsZero reports whether there is nothing.
func (x XON) IsZero() bool { return x == XON{} }

// Format shows that there is a patient, whatever the verb: Wire tells which one.
func (x CX) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "[patient]") }

// Wire gives the wire form. It identifies the patient.
func (x CX) Wire() string {
	c := split(x.Rest)
	c.put(1, x.ID)
	c.putHD(4, x.Authority)
	c.put(5, x.Type)
	return c.join()
}

// Wire gives the wire form.
func (x XCN) Wire() string {
	c := split(x.Rest)
	c.put(1, x.ID)
	c.put(2, x.Family)
	c.put(3, x.Given)
	c.putHD(9, x.Authority)
	c.put(10, x.NameType)
	c.put(13, x.IDType)
	return c.join()
}

// Wire gives the wire form.
func (x XON) Wire() string {
	c := split(x.Rest)
	c.put(1, x.Name)
	c.putHD(6, x.Authority)
	c.put(7, x.IDType)
	c.put(10, x.ID)
	return c.join()
}

// codedWire gives code^display^system, the form of authorSpecialty, or the code alone.
func codedWire(v socle.Code) string {
	var c components
	c.put(1, v.Code)
	c.put(2, v.Display)
	c.put(3, v.System)
	return c.join()
}

func parseCoded(s string) socle.Code {
	c := split(s)
	return socle.Code{Code: c.take(1), Display: c.take(2), System: c.take(3)}
}

// components are those of an HL7 v2 composite value, escaped as on the wire.
type components struct{ all []string }

func split(s string) *components { return &components{strings.Split(s, "^")} }

// take gives component n, counted from 1, and empties it.
func (c *components) take(n int) string {
	if n > len(c.all) {
		return ""
	}
	s := c.all[n-1]
	c.all[n-1] = ""
	return unescape(s)
}

func (c *components) hd(n int) HD {
	if n > len(c.all) {
		return HD{}
	}
	parts := strings.SplitN(c.all[n-1], "&", 3)
	c.all[n-1] = ""
	parts = append(parts, "", "", "")
	return HD{unescape(parts[0]), unescape(parts[1]), unescape(parts[2])}
}

func (c *components) rest() string { return c.join() }

func (c *components) put(n int, s string) {
	if s == "" {
		return
	}
	for len(c.all) < n {
		c.all = append(c.all, "")
	}
	c.all[n-1] = escape(s)
}

func (c *components) putHD(n int, h HD) {
	if h == (HD{}) {
		return
	}
	c.put(n, "x")
	c.all[n-1] = escape(h.Namespace) + "&" + escape(h.ID) + "&" + escape(h.Type)
}

func (c *components) join() string { return strings.TrimRight(strings.Join(c.all, "^"), "^") }

// HL7 v2.5 §2.7.1: the delimiters inside a value are written as escapes.
var (
	escaper   = strings.NewReplacer(`\`, `\E\`, `^`, `\S\`, `&`, `\T\`, `~`, `\R\`, `|`, `\F\`)
	unescaper = strings.NewReplacer(`\E\`, `\`, `\S\`, `^`, `\T\`, `&`, `\R\`, `~`, `\F\`, `|`)
)

func escape(s string) string   { return escaper.Replace(s) }
func unescape(s string) string { return unescaper.Replace(s) }
