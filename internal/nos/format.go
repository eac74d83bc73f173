package nos

import (
	"strings"

	"github.com/soclesante/socle"
)

// FormatCode holds the formats of documents: formatCode of XDS. It is the value
// set of the framework with, from the DMP's own (JDV_J60-FormatCode-DMP, OID
// 1.2.250.1.213.1.1.5.8, 2024-09-27), the rapid test and the XML signature. The
// value sets are not among those that the generator reads.
var FormatCode = &Table{Name: "JDV_J10-XdsFormatCode-CISIS", OID: "1.2.250.1.213.1.1.5.465", Date: "2024-04-26", codes: []socle.Code{
	{Code: "http://www.w3.org/2000/09/xmldsig#", System: schemeURN, Display: "Default Signature Style"},
	{Code: "urn:ans:ci-sis:bio-ep-bio:2022", System: SystemFormatFR, Display: "Prescription d'actes de biologie médicale"},
	{Code: "urn:ans:ci-sis:cse-mde:2023", System: SystemFormatFR, Display: "Mesures de signes vitaux"},
	{Code: "urn:ans:ci-sis:feuille-de-style:2023", System: SystemFormatFR, Display: "Feuille de style"},
	{Code: "urn:ans:ci-sis:img-da:2022", System: SystemFormatFR, Display: "Demande d'actes d'imagerie"},
	{Code: "urn:ans:ci-sis:trod:2024", System: SystemFormatFR, Display: "Test rapide d'orientation diagnostique"},
	{Code: "urn:asip:ci-sis:aunv:2013", System: SystemFormatFR, Display: "Fiche d'admission en unité neuro-vasculaire"},
	{Code: "urn:asip:ci-sis:avk:2009", System: SystemFormatFR, Display: "Fiche patient à risque en cardiologie - Traitement AVK"},
	{Code: "urn:asip:ci-sis:cr-anest:2020", System: SystemFormatFR, Display: "Compte rendu d'anesthésie"},
	{Code: "urn:asip:ci-sis:cr-cpa:2020", System: SystemFormatFR, Display: "Compte rendu de consultation pré-anesthésique"},
	{Code: "urn:asip:ci-sis:crgm:2018", System: SystemFormatFR, Display: "Compte rendu de génétique moléculaire"},
	{Code: "urn:asip:ci-sis:crrtn:2013", System: SystemFormatFR, Display: "Compte-rendu de rétinographie"},
	{Code: "urn:asip:ci-sis:cse-cs24:2017", System: SystemFormatFR, Display: "Certificat de santé du 24ème mois de l'enfant"},
	{Code: "urn:asip:ci-sis:cse-cs8:2017", System: SystemFormatFR, Display: "Certificat de santé du 8ème jour de l'enfant"},
	{Code: "urn:asip:ci-sis:cse-cs9:2017", System: SystemFormatFR, Display: "Certificat de santé du 9ème mois de l'enfant"},
	{Code: "urn:asip:ci-sis:cva:2017", System: SystemFormatFR, Display: "Carnet de vaccination électronique"},
	{Code: "urn:asip:ci-sis:d2lm-fidd:2017", System: SystemFormatFR, Display: "Seconde lecture de mammographie - Fiche d'interprétation du bilan de diagnostic différé"},
	{Code: "urn:asip:ci-sis:d2lm-fin:2017", System: SystemFormatFR, Display: "Seconde lecture de mammographie - Fiche d'interprétation nationale"},
	{Code: "urn:asip:ci-sis:dci:2009", System: SystemFormatFR, Display: "Fiche patient à risque en cardiologie - Défibrillateur cardiaque interne"},
	{Code: "urn:asip:ci-sis:dlu-dlu-dom:2022", System: SystemFormatFR, Display: "Document de liaison d'urgence DOM"},
	{Code: "urn:asip:ci-sis:dlu-fludr-dom:2022", System: SystemFormatFR, Display: "Fiche de liaison d'urgence - Retour des urgences vers le domicile"},
	{Code: "urn:asip:ci-sis:dlu-fludt-dom:2022", System: SystemFormatFR, Display: "Fiche de liaison d'urgence - Transfert du domicile vers les urgences"},
	{Code: "urn:asip:ci-sis:dlu:2015", System: SystemFormatFR, Display: "Document de liaison d'urgence"},
	{Code: "urn:asip:ci-sis:dlu:2024", System: SystemFormatFR, Display: "Document de liaison d'urgence"},
	{Code: "urn:asip:ci-sis:eunv:2013", System: SystemFormatFR, Display: "Fiche d'épisode de soin en unité neuro-vasculaire"},
	{Code: "urn:asip:ci-sis:export-dui:2023", System: SystemFormatFR, Display: "Export du Dossier Usager informatisé"},
	{Code: "urn:asip:ci-sis:fludr:2017", System: SystemFormatFR, Display: "Fiche de liaison d'urgence - Retour des urgences vers l'EHPAD"},
	{Code: "urn:asip:ci-sis:fludt:2017", System: SystemFormatFR, Display: "Fiche de liaison d'urgence - Transfert de l'EHPAD vers les urgences"},
	{Code: "urn:asip:ci-sis:fr-su:2024", System: SystemFormatFR, Display: "Fiche de retour du service des urgences"},
	{Code: "urn:asip:ci-sis:frcp:2011", System: SystemFormatFR, Display: "Fiche de réunion de concertation pluridisciplinaire"},
	{Code: "urn:asip:ci-sis:ft-su:2024", System: SystemFormatFR, Display: "Fiche de transfert vers le service des urgences"},
	{Code: "urn:asip:ci-sis:hr:2019", System: SystemFormatFR, Display: "Données de remboursement"},
	{Code: "urn:asip:ci-sis:idap:2011", System: SystemFormatFR, Display: "Information et directives anticipées du patient"},
	{Code: "urn:asip:ci-sis:ldl-ees:2017", System: SystemFormatFR, Display: "Lettre de Liaison à l'entrée d'un établissement de santé"},
	{Code: "urn:asip:ci-sis:ldl-ses:2017", System: SystemFormatFR, Display: "Lettre de Liaison à la sortie de l'établissement de santé"},
	{Code: "urn:asip:ci-sis:obp-sap:2023", System: SystemFormatFR, Display: "Synthèse antepartum"},
	{Code: "urn:asip:ci-sis:obp-scm:2023", System: SystemFormatFR, Display: "Synthèse Suites de Couches Mère"},
	{Code: "urn:asip:ci-sis:obp-sem:2023", System: SystemFormatFR, Display: "Synthèse Enfant en Maternité"},
	{Code: "urn:asip:ci-sis:obp-sne:2023", System: SystemFormatFR, Display: "Synthèse Salle de Naissance Enfant"},
	{Code: "urn:asip:ci-sis:obp-snm:2023", System: SystemFormatFR, Display: "Synthèse Salle de Naissance Mère"},
	{Code: "urn:asip:ci-sis:pavc:2016", System: SystemFormatFR, Display: "Compte-rendu de consultation d'évaluation pluri-professionnelle post AVC"},
	{Code: "urn:asip:ci-sis:ppp:2023", System: SystemFormatFR, Display: "Plan personnalisé de prévention"},
	{Code: "urn:asip:ci-sis:pps-cancer:2017", System: SystemFormatFR, Display: "Programme Personnalisé de Soins - Cancer"},
	{Code: "urn:asip:ci-sis:pps-paerpa:2017", System: SystemFormatFR, Display: "Plan Personnalisé de Santé - PAERPA"},
	{Code: "urn:asip:ci-sis:ppv:2009", System: SystemFormatFR, Display: "Fiche patient à risque en cardiologie - Porteur d'une prothèse valvulaire"},
	{Code: "urn:asip:ci-sis:psc:2009", System: SystemFormatFR, Display: "Fiche patient à risque en cardiologie - Porteur d'un stimulateur cardiaque"},
	{Code: "urn:asip:ci-sis:sdm-mr:2017", System: SystemFormatFR, Display: "Set de Données Minimum - Maladies Rares"},
	{Code: "urn:asip:ci-sis:sunv:2013", System: SystemFormatFR, Display: "Fiche de sortie d'unité neuro-vasculaire"},
	{Code: "urn:asip:ci-sis:tap:2009", System: SystemFormatFR, Display: "Fiche patient à risque en cardiologie - Traitement antiagrégant plaquettaire, stent"},
	{Code: "urn:asip:ci-sis:tlm-da:2020", System: SystemFormatFR, Display: "Demande d'acte de télémédecine"},
	{Code: "urn:asip:ci-sis:vac-note:2021", System: SystemFormatFR, Display: "Note de vaccination"},
	{Code: "urn:asip:ci-sis:vac:2019", System: SystemFormatFR, Display: "Historique des vaccinations"},
	{Code: "urn:asip:ci-sis:vsm:2012", System: SystemFormatFR, Display: "Synthèse médicale"},
	{Code: "urn:asipSante:modelesHorsProfils:2011", System: SystemFormatFR, Display: "Document non référencé IHE ou CI-SIS"},
	{Code: "urn:ihe:eyecare:geneyeevalcn:2014", System: SystemFormatIHE, Display: "CR de consultation en ophtalmologie"},
	{Code: "urn:ihe:iti-fr:xds-sd:jpeg:2010", System: SystemFormatIHE, Display: "Document à corps non structuré en format jpeg"},
	{Code: "urn:ihe:iti-fr:xds-sd:rtf:2010", System: SystemFormatIHE, Display: "Document à corps non structuré en format rtf"},
	{Code: "urn:ihe:iti-fr:xds-sd:tiff:2010", System: SystemFormatIHE, Display: "Document à corps non structuré en format tiff"},
	{Code: "urn:ihe:iti:dsg:detached:2014", System: SystemFormatIHE, Display: "Signature détachée"},
	{Code: "urn:ihe:iti:dsg:enveloping:2014", System: SystemFormatIHE, Display: "Document signé avec une signature enveloppante"},
	{Code: "urn:ihe:iti:xds-sd:pdf:2008", System: SystemFormatIHE, Display: "Document à corps non structuré en Pdf/A-1"},
	{Code: "urn:ihe:iti:xds-sd:text:2008", System: SystemFormatIHE, Display: "Document à corps non structuré en texte brut"},
	{Code: "urn:ihe:lab:xd-lab:2008", System: SystemFormatIHE, Display: "Compte rendu structuré d'examens de biologie médicale"},
	{Code: "urn:ihe:palm:apsr:2016", System: SystemFormatIHE, Display: "CR d'anatomie et de cytologie pathologiques"},
	{Code: "urn:ihe:pat:apsr:all:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - Modèle générique"},
	{Code: "urn:ihe:pat:apsr:breast:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - sein"},
	{Code: "urn:ihe:pat:apsr:cervix:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - col de l'utérus"},
	{Code: "urn:ihe:pat:apsr:colon:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - côlon"},
	{Code: "urn:ihe:pat:apsr:endometrium:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - corps utérin"},
	{Code: "urn:ihe:pat:apsr:esophagus:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - œsophage"},
	{Code: "urn:ihe:pat:apsr:kidney:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - rein"},
	{Code: "urn:ihe:pat:apsr:larynx:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - larynx"},
	{Code: "urn:ihe:pat:apsr:lip_oral_cavity:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - cavité buccale"},
	{Code: "urn:ihe:pat:apsr:liver:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - foie"},
	{Code: "urn:ihe:pat:apsr:lung:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - poumon"},
	{Code: "urn:ihe:pat:apsr:ovary:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - ovaires"},
	{Code: "urn:ihe:pat:apsr:pancreas:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - pancréas"},
	{Code: "urn:ihe:pat:apsr:pharynx:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - pharynx"},
	{Code: "urn:ihe:pat:apsr:prostate:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - prostate"},
	{Code: "urn:ihe:pat:apsr:salivary_gland:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - glandes salivaires"},
	{Code: "urn:ihe:pat:apsr:skin:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - mélanome cutané"},
	{Code: "urn:ihe:pat:apsr:stomach:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - estomac"},
	{Code: "urn:ihe:pat:apsr:testis:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - testicule"},
	{Code: "urn:ihe:pat:apsr:thyroid:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - thyroïde"},
	{Code: "urn:ihe:pat:apsr:urinary_bladder:2010", System: SystemFormatIHE, Display: "Compte rendu d'anatomie et de cytologie pathologiques - vessie"},
	{Code: "urn:ihe:pcc:ips:2020", System: SystemFormatIHE, Display: "Synthèse médicale"},
	{Code: "urn:ihe:pharm:dis:2010", System: SystemFormatIHE, Display: "Dispensation médicamenteuse"},
	{Code: "urn:ihe:pharm:pre:2010", System: SystemFormatIHE, Display: "Prescription de médicaments"},
	{Code: "urn:ihe:rad:CDA:ImagingReportStructuredHeadings:2013", System: SystemFormatIHE, Display: "Compte-rendu d'imagerie médicale"},
}}

