package cda_test

import (
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
)

// sample is a level-1 document of a pharmacist for an invented patient.
func sample() *cda.Document {
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.FixedZone("", 3600))
	pharmacy := &cda.Organization{
		IDs: []cda.ID{{Root: socle.OIDStructure, Extension: "1750512345"}}, Name: "Pharmacie du Marché",
		Telecoms: []cda.Telecom{{Use: "WP", Value: "tel:0100000000"}},
	}
	frame := *pharmacy
	frame.Industry = coded("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire")
	pharmacist := cda.Entity{
		IDs:    []cda.ID{{Root: socle.OIDPerson, Extension: "899900000003"}},
		Code:   coded("G15_21/A", "1.2.250.1.213.1.1.4.5", "Pharmacien titulaire d'officine"),
		Person: &cda.Name{Family: []cda.NamePart{{Text: "ARNICA"}}, Given: []cda.NamePart{{Text: "Paule"}}},
	}
	author, performer := pharmacist, pharmacist
	author.Organization, performer.Organization = pharmacy, &frame
	return &cda.Document{
		ID:              cda.ID{Root: "1.2.250.1.999.1.1.7898.1"},
		Code:            coded("78601-2", "2.16.840.1.113883.6.1", "CR d'entretien pharmaceutique"),
		Title:           "Entretien pharmaceutique",
		EffectiveTime:   cda.At(at),
		Confidentiality: coded("N", "2.16.840.1.113883.5.25", "Normal"),
		Language:        "fr-FR",
		SetID:           cda.ID{Root: "1.2.250.1.999.1.1.7898.2"},
		Version:         1,
		Patient: cda.Patient{
			IDs: []cda.ID{{Root: "1.2.250.1.213.1.4.10", Extension: "260058815400233"}},
			Name: cda.Name{
				Family: []cda.NamePart{{Text: "BLEUET", Qualifier: "BR"}},
				Given:  []cda.NamePart{{Text: "ODETTE MARIE"}, {Text: "ODETTE", Qualifier: "BR"}},
			},
			Gender:     coded("F", "2.16.840.1.113883.5.1", "Féminin"),
			BirthTime:  cda.Day("19600512"),
			BirthPlace: "88154",
		},
		Authors:   []cda.Author{{Time: cda.At(at), Entity: author}},
		Custodian: *pharmacy,
		Legal:     &cda.Participation{Time: moment(at), Signature: "S", Entity: author},
		Events:    []cda.ServiceEvent{{Period: cda.Interval{Low: cda.At(at)}, Performers: []cda.Participation{{Entity: performer}}}},
		Encounter: &cda.Encounter{
			Code:     coded("AMB", "2.16.840.1.113883.5.4", "Ambulatoire (hors établissement)"),
			Period:   cda.Interval{Low: cda.At(at)},
			Facility: coded("SA33", "1.2.250.1.71.4.2.4", "Pharmacie d'officine"),
		},
		Content: cda.Bytes("application/pdf", []byte("%PDF-1.4 not really")),
	}
}

func coded(code, system, display string) cda.Code {
	return cda.Code{Code: socle.Code{Code: code, System: system, Display: display}}
}

func moment(t time.Time) cda.Interval { return cda.Interval{Low: cda.At(t), High: cda.At(t)} }
