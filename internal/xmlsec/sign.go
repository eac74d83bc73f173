package xmlsec

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/xmltree"
)

// SignEnveloped signs an element and gives its ds:Signature, which the caller
// inserts anywhere among the children of the element. canonical is the
// exclusive canonical form of the element without signature, and id the value
// of its identifier attribute. KeyInfo holds the certificate of the pair.
//
// The pair must be an RSA key of 2048 bits or more and its certificate; whether
// that certificate is made for signing is for the caller to check before
// (pki.CheckSignature). Errors are of *[Error], *pki.Error, or the card's own.
func SignEnveloped(canonical []byte, id string, pair tls.Certificate, a Algorithm) ([]byte, error) {
	leaf, err := signingLeaf(pair)
	if err != nil {
		return nil, err
	}
	if !xmltree.IsNCName(id) {
		return nil, &Error{Reason: ErrReference, Expected: "an identifier that is a name (it begins with a letter or _)"}
	}
	info := signedInfo("ds:", ExcC14N, a, reference{
		uri: "#" + id, digest: a.digest(canonical),
		transforms: []Method{{Algorithm: uriEnveloped}, {Algorithm: ExcC14N}},
	})
	value, err := signValue(info, pair, a)
	if err != nil {
		return nil, err
	}
	var w xmltree.Writer
	w.Grow(len(info) + 2*len(value) + 2*len(leaf.Raw) + 512)
	w.Start("ds:Signature", "xmlns:ds", NSDSig)
	w.Raw(bytes.Replace(info, []byte(` xmlns:ds="`+NSDSig+`"`), nil, 1))
	writeValue(&w, "ds:", value, leaf)
	return w.End().Bytes(), nil
}

func signingLeaf(pair tls.Certificate) (*x509.Certificate, error) {
	leaf, err := pki.Leaf(pair)
	if err != nil {
		return nil, err
	}
	if err := strongKey(leaf); err != nil {
		return nil, err
	}
	return leaf, nil
}

// strongKey refuses keys that the profile does not know.
func strongKey(c *x509.Certificate) error {
	k, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		return &Error{Reason: ErrCertificate, Expected: "an RSA key", Got: c.PublicKeyAlgorithm.String()}
	}
	if n := k.N.BitLen(); n < 2048 || n > 8192 {
		return &Error{Reason: ErrCertificate, Expected: "an RSA key of 2048 to 8192 bits", Got: fmt.Sprintf("%d bits", n)}
	}
	return nil
}

// reference is a ds:Reference.
type reference struct {
	uri, typ   string
	transforms []Method
	hash       Algorithm
	digest     []byte
}

// signedInfo writes a ds:SignedInfo in its canonical form. prefix is "ds:" or
// empty, for the default namespace.
func signedInfo(prefix, c14n string, a Algorithm, refs ...reference) []byte {
	var w xmltree.Writer
	w.Grow(1 << 10)
	w.Start(prefix+"SignedInfo", declaration(prefix), NSDSig)
	w.Empty(prefix+"CanonicalizationMethod", "Algorithm", c14n)
	w.Empty(prefix+"SignatureMethod", "Algorithm", a.signatureURI())
	for _, r := range refs {
		writeReference(&w, prefix, a, r)
	}
	return w.End().Bytes()
}

func declaration(prefix string) string {
	if prefix == "" {
		return "xmlns"
	}
	return "xmlns:" + prefix[:len(prefix)-1]
}

func writeReference(w *xmltree.Writer, prefix string, a Algorithm, r reference) {
	if r.typ == "" {
		w.Start(prefix+"Reference", "URI", r.uri)
	} else {
		w.Start(prefix+"Reference", "Type", r.typ, "URI", r.uri)
	}
	if len(r.transforms) > 0 {
		w.Start(prefix + "Transforms")
		for _, t := range r.transforms {
			w.Empty(prefix+"Transform", "Algorithm", t.Algorithm)
		}
		w.End()
	}
	w.Empty(prefix+"DigestMethod", "Algorithm", a.digestURI())
	w.Leaf(prefix+"DigestValue", base64.StdEncoding.EncodeToString(r.digest))
	w.End()
}

// signValue signs the canonical form of a ds:SignedInfo.
func signValue(info []byte, pair tls.Certificate, a Algorithm) ([]byte, error) {
	value, err := pair.PrivateKey.(crypto.Signer).Sign(rand.Reader, a.digest(info), a.Hash())
	if err != nil {
		return nil, fmt.Errorf("xmlsec: sign: %w", err)
	}
	return value, nil
}

// writeValue writes what follows the ds:SignedInfo.
func writeValue(w *xmltree.Writer, prefix string, value []byte, leaf *x509.Certificate) {
	w.Leaf(prefix+"SignatureValue", base64.StdEncoding.EncodeToString(value))
	w.Start(prefix + "KeyInfo").Start(prefix + "X509Data")
	w.Leaf(prefix+"X509Certificate", base64.StdEncoding.EncodeToString(leaf.Raw))
	w.End().End()
}
