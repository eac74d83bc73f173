package xmlsec_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

var pairs = sync.OnceValues(func() (tls.Certificate, error) {
	a, err := pki.NewAuthority()
	if err != nil {
		return tls.Certificate{}, err
	}
	return a.Organisation(pki.Organisation{Structure: "10B0127189", Name: "OFFICINE", CommonName: "officine"}, pki.Sign)
})

func testPair(t testing.TB) tls.Certificate {
	t.Helper()
	pair, err := pairs()
	require.NoError(t, err)
	return pair
}

func anyCertificate(*x509.Certificate) error { return nil }

const thing = `<t:Thing xmlns:t="urn:thing" ID="_1"><t:Issuer>CN=x</t:Issuer><t:Name>alice</t:Name></t:Thing>`

// signedThing is thing with its signature after Issuer.
func signedThing(t testing.TB, a xmlsec.Algorithm) []byte {
	t.Helper()
	sig, err := xmlsec.SignEnveloped([]byte(thing), "_1", testPair(t), a)
	require.NoError(t, err)
	return bytes.Replace([]byte(thing), []byte("</t:Issuer>"), append([]byte("</t:Issuer>"), sig...), 1)
}

func thingOptions() xmlsec.Options {
	return xmlsec.Options{Name: xml.Name{Space: "urn:thing", Local: "Thing"}, After: "Issuer", Certificate: anyCertificate}
}

const lotDocument = "<?xml version=\"1.0\"?><?xml-stylesheet href='x'?>\n<ClinicalDocument xmlns='urn:hl7-org:v3' xmlns:xsi='urn:x'><!-- c --><id/></ClinicalDocument>"

func testLot(t testing.TB, a xmlsec.Algorithm) xmlsec.Lot {
	t.Helper()
	digest, err := xmlsec.DigestXML([]byte(lotDocument), a, xmltree.Limits{})
	require.NoError(t, err)
	h := a.Hash().New()
	h.Write([]byte("%PDF"))
	return xmlsec.Lot{
		ID: "_lot", SubmissionSet: "1.2.250.1.213.9.3.1", SigningTime: time.Date(2026, 11, 21, 9, 30, 0, 123e6, time.UTC),
		Documents: []xmlsec.LotDocument{
			{UniqueID: "1.2.250.1.213.9.4.1", Digest: digest},
			{UniqueID: "1.2.250.1.213.9.4.2", Digest: h.Sum(nil), Binary: true},
		},
	}
}

func lotOptions() xmlsec.LotOptions { return xmlsec.LotOptions{Certificate: anyCertificate} }
