package xmlsec_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

func signedLot(t testing.TB, a xmlsec.Algorithm) []byte {
	t.Helper()
	b, err := xmlsec.SignLot(testLot(t, a), testPair(t), a)
	require.NoError(t, err)
	return b
}

func TestLot(t *testing.T) {
	t.Parallel()
	for _, a := range []xmlsec.Algorithm{xmlsec.RSASHA256, xmlsec.RSASHA1} {
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			b := signedLot(t, a)
			o := lotOptions()
			o.AllowSHA1 = a == xmlsec.RSASHA1
			v, err := xmlsec.VerifyLot(b, o)
			require.NoError(t, err)
			want := testLot(t, a)
			want.Purpose = xmlsec.PurposeSource
			require.Empty(t, cmp.Diff(want, v.Lot, cmpopts.EquateApproxTime(0)))
			require.Equal(t, a, v.Algorithm)
			require.Equal(t, testPair(t).Leaf.Raw, v.Certificate.Raw)

			const cda, pdf = "1.2.250.1.213.9.4.1", "1.2.250.1.213.9.4.2"
			require.NoError(t, v.Check(cda, []byte(lotDocument)))
			require.NoError(t, v.Check(cda, []byte(strings.Replace(lotDocument, "<id/>", "<id\n></id>", 1))), "the same canonical form")
			require.ErrorIs(t, v.Check(cda, []byte(strings.Replace(lotDocument, "<!-- c -->", "", 1))), xmlsec.ErrDigest)
			require.ErrorIs(t, v.Check(cda, []byte(strings.Replace(lotDocument, "href='x'", "href='y'", 1))), xmlsec.ErrDigest)
			require.Error(t, v.Check(cda, []byte("%PDF")))
			require.NoError(t, v.Check(pdf, []byte("%PDF")))
			require.ErrorIs(t, v.Check(pdf, []byte("%PDF ")), xmlsec.ErrDigest)
			require.ErrorIs(t, v.Check("1.2.3", nil), xmlsec.ErrReference)

			// The file is its own canonical form.
			d, err := xmltree.Parse(b, xmltree.Limits{})
			require.NoError(t, err)
			c, err := xmlsec.CanonicalDocument(d, xmlsec.Method{Algorithm: xmlsec.C14NWithComments})
			require.NoError(t, err)
			require.Equal(t, string(b), string(c))
		})
	}
}

