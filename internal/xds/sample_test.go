package xds_test

import (
	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xds"
)

func coded(code, system, display string) socle.Code {
	return socle.Code{Code: code, System: system, Display: display}
}

var (
	patient    = xds.PatientINS("260058815400233", "1.2.250.1.213.1.4.10")
	pharmacist = xds.Author{
		Person:       xds.XCN{ID: "899900000003", Family: "ARNICA", Given: "Paule", Authority: xds.HD{ID: socle.OIDPerson, Type: "ISO"}, NameType: "D", IDType: "IDNPS"},
		Institutions: []xds.XON{{Name: "PHARMACIE DU MARCHÉ", Authority: xds.HD{ID: socle.OIDStructure, Type: "ISO"}, IDType: "IDNST", ID: "1750512345"}},
		Specialties:  []socle.Code{coded("G15_21/A", "1.2.250.1.213.1.1.4.5", "Pharmacien titulaire d'officine")},
		Roles:        []string{"Pharmacien"},
	}
)

// sample is a submission of a document that replaces another, and its signature.
func sample() *xds.Submission {
	document := xds.DocumentEntry{
		ID: "Document01", MimeType: "text/xml", Title: `Entretien "pharmaceutique" & suite`, Comments: "d'accord",
		Authors:           []xds.Author{pharmacist},
		Class:             coded("10", "1.2.250.1.213.1.1.4.1", "Compte rendu"),
		Type:              coded("78601-2", "2.16.840.1.113883.6.1", "CR d'entretien pharmaceutique"),
		Format:            coded("urn:ihe:iti:xds-sd:pdf:2008", "1.3.6.1.4.1.19376.1.2.3", "Document à corps non structuré en Pdf/A-1"),
		Facility:          coded("SA33", "1.2.250.1.71.4.2.4", "Pharmacie d'officine"),
		Practice:          coded("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire"),
		Confidentiality:   []socle.Code{coded("N", "2.16.840.1.113883.5.25", "Normal"), coded("INVISIBLE_PATIENT", "1.2.250.1.213.1.1.4.13", "Non visible par le patient")},
		Events:            []socle.Code{coded("J02.0", "2.16.840.1.113883.6.3", "Pharyngite à streptocoques")},
		PatientID:         patient,
		UniqueID:          "1.2.250.1.999.1.1.7898.1^42",
		SourcePatientID:   xds.CX{ID: "42", Authority: xds.HD{ID: "1.2.3", Type: "ISO"}, Type: "PI"},
		SourcePatientInfo: []string{"PID-5|BLEUET^ODETTE^^^^^L", "PID-7|19600512", "PID-8|F"},
		CreationTime:      "20260302083000", ServiceStart: "20260302083000", ServiceStop: "20260302090000", Language: "fr-FR",
		Legal: pharmacist.Person,
		Hash:  "da39a3ee5e6b4b0d3255bfef95601890afd80709", Size: 4096, URI: "DOC0001.XML",
		Extra: []xds.Slot{{Name: "urn:example:action", Values: []string{"C"}}, {Name: "urn:example:many", Values: []string{"a", "b"}}},
		Other: []xds.Classification{{Scheme: "urn:uuid:00000000-0000-4000-8000-000000000001", Code: coded("x", "1.2", "X"), Slots: []xds.Slot{{Name: "s", Values: []string{"v"}}}}},
	}
	signature := document
	signature.ID, signature.UniqueID, signature.Extra, signature.Other, signature.Comments = "Signature01", "1.2.250.1.999.1.1.7898.2", nil, nil, ""
	return &xds.Submission{
		Set: xds.SubmissionSet{
			ID: "SubmissionSet01", Title: "Lot", Authors: []xds.Author{pharmacist},
			ContentType: coded("SA33", "1.2.250.1.71.4.2.4", "Pharmacie d'officine"),
			PatientID:   patient, SourceID: "1.2.250.1.999.1.1.7898", UniqueID: "1.2.250.1.999.1.1.7898.3", Time: "20260302083100",
		},
		Documents: []xds.DocumentEntry{document, signature},
		Associations: []xds.Association{
			xds.Member("SubmissionSet01", "Document01"),
			xds.Member("SubmissionSet01", "Signature01"),
			{Type: xds.Signs, Source: "Signature01", Target: "SubmissionSet01"},
			{Type: xds.Replaces, Source: "Document01", Target: "urn:uuid:6f2f9a52-5e3d-4f5a-9d0f-6f1d5c3a1b2c"},
		},
	}
}
