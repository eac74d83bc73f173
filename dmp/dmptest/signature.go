package dmptest

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmlsec"
)

// formatSignature is the formatCode of the signature of a lot (IHE DSG).
const formatSignature = "http://www.w3.org/2000/09/xmldsig#"

func isSignature(d xds.DocumentEntry) bool { return d.Format.Code == formatSignature }

// checkSignature checks the entry of the signature of the lot, its association,
// the signature itself and what its manifest covers.
func (l *lot) checkSignature(s *Server) {
	fail := func(text string) { l.fail(codeSignature, "signature du lot: "+text, "") }
	var entry *xds.DocumentEntry
	n := 0
	for i := range l.metadata.Documents {
		if isSignature(l.metadata.Documents[i]) {
			entry = &l.metadata.Documents[i]
			n++
		}
	}
	if n != 1 {
		fail(fmt.Sprintf("expected one document of format %s, got %d", formatSignature, n))
		return
	}
	signs := false
	for _, a := range l.metadata.Associations {
		signs = signs || a.Type == "urn:ihe:iti:2007:AssociationType:signs" && a.Source == entry.ID && a.Target == l.metadata.Set.ID
	}
	switch {
	case !signs:
		fail("expected an association signs of the signature to the submission set")
	case entry.Language != "art":
		fail("expected languageCode art")
	}
	v, err := xmlsec.VerifyLot(l.parts[entry.ID], xmlsec.LotOptions{AllowSHA1: !s.options.RefuseSHA1, Certificate: func(c *x509.Certificate) error {
		if err := s.maySign(c); err != nil {
			return err
		}
		holder := l.who.signer
		if holder == nil {
			holder = l.who.client
		}
		if c.Subject.CommonName != holder.Subject.CommonName || l.who.signer != nil && !pki.EqualDN(pki.DN(c), pki.DN(l.who.signer)) {
			return errors.New("expected the holder of the VIHF's certificate")
		}
		return nil
	}})
	if err != nil {
		fail(err.Error())
		return
	}
	if v.SubmissionSet != l.metadata.Set.UniqueID {
		fail("expected the uniqueId of the submission set first in the manifest")
	}
	if v.Purpose != xmlsec.PurposeSource {
		fail("expected purposeOfSignature " + xmlsec.PurposeSource)
	}
	covered := 0
	for _, d := range l.metadata.Documents {
		if d.ID == entry.ID {
			continue
		}
		covered++
		if err := v.Check(d.UniqueID, l.parts[d.ID]); err != nil {
			fail(err.Error())
		}
	}
	if len(v.Documents) != covered {
		fail(fmt.Sprintf("expected %d documents in the manifest, got %d", covered, len(v.Documents)))
	}
}
