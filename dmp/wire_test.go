package dmp_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// What the sheet gives to the letter is on the wire to the letter, also where
// neither a schema nor the emulator looks.
func TestTheWireIsThatOfTheSheet(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	var types []string
	var bodies [][]byte
	c := client(t, srv, func(cfg *dmp.Config) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cfg.Roots, Certificates: []tls.Certificate{cfg.Certificate}}, DisableKeepAlives: true}
		cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			types, bodies = append(types, r.Header.Get("Content-Type")), append(bodies, b)
			r = r.Clone(r.Context())
			r.Body, r.GetBody = io.NopCloser(bytes.NewReader(b)), nil
			return tr.RoundTrip(r)
		})}
	})
	patient := qualified(t, "HALL")
	_, err := c.Submit(t.Context(), pharmacist, patient, prepared(t, c, patient, report()))
	require.NoError(t, err)
	exists, submit := string(bodies[0]), string(bodies[1])

	require.Equal(t, `application/soap+xml; charset=UTF-8; action="urn:hl7-org:v3:PRPA_IN201307UV02"`, types[0])
	require.Regexp(t, `^multipart/related; type="application/xop\+xml"; start="<[^<>"]+>"; start-info="application/soap\+xml"; boundary="[^"]+"; action="urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"$`, types[1])
	for _, body := range []string{exists, submit} { // §3.3
		require.Regexp(t, `<wsa:Action [^>]*soap:mustUnderstand="true">`, body)
		require.Regexp(t, `<wsa:MessageID [^>]*>urn:uuid:[0-9a-f-]{36}</wsa:MessageID>`, body)
		require.Regexp(t, `<wsa:ReplyTo [^>]*soap:mustUnderstand="true"><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo>`, body)
	}
	oid := regexp.QuoteMeta(software.OID)
	for _, want := range []string{ // §4 TD0.2
		`<PRPA_IN201307UV02 [^>]*ITSVersion="XML_1.0"><id extension="[0-9a-f-]{36}" root="` + oid + `\.1">`,
		`<processingCode code="D"></processingCode><processingModeCode code="T"></processingModeCode><acceptAckCode code="AL"></acceptAckCode>`,
		`<device classCode="DEV" determinerCode="INSTANCE"><id root="` + oid + `"></id><softwareName>LGO Démo</softwareName>`,
		`<reasonCode code="TEST_EXST" codeSystem="1.2.250.1.213.1.1.4.11" displayName="Test d'existence de dossier">`,
		`<queryId extension="[0-9a-f-]{36}" root="` + oid + `\.2">`,
	} {
		require.Regexp(t, want, exists)
	}
	require.Contains(t, submit, "\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"\r\n")

	entry := regexp.MustCompile(`(?s)<rim:ExtrinsicObject id="Signature01".*?</rim:ExtrinsicObject>`).FindString(submit)
	for _, want := range []string{ // §4, the entry of the signature
		`mimeType="text/xml"`, `<rim:Value>art</rim:Value>`,
		`nodeRepresentation="urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1"`, `value="Digital Signature"`,
		`nodeRepresentation="E1762"`, `<rim:Value>ASTM</rim:Value>`, `value="Full Document"`,
		`nodeRepresentation="http://www.w3.org/2000/09/xmldsig#"`, `<rim:Value>URN</rim:Value>`, `value="Default Signature Style"`,
		`nodeRepresentation="1.2.840.10065.1.12.1.14"`, `<rim:Value>1.2.840.10065.1.12</rim:Value>`,
		`nodeRepresentation="N"`, `nodeRepresentation="MASQUE_PS"`, `nodeRepresentation="INVISIBLE_PATIENT"`,
		`<rim:Name><rim:LocalizedString value="Source">`,
		`<rim:Slot name="sourcePatientId"><rim:ValueList><rim:Value>` + find(t, "HALL").INS.Matricule.Wire() + `^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH<`,
	} {
		require.Contains(t, entry, want)
	}
	signature := regexp.MustCompile(`(?s)<Signature xmlns.*</Signature>`).FindString(submit)
	for _, want := range []string{ // §4, the XAdES signature
		`<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments">`,
		`<SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1">`,
		`<Reference Type="http://www.w3.org/2000/09/xmldsig#Manifest" URI="#IHEManifest">`,
		`<Reference Type="http://uri.etsi.org/01903/v1.1.1#SignedProperties" URI="#S0-SignedProperties">`,
		`<DigestValue>AA==</DigestValue>`,
		`<Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments">`,
		`Id="purposeOfSignature"`, `>1.2.840.10065.1.12.1.14</SignatureProperty>`,
		`<QualifyingProperties xmlns="http://uri.etsi.org/01903/v1.1.1#"`,
		`<SignaturePolicyIdentifier><SignaturePolicyImplied></SignaturePolicyImplied></SignaturePolicyIdentifier>`,
		`<SignedDataObjectProperties></SignedDataObjectProperties></SignedProperties>`,
	} {
		require.Contains(t, signature, want)
	}
}
