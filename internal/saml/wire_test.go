package saml_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/saml"
)

// The wire form of dmp sheet §3.2, to the letter: elements, attributes and
// their order. The values are ours.
func TestWire(t *testing.T) {
	t.Parallel()
	v := pharmacist(saml.IndirectStrong)
	v.Issuer = "CN=officine,OU=10B0127189,C=FR"
	v.Software.Name = "Logiciel"
	b, err := v.Sign(testKeys(t).orgSign, now)
	require.NoError(t, err)
	text := func(name, value string) string {
		return `<saml2:Attribute Name="` + name + `"><saml2:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">` +
			value + `</saml2:AttributeValue></saml2:Attribute>`
	}
	ce := func(element, attributes string) string {
		return `<saml2:AttributeValue><` + element + ` xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` + attributes +
			` xsi:type="CE"></` + element + `></saml2:AttributeValue>`
	}
	want := `<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema"` +
		` ID="_5f3f2d35-6f0c-4a3e-9d53-0d5a3f0f4b11" IssueInstant="2026-11-21T09:30:00.123Z" Version="2.0">` +
		`<saml2:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName">CN=officine,OU=10B0127189,C=FR</saml2:Issuer>` +
		`<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>` +
		`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod>` +
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod>` +
		`<ds:Reference URI="#_5f3f2d35-6f0c-4a3e-9d53-0d5a3f0f4b11"><ds:Transforms>` +
		`<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>` +
		`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform></ds:Transforms>` +
		`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>…</ds:DigestValue>` +
		`</ds:Reference></ds:SignedInfo><ds:SignatureValue>…</ds:SignatureValue>` +
		`<ds:KeyInfo><ds:X509Data><ds:X509Certificate>…</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>` +
		`<saml2:Subject><saml2:NameID>899900063480</saml2:NameID></saml2:Subject>` +
		`<saml2:AuthnStatement AuthnInstant="2026-11-21T09:30:00.123Z"><saml2:AuthnContext>` +
		`<saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI</saml2:AuthnContextClassRef>` +
		`<saml2:AuthnContextDecl>urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI</saml2:AuthnContextDecl>` +
		`</saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement>` +
		text("Identifiant_Structure", "10B0127189") +
		text("Secteur_Activite", "SA33^1.2.250.1.71.4.2.4") +
		text("urn:oasis:names:tc:xspa:1.0:subject:subject-id", "MAX LIBRE") +
		`<saml2:Attribute Name="urn:oasis:names:tc:xacml:2.0:subject:role">` +
		ce("Role", `code="21" codeSystem="1.2.250.1.71.1.2.7" displayName="Pharmacien"`) +
		ce("Role", `code="A" codeSystem="1.2.250.1.71.4.2.6" displayName="Pharmacien titulaire d'officine"`) +
		`</saml2:Attribute>` +
		text("VIHF_Version", "3.0") +
		text("Authentification_mode", "INDIRECTE_RENFORCEE") +
		text("urn:oasis:names:tc:xacml:2.0:resource:resource-id", "207058575627097^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH") +
		text("Ressource_URN", "urn:dmp") +
		`<saml2:Attribute Name="urn:oasis:names:tc:xspa:1.0:subject:purposeofuse">` +
		ce("PurposeOfUse", `code="normal" codeSystem="1.2.250.1.213.1.1.4.248" codeSystemName="mode acces VIHF 2.0" displayName="Accès normal"`) +
		`</saml2:Attribute>` +
		text("LPS_ID", "01") + text("LPS_Nom", "Logiciel") + text("LPS_Version", "1.0") + text("LPS_ID_HOMOLOGATION_DMP", "LPS-TEST-1") +
		`</saml2:AttributeStatement></saml2:Assertion>`
	got := regexp.MustCompile(`(<ds:(?:DigestValue|SignatureValue|X509Certificate)>)[^<]*`).ReplaceAllString(string(b), "$1…")
	require.Equal(t, strings.ReplaceAll(want, "><", ">\n<"), strings.ReplaceAll(got, "><", ">\n<"))

	// Direct: no subject-id, no AuthnContextDecl; unsigned: no signature.
	b, err = pharmacist(saml.Direct).Unsigned(testKeys(t).cardAuth.Leaf, now)
	require.NoError(t, err)
	for _, absent := range []string{"subject-id", "AuthnContextDecl", "Signature"} {
		require.NotContains(t, string(b), absent)
	}
	require.Contains(t, string(b), ">DIRECTE<")
}
