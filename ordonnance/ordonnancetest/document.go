package ordonnancetest

import (
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/xmltree"
	"github.com/soclesante/socle/ordonnance"
)

// Document writes a prescription document (eP-MED-DM 2024.01) of our own, for
// programs and tests that have no real one: an invented doctor prescribes
// paracetamol and amoxicillin to p at the time at, valid for three months. An
// empty number leaves the document without one. It lacks the PDF copy that the
// 2024.01 model demands.
func Document(p ordonnance.Patient, number ordonnance.Number, at time.Time) []byte {
	esc := func(s string) string { return string(xmltree.AppendAttr(nil, s)) }
	const ts, day = "20060102150405-0700", "20060102"
	given := strings.TrimSpace(p.Traits.GivenNames)
	if given == "" {
		given = p.Traits.First()
	}
	event := ""
	if number != "" {
		event = `<id root="` + ordonnance.OIDNumber + `" extension="` + esc(string(number)) + `"/>`
	}
	place := ""
	if p.Traits.BirthPlace != "" {
		place = "<birthplace><place><addr><county>" + esc(string(p.Traits.BirthPlace)) + "</county></addr></place></birthplace>"
	}
	lines, rows := "", ""
	for i, d := range drugs {
		index, stated := string(rune('1'+i)), ""
		for j, f := range flags {
			stated += strings.NewReplacer("{template}", f.template, "{code}", f.code, "{index}", index, "{n}", "0"+string(rune('1'+j))).Replace(flagXML)
		}
		fill := strings.NewReplacer("{n}", d.id, "{name}", esc(d.name), "{cis}", d.cis, "{cip}", d.cip, "{form}", d.form, "{formName}", d.formName,
			"{atc}", d.atc, "{substance}", d.substance, "{every}", d.every, "{posology}", esc(d.posology), "{boxes}", d.boxes, "{repeats}", d.repeats,
			"{unit}", d.unit, "{low}", at.Format(day), "{high}", at.AddDate(0, 0, d.days-1).Format(day), "{index}", index, "{flags}", stated)
		lines += fill.Replace(drugXML)
		rows += fill.Replace(rowXML)
	}
	return []byte(strings.NewReplacer(
		"{serial}", strconv.FormatInt(at.UnixNano(), 10), "{at}", at.Format(ts), "{end}", at.AddDate(0, 3, 0).Format(ts), "{ins}", p.INS.Matricule.Wire(), "{oid}", p.INS.OID.String(),
		"{family}", esc(p.Traits.BirthName), "{given}", esc(given), "{first}", esc(p.Traits.First()), "{sex}", string(p.Traits.Sex),
		"{birth}", p.Traits.BirthDate.Compact(), "{place}", place, "{event}", event, "{rows}", rows, "{lines}", lines,
	).Replace(documentXML))
}

var drugs = []struct {
	id, name, cis, cip, form, formName, atc, substance, every, posology, boxes, repeats, unit string
	days                                                                                      int
}{
	{"1", "PARACETAMOL MYLAN 500 mg, comprimé", "63107752", "3400933516390", "10219000", "Comprimé", "N02BE01", "paracetamol", "8",
		"1 à 2 comprimés toutes les 8 heures si douleur, pendant 5 jours", "2", "1", "{tablet}", 5},
	{"2", "AMOXICILLINE BIOGARAN 500 mg, gélule", "69118175", "3400933857042", "10210000", "Gélule", "J01CA04", "amoxicillin", "12",
		"1 à 2 gélules matin et soir pendant 6 jours", "1", "0", "{capsule}", 6},
}

const rowXML = `<tr><td><content ID="med-{n}">{name}</content></td><td><content ID="med-{n}-posologie">{posology}</content></td></tr>`

