package dmp_test

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

func replace(from, to string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
}

func first(from, to string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
}

func pattern(from, to string) func([]byte) []byte {
	re := regexp.MustCompile(from)
	return func(b []byte) []byte { return re.ReplaceAll(b, []byte(to)) }
}

// within changes what stands between two marks, the first time.
func within(start, end string, change func([]byte) []byte) func([]byte) []byte {
	return func(b []byte) []byte {
		i := bytes.Index(b, []byte(start))
		j := i + bytes.Index(b[i:], []byte(end)) + len(end)
		return slices.Concat(b[:i], change(b[i:j]), b[j:])
	}
}

// Each message breaks one rule; the emulator must name it.
func TestSubmissionsThatBreakARuleAreRefused(t *testing.T) {
	t.Parallel()
	const cda, cdaEnd = "<ClinicalDocument", "</ClinicalDocument>"
	matricule := find(t, "HALL").INS.Matricule.Wire()
	other := find(t, "ORTIE").INS.Matricule.Wire()
	srv, plain := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, plain, patient, report())
	for name, x := range map[string]struct {
		change  func([]byte) []byte
		code    string
		context string
		kind    error
	}{
		"hash":      {pattern(`<rim:Slot name="hash"><rim:ValueList><rim:Value>[0-9a-f]`, `<rim:Slot name="hash"><rim:ValueList><rim:Value>g`), "XDSNonIdenticalHash", "hash", dmp.ErrInvalidDocument},
		"size":      {pattern(`<rim:Slot name="size"><rim:ValueList><rim:Value>[0-9]`, `<rim:Slot name="size"><rim:ValueList><rim:Value>99`), "XDSNonIdenticalSize", "size", dmp.ErrInvalidDocument},
		"no part":   {pattern(`(?s)\r\n--socle-[A-Z0-9]+\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <signature.*?</Signature>`, ``), "XDSMissingDocument", "without document", dmp.ErrInvalidDocument},
		"no object": {first(`<xdsb:Document id="Document01">`, `<xdsb:Document id="Document09">`), "XDSMissingDocumentMetadata", "without ExtrinsicObject", dmp.ErrInvalidDocument},
		"patient of the set": {within("<rim:RegistryPackage", "</rim:RegistryPackage>", replace(matricule, other)),
			"XDSPatientIdDoesNotMatch", "resource-id", dmp.ErrPatientMismatch},
		"patient of the document": {within(cda, cdaEnd, replace(matricule, other)), "XDSPatientIdDoesNotMatch", "recordTarget", dmp.ErrPatientMismatch},
		"institution of the metadata": {replace("IDNST^^^"+pharmacy.ID.String(), "IDNST^^^1750000028"),
			"XDSRegistryMetadataError", "Aucun AuthorInstitution ne correspond", dmp.ErrProfessional},
		"person of the metadata": {pattern(pharmacist.ID.String()+`\^ARNICA`, `810000000025^ARNICA`), "XDSRegistryMetadataError", "authorPerson", dmp.ErrInvalidDocument},
		"author of the document": {within(cda, cdaEnd, replace(pharmacist.ID.String(), "810000000025")), "XDSRegistryMetadataError", "author: expected every author of the CDA", dmp.ErrInvalidDocument},
		"structure of the document": {within(cda, cdaEnd, within("<author>", "</author>", replace(pharmacy.ID.String(), "1750000028"))),
			"XDSRegistryMetadataError", "author: expected every author of the CDA", dmp.ErrInvalidDocument},
		"identifier of the document": {within(cda, cdaEnd, pattern(`<id root="`+regexp.QuoteMeta(software.OID), `<id root="`+software.OID+".9")), "XDSRegistryMetadataError", "CDA id", dmp.ErrInvalidDocument},
		"type":                       {within(cda, cdaEnd, replace(`code="78601-2"`, `code="56445-0"`)), "XDSRegistryMetadataError", "CDA code", dmp.ErrInvalidDocument},
		"title":                      {within(cda, cdaEnd, replace("<title>", "<title>Autre ")), "XDSRegistryMetadataError", "CDA title", dmp.ErrInvalidDocument},
		"date":                       {within(cda, cdaEnd, pattern(`<effectiveTime value="20..`, `<effectiveTime value="2001`)), "XDSRegistryMetadataError", "CDA effectiveTime", dmp.ErrInvalidDocument},
		"language":                   {within(cda, cdaEnd, replace("fr-FR", "en-GB")), "XDSRegistryMetadataError", "CDA languageCode", dmp.ErrInvalidDocument},
		"template":                   {within(cda, cdaEnd, replace("1.2.250.1.213.1.1.1.1", "1.2.250.1.213.1.1.1.99")), "InvalidDocumentContent", "templateId", dmp.ErrInvalidDocument},
		"level":                      {within(cda, cdaEnd, replace("1.3.6.1.4.1.19376.1.2.20", "1.3.6.1.4.1.19376.1.2.21")), "InvalidDocumentContent", "level 1", dmp.ErrInvalidDocument},
		"header":                     {within(cda, cdaEnd, pattern(`<setId [^>]*></setId>`, ``)), "InvalidDocumentContent", "setId: mandatory", dmp.ErrInvalidDocument},
		"media type":                 {within(cda, cdaEnd, replace("application/pdf", "text/plain")), "XDSRegistryMetadataError", "formatCode", dmp.ErrInvalidDocument},
		"not a PDF":                  {within(cda, cdaEnd, pattern(`representation="B64">JVBERi`, `representation="B64">AAAAAA`)), "InvalidDocumentContent", "PDF", dmp.ErrInvalidDocument},
		"not base64":                 {within(cda, cdaEnd, pattern(`representation="B64">JVBERi`, `representation="B64">!!!!!!`)), "InvalidDocumentContent", "component", dmp.ErrInvalidDocument},
		"not a CDA":                  {within(cda, cdaEnd, replace("ClinicalDocument", "OtherDocument")), "InvalidDocumentContent", "not a CDA", dmp.ErrInvalidDocument},
		"class":                      {pattern(`(scheme:class[^>]*|nodeRepresentation=")10"`, `${1}11"`), "XDSRegistryMetadataError", "classCode", dmp.ErrInvalidDocument},
		"confidentiality":            {within("<rim:ExtrinsicObject", "</rim:ExtrinsicObject>", replace(`nodeRepresentation="N"`, `nodeRepresentation="R"`)), "XDSRegistryMetadataError", "confidentialityCode", dmp.ErrInvalidDocument},
		"no classification":          {replace("urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1", "urn:uuid:00000000-18af-42cc-ae0e-ed0b0bdb91e1"), "XDSRegistryMetadataError", "healthcareFacilityTypeCode", dmp.ErrInvalidDocument},
		"no identifier":              {replace("urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832", "urn:uuid:00000000-e3fe-47fe-b233-965d2a147832"), "XDSRegistryMetadataError", "sourceId", dmp.ErrInvalidDocument},
		"no slot":                    {replace(`<rim:Slot name="submissionTime">`, `<rim:Slot name="submissionDate">`), "XDSRegistryMetadataError", "submissionTime", dmp.ErrInvalidDocument},
		"not a member":               {replace("AssociationType:HasMember", "AssociationType:Other"), "XDSRegistryMetadataError", "HasMember", dmp.ErrInvalidDocument},
		"not original":               {replace("<rim:Value>Original</rim:Value>", "<rim:Value>Reference</rim:Value>"), "XDSRegistryMetadataError", "SubmissionSetStatus", dmp.ErrInvalidDocument},
		"same identifier twice": {func(b []byte) []byte {
			ids := regexp.MustCompile(`value="(`+regexp.QuoteMeta(software.OID)+`\.3\.[0-9]+)"`).FindAllSubmatch(b, -1)
			return bytes.ReplaceAll(b, ids[1][1], ids[0][1])
		}, "XDSRegistryDuplicateUniqueIdInMessage", "two objects", dmp.ErrInvalidDocument},
		"document changed after it was signed": {within(cda, cdaEnd, replace("<title>", "<title> ")), "XDSRepositoryMetadataError", "digest", dmp.ErrInvalidDocument},
		"signature changed":                    {within("<SignedSignatureProperties", "</SignedSignatureProperties>", pattern("<SigningTime>20", "<SigningTime>21")), "XDSRepositoryMetadataError", "digest", dmp.ErrInvalidDocument},
		"signature that signs nothing":         {replace("AssociationType:signs", "AssociationType:APND"), "XDSRepositoryMetadataError", "association signs", dmp.ErrInvalidDocument},
		"signature of another type":            {replace(`nodeRepresentation="E1762"`, `nodeRepresentation="E1763"`), "XDSRepositoryMetadataError", "E1762", dmp.ErrInvalidDocument},
		"no signature":                         {pattern(`(codingScheme"><rim:ValueList><rim:Value>URN</rim:Value>|nodeRepresentation=")http://www.w3.org/2000/09/xmldsig#"`, `${1}urn:other"`), "InvalidDocumentContent", "not a CDA", dmp.ErrInvalidDocument},
	} {
		c := client(t, srv, tampering(func(b []byte) []byte {
			out := x.change(b)
			if bytes.Equal(out, b) {
				t.Errorf("%s: nothing was changed", name)
			}
			if name == "hash" || name == "size" {
				return out
			}
			return pattern(`<rim:Slot name="(hash|size)"><rim:ValueList><rim:Value>[0-9a-f]+</rim:Value></rim:ValueList></rim:Slot>`, ``)(out)
		}))
		_, err := c.Submit(context.Background(), pharmacist, patient, s)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		i := slices.IndexFunc(e.Registry, func(r dmp.RegistryError) bool { return r.Code == x.code && strings.Contains(r.Context, x.context) })
		require.GreaterOrEqual(t, i, 0, "%s: %v %+v", name, err, e.Registry)
		require.Equal(t, "Error", e.Registry[i].Severity)
		require.ErrorIs(t, err, x.kind, name)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err), name)
		require.False(t, socle.Retryable(err), name)
		require.NotContains(t, err.Error(), matricule)
	}
	require.Empty(t, srv.Documents(find(t, "HALL").INS))
}

