package xmlsec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

// TestSignatureWrapping plays the eight attacks of the usual catalogue of XML
// signature wrapping: what is signed is moved where it is not read, and
// something else is put where it is. In 1 and 2 the message is signed, in the
// others the element in it.
//
// Whatever element of the attacked document a caller asks about, the verifier
// must refuse it or give the one that was signed; the element of the attacker
// must be refused with the reason told.
func TestSignatureWrapping(t *testing.T) {
	t.Parallel()
	signed := string(signedThing(t, xmlsec.RSASHA256))
	sig := signed[strings.Index(signed, "<ds:Signature "):strings.Index(signed, "<t:Name>")]
	bare := strings.Replace(signed, sig, "", 1)
	require.Equal(t, thing, bare)
	// The attacker's element, without and with the signature of the other.
	evil := strings.NewReplacer(`"_1"`, `"_evil"`, "alice", "mallory").Replace(bare)
	evilSigned := strings.Replace(evil, "<t:Name>", sig+"<t:Name>", 1)
	within := func(inside string) string { // evilSigned, with something at the end of its Signature
		return strings.Replace(evilSigned, "</ds:Signature>", inside+"</ds:Signature>", 1)
	}
	message := func(content string) string {
		return `<m:Response xmlns:m="urn:m" ID="_r">` + content + `</m:Response>`
	}
	for name, c := range map[string]struct {
		doc  string
		want error // for the attacker's element
	}{
		"XSW1: original inside the signature of the evil root":         {within(bare), xmlsec.ErrMalformed},
		"XSW2: original before the signature of the evil root":         {strings.Replace(evilSigned, "<ds:Signature ", bare+"<ds:Signature ", 1), xmlsec.ErrPlace},
		"XSW3: evil element before the original":                       {message(evil + signed), xmlsec.ErrUnsigned},
		"XSW4: original inside the evil element":                       {message(strings.Replace(evil, "</t:Thing>", signed+"</t:Thing>", 1)), xmlsec.ErrUnsigned},
		"XSW5: evil element with the signature, original at the end":   {message(evilSigned + bare), xmlsec.ErrReference},
		"XSW6: original inside the signature of the evil element":      {message(within(bare)), xmlsec.ErrMalformed},
		"XSW7: evil element of the same identifier in an extension":    {message("<m:Extensions>" + strings.Replace(evil, "_evil", "_1", 1) + "</m:Extensions>" + signed), xmlsec.ErrUnsigned},
		"XSW8: original in an Object of the signature of the evil one": {message(within("<ds:Object>" + bare + "</ds:Object>")), xmlsec.ErrMalformed},
		"evil element of the same identifier, original in an Object":   {message(strings.Replace(within("<ds:Object>"+bare+"</ds:Object>"), "_evil", "_1", 1)), xmlsec.ErrMalformed},
		"evil element of the same identifier, original beside":         {message(strings.Replace(evilSigned, "_evil", "_1", 1) + bare), xmlsec.ErrDuplicateID},
		"original in the evil one, before its signature":               {message(strings.Replace(evilSigned, "<t:Issuer>CN=x</t:Issuer>", "<t:Issuer>CN=x"+bare+"</t:Issuer>", 1)), xmlsec.ErrReference},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := xmltree.Parse([]byte(c.doc), xmltree.Limits{})
			require.NoError(t, err)
			attacked := false
			for e := range d.Root.Descendants() {
				v, err := xmlsec.VerifyElement(e, thingOptions())
				if err == nil {
					require.Equal(t, thing, string(v.Document.Source))
				}
				if e.Is("urn:thing", "Thing") && e.First("", "Name").Text() == "mallory" {
					attacked = true
					require.ErrorIs(t, err, c.want)
				}
			}
			require.True(t, attacked, "the attack is not in the document")
		})
	}
}
