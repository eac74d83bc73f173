//go:build peers

package xmlsec_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

// run gives the output of a program, which must succeed.
func run(t require.TestingT, program string, args ...string) []byte {
	cmd := exec.Command(program, args...)
	out, err := cmd.Output()
	var stderr []byte
	if e, ok := err.(*exec.ExitError); ok {
		stderr = e.Stderr
	}
	require.NoError(t, err, "%s %v: %s", program, args, stderr)
	return out
}

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

// pemFiles writes the key and the certificate of a pair.
func pemFiles(t testing.TB, pair tls.Certificate) (key, cert string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	return write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw}))
}

// libxml2 canonicalises whole documents, with comments.
func TestPeerLibxmlCanonical(t *testing.T) {
	xmllint := oracle.Program(t, "xmllint")
	compare := func(t require.TestingT, path, doc string) {
		require.NoError(t, os.WriteFile(path, []byte(doc), 0o600))
		d, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
		require.NoError(t, err)
		for option, algorithm := range map[string]string{"--c14n": xmlsec.C14NWithComments, "--exc-c14n": xmlsec.ExcC14NWithComments} {
			got, err := xmlsec.CanonicalDocument(d, xmlsec.Method{Algorithm: algorithm})
			require.NoError(t, err)
			require.Equal(t, string(run(t, xmllint, "--nonet", option, path)), string(got), "%s of %s", option, doc)
		}
	}
	path := filepath.Join(t.TempDir(), "doc.xml")
	for name, doc := range tricky {
		t.Run(name, func(t *testing.T) { compare(t, path, doc) })
	}
	t.Run("literal white space of attributes", func(t *testing.T) {
		compare(t, path, "<a b=\"1\n2\t3&#10;4\r\n5\"\n  c='\n'/>")
	})
	t.Run("drawn", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { compare(t, path, genDocument(t)) })
	})
}

// The same over real documents, whose digests the lot's signature holds.
func TestPeerLibxmlCanonicalCorpus(t *testing.T) {
	xmllint := oracle.Program(t, "xmllint")
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "cda"), "*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			got, err := xmlsec.DigestXML(b, xmlsec.RSASHA256, xmltree.Limits{})
			require.NoError(t, err)
			h := crypto.SHA256.New()
			h.Write(run(t, xmllint, "--nonet", "--huge", "--c14n", f))
			require.Equal(t, hex.EncodeToString(h.Sum(nil)), hex.EncodeToString(got))
		})
	}
}

// xmlsec1 accepts what we sign.
func TestPeerXmlsecVerifies(t *testing.T) {
	xmlsec1 := oracle.Program(t, "xmlsec1")
	pair := testPair(t)
	_, cert := pemFiles(t, pair)
	for _, a := range []xmlsec.Algorithm{xmlsec.RSASHA256, xmlsec.RSASHA1} {
		t.Run(a.String(), func(t *testing.T) {
			signed := write(t, "signed.xml", signedThing(t, a))
			run(t, xmlsec1, "--verify", "--pubkey-cert-pem", cert, "--id-attr:ID", "urn:thing:Thing", signed)
			lot, err := xmlsec.SignLot(testLot(t, a), pair, a)
			require.NoError(t, err)
			signed = write(t, "lot.xml", lot)
			run(t, xmlsec1, "--verify", "--ignore-manifests", "--pubkey-cert-pem", cert,
				"--id-attr:Id", xmlsec.NSDSig+":Manifest", "--id-attr:Id", xmlsec.NSXAdES+":SignedProperties", signed)
		})
	}
}

// We accept what xmlsec1 signs, whatever the declarations around and the PrefixList.
func TestPeerXmlsecSigns(t *testing.T) {
	xmlsec1 := oracle.Program(t, "xmlsec1")
	pair := testPair(t)
	key, cert := pemFiles(t, pair)
	for name, list := range map[string]string{"plain": "", "with a list": "xs #default"} {
		t.Run(name, func(t *testing.T) {
			transform := `<Transform Algorithm="` + xmlsec.ExcC14N + `"/>`
			if list != "" {
				transform = `<Transform Algorithm="` + xmlsec.ExcC14N + `"><ec:InclusiveNamespaces xmlns:ec="` + xmlsec.NSExc + `" PrefixList="` + list + `"/></Transform>`
			}
			template := `<e:Envelope xmlns:e="urn:e" xmlns="urn:d" xmlns:xs="urn:xs" xmlns:unused="urn:u"><e:Header>
<t:Thing xmlns:t="urn:thing" ID="_1" xml:lang="fr"><t:Issuer>é &amp; è</t:Issuer><Signature xmlns="` + xmlsec.NSDSig + `"><SignedInfo>
<CanonicalizationMethod Algorithm="` + xmlsec.ExcC14N + `"/><SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
<Reference URI="#_1"><Transforms><Transform Algorithm="` + xmlsec.NSDSig + `enveloped-signature"/>` + transform + `</Transforms>
<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue/></Reference></SignedInfo><SignatureValue/>
<KeyInfo><KeyName/><X509Data/></KeyInfo></Signature><item b="2" a="xs:string"><xs:in/></item></t:Thing></e:Header></e:Envelope>`
			signed := run(t, xmlsec1, "--sign", "--privkey-pem", key+","+cert, "--id-attr:ID", "urn:thing:Thing", write(t, "template.xml", []byte(template)))
			d, err := xmltree.Parse(signed, xmltree.Limits{})
			require.NoError(t, err)
			o := thingOptions()
			v, err := xmlsec.VerifyElement(d.Root.Path("Header").First("urn:thing", "Thing"), o)
			require.NoError(t, err)
			require.Equal(t, "é & è", v.Document.Root.Path("Issuer").Text())
			require.Equal(t, xml.Name{Space: "urn:d", Local: "item"}, v.Document.Root.First("urn:d", "item").Name)
			require.True(t, v.Certificate.PublicKey.(*rsa.PublicKey).Equal(pair.Leaf.PublicKey))
		})
	}
}