// formatOf is the published correspondence ASS_A11-CorresModeleCDA-XdsFormatCode-CISIS,
// version 5.0.0: model of a structured document to format.
var formatOf = map[string]string{
	"1.2.250.1.213.1.1.1.2.1.1":      "urn:asip:ci-sis:avk:2009",
	"1.2.250.1.213.1.1.1.2.1.2":      "urn:asip:ci-sis:tap:2009",
	"1.2.250.1.213.1.1.1.2.1.3":      "urn:asip:ci-sis:dci:2009",
	"1.2.250.1.213.1.1.1.2.1.4":      "urn:asip:ci-sis:psc:2009",
	"1.2.250.1.213.1.1.1.2.1.5":      "urn:asip:ci-sis:ppv:2009",
	"1.2.250.1.213.1.1.1.5.1":        "urn:asip:ci-sis:cse-cs8:2017",
	"1.2.250.1.213.1.1.1.5.2":        "urn:asip:ci-sis:cse-cs9:2017",
	"1.2.250.1.213.1.1.1.5.3":        "urn:asip:ci-sis:cse-cs24:2017",
	"1.2.250.1.213.1.1.1.5.4":        "urn:ans:ci-sis:cse-mde:2023",
	"1.2.250.1.213.1.1.1.8":          "urn:asip:ci-sis:frcp:2011",
	"1.2.250.1.213.1.1.1.9":          "urn:asip:ci-sis:idap:2011",
	"1.2.250.1.213.1.1.1.10":         "urn:asip:ci-sis:cva:2017",
	"1.2.250.1.213.1.1.1.12.1":       "urn:asip:ci-sis:obp-sap:2023",
	"1.2.250.1.213.1.1.1.12.2":       "urn:asip:ci-sis:obp-snm:2023",
	"1.2.250.1.213.1.1.1.12.3":       "urn:asip:ci-sis:obp-sne:2023",
	"1.2.250.1.213.1.1.1.12.4":       "urn:asip:ci-sis:obp-scm:2023",
	"1.2.250.1.213.1.1.1.12.5":       "urn:asip:ci-sis:obp-sem:2023",
	"1.2.250.1.213.1.1.1.13":         "urn:asip:ci-sis:vsm:2012",
	"1.2.250.1.213.1.1.1.15":         "urn:asip:ci-sis:aunv:2013",
	"1.2.250.1.213.1.1.1.16":         "urn:asip:ci-sis:eunv:2013",
	"1.2.250.1.213.1.1.1.17":         "urn:asip:ci-sis:sunv:2013",
	"1.2.250.1.213.1.1.1.18":         "urn:asip:ci-sis:crrtn:2013",
	"1.2.250.1.213.1.1.1.20":         "urn:asip:ci-sis:pps-paerpa:2017",
	"1.2.250.1.213.1.1.1.21":         "urn:asip:ci-sis:ldl-ees:2017",
	"1.2.250.1.213.1.1.1.22":         "urn:asip:ci-sis:dlu:2015",
	"1.2.250.1.213.1.1.1.23":         "urn:asip:ci-sis:fludt:2017",
	"1.2.250.1.213.1.1.1.24":         "urn:asip:ci-sis:fludr:2017",
	"1.2.250.1.213.1.1.1.25":         "urn:asip:ci-sis:pavc:2016",
	"1.2.250.1.213.1.1.1.26":         "urn:asip:ci-sis:pps-cancer:2017",
	"1.2.250.1.213.1.1.1.27":         "urn:asip:ci-sis:d2lm-fin:2017",
	"1.2.250.1.213.1.1.1.28":         "urn:asip:ci-sis:d2lm-fidd:2017",
	"1.2.250.1.213.1.1.1.29":         "urn:asip:ci-sis:ldl-ses:2017",
	"1.2.250.1.213.1.1.1.30":         "urn:asip:ci-sis:sdm-mr:2017",
	"1.2.250.1.213.1.1.1.32":         "urn:asip:ci-sis:crgm:2018",
	"1.2.250.1.213.1.1.1.36":         "urn:asip:ci-sis:hr:2019",
	"1.2.250.1.213.1.1.1.37":         "urn:asip:ci-sis:vac:2019",
	"1.2.250.1.213.1.1.1.38":         "urn:asip:ci-sis:tlm-da:2020",
	"1.2.250.1.213.1.1.1.39":         "urn:ihe:pharm:pre:2010",
	"1.2.250.1.213.1.1.1.40":         "urn:asip:ci-sis:cr-anest:2020",
	"1.2.250.1.213.1.1.1.41":         "urn:asip:ci-sis:cr-cpa:2020",
	"1.2.250.1.213.1.1.1.42":         "urn:ihe:eyecare:geneyeevalcn:2014",
	"1.2.250.1.213.1.1.1.43":         "urn:ihe:eyecare:geneyeevalcn:2014",
	"1.2.250.1.213.1.1.1.44":         "urn:ihe:eyecare:geneyeevalcn:2014",
	"1.2.250.1.213.1.1.1.45":         "urn:ihe:rad:CDA:ImagingReportStructuredHeadings:2013",
	"1.2.250.1.213.1.1.1.46":         "urn:asip:ci-sis:vac-note:2021",
	"1.2.250.1.213.1.1.1.47":         "urn:ans:ci-sis:img-da:2022",
	"1.2.250.1.213.1.1.1.48":         "urn:asip:ci-sis:dlu-dlu-dom:2022",
	"1.2.250.1.213.1.1.1.49":         "urn:asip:ci-sis:dlu-fludt-dom:2022",
	"1.2.250.1.213.1.1.1.50":         "urn:asip:ci-sis:dlu-fludr-dom:2022",
	"1.2.250.1.213.1.1.1.51":         "urn:ihe:pcc:ips:2020",
	"1.2.250.1.213.1.1.1.52":         "urn:ans:ci-sis:bio-ep-bio:2022",
	"1.2.250.1.213.1.1.1.54":         "urn:ihe:pharm:dis:2010",
	"1.2.250.1.213.1.1.1.55":         "urn:ihe:lab:xd-lab:2008",
	"1.2.250.1.213.1.1.1.56":         "urn:asip:ci-sis:ppp:2023",
	"1.2.250.1.213.1.1.1.57":         "urn:ihe:palm:apsr:2016",
	"1.2.250.1.213.1.1.1.58":         "urn:asip:ci-sis:export-dui:2023",
	"1.3.6.1.4.1.19376.1.3.3":        "urn:ihe:lab:xd-lab:2008",
	"1.3.6.1.4.1.19376.1.8.1.1.1":    "urn:ihe:pat:apsr:all:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.1":  "urn:ihe:pat:apsr:breast:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.2":  "urn:ihe:pat:apsr:colon:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.3":  "urn:ihe:pat:apsr:prostate:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.4":  "urn:ihe:pat:apsr:thyroid:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.5":  "urn:ihe:pat:apsr:lung:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.6":  "urn:ihe:pat:apsr:skin:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.7":  "urn:ihe:pat:apsr:kidney:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.8":  "urn:ihe:pat:apsr:cervix:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.9":  "urn:ihe:pat:apsr:endometrium:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.10": "urn:ihe:pat:apsr:ovary:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.11": "urn:ihe:pat:apsr:esophagus:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.12": "urn:ihe:pat:apsr:stomach:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.13": "urn:ihe:pat:apsr:liver:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.14": "urn:ihe:pat:apsr:pancreas:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.15": "urn:ihe:pat:apsr:testis:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.16": "urn:ihe:pat:apsr:urinary_bladder:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.17": "urn:ihe:pat:apsr:lip_oral_cavity:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.18": "urn:ihe:pat:apsr:pharynx:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.19": "urn:ihe:pat:apsr:salivary_gland:2010",
	"1.3.6.1.4.1.19376.1.8.1.1.2.20": "urn:ihe:pat:apsr:larynx:2010",
}

