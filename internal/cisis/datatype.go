package cisis

import (
	"regexp"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/nos"
)

var (
	oid  = regexp.MustCompile(`^[0-2](\.(0|[1-9]\d*))*$`)
	uuid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

// id checks an identifier (II).
func (c *check) id(a at) {
	root := a.attr("root")
	switch {
	case a.null() && root != "":
		c.add("header.identifier", a.path, "a root and a nullFlavor")
	case !a.null() && root == "":
		c.add("header.identifier", a.path, "a root is missing")
	case root != "" && !oid.MatchString(root) && !uuid.MatchString(root):
		c.add("header.identifier", a.path, "the root is no OID and no UUID")
	case a.has("extension") && a.attr("extension") == "":
		c.add("header.identifier", a.path, "an empty extension")
	}
}

// ids checks identifiers that stand side by side: none is there twice, and one
// without extension is the only one of its root.
func (c *check) ids(all []at) {
	seen := map[string]map[string]bool{}
	for _, a := range all {
		c.id(a)
		root, extension := a.attr("root"), a.attr("extension")
		if root == "" {
			continue
		}
		others := seen[root]
		if others[extension] || others[""] || extension == "" && len(others) > 0 {
			c.add("header.identifier", a.path, "the same identifier twice")
		}
		if others == nil {
			seen[root] = map[string]bool{}
		}
		seen[root][extension] = true
	}
}

// code checks a coded value (CD, CE): demanded names the attributes that must be there.
func (c *check) code(rule string, a at, table *nos.Table, demanded ...string) {
	value, system := a.attr("code"), a.attr("codeSystem")
	original := a.all("originalText")
	switch {
	case a.null() && (value != "" || a.has("displayName")):
		c.add("header.coded", a.path, "a code and a nullFlavor")
	case !a.null() && value == "" && len(original) == 0:
		c.add("header.coded", a.path, "a code, a nullFlavor or an originalText is missing")
	case value != "" && system == "":
		c.add("header.coded", a.path, "the codeSystem is missing")
	case value == "" && a.has("displayName"):
		c.add("header.coded", a.path, "a displayName without code")
	}
	for _, name := range demanded {
		if a.attr(name) == "" {
			c.add(rule, a.path, name+" is missing")
		}
	}
	if value != "" && table != nil {
		if _, ok := nos.Lookup(table, value); !ok {
			c.add(rule, a.path, "the code is not in "+table.Name)
		}
	}
	seen := map[[2]string]bool{}
	for _, t := range a.all("translation") {
		k := [2]string{t.attr("code"), t.attr("codeSystem")}
		switch {
		case t.null():
			c.add("header.coded", t.path, "a translation with a nullFlavor")
		case k[0] == "" || k[1] == "":
			c.add("header.coded", t.path, "a translation without code or codeSystem")
		case seen[k]:
			c.add("header.coded", t.path, "the same translation twice")
		}
		seen[k] = true
	}
}

var full = []string{"code", "codeSystem", "displayName"}

// moment checks a date and time (TS).
func (c *check) moment(a at) cda.Time {
	value := a.attr("value")
	t := cda.ParseTime(value)
	switch {
	case a.null() && value != "":
		c.add("header.moment", a.path, "a value and a nullFlavor")
	case value == "" && !a.null():
		c.add("header.moment", a.path, "a value is missing")
	case value != "" && (t.IsZero() || strings.HasSuffix(value, "Z")):
		c.add("header.moment", a.path, "no moment of the calendar in the form YYYYMMDDHHMMSS+ZZZZ")
	case t.Digits > 8 && !t.Zoned:
		c.add("header.zone", a.path, "")
	}
	return t
}

// interval checks a period (IVL_TS).
func (c *check) interval(a at) {
	low, high := a.all("low"), a.all("high")
	c.count("header.moment", a, "low", low, 0, 1)
	c.count("header.moment", a, "high", high, 0, 1)
	if a.has("value") {
		c.moment(a)
		c.want(len(low)+len(high) == 0, "header.moment", a, "a value and bounds")
		return
	}
	var bounds []cda.Time
	for _, b := range append(low, high...) {
		bounds = append(bounds, c.moment(b))
	}
	c.want(a.null() || len(bounds) > 0 || len(a.all("width"))+len(a.all("center")) > 0, "header.moment", a, "a period without bounds")
	c.want(!a.null() || len(bounds) == 0, "header.moment", a, "bounds and a nullFlavor")
	if len(low) == 1 && len(high) == 1 && !bounds[0].IsZero() && !bounds[1].IsZero() {
		c.want(!bounds[1].Time.Before(bounds[0].Time), "header.moment", a, "it ends before it begins")
		c.want(bounds[1].Value != bounds[0].Value, "header.moment", a, "its bounds are the same: a moment has a value")
	}
}

var (
	schemes      = []string{"tel", "fax", "mailto", "http", "ftp", "mllp"}
	telecomUses  = []string{"H", "HP", "HV", "WP", "DIR", "PUB", "EC", "MC", "PG"}
	telecomNulls = []string{"UNK", "NASK", "ASKU", "NAV", "MSK"}
	addressUses  = []string{"H", "HP", "HV", "WP", "TMP"}
	oncePerAddr  = []string{"country", "state", "city", "postalCode", "county", "houseNumber", "houseNumberNumeric", "streetName", "streetNameType",
		"additionalLocator", "unitID", "postBox", "precinct"}
)

// reach checks the addresses and telecommunication addresses of a role or organization.
func (c *check) reach(a at) {
	for _, x := range a.all("addr") {
		c.address(x)
	}
	c.telecoms(a.all("telecom"))
}

func (c *check) telecoms(all []at) {
	valued := 0
	seen := map[[2]string]bool{}
	for _, a := range all {
		value := a.attr("value")
		scheme, rest, _ := strings.Cut(value, ":")
		switch {
		case a.null() && (len(a.e.Attrs) > 1 || !slices.Contains(telecomNulls, a.attr("nullFlavor"))):
			c.add("header.telecom", a.path, "a nullFlavor must be alone and one of "+strings.Join(telecomNulls, ", "))
		case !a.null() && (rest == "" || !slices.Contains(schemes, scheme)):
			c.add("header.telecom", a.path, "a value that begins with one of "+strings.Join(schemes, ", ")+" expected")
		case a.has("use") && !slices.Contains(telecomUses, a.attr("use")):
			c.add("header.telecom", a.path, "the use is none of "+strings.Join(telecomUses, ", "))
		}
		if !a.null() {
			valued++
			k := [2]string{a.attr("use"), value}
			c.want(!seen[k] || !a.has("use"), "header.telecom", a, "the same address twice")
			seen[k] = true
		}
	}
	if valued > 0 && valued < len(all) {
		c.add("header.telecom", all[0].path, "a nullFlavor stands beside others")
	}
}

func (c *check) address(a at) {
	if u := a.attr("use"); a.has("use") && !slices.Contains(addressUses, u) {
		c.add("header.address", a.path, "the use is none of "+strings.Join(addressUses, ", "))
	}
	lines := a.all("streetAddressLine")
	if len(lines) > 0 {
		c.want(len(lines) <= 7, "header.address", a, "at most 7 lines")
	} else {
		for _, name := range oncePerAddr {
			c.want(len(a.all(name)) <= 1, "header.address", a, name+" more than once")
		}
	}
	parts := 0
	for range a.e.Elements() {
		parts++
	}
	text := a.e.Trimmed() != ""
	c.want(a.null() || (parts > 0) != text, "header.address", a, "either parts, or bare text, expected")
}
