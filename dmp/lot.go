package dmp

import (
	"crypto/sha1"
	"encoding/hex"
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
	idDocument  = "Document01"
	idSignature = "Signature01"
)

const utc = "20060102150405" // times of XDS

// lotAlgorithm is that of the signature of lots.
func (c *Client) lotAlgorithm() xmlsec.Algorithm {
	if c.cfg.Dialect.LotSHA256 {
		return xmlsec.RSASHA256
	}
	return xmlsec.RSASHA1
}

// lot gives the metadata of a submission and the signature of its lot, which is
// a document of the submission too (IHE DSG; dmp sheet §4 TD2.1).
func (c *Client) lot(who socle.Professional, s Submission, id string, now time.Time) (*xds.Submission, []byte, error) {
	entry := s.Document.made.entry
	algorithm := c.lotAlgorithm()
	signature, err := xmlsec.SignLot(xmlsec.Lot{
		ID: "_" + soap.NewUUID(), SubmissionSet: id, SigningTime: now,
		Documents: []xmlsec.LotDocument{{UniqueID: entry.UniqueID, Digest: s.Document.made.digests[algorithm.Hash()]}},
	}, c.cfg.Signature, algorithm)
	if err != nil {
		e := refusal(opSubmit, ErrInvalidCertificate, "the lot cannot be signed: "+err.Error(), "")
		e.Err = err
		return nil, nil, e
	}
	by := entry // who answers for the lot, who may not be the author of the document
	if by.Authors = s.Document.made.lotAuthors(); s.Document.made.filer != nil {
		by.Legal = by.Authors[0].Person
	}
	signed := c.signatureEntry(by, signature, now)
	set := xds.SubmissionSet{
		ID: idSet, Title: s.Title, Authors: by.Authors, ContentType: c.cfg.Dialect.contentType(who), PatientID: entry.PatientID,
		SourceID: c.cfg.Software.OID, UniqueID: id, Time: now.UTC().Format(utc),
	}
	return &xds.Submission{
		Set:       set,
		Documents: []xds.DocumentEntry{entry, signed},
		Associations: []xds.Association{
			xds.Member(idSet, idDocument), xds.Member(idSet, idSignature),
			{Type: xds.Signs, Source: idSignature, Target: idSet},
		},
	}, signature, nil
}

// signatureEntry describes the signature of a lot that holds d.
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
