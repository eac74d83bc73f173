package xmlsec_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

func TestSignVerify(t *testing.T) {
	t.Parallel()
	for _, a := range []xmlsec.Algorithm{xmlsec.RSASHA256, xmlsec.RSASHA1} {
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			signed := signedThing(t, a)
			o := thingOptions()
			o.AllowSHA1 = a == xmlsec.RSASHA1
			v, err := xmlsec.Verify(signed, o)
			require.NoError(t, err)
			require.Equal(t, thing, string(v.Document.Source), "what is read is what was signed")
			require.Equal(t, "alice", v.Document.Root.Path("Name").Text())
			require.Equal(t, testPair(t).Leaf.Raw, v.Certificate.Raw)
			require.Equal(t, a, v.Algorithm)
			// What was signed is its own exclusive canonical form.
			d, err := xmltree.Parse(signed, xmltree.Limits{})
			require.NoError(t, err)
			c, err := xmlsec.Canonical(d.Root, xmlsec.Method{Algorithm: xmlsec.ExcC14N})
			require.NoError(t, err)
			require.Equal(t, string(signed), string(c))
		})
	}
}

// A signed element is put into messages whose declarations it does not know.
func TestVerifyInsideAnotherDocument(t *testing.T) {
	t.Parallel()
	doc := `<?xml version="1.0"?><!-- c --><e:E xmlns:e="urn:e" xmlns="urn:d" xmlns:t="urn:other" xml:lang="fr">` + "\n" + string(signedThing(t, xmlsec.RSASHA256)) + `</e:E>`
	d, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	require.NoError(t, err)
	v, err := xmlsec.VerifyElement(d.Root.First("urn:thing", "Thing"), thingOptions())
	require.NoError(t, err)
	require.Equal(t, thing, string(v.Document.Source))
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	signed := string(signedThing(t, xmlsec.RSASHA256))
	sig := signed[strings.Index(signed, "<ds:Signature "):strings.Index(signed, "<t:Name>")]
	exc := `<ds:Transform Algorithm="` + xmlsec.ExcC14N + `"></ds:Transform>`
	enveloped := `<ds:Transform Algorithm="` + xmlsec.NSDSig + `enveloped-signature"></ds:Transform>`
	reference := signed[strings.Index(signed, "<ds:Reference"):strings.Index(signed, "</ds:SignedInfo>")]
	value := signed[strings.Index(signed, "<ds:SignatureValue>"):strings.Index(signed, "<ds:KeyInfo>")]
	certificate := signed[strings.Index(signed, "<ds:X509Certificate>"):strings.Index(signed, "</ds:X509Data>")]
	for name, c := range map[string]struct {
		old, new string
		want     error
	}{
		"no signature":                        {sig, "", xmlsec.ErrUnsigned},
		"two signatures":                      {sig, sig + sig, xmlsec.ErrPlace},
		"signature before Issuer":             {"<t:Issuer>CN=x</t:Issuer>" + sig, sig + "<t:Issuer>CN=x</t:Issuer>", xmlsec.ErrPlace},
		"signature deeper":                    {sig + "<t:Name>alice", "<t:Name>" + sig + "alice", xmlsec.ErrUnsigned},
		"another signature deeper":            {"alice", "alice" + sig, xmlsec.ErrPlace},
		"another namespace":                   {"urn:thing", "urn:thong", xmlsec.ErrElement},
		"text changed":                        {"alice", "mallory", xmlsec.ErrDigest},
		"text in CDATA is the same":           {"alice", "<![CDATA[alice]]>", nil},
		"space added":                         {"<t:Name>", " <t:Name>", xmlsec.ErrDigest},
		"attribute added":                     {"<t:Name>", `<t:Name a="">`, xmlsec.ErrDigest},
		"attributes of a tag spread":          {`<t:Thing xmlns:t="urn:thing" ID="_1">`, "<t:Thing ID = '_1'\n xmlns:t='urn:thing' >", nil},
		"declaration that is not used":        {`ID="_1"`, `ID="_1" xmlns:u="urn:u"`, nil},
		"comment in the element":              {"alice", "al<!-- x -->ice", xmlsec.ErrComment},
		"instruction in the element":          {"alice", "al<?x?>ice", xmlsec.ErrComment},
		"comment in a digest":                 {"<ds:DigestValue>", "<ds:DigestValue><!-- x -->", xmlsec.ErrComment},
		"comment in SignedInfo":               {"<ds:SignedInfo>", "<ds:SignedInfo><!-- x -->", xmlsec.ErrComment},
		"two comments, as CVE-2025-29775":     {"<ds:DigestValue>", "<ds:DigestValue><!--AAAA--><!--BBBB-->", xmlsec.ErrComment},
		"text in SignedInfo":                  {"<ds:SignedInfo>", "<ds:SignedInfo>x", xmlsec.ErrMalformed},
		"white space in SignedInfo":           {"<ds:SignedInfo>", "<ds:SignedInfo>\n", xmlsec.ErrSignature},
		"white space in the value is allowed": {"<ds:SignatureValue>", "<ds:SignatureValue>\n  ", nil},
		"identifier twice": {
			"<t:Name>", `<t:Name ID="_1">`, xmlsec.ErrDuplicateID},
		"identifier twice by another attribute": {
			"<t:Name>", `<t:Name xmlns:wsu="urn:wsu" wsu:Id="_1">`, xmlsec.ErrDuplicateID},
		"identifier of the signature":  {"<ds:Signature ", `<ds:Signature Id="_1" `, xmlsec.ErrDuplicateID},
		"identifier changed":           {`ID="_1"`, `ID="_2"`, xmlsec.ErrReference},
		"no identifier":                {` ID="_1"`, ``, xmlsec.ErrReference},
		"reference to another":         {`URI="#_1"`, `URI="#_2"`, xmlsec.ErrReference},
		"reference to the document":    {`URI="#_1"`, `URI=""`, xmlsec.ErrReference},
		"reference without URI":        {` URI="#_1"`, ``, xmlsec.ErrReference},
		"reference elsewhere":          {`URI="#_1"`, `URI="http://example.org/#_1"`, xmlsec.ErrReference},
		"reference by xpointer":        {`URI="#_1"`, `URI="#xpointer(id('_1'))"`, xmlsec.ErrReference},
		"two references":               {reference, reference + reference, xmlsec.ErrReference},
		"second reference to another":  {reference, reference + strings.Replace(reference, "#_1", "#_2", 1), xmlsec.ErrReference},
		"no reference":                 {reference, "", xmlsec.ErrMalformed},
		"no transforms":                {"<ds:Transforms>" + enveloped + exc + "</ds:Transforms>", "", xmlsec.ErrTransform},
		"empty transforms":             {enveloped + exc, "", xmlsec.ErrTransform},
		"no canonicalisation":          {exc, "", xmlsec.ErrTransform},
		"not enveloped":                {enveloped, "", xmlsec.ErrTransform},
		"transforms in another order":  {enveloped + exc, exc + enveloped, xmlsec.ErrTransform},
		"transforms twice":             {enveloped + exc, enveloped + exc + exc, xmlsec.ErrTransform},
		"many transforms":              {enveloped, strings.Repeat(enveloped, 9), xmlsec.ErrTransform},
		"XSLT":                         {enveloped, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"></ds:Transform>`, xmlsec.ErrTransform},
		"XPath":                        {enveloped, `<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>not(//t:Name)</ds:XPath></ds:Transform>`, xmlsec.ErrTransform},
		"base64 transform":             {enveloped, `<ds:Transform Algorithm="` + xmlsec.NSDSig + `base64"></ds:Transform>`, xmlsec.ErrTransform},
		"transform with a parameter":   {enveloped, strings.Replace(enveloped, "></", "><ds:XPath>1</ds:XPath></", 1), xmlsec.ErrTransform},
		"inclusive canonicalisation":   {exc, strings.Replace(exc, xmlsec.ExcC14N, xmlsec.C14N, 1), xmlsec.ErrTransform},
		"canonicalisation of comments": {exc, strings.Replace(exc, xmlsec.ExcC14N, xmlsec.ExcC14NWithComments, 1), xmlsec.ErrTransform},
		"inclusive SignedInfo":         {`<ds:CanonicalizationMethod Algorithm="` + xmlsec.ExcC14N, `<ds:CanonicalizationMethod Algorithm="` + xmlsec.C14N, xmlsec.ErrAlgorithm},
		"huge PrefixList":              {exc, strings.Replace(exc, "></", `><ec:InclusiveNamespaces xmlns:ec="`+xmlsec.NSExc+`" PrefixList="`+strings.Repeat("a ", 99)+`"></ec:InclusiveNamespaces></`, 1), xmlsec.ErrTransform},
		"HMAC":                         {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", xmlsec.NSDSig + "hmac-sha1", xmlsec.ErrAlgorithm},
		"RSA-SHA1":                     {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", xmlsec.NSDSig + "rsa-sha1", xmlsec.ErrAlgorithm},
		"RSA-MD5":                      {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5", xmlsec.ErrAlgorithm},
		"SHA-1 digest":                 {"http://www.w3.org/2001/04/xmlenc#sha256", xmlsec.NSDSig + "sha1", xmlsec.ErrAlgorithm},
		"MD5 digest":                   {"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#md5", xmlsec.ErrAlgorithm},
		"no digest":                    {"<ds:DigestValue>", "<ds:DigestValue></ds:DigestValue><ds:DigestValue>", xmlsec.ErrMalformed},
		"value of nothing":             {value, "<ds:SignatureValue></ds:SignatureValue>", xmlsec.ErrMalformed},
		"value that is no base64":      {"<ds:SignatureValue>", "<ds:SignatureValue>é", xmlsec.ErrMalformed},
		"value of another":             {value, "<ds:SignatureValue>AAAA</ds:SignatureValue>", xmlsec.ErrSignature},
		"no value":                     {value, "", xmlsec.ErrMalformed},
		"no certificate":               {certificate, "", xmlsec.ErrCertificate},
		"certificate that is none":     {certificate, "<ds:X509Certificate>AAAA</ds:X509Certificate>", xmlsec.ErrCertificate},
		"KeyInfo by reference":         {"<ds:X509Data>" + certificate + "</ds:X509Data>", `<ds:RetrievalMethod URI="http://example.org"></ds:RetrievalMethod>`, xmlsec.ErrCertificate},
		"two X509Data":                 {"<ds:X509Data>", "<ds:X509Data></ds:X509Data><ds:X509Data>", xmlsec.ErrCertificate},
		"weak key":                     {certificate, x509Certificate(t, rsaKey(t, 1024)), xmlsec.ErrCertificate},
		"EC key":                       {certificate, x509Certificate(t, ecKey(t)), xmlsec.ErrCertificate},
		"certificate of another":       {certificate, x509Certificate(t, rsaKey(t, 2048)), xmlsec.ErrSignature},
		"object":                       {"</ds:Signature>", "<ds:Object>x</ds:Object></ds:Signature>", xmlsec.ErrMalformed},
		"unknown element":              {"</ds:Signature>", "<x></x></ds:Signature>", xmlsec.ErrMalformed},
		"document type":                {"<t:Thing ", "<!DOCTYPE x><t:Thing ", xmltree.ErrDoctype},
		"cut":                          {"</t:Thing>", "", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, signed, c.old)
			v, err := xmlsec.Verify([]byte(strings.Replace(signed, c.old, c.new, 1)), thingOptions())
			if c.want == nil {
				require.NoError(t, err)
				require.Equal(t, thing, string(v.Document.Source))
				return
			}
			require.ErrorIs(t, err, c.want)
			require.Nil(t, v)
			require.NotContains(t, err.Error(), "alice")
		})
	}
}

func TestVerifyWantsTheElementNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []xml.Name{{}, {Space: "urn:thing", Local: "Thong"}, {Space: "urn:thong", Local: "Thing"}} {
		o := thingOptions()
		o.Name = name
		_, err := xmlsec.Verify(signedThing(t, xmlsec.RSASHA256), o)
		require.ErrorIs(t, err, xmlsec.ErrElement)
	}
	o := thingOptions()
	o.IDAttr = "Id"
	_, err := xmlsec.Verify(signedThing(t, xmlsec.RSASHA256), o)
	require.ErrorIs(t, err, xmlsec.ErrReference)
}

func TestVerifyCertificateIsTheCallersDecision(t *testing.T) {
	t.Parallel()
	signed := signedThing(t, xmlsec.RSASHA256)
	o := thingOptions()
	refused := errors.New("not for signing")
	o.Certificate = func(c *x509.Certificate) error {
		require.Equal(t, testPair(t).Leaf.Raw, c.Raw)
		return refused
	}
	_, err := xmlsec.Verify(signed, o)
	require.ErrorIs(t, err, xmlsec.ErrCertificate)
	require.ErrorIs(t, err, refused)
	o.Certificate = func(*x509.Certificate) error { panic("asked of a signature that does not match") }
	_, err = xmlsec.Verify(bytes.Replace(signed, []byte("alice"), []byte("bob"), 1), o)
	require.ErrorIs(t, err, xmlsec.ErrDigest)
	o.Certificate = nil
	_, err = xmlsec.Verify(signed, o)
	require.ErrorIs(t, err, xmlsec.ErrCertificate)
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	pair := testPair(t)
	_, err := xmlsec.SignEnveloped([]byte(thing), "1", pair, xmlsec.RSASHA256)
	require.ErrorIs(t, err, xmlsec.ErrReference)
	_, err = xmlsec.SignEnveloped([]byte(thing), "_1", tls.Certificate{}, xmlsec.RSASHA256)
	require.ErrorIs(t, err, pki.ErrNoCertificate)
	other := pair
	other.PrivateKey = rsaKey(t, 2048)
	_, err = xmlsec.SignEnveloped([]byte(thing), "_1", other, xmlsec.RSASHA256)
	require.ErrorIs(t, err, pki.ErrKey)
	for name, key := range map[string]any{"EC": ecKey(t), "weak": rsaKey(t, 1024)} {
		_, err = xmlsec.SignEnveloped([]byte(thing), "_1", tls.Certificate{Certificate: [][]byte{selfSigned(t, key)}, PrivateKey: key}, xmlsec.RSASHA256)
		require.ErrorIs(t, err, xmlsec.ErrCertificate, name)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	err := &xmlsec.Error{Reason: xmlsec.ErrReference, Expected: "a", Got: "b", Err: io.EOF}
	require.EqualError(t, err, "xmlsec: wrong reference: expected a, got b: EOF")
	require.ErrorIs(t, err, io.EOF)
	require.NotErrorIs(t, err, xmlsec.ErrDigest)
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return k
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return k
}

func selfSigned(t testing.TB, key any) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	var public any
	switch k := key.(type) {
	case *rsa.PrivateKey:
		public = &k.PublicKey
	case *ecdsa.PrivateKey:
		public = &k.PublicKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	require.NoError(t, err)
	return der
}

func x509Certificate(t testing.TB, key any) string {
	t.Helper()
	return "<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(selfSigned(t, key)) + "</ds:X509Certificate>"
}

// FuzzVerify holds the verifier to its promise: the key signed one thing, so
// that whatever is accepted must read as that thing.
func FuzzVerify(f *testing.F) {
	f.Add(signedThing(f, xmlsec.RSASHA256))
	f.Add(signedThing(f, xmlsec.RSASHA1))
	f.Add([]byte(thing))
	lot, err := xmlsec.SignLot(testLot(f, xmlsec.RSASHA256), testPair(f), xmlsec.RSASHA256)
	require.NoError(f, err)
	f.Add(lot)
	leaf := testPair(f).Leaf.Raw
	ours := func(c *x509.Certificate) error {
		if !bytes.Equal(c.Raw, leaf) {
			return errors.New("another certificate")
		}
		return nil
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o := thingOptions()
		o.AllowSHA1, o.Certificate = true, ours
		if v, err := xmlsec.Verify(b, o); err == nil {
			require.Equal(t, thing, string(v.Document.Source))
		}
		if v, err := xmlsec.VerifyLot(b, xmlsec.LotOptions{AllowSHA1: true, Certificate: ours}); err == nil {
			require.Len(t, v.Documents, 2)
		}
	})
}
