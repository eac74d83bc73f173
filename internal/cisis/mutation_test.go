package cisis_test

import "regexp"

// mutation breaks a real document in one place.
type mutation struct {
	name string
	base string // "note", "test" or "file"
	from string // regular expression; its first match is replaced, all with every
	to   string
	want string // the rule that it breaks
	also []string
	// every replaces all the matches.
	every bool
}

func (m mutation) apply(doc string) string {
	r := regexp.MustCompile(m.from)
	if m.every {
		return r.ReplaceAllString(doc, m.to)
	}
	i := r.FindStringSubmatchIndex(doc)
	if i == nil {
		return doc
	}
	return doc[:i[0]] + string(r.ExpandString(nil, m.to, doc, i)) + doc[i[1]:]
}

const any = `(?s:.*?)`

// mutations break each rule at least once.
var mutations = []mutation{
	{name: "no-realm", base: "note", from: `<realmCode code="FR" ?/>`, want: "header.realm"},
	{name: "class-of-document", base: "note", from: `<ClinicalDocument `, to: `<ClinicalDocument classCode="OBS" `, want: "header.realm"},
	{name: "no-cisis-model", base: "file", from: `<templateId root="1.2.250.1.213.1.1.1.1" ?/>`, want: "header.models", also: []string{"header.file"}},
	{name: "no-hl7-model", base: "note", from: `<templateId root="2.16.840.1.113883.2.8.2.1" ?/>`, want: "header.models"},
	{name: "file-with-another-model", base: "file", from: `<templateId root="2.16.840.1.113883.2.8.2.1" ?/>`, to: `$0<templateId root="1.2.250.1.213.1.1.1.46"/>`, want: "header.file", also: []string{"note.models", "note.code", "note.section"}},
	{name: "id-null", base: "note", from: `<id root="1.2.250.1.213.1.1.1.46.2023.1.1"/>`, to: `<id nullFlavor="UNK"/>`, want: "header.id"},
	{name: "id-malformed", base: "note", from: `<id root="1.2.250.1.213.1.1.1.46.2023.1.1"/>`, to: `<id root="un-deux"/>`, want: "header.identifier"},
	{name: "code-unknown", base: "file", from: `(</templateId>|/>)(` + any + `)<code code="[^"]*"`, to: `$1$2<code code="00000-0"`, want: "header.code"},
	{name: "code-without-label", base: "note", from: `<code code="87273-9" displayName="Note de vaccination"`, to: `<code code="87273-9"`, want: "header.code"},
	{name: "code-without-system", base: "note", from: `<code code="87273-9" displayName="Note de vaccination" codeSystem="2.16.840.1.113883.6.1"`, to: `<code code="87273-9" displayName="Note de vaccination"`, want: "header.code", also: []string{"header.coded", "note.code"}},
	{name: "no-title", base: "note", from: `<title>NOTE DE VACCINATION</title>`, want: "header.title"},
	{name: "title-empty", base: "test", from: `<title>Test rapide[^<]*</title>`, to: `<title/>`, want: "header.title", also: []string{"test.heading"}},
	{name: "no-date", base: "note", from: `<effectiveTime value="20210409153500\+0100" />`, want: "header.time"},
	{name: "date-of-no-calendar", base: "note", from: `<effectiveTime value="20210409153500`, to: `<effectiveTime value="20211349153500`, want: "header.moment"},
	{name: "date-in-words", base: "note", from: `<effectiveTime value="20210409153500\+0100"`, to: `<effectiveTime value="2021-04-09"`, want: "header.moment"},
	{name: "date-without-zone", base: "note", from: `<effectiveTime value="20210409153500\+0100"`, to: `<effectiveTime value="20210409153500"`, want: "header.zone"},
	{name: "no-confidentiality", base: "note", from: `<confidentialityCode[^>]*/>`, want: "header.confidentiality"},
	{name: "confidentiality-unknown", base: "note", from: `<confidentialityCode code="N"`, to: `<confidentialityCode code="Z"`, want: "header.confidentiality"},
	{name: "no-language", base: "note", from: `<languageCode code="fr-FR" />`, want: "header.language"},
	{name: "language-malformed", base: "test", from: `<languageCode code="fr-FR"`, to: `<languageCode code="french"`, want: "header.language"},
	{name: "no-set", base: "note", from: `<setId[^>]*/>`, want: "header.version"},
	{name: "no-version", base: "note", from: `<versionNumber[^>]*/>`, want: "header.version"},
	{name: "version-in-words", base: "note", from: `<versionNumber value="1"`, to: `<versionNumber value="one"`, want: "header.version"},
	{name: "two-patients", base: "note", from: `<recordTarget>` + any + `</recordTarget>`, to: `$0$0`, want: "header.patient"},
	{name: "patient-id-without-extension", base: "note", from: `<id extension="1234567890121" root="1.2.3.4.567.8.9.10"/>`, to: `<id root="1.2.3.4.567.8.9.10"/>`, want: "header.patient"},
	{name: "no-birth-name", base: "note", from: `<family qualifier="BR">PAT-TROIS</family>`, want: "header.traits"},
	{name: "no-first-given-name", base: "note", from: `<given qualifier="BR">DOMINIQUE</given>`, want: "header.traits"},
	{name: "no-list-of-given-names", base: "test", from: `<given>DOMINIQUE MARIE-LOUISE</given>`, want: "header.traits"},
	{name: "no-birth-place", base: "test", from: `<county>51215</county>`, want: "header.traits"},
	{name: "spouse-qualifier", base: "note", from: `<family qualifier="CL">`, to: `<family qualifier="SP">`, want: "header.name"},
	{name: "family-without-qualifier", base: "note", from: `<family qualifier="CL">`, to: `<family>`, want: "header.name"},
	{name: "sex-unknown", base: "note", from: `administrativeGenderCode code="F"`, to: `administrativeGenderCode code="X"`, want: "header.gender"},
	{name: "no-sex", base: "note", from: `<administrativeGenderCode[^>]*/>`, want: "header.gender", also: []string{"header.traits"}},
	{name: "no-birth-date", base: "test", from: `<birthTime value="19790328"/>`, want: "header.birth", also: []string{"header.traits"}},
	{name: "no-birth-date-note", base: "note", from: `<birthTime value="19790328"/>`, want: "note.birth", also: []string{"header.birth", "header.traits"}},
	{name: "guardian-without-person", base: "note", from: `<guardianPerson>` + any + `</guardianPerson>`, want: "header.guardian"},
	{name: "no-ins", base: "note", from: `root="1.2.250.1.213.1.4.10"`, to: `root="1.2.3.4"`, want: "header.ins"},
	{name: "author-without-time", base: "note", from: `<time value="20100603094914\+0100" />`, want: "header.author"},
	{name: "author-id-without-extension", base: "note", from: `(<author ` + any + `)<id root="1.2.250.1.71.4.2.1" extension="801234567897" />`, to: `$1<id root="1.2.250.1.71.4.2.1"/>`, want: "header.author"},
	{name: "author-function-unknown", base: "note", from: `(<author [^>]*>)`, to: `$1<functionCode code="ZZZ" codeSystem="2.16.840.1.113883.5.88"/>`, want: "header.function"},
	{name: "author-profession-unknown", base: "note", from: `<code code="G15_10/SM26"`, to: `<code code="G15_10/SM99"`, want: "header.role"},
	{name: "author-two-given-names", base: "note", from: `<given>Charles</given>`, to: `<given>Charles</given><given>Paul</given>`, want: "header.name"},
	{name: "author-prefix-unknown", base: "note", from: `<prefix>M</prefix>`, to: `<prefix>Monsieur</prefix>`, want: "header.name"},
	{name: "author-suffix-unknown", base: "test", from: `<suffix>DR</suffix>`, to: `<suffix>Dr.</suffix>`, want: "header.name"},
	{name: "author-device", base: "test", from: `<assignedPerson>` + any + `</assignedPerson>`, to: `<assignedAuthoringDevice><softwareName>LGO</softwareName></assignedAuthoringDevice>`, want: "header.device"},
	{name: "structure-without-value", base: "note", from: `<id root="1.2.250.1.71.4.2.2" extension="1750803447" />`, to: `<id root="1.2.250.1.71.4.2.2"/>`, want: "header.organization"},
	{name: "no-custodian", base: "note", from: `<custodian` + any + `</custodian>`, want: "header.custodian"},
	{name: "custodian-of-another-authority", base: "note", from: `(<representedCustodianOrganization>\s*)<id root="1.2.250.1.71.4.2.2"`, to: `$1<id root="1.2.250.1.71.4.2.9"`, want: "header.custodian"},
	{name: "no-legal-authenticator", base: "note", from: `<legalAuthenticator>` + any + `</legalAuthenticator>`, want: "header.legal"},
	{name: "not-signed", base: "note", from: `<signatureCode code="S" ?/>`, to: `<signatureCode code="I"/>`, want: "header.legal"},
	{name: "authenticator-without-id", base: "note", from: `<documentationOf>`, to: `<authenticator><time value="20210409"/><signatureCode code="S"/><assignedEntity><id root="1.2.3" extension="4"/></assignedEntity></authenticator>$0`, want: "header.authenticator"},
	{name: "informant-of-unknown-class", base: "note", from: `<relatedEntity classCode="ECON">`, to: `<relatedEntity classCode="FRND">`, want: "header.informant"},
	{name: "recipient-of-two-organizations", base: "test", from: `<receivedOrganization>` + any + `</receivedOrganization>`, to: `$0$0`, want: "header.recipient"},
	{name: "participant-of-unknown-type", base: "test", from: `<participant typeCode="INF">`, to: `<participant typeCode="XXX">`, want: "header.participant"},
	{name: "participant-without-time", base: "test", from: `(<functionCode code="PCP"[^>]*/>\s*)<time` + any + `</time>`, to: `$1`, want: "header.participant"},
	{name: "order-of-two-ids", base: "note", from: `<documentationOf>`, to: `<inFulfillmentOf><order><id root="1.2.3" extension="1"/><id root="1.2.3" extension="2"/></order></inFulfillmentOf>$0`, want: "header.order"},
	{name: "no-act", base: "note", from: `<documentationOf>` + any + `</documentationOf>`, want: "header.event"},
	{name: "act-without-beginning", base: "note", from: `<effectiveTime>\s*<low value="20210409153500\+0100" />\s*</effectiveTime>`, to: `<effectiveTime value="20210409153500+0100"/>`, want: "header.event"},
	{name: "act-code-without-system", base: "test", from: `<code code="J02.0" displayName="Pharyngite à streptocoques" codeSystem="2.16.840.1.113883.6.3" codeSystemName="CIM-10"/>`, to: `<code code="J02.0" displayName="x"/>`, want: "header.eventcode", also: []string{"header.coded"}},
	{name: "performer-without-organization", base: "note", from: `(<performer typeCode="PRF">` + any + `)<representedOrganization>` + any + `</representedOrganization>`, to: `$1`, want: "header.performer"},
	{name: "performer-without-practice", base: "note", from: `(<performer typeCode="PRF">` + any + `)<standardIndustryClassCode[^>]*/>`, to: `$1`, want: "header.practice"},
	{name: "practice-unknown", base: "file", from: `(<performer` + any + `<standardIndustryClassCode code=")[^"]*`, to: `${1}OFFICINE`, want: "header.practice"},
	{name: "replaces-two", base: "note", from: `<componentOf>`, to: `<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3"/></parentDocument></relatedDocument><relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.4"/></parentDocument></relatedDocument>$0`, want: "header.replaces"},
	{name: "replaces-without-id", base: "note", from: `<componentOf>`, to: `<relatedDocument typeCode="RPLC"><parentDocument><setId root="1.2.3"/></parentDocument></relatedDocument>$0`, want: "header.replaces"},
	{name: "consent-not-completed", base: "test", from: `(<consent` + any + `)<statusCode code="completed"/>`, to: `$1<statusCode code="active"/>`, want: "header.consent"},
	{name: "no-encounter", base: "note", from: `<componentOf>` + any + `</componentOf>`, want: "header.encounter"},
	{name: "encounter-without-period", base: "note", from: `<effectiveTime>\s*<low value="20210409153000\+0100" />\s*</effectiveTime>`, want: "header.encounter"},
	{name: "encounter-ends-before", base: "note", from: `<low value="20210409153000\+0100" />`, to: `$0<high value="20200101000000+0100"/>`, want: "header.moment"},
	{name: "encounter-of-unknown-kind", base: "note", from: `<code code="AMB"`, to: `<code code="XXX"`, want: "header.encounter"},
	{name: "facility-unknown", base: "note", from: `<code code="SA07"`, to: `<code code="SA00"`, want: "header.facility"},
	{name: "no-facility", base: "test", from: `<healthCareFacility>` + any + `</healthCareFacility>`, want: "header.facility"},
	{name: "no-body", base: "note", from: `<component>\s*<structuredBody>(?s:.*)</structuredBody>\s*</component>`, want: "header.body", also: []string{"note.section"}},
	{name: "telecom-without-scheme", base: "note", from: `<telecom value="tel:0144534551" use="H"/>`, to: `<telecom value="0144534551" use="H"/>`, want: "header.telecom"},
	{name: "telecom-of-unknown-use", base: "note", from: `<telecom value="tel:0144534551" use="H"/>`, to: `<telecom value="tel:0144534551" use="XX"/>`, want: "header.telecom"},
	{name: "address-with-two-cities", base: "note", from: `<city>PARIS</city>`, to: `$0<city>PARIS</city>`, want: "header.address"},
	{name: "address-of-unknown-use", base: "note", from: `<addr>`, to: `<addr use="XX">`, want: "header.address"},
	{name: "same-translation-twice", base: "file", from: `(<documentationOf` + any + `<code )([^>]*)/>`, to: `$1$2><translation code="a" codeSystem="1.2"/><translation code="a" codeSystem="1.2"/></code>`, want: "header.coded"},

	{name: "vaccines-of-another-code", base: "note", from: `<code code="11369-6"`, to: `<code code="11369-7"`, want: "vaccination.section"},
	{name: "vaccines-without-ccd-model", base: "note", from: `<templateId root="2.16.840.1.113883.10.20.1.6"/>`, want: "vaccination.section"},
	{name: "no-negation", base: "note", from: ` negationInd="false"`, want: "vaccination.class"},
	{name: "vaccination-without-ccd-model", base: "note", from: `<templateId root="2.16.840.1.113883.10.20.1.24"/>`, want: "vaccination.models"},
	{name: "vaccination-without-id", base: "note", from: `<id root="41DAC707-7C96-47B7-B600-AC63D8002142" />`, want: "vaccination.id"},
	{name: "vaccination-without-kind", base: "note", from: `<code code="INITIMMUNIZ"[^>]*/>`, want: "vaccination.act"},
	{name: "vaccination-of-unknown-kind", base: "note", from: `<code code="INITIMMUNIZ"`, to: `<code code="FIRST"`, want: "vaccination.act"},
	{name: "vaccination-active", base: "note", from: `<statusCode code="completed" />(\s*)<effectiveTime value="20090928" />`, to: `<statusCode code="active"/>$1<effectiveTime value="20090928" />`, want: "vaccination.status"},
	{name: "vaccination-without-text", base: "note", from: `<text><reference value="#vac-01" /></text>`, want: "vaccination.text"},
	{name: "vaccination-without-date", base: "note", from: `<effectiveTime value="20090928" />`, want: "vaccination.time", also: []string{"note.date"}},
	{name: "product-without-model", base: "note", from: `<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7.2"/>`, want: "vaccination.product"},
	{name: "product-without-reference", base: "note", from: `<originalText><reference value="#vac-01" /></originalText>`, want: "vaccination.product"},
	{name: "author-of-another-context", base: "note", from: `(<substanceAdministration` + any + `)contextControlCode="OP"`, to: `${1}contextControlCode="ON"`, want: "vaccination.people"},
	{name: "two-ranks", base: "note", from: `<entryRelationship typeCode="SUBJ">\s*<observation` + any + `</entryRelationship>`, to: `$0$0`, want: "vaccination.more"},
	{name: "rank-of-another-code", base: "note", from: `<code code="30973-2"`, to: `<code code="30973-3"`, want: "vaccination.rank"},
	{name: "comment-without-reference", base: "note", from: `<reference value="#vac-01-comment" />`, want: "vaccination.comment"},
	{name: "comment-without-french-model", base: "note", from: `<templateId root="1.2.250.1.213.1.1.3.32"/>`, want: "vaccination.comment"},
	{name: "reference-to-nothing", base: "note", from: `<content ID="vac-01-reac">`, to: `<content>`, want: "narrative.reference"},

	{name: "note-of-another-year", base: "note", from: `extension="2023.01"`, to: `extension="2021.01"`, want: "note.models"},
	{name: "note-of-another-code", base: "note", from: `<code code="87273-9" displayName="Note de vaccination"`, to: `<code code="11369-6" displayName="Historique des vaccinations"`, want: "note.code"},
	{name: "note-of-two-vaccinations", base: "note", from: `<entry>\s*<substanceAdministration` + any + `</entry>`, to: `$0$0`, want: "note.one"},
	{name: "not-made", base: "note", from: `negationInd="false"`, to: `negationInd="true"`, want: "note.done"},
	{name: "year-of-vaccination", base: "note", from: `<effectiveTime value="20090928" />`, to: `<effectiveTime value="2009"/>`, want: "note.date"},
	{name: "vaccine-without-cis", base: "note", from: `codeSystem="1.2.250.1.213.2.3.1" codeSystemName="CIS"`, to: `codeSystem="1.2.250.1.213.2.3.9" codeSystemName="CIS"`, want: "note.vaccine", also: []string{"vaccination.product"}},
	{name: "vaccine-without-atc", base: "note", from: `<translation code="J07AM"[^>]*/>`, want: "note.atc"},
	{name: "no-lot", base: "note", from: `<lotNumberText>4456672</lotNumberText>`, want: "note.lot"},
	{name: "vaccination-without-author", base: "note", from: `(<substanceAdministration` + any + `)<author ` + any + `</author>`, to: `$1`, want: "note.author"},
	{name: "vaccinator-without-profession", base: "note", from: `(<substanceAdministration` + any + `<assignedAuthor[^>]*>` + any + `)<code code="G15_10/SM26"[^>]*/>`, to: `$1`, want: "note.author"},
	{name: "route-without-label", base: "note", from: `<routeCode code="20035000" displayName="Voie intramusculaire"`, to: `<routeCode code="20035000"`, want: "note.label"},
	{name: "vaccine-without-label", base: "note", from: `<code code="68747507" displayName="[^"]*"`, to: `<code code="68747507"`, want: "note.label"},
	{name: "rank-in-words", base: "note", from: `<value xsi:type="INT" value="2" />`, to: `<value xsi:type="ST">deux</value>`, want: "note.rank"},

	{name: "test-of-another-label", base: "test", from: `displayName="Test rapide d'orientation diagnostique"`, to: `displayName="TROD"`, want: "test.code"},
	{name: "test-without-title", base: "test", from: `<title>Test rapide[^<]*</title>`, want: "test.title", also: []string{"header.title"}},
	{name: "test-of-free-title", base: "test", from: `<title>Test rapide[^<]*</title>`, to: `<title>TROD angine</title>`, want: "test.heading"},
	{name: "test-without-pcc-model", base: "test", from: `<templateId root="1.3.6.1.4.1.19376.1.5.3.1.1.1"/>`, want: "test.models"},
	{name: "test-without-disease", base: "test", from: `<code code="J02.0"[^>]*/>`, want: "test.event"},
	{name: "test-without-performer", base: "test", from: `<performer typeCode="PRF">` + any + `</performer>`, want: "test.event", also: []string{"header.event"}},
	{name: "test-of-another-practice", base: "test", from: `(<performer` + any + `)code="DEPISTAGE" displayName="Dépistage"`, to: `$1 code="AMBULATOIRE" displayName="Ambulatoire"`, want: "test.practice"},
	{name: "test-with-another-section", base: "test", from: `<component>\s*<section>`, to: `<component><section><title>x</title></section></component>$0`, want: "test.section"},
	{name: "test-without-text", base: "test", from: `<text>\s*<table` + any + `</text>`, want: "test.section", also: []string{"narrative.reference"}},
	{name: "test-entry-of-another-type", base: "test", from: `<entry typeCode="DRIV">`, to: `<entry typeCode="COMP">`, want: "test.entry"},
	{name: "test-act-without-status", base: "test", from: `(<act classCode="ACT" moodCode="EVN">\s*<code[^>]*/>\s*)<statusCode code="completed"/>`, to: `$1`, want: "test.entry"},
	{name: "test-without-device", base: "test", from: `<participant typeCode="DEV">` + any + `</participant>`, want: "test.device"},
	{name: "device-of-unknown-agency", base: "test", from: `<id root="2.51.1.1"`, to: `<id root="2.51.1.9"`, want: "test.device"},
	{name: "device-without-text", base: "test", from: `<originalText><reference value="#dispositif-nom-reference"/></originalText>`, to: `<originalText>x</originalText>`, want: "test.device"},
	{name: "result-without-value", base: "test", from: `<value xsi:type="CD"` + any + `</value>`, want: "test.result"},
	{name: "result-in-words", base: "test", from: `<value xsi:type="CD"` + any + `</value>`, to: `<value xsi:type="ST">négatif</value>`, want: "test.result"},
	{name: "result-without-date", base: "test", from: `<effectiveTime value="20240106113623\+0100"/>(\s*<!-- Résultat)`, to: `$1`, want: "test.result"},
	{name: "result-without-reference", base: "test", from: `<originalText><reference value="#examen-1"/></originalText>`, want: "test.result"},
	{name: "result-without-status", base: "test", from: `(<observation` + any + `)<statusCode code="completed"/>`, to: `$1`, want: "test.result"},
	{name: "result-unknown", base: "test", from: `<value xsi:type="CD" code="260385009"`, to: `<value xsi:type="CD" code="999999"`, want: "test.value"},
	{name: "result-null", base: "test", from: `<value xsi:type="CD"` + any + `</value>`, to: `<value xsi:type="CD" nullFlavor="UNK"/>`, want: "test.value"},
	{name: "no-consent", base: "test", from: `<authorization` + any + `</authorization>`, want: "test.consent"},
	{name: "other-section-models", base: "test", from: `<templateId root="1.3.6.1.4.1.19376.1.3.1"/>`, want: "test.entry"},
	{name: "route-unknown", base: "note", from: `<routeCode code="20035000"`, to: `<routeCode code="29999999"`, want: "vaccination.codes"},
	{name: "site-unknown", base: "note", from: `<approachSiteCode code="16217701000119102"`, to: `<approachSiteCode code="123"`, want: "vaccination.codes"},
	{name: "product-without-name", base: "note", from: `<name>vaccins tétaniques</name>`, want: "vaccination.product"},
	{name: "note-without-section", base: "note", from: `<templateId root="1.3.6.1.4.1.19376.1.5.3.1.3.23"/>`, want: "note.section"},
}