const drugXML = `<entry><substanceAdministration classCode="SBADM" moodCode="INT">
<templateId root="2.16.840.1.113883.10.20.1.24"/><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7"/><templateId root="1.3.6.1.4.1.19376.1.9.1.3.2"/>
<templateId root="1.2.250.1.213.1.1.3.83"/><templateId root="1.3.6.1.4.1.19376.1.9.1.3.6"/><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7.1"/>
<id root="6F0C8A10-0000-4000-8000-00000000000{index}"/>
<code code="DRUG" codeSystem="2.16.840.1.113883.5.4" displayName="Médicament"/>
<text><reference value="#med-{n}"/></text><statusCode code="completed"/>
<effectiveTime xsi:type="IVL_TS"><low value="{low}"/><high value="{high}"/></effectiveTime>
<effectiveTime xsi:type="PIVL_TS" operator="A"><period value="{every}" unit="h"/></effectiveTime>
<repeatNumber value="{repeats}"/>
<routeCode code="20053000" displayName="Voie orale" codeSystem="0.4.0.127.0.16.1.1.2.1"/>
<doseQuantity><low value="1" unit="{unit}"/><high value="2" unit="{unit}"/></doseQuantity>
<consumable><manufacturedProduct classCode="MANU">
<templateId root="2.16.840.1.113883.10.20.1.53"/><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7.2"/><templateId root="1.2.250.1.213.1.1.3.43"/>
<manufacturedMaterial classCode="MMAT" determinerCode="KIND"><templateId root="1.3.6.1.4.1.19376.1.9.1.3.1"/>
<code code="{cis}" displayName="{name}" codeSystem="1.2.250.1.213.2.3.1"><originalText><reference value="#med-{n}"/></originalText>
<translation code="{cip}" displayName="{name}" codeSystem="1.2.250.1.213.2.3.2"/></code>
<name>{name}</name>
<pharm:formCode code="{form}" displayName="{formName}" codeSystem="0.4.0.127.0.16.1.1.2.1"/>
<pharm:asSpecializedKind classCode="GRIC"><pharm:generalizedMedicineClass classCode="MMAT">
<pharm:code code="{atc}" displayName="{substance}" codeSystem="2.16.840.1.113883.6.73"/><pharm:name>{substance}</pharm:name>
</pharm:generalizedMedicineClass></pharm:asSpecializedKind>
</manufacturedMaterial></manufacturedProduct></consumable>
<entryRelationship typeCode="COMP"><supply classCode="SPLY" moodCode="RQO"><templateId root="1.3.6.1.4.1.19376.1.9.1.3.8"/>
<templateId root="1.2.250.1.213.1.1.3.86"/><independentInd value="false"/><quantity value="{boxes}" unit="30009000"/></supply></entryRelationship>
<entryRelationship typeCode="COMP"><act classCode="ACT" moodCode="DEF"><templateId root="1.3.6.1.4.1.19376.1.9.1.3.9.1"/>
<templateId root="1.2.250.1.213.1.1.3.87"/><code code="G" codeSystem="2.16.840.1.113883.5.1070"/><statusCode code="completed"/></act></entryRelationship>
{flags}</substanceAdministration></entry>`

// flags are stated for each drug: none of them holds (ordonnance.md §5.5).
var flags = []struct{ template, code string }{
	{"1.2.250.1.213.1.1.3.48.13", "MED-574"}, {"1.2.250.1.213.1.1.3.48.14", "GEN-180"}, {"1.2.250.1.213.1.1.3.48.34", "GEN-295"},
	{"1.2.250.1.213.1.1.3.48.15", "GEN-181"}, {"1.2.250.1.213.1.1.3.48.12", "GEN-179"},
}

const flagXML = `<entryRelationship typeCode="COMP"><observation classCode="OBS" moodCode="EVN">
<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.13"/><templateId root="1.2.250.1.213.1.1.3.48"/><templateId root="{template}"/>
<id root="6F0C8A10-0000-4000-8000-00000000F{index}{n}"/><code code="{code}" codeSystem="1.2.250.1.213.1.1.4.322"/><statusCode code="completed"/>
<value xsi:type="BL" value="false"/></observation></entryRelationship>`

