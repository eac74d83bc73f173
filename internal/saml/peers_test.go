//go:build peers

package saml_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

func certificateFile(t testing.TB, pair tls.Certificate) string {
	return write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw}))
}

func run(t testing.TB, program string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command(program, args...).Output()
	var stderr []byte
	if e, ok := err.(*exec.ExitError); ok {
		stderr = e.Stderr
	}
	require.NoError(t, err, "%s", stderr)
	return out
}

const assertionID = saml.NS + ":Assertion"

// xmlsec1 accepts the VIHF of every mode, by itself and inside a message.
func TestPeerXmlsecVerifiesVIHF(t *testing.T) {
	xmlsec1 := oracle.Program(t, "xmlsec1")
	k := testKeys(t)
	for _, c := range []struct {
		mode      saml.Mode
		pair      tls.Certificate
		algorithm xmlsec.Algorithm
	}{
		{saml.Direct, k.cardSign, xmlsec.RSASHA256},
		{saml.Indirect, k.orgSign, xmlsec.RSASHA256},
		{saml.IndirectStrong, k.orgSign, xmlsec.RSASHA256},
		{saml.Indirect, k.orgSign, xmlsec.RSASHA1},
	} {
		t.Run(string(c.mode)+" "+c.algorithm.String(), func(t *testing.T) {
			v := pharmacist(c.mode)
			v.Dialect.Algorithm = c.algorithm
			signed, err := v.Sign(c.pair, now)
			require.NoError(t, err)
			cert := certificateFile(t, c.pair)
			run(t, xmlsec1, "--verify", "--pubkey-cert-pem", cert, "--id-attr:ID", assertionID, write(t, "vihf.xml", signed))
			message := `<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope" xmlns:xsi="urn:other" xml:lang="fr"><Header>` +
				string(saml.Security(signed)) + `</Header><Body/></Envelope>`
			run(t, xmlsec1, "--verify", "--pubkey-cert-pem", cert, "--id-attr:ID", assertionID, write(t, "message.xml", []byte(message)))
			// It is not blind: a changed role is refused.
			broken := regexp.MustCompile(`code="A"`).ReplaceAll(signed, []byte(`code="D"`))
			require.Error(t, exec.Command(xmlsec1, "--verify", "--pubkey-cert-pem", cert, "--id-attr:ID", assertionID, write(t, "broken.xml", broken)).Run())
		})
	}
}

// We accept a VIHF that xmlsec1 signs.
func TestPeerXmlsecSignsVIHF(t *testing.T) {
	xmlsec1 := oracle.Program(t, "xmlsec1")
	k := testKeys(t)
	signed, err := pharmacist(saml.IndirectStrong).Sign(k.orgSign, now)
	require.NoError(t, err)
	template := regexp.MustCompile(`(<ds:(?:DigestValue|SignatureValue|X509Data)>).*?(</ds:(?:DigestValue|SignatureValue|X509Data)>)`).ReplaceAll(signed, []byte("$1$2"))
	require.NotEqual(t, string(signed), string(template))
	der, err := x509.MarshalPKCS8PrivateKey(k.orgSign.PrivateKey)
	require.NoError(t, err)
	key := write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	message := "<e:Envelope xmlns:e=\"urn:e\">\n" + string(saml.Security(template)) + "\n</e:Envelope>"
	out := run(t, xmlsec1, "--sign", "--privkey-pem", key+","+certificateFile(t, k.orgSign), "--id-attr:ID", assertionID, write(t, "template.xml", []byte(message)))
	d, err := xmltree.Parse(out, xmltree.Limits{})
	require.NoError(t, err)
	a, err := saml.VerifyElement(d.Root.First(saml.NSWSSE, "Security").First(saml.NS, "Assertion"), options(t))
	require.NoError(t, err)
	v, err := a.VIHF()
	require.NoError(t, err)
	require.Equal(t, saml.IndirectStrong, v.Mode)
	require.Equal(t, "A", v.Roles[1].Code)
}