func TestVerifyLotRefuses(t *testing.T) {
	t.Parallel()
	signed := string(signedLot(t, xmlsec.RSASHA256))
	part := func(from, to string) string { return signed[strings.Index(signed, from):strings.Index(signed, to)] }
	manifest := part("<Object><Manifest", "<Object><SignatureProperties")
	properties := signed[strings.Index(signed, "<Object><QualifyingProperties"):strings.Index(signed, "</Signature>")]
	toManifest := part(`<Reference Type="http://www.w3.org/2000/09/xmldsig#Manifest"`, `<Reference Type="http://uri.etsi.org`)
	for name, c := range map[string]struct {
		old, new string
		want     error
	}{
		"document renamed":                  {"urn:oid:1.2.250.1.213.9.4.1", "urn:oid:1.2.250.1.213.9.4.9", xmlsec.ErrDigest},
		"submission set renamed":            {"urn:oid:1.2.250.1.213.9.3.1", "urn:oid:1.2.250.1.213.9.3.9", xmlsec.ErrDigest},
		"time changed":                      {"2026-11-21T", "2026-11-22T", xmlsec.ErrDigest},
		"comment in the manifest":           {`Id="IHEManifest">`, `Id="IHEManifest"><!-- x -->`, xmlsec.ErrComment},
		"comment in the properties":         {"<SigningTime>", "<SigningTime><!-- x -->", xmlsec.ErrComment},
		"manifest removed":                  {manifest, "", xmlsec.ErrMalformed},
		"manifest twice":                    {manifest, manifest + manifest, xmlsec.ErrMalformed},
		"properties removed":                {properties, "", xmlsec.ErrMalformed},
		"properties of another signature":   {`<QualifyingProperties xmlns="http://uri.etsi.org/01903/v1.1.1#" Target="#_lot"`, `<QualifyingProperties xmlns="http://uri.etsi.org/01903/v1.1.1#" Target="#_x"`, xmlsec.ErrReference},
		"properties of another namespace":   {"http://uri.etsi.org/01903/v1.1.1#\" Target", "http://uri.etsi.org/01903/v1.3.2#\" Target", xmlsec.ErrMalformed},
		"reference to the manifest missing": {toManifest, "", xmlsec.ErrSignature},
		"identifier twice":                  {`Id="purposeOfSignature"`, `Id="IHEManifest"`, xmlsec.ErrDuplicateID},
		"text in an Object":                 {"<Object><Manifest", "<Object>x<Manifest", xmlsec.ErrMalformed},
		"unknown Object":                    {"<Object><Manifest", "<Object><x></x><Manifest", xmlsec.ErrMalformed},
		"another root":                      {`<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"`, `<Signature xmlns="urn:x"`, xmlsec.ErrElement},
		"SHA-1":                             {"xmldsig-more#rsa-sha256", "xmldsig-more#rsa-sha1", xmlsec.ErrAlgorithm},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, signed, c.old)
			v, err := xmlsec.VerifyLot([]byte(strings.Replace(signed, c.old, c.new, 1)), lotOptions())
			require.ErrorIs(t, err, c.want)
			require.Nil(t, v)
		})
	}
	_, err := xmlsec.VerifyLot([]byte(signed), xmlsec.LotOptions{})
	require.ErrorIs(t, err, xmlsec.ErrCertificate)
	_, err = xmlsec.VerifyLot(signedLot(t, xmlsec.RSASHA1), lotOptions())
	require.ErrorIs(t, err, xmlsec.ErrAlgorithm)
	_, err = xmlsec.VerifyLot([]byte(signed), xmlsec.LotOptions{Certificate: func(*x509.Certificate) error { return x509.ErrUnsupportedAlgorithm }})
	require.ErrorIs(t, err, x509.ErrUnsupportedAlgorithm)
}

func TestSignLotRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*xmlsec.Lot)
		want   error
	}{
		"no identifier":          {func(l *xmlsec.Lot) { l.ID = "" }, xmlsec.ErrReference},
		"identifier a number":    {func(l *xmlsec.Lot) { l.ID = "1" }, xmlsec.ErrReference},
		"identifier taken":       {func(l *xmlsec.Lot) { l.ID = "IHEManifest" }, xmlsec.ErrReference},
		"no time":                {func(l *xmlsec.Lot) { l.SigningTime = time.Time{} }, xmlsec.ErrReference},
		"no submission set":      {func(l *xmlsec.Lot) { l.SubmissionSet = "" }, xmlsec.ErrReference},
		"no document":            {func(l *xmlsec.Lot) { l.Documents = nil }, xmlsec.ErrReference},
		"document twice":         {func(l *xmlsec.Lot) { l.Documents[1].UniqueID = l.Documents[0].UniqueID }, xmlsec.ErrReference},
		"document without id":    {func(l *xmlsec.Lot) { l.Documents[1].UniqueID = "" }, xmlsec.ErrReference},
		"digest of another size": {func(l *xmlsec.Lot) { l.Documents[1].Digest = l.Documents[1].Digest[:20] }, xmlsec.ErrDigest},
	} {
		l := testLot(t, xmlsec.RSASHA256)
		c.change(&l)
		_, err := xmlsec.SignLot(l, testPair(t), xmlsec.RSASHA256)
		require.ErrorIs(t, err, c.want, name)
	}
	_, err := xmlsec.SignLot(testLot(t, xmlsec.RSASHA256), tls.Certificate{}, xmlsec.RSASHA256)
	require.Error(t, err)
}