const organisationXML = `<id root="1.2.250.1.71.4.2.2" extension="1750512345"/><name>Cabinet du Dr Camille ESSAI</name>`

const prescriberXML = `<assignedEntity><id root="1.2.250.1.71.4.2.1" extension="801234567897"/>
<code code="G15_10/SM26" displayName="Médecin - Qualifié en Médecine Générale (SM)" codeSystem="1.2.250.1.213.1.1.4.5"/>
<assignedPerson><name><family>ESSAI</family><given>Camille</given></name></assignedPerson>
<representedOrganization>` + organisationXML + `<standardIndustryClassCode code="AMBULATOIRE" displayName="Ambulatoire" codeSystem="1.2.250.1.213.1.1.4.9"/>
</representedOrganization></assignedEntity>`

const documentXML = `<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:pharm="urn:ihe:pharm:medication" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<realmCode code="FR"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="2.16.840.1.113883.2.8.2.1"/><templateId root="1.2.250.1.213.1.1.1.1"/><templateId root="1.3.6.1.4.1.19376.1.9.1.1.1"/>
<templateId root="1.3.6.1.4.1.19376.1.5.3.1.1.1"/><templateId root="1.2.250.1.213.1.1.1.39" extension="2024.01"/>
<id root="1.2.250.1.999.1.1.7898.9.{serial}"/>
<code code="57833-6" displayName="Prescription de produits de santé" codeSystem="2.16.840.1.113883.6.1"/>
<title>Prescription de médicaments et/ou de dispositifs médicaux</title>
<effectiveTime value="{at}"/><confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="fr-FR"/>
<setId root="1.2.250.1.999.1.1.7898.9.{serial}.1"/><versionNumber value="1"/>
<recordTarget><patientRole><id root="{oid}" extension="{ins}"/><addr nullFlavor="UNK"/><telecom nullFlavor="UNK"/>
<patient><name><family qualifier="BR">{family}</family><given>{given}</given><given qualifier="BR">{first}</given></name>
<administrativeGenderCode code="{sex}" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="{birth}"/>{place}</patient></patientRole></recordTarget>
<author><time value="{at}"/><assignedAuthor><id root="1.2.250.1.71.4.2.1" extension="801234567897"/>
<code code="G15_10/SM26" displayName="Médecin - Qualifié en Médecine Générale (SM)" codeSystem="1.2.250.1.213.1.1.4.5"/>
<assignedPerson><name><family>ESSAI</family><given>Camille</given></name></assignedPerson>
<representedOrganization>` + organisationXML + `</representedOrganization></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization>` + organisationXML + `</representedCustodianOrganization></assignedCustodian></custodian>
<legalAuthenticator><time value="{at}"/><signatureCode code="S"/>` + prescriberXML + `</legalAuthenticator>
<documentationOf><serviceEvent>{event}<code code="57833-6" codeSystem="2.16.840.1.113883.6.1"/>
<effectiveTime><low value="{at}"/><high value="{end}"/></effectiveTime><performer typeCode="PRF">` + prescriberXML + `</performer></serviceEvent></documentationOf>
<componentOf><encompassingEncounter><code code="AMB" codeSystem="2.16.840.1.113883.5.4"/><effectiveTime><high value="{at}"/></effectiveTime>
<location><healthCareFacility><code code="SA07" codeSystem="1.2.250.1.71.4.2.4"/></healthCareFacility></location></encompassingEncounter></componentOf>
<component><structuredBody><component><section>
<templateId root="1.3.6.1.4.1.19376.1.9.1.2.1"/><templateId root="1.2.250.1.213.1.1.2.171"/>
<id root="6F0C8A10-0000-4000-8000-000000000002"/><code code="57828-6" codeSystem="2.16.840.1.113883.6.1"/><title>Prescription de médicaments</title>
<text><table><thead><tr><th>Médicament</th><th>Posologie</th></tr></thead><tbody>{rows}</tbody></table></text>
{lines}
</section></component></structuredBody></component></ClinicalDocument>
`