// Each message breaks a rule that precedes the registry: a fault.
func TestMessagesThatBreakARuleGetAFault(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, plain, patient, report())
	matricule, other := find(t, "HALL").INS.Matricule.Wire(), find(t, "ORTIE").INS.Matricule.Wire()
	for name, x := range map[string]struct {
		change func([]byte) []byte
		code   string
		text   string
	}{
		"no MessageID":                 {replace("wsa:MessageID", "wsa:Message"), "MessageAddressingHeaderRequired", "A required header representing a Message Addressing Property is not present"},
		"no ReplyTo":                   {replace("wsa:ReplyTo", "wsa:FaultTo"), "MessageAddressingHeaderRequired", "wsa:ReplyTo"},
		"no Action":                    {replace("wsa:Action", "wsa:Other"), "MessageAddressingHeaderRequired", "wsa:Action"},
		"other action":                 {pattern(`(<wsa:Action[^>]*>)[^<]*<`, "${1}urn:other<"), "ActionMismatch", "urn:other"},
		"signed values changed":        {replace("LPS_Nom", "LPS_Mon"), "DMPInvalidVIHF", "digest"},
		"no assertion":                 {pattern(`(?s)<saml2:Assertion.*</saml2:Assertion>`, ""), "DMPInvalidVIHF", "wsse:Security"},
		"no security":                  {pattern(`(?s)<wsse:Security.*</wsse:Security>`, ""), "DMPInvalidVIHF", "wsse:Security"},
		"two assertions":               {pattern(`(?s)(<saml2:Assertion.*</saml2:Assertion>)`, "${1}${1}"), "DMPInvalidVIHF", "one saml2:Assertion"},
		"no signature":                 {within("<saml2:Assertion", "</saml2:Assertion>", pattern(`(?s)<ds:Signature .*</ds:Signature>`, "")), "DMPInvalidVIHF", "unsigned"},
		"resource-id of somebody else": {within("<PRPA_IN201307UV02", "</PRPA_IN201307UV02>", replace(matricule, other)), "DMPInvalidVIHF", "resource-id"},
		"order of elements":            {pattern(`(<processingModeCode[^/]*/processingModeCode>)(<acceptAckCode[^/]*/acceptAckCode>)`, "${2}${1}"), "DMPInvalidMessage", "expected the elements"},
		"interaction":                  {replace(`extension="PRPA_IN201307UV02"`, `extension="PRPA_IN201305UV02"`), "DMPInvalidMessage", "interactionId"},
		"reason":                       {replace("TEST_EXST", "OTHER"), "DMPInvalidMessage", "reasonCode"},
		"receiver":                     {replace(`root="1.2.250.1.213.4.1.1.1"`, `root="1.2.3"`), "DMPInvalidMessage", "id/@root"},
		"semantics":                    {replace("Patient.id", "Patient"), "DMPInvalidMessage", "semanticsText"},
		"processing code":              {pattern(`<processingCode code="D"`, `<processingCode code="X"`), "DMPInvalidMessage", "processingCode"},
		"time":                         {pattern(`<creationTime value="20`, `<creationTime value="`), "DMPInvalidMessage", "creationTime"},
		"time of letters":              {pattern(`(<creationTime value=")[0-9]+`, "${1}abcdefghijklmn"), "DMPInvalidMessage", "creationTime"},
		"sender without OID":           {pattern(`(<sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE"><id root=")[^"]*`, "${1}x"), "DMPInvalidMessage", "sender"},
		"two bodies":                   {replace("</PRPA_IN201307UV02>", "</PRPA_IN201307UV02><x></x>"), "DMPInvalidMessage", "one element"},
		"no sender":                    {replace("softwareName", "manufacturerModelName"), "DMPInvalidMessage", "softwareName"},
		"other message":                {replace("PRPA_IN201307UV02 ", "PRPA_IN201309UV02 "), "Sender", "match"},
	} {
		c := client(t, srv, tampering(x.change))
		_, err := c.Exists(context.Background(), pharmacist, patient)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, x.code, e.Code, "%s: %v", name, err)
		require.Contains(t, e.Text, x.text, name)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err), name)
		require.NotContains(t, err.Error(), matricule)
	}
	for name, x := range map[string]struct {
		change func([]byte) []byte
		code   string
		text   string
	}{
		"reference twice":    {pattern(`href="cid:signature`, `href="cid:document`), "DMPInvalidMessage", "content id"},
		"part unreferenced":  {pattern(`Content-ID: <signature`, `Content-ID: <other`), "DMPInvalidMessage", "does not include"},
		"not a submission":   {replace("xdsb:ProvideAndRegisterDocumentSetRequest", "xdsb:RetrieveDocumentSetRequest"), "DMPInvalidMessage", "ProvideAndRegister"},
		"nothing to read":    {func([]byte) []byte { return []byte("x") }, "DMPInvalidMessage", "cut"},
		"signed for another": {within("<saml2:Assertion", "</saml2:Assertion>", replace(matricule, other)), "DMPInvalidVIHF", "digest"},
	} {
		c := client(t, srv, tampering(x.change))
		_, err := c.Submit(context.Background(), pharmacist, patient, s)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, x.code, e.Code, "%s: %v", name, err)
		require.Contains(t, e.Text, x.text, name)
	}
	require.Empty(t, srv.Documents(find(t, "HALL").INS))
}
