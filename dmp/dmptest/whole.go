package dmptest

import (
	"bytes"
	"strings"

	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// What the registry gives of its objects beside the metadata of a submission.
// ebRIM allows it, and another version of the metadata must give it back: the
// ExtrinsicObject goes back whole (dmp sheet §4 TD3.3).
const (
	registryHome     = "urn:oid:" + repositoryOID
	registryLanguage = "fr-FR"
	registryCharset  = "UTF-8"
)

// dress adds it to an answer.
func dress(answer []byte) []byte {
	answer = bytes.ReplaceAll(answer, []byte("<rim:ExtrinsicObject "), []byte(`<rim:ExtrinsicObject home="`+registryHome+`" isOpaque="false" `))
	return bytes.ReplaceAll(answer, []byte("<rim:LocalizedString "), []byte(`<rim:LocalizedString charset="`+registryCharset+`" xml:lang="`+registryLanguage+`" `))
}

// checkWhole reads in the message itself that an ExtrinsicObject is that of the
// registry and not what a model of it keeps.
func (c *change) checkWhole(o *xmltree.Element) {
	lost := func(what string) {
		c.fail(codeUnmodifiable, "ExtrinsicObject: expected that of the registry, whole: "+what+" is not what it gave", o.Attr("id"))
	}
	if o.Attr("home") != registryHome {
		lost("@home")
	}
	if o.Attr("isOpaque") != "false" {
		lost("@isOpaque")
	}
	for e := range o.Descendants() {
		if !e.Is(xds.NSRIM, "LocalizedString") || ownCode(e) {
			continue
		}
		lang, _ := e.LookupAttr(xmltree.NSXML, "lang")
		if !strings.EqualFold(lang, registryLanguage) || !strings.EqualFold(e.Attr("charset"), registryCharset) {
			lost("LocalizedString/@xml:lang or @charset")
			return
		}
	}
}

// ownCode reports whether e is in a confidentialityCode, which the message brings.
func ownCode(e *xmltree.Element) bool {
	for p := e.Parent; p != nil; p = p.Parent {
		if p.Attr("classificationScheme") == "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f" {
			return true
		}
	}
	return false
}