// xmlsec1 finds in the manifest the digests of the documents themselves; that of
// the submission set is a placeholder, which matches nothing.
func TestPeerXmlsecManifest(t *testing.T) {
	xmlsec1 := oracle.Program(t, "xmlsec1")
	pair := testPair(t)
	_, cert := pemFiles(t, pair)
	lot, err := xmlsec.SignLot(testLot(t, xmlsec.RSASHA256), pair, xmlsec.RSASHA256)
	require.NoError(t, err)
	cda, pdf := write(t, "cda.xml", []byte(lotDocument)), write(t, "doc.pdf", []byte("%PDF"))
	out, _ := exec.Command(xmlsec1, "--verify", "--pubkey-cert-pem", cert,
		"--id-attr:Id", xmlsec.NSDSig+":Manifest", "--id-attr:Id", xmlsec.NSXAdES+":SignedProperties",
		"--url-map:urn:oid:1.2.250.1.213.9.3.1", pdf, "--url-map:urn:oid:1.2.250.1.213.9.4.1", cda, "--url-map:urn:oid:1.2.250.1.213.9.4.2", pdf,
		write(t, "lot.xml", lot)).CombinedOutput()
	require.Contains(t, string(out), "SignedInfo References (ok/all): 2/2")
	require.Contains(t, string(out), "Manifests References (ok/all): 2/3")
}

// The lot as other software writes it, signed by xmlsec1: white space in the
// properties, SignatureProperties in no namespace, an identifier that begins
// with a digit, prefixes.
func TestPeerXmlsecSignsLot(t *testing.T) {
	xmlsec1 := oracle.Program(t, "xmlsec1")
	pair := testPair(t)
	key, cert := pemFiles(t, pair)
	for _, a := range []xmlsec.Algorithm{xmlsec.RSASHA256, xmlsec.RSASHA1} {
		lot, err := xmlsec.SignLot(testLot(t, a), pair, a)
		require.NoError(t, err)
		template := strings.NewReplacer(
			"<SignatureProperties>", `<SignatureProperties xmlns="">`,
			"<SigningTime>", "\n\t<SigningTime>", "</Cert>", "</Cert>\n\t\t",
			`"_lot"`, `"0421d1cc-lot"`, `"#_lot"`, `"#0421d1cc-lot"`,
			"<Manifest ", `<m:Manifest xmlns:m="`+xmlsec.NSDSig+`" xmlns:unused="urn:u" `, "</Manifest>", "</m:Manifest>",
		).Replace(string(emptied(t, lot)))
		signed := run(t, xmlsec1, "--sign", "--ignore-manifests", "--privkey-pem", key+","+cert,
			"--id-attr:Id", xmlsec.NSDSig+":Manifest", "--id-attr:Id", xmlsec.NSXAdES+":SignedProperties", write(t, "template.xml", []byte(template)))
		o := lotOptions()
		o.AllowSHA1 = a == xmlsec.RSASHA1
		v, err := xmlsec.VerifyLot(signed, o)
		require.NoError(t, err)
		require.Equal(t, "1.2.250.1.213.9.3.1", v.SubmissionSet)
		require.Equal(t, "0421d1cc-lot", v.ID)
		require.Equal(t, xmlsec.PurposeSource, v.Purpose)
		require.NoError(t, v.Check("1.2.250.1.213.9.4.1", []byte(lotDocument)))
	}
}

// emptied makes a template of a signed document.
func emptied(t testing.TB, b []byte) []byte {
	t.Helper()
	b = regexp.MustCompile(`<SignatureValue>[^<]*`).ReplaceAll(b, []byte("<SignatureValue>"))
	b = regexp.MustCompile(`<X509Certificate>[^<]*</X509Certificate>`).ReplaceAll(b, nil)
	info, rest, ok := bytes.Cut(b, []byte("</SignedInfo>"))
	require.True(t, ok)
	info = regexp.MustCompile(`<DigestValue>[^<]*`).ReplaceAll(info, []byte("<DigestValue>"))
	return append(append(info, "</SignedInfo>"...), rest...)
}
