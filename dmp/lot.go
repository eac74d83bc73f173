package dmp

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmlsec"
)

// Names of the objects of a lot, as in the official samples.
const (
	idSet       = "SubmissionSet01"
	idSignature = "Signature01"
)

// documentName gives the name of the document of that index: "Document01".
func documentName(i int) string { return fmt.Sprintf("Document%02d", i+1) }

// lot is a submission that is about to be sent.
type lot struct {
	Submission
	id      string            // uniqueId of its set
	targets map[string]string // entryUUID of what its documents replace, by uniqueId
}

const utc = "20060102150405" // times of XDS

// lotAlgorithm is that of the signature of lots.
func (c *Client) lotAlgorithm() xmlsec.Algorithm {
	if c.cfg.Dialect.LotSHA256 {
		return xmlsec.RSASHA256
	}
	return xmlsec.RSASHA1
}

// compose gives the metadata of a lot and its signature, which is a document of
// the submission too (IHE DSG; dmp sheet §4 TD2.1).
func (c *Client) compose(who socle.Professional, l lot, now time.Time) (*xds.Submission, []byte, error) {
	algorithm := c.lotAlgorithm()
	signed := xmlsec.Lot{ID: "_" + soap.NewUUID(), SubmissionSet: l.id, SigningTime: now}
	first := l.Documents[0].made.entry // as that of who answers for the lot, who may not be its author
	if first.Authors = l.Documents[0].made.lotAuthors(); l.Documents[0].made.filer != nil {
		first.Legal = first.Authors[0].Person
	}
	out := &xds.Submission{Set: xds.SubmissionSet{
		ID: idSet, Title: cmp.Or(l.Title, first.Title), Authors: first.Authors, ContentType: c.cfg.Dialect.contentType(who), PatientID: first.PatientID,
		SourceID: c.cfg.Software.OID, UniqueID: l.id, Time: now.UTC().Format(utc),
	}}
	var replaced []xds.Association
	for i, d := range l.Documents {
		entry := d.made.entry
		entry.ID = documentName(i)
		signed.Documents = append(signed.Documents, xmlsec.LotDocument{UniqueID: entry.UniqueID, Digest: d.made.digests[algorithm.Hash()]})
		out.Documents = append(out.Documents, entry)
		out.Associations = append(out.Associations, xds.Member(idSet, entry.ID))
		if target := l.targets[d.made.edition.Replaces]; target != "" {
			replaced = append(replaced, xds.Association{Type: xds.Replaces, Source: entry.ID, Target: target})
		}
	}
	signature, err := xmlsec.SignLot(signed, c.cfg.Signature, algorithm)
	if err != nil {
		e := refusal(opSubmit, ErrInvalidCertificate, "the lot cannot be signed: "+err.Error(), "")
		e.Err = err
		return nil, nil, e
	}
	out.Documents = append(out.Documents, c.signatureEntry(first, signature, now))
	out.Associations = append(out.Associations, xds.Member(idSet, idSignature), xds.Association{Type: xds.Signs, Source: idSignature, Target: idSet})
	out.Associations = append(out.Associations, replaced...)
	return out, signature, nil
}

// signatureEntry describes the signature of a lot whose first document is d.
func (c *Client) signatureEntry(d xds.DocumentEntry, signature []byte, now time.Time) xds.DocumentEntry {
	const urn, purposes = "URN", "1.2.840.10065.1.12"
	hash := sha1.Sum(signature)
	e := xds.DocumentEntry{
		ID: idSignature, MimeType: "text/xml", Title: "Source", Language: "art", Authors: d.Authors, Legal: d.Legal,
		Class:    socle.Code{Code: "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1", System: urn, Display: "Digital Signature"},
		Type:     socle.Code{Code: "E1762", System: "ASTM", Display: "Full Document"},
		Format:   socle.Code{Code: "http://www.w3.org/2000/09/xmldsig#", System: urn, Display: "Default Signature Style"},
		Events:   []socle.Code{{Code: xmlsec.PurposeSource, System: purposes, Display: "Source"}},
		Facility: d.Facility, Practice: d.Practice,
		PatientID: d.PatientID, SourcePatientID: d.PatientID, SourcePatientInfo: d.SourcePatientInfo,
		UniqueID: c.newOID(armDocument), CreationTime: now.UTC().Format(utc),
		Hash: hex.EncodeToString(hash[:]), Size: int64(len(signature)),
	}
	for _, code := range []string{"N", string(HiddenFromProfessionals), string(HiddenFromPatient)} {
		v, _ := nos.Lookup(nos.Confidentiality, code)
		e.Confidentiality = append(e.Confidentiality, v)
	}
	return e
}