// TemplateNonXML is the model of the documents whose body is not XML (CDA level 1, IHE XDS-SD).
const TemplateNonXML = "1.3.6.1.4.1.19376.1.2.20"

// FormatOutOfProfile is the format of a structured document of no known model.
const FormatOutOfProfile = "urn:asipSante:modelesHorsProfils:2011"

// Format gives the format of a structured document from the OIDs of its
// models (templateId). The last model that has a format decides: documents list
// theirs from the general to the particular. Without any, it is
// [FormatOutOfProfile].
func Format(templates []string) socle.Code {
	found := FormatOutOfProfile
	for _, t := range templates {
		if f, ok := formatOf[t]; ok {
			found = f
		} else if f, ok := AssumedFormat[t]; ok {
			found = f
		}
	}
	c, _ := Lookup(FormatCode, found)
	return c
}

// FormatNonXML gives the format of a document of level 1 from the media type of
// its body, and reports false for a media type that has none.
func FormatNonXML(mediaType string) (socle.Code, bool) {
	media, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(mediaType)), ";")
	switch strings.TrimSpace(media) {
	case "application/pdf":
		return Lookup(FormatCode, "urn:ihe:iti:xds-sd:pdf:2008")
	case "text/plain":
		return Lookup(FormatCode, "urn:ihe:iti:xds-sd:text:2008")
	case "image/jpeg":
		return Lookup(FormatCode, "urn:ihe:iti-fr:xds-sd:jpeg:2010")
	case "image/tiff":
		return Lookup(FormatCode, "urn:ihe:iti-fr:xds-sd:tiff:2010")
	case "application/rtf", "text/rtf":
		return Lookup(FormatCode, "urn:ihe:iti-fr:xds-sd:rtf:2010")
	}
	return socle.Code{}, false
}
