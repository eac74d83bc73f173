package nos_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xmltree"
)

var generated = map[string]*nos.Table{
	"JDV_J01_XdsAuthorSpecialty_CISIS.xml":            nos.AuthorSpecialty,
	"JDV_J02_XdsHealthcareFacilityTypeCode_CISIS.xml": nos.HealthcareFacility,
	"JDV_J04_XdsPracticeSettingCode_CISIS.xml":        nos.PracticeSetting,
	"JDV_J07_XdsTypeCode_CISIS.xml":                   nos.TypeCode,
	"JDV_J08_XdsConfidentialityCode_CISIS.xml":        nos.Confidentiality,
	"JDV_J245_Civilite_CISIS.xml":                     nos.Civility,
	"JDV_J246_Titre_CISIS.xml":                        nos.Title,
	"JDV_J142_TypeRencontre_CISIS.xml":                nos.Encounter,
	"JDV_J47_FunctionCode_CISIS.xml":                  nos.Function,
	"JDV_ImmunizationRouteCodes_CISIS.xml":            nos.ImmunizationRoute,
	"JDV_ImmunizationApproachSiteCode_CISIS.xml":      nos.ImmunizationSite,
	"JDV_ResultatDepistage_CISIS.xml":                 nos.ScreeningResult,

	"JDV_HL7_ActSubstanceAdministrationImmunizationCode_CISIS.xml": nos.ImmunizationAct,
}

// The tables hold what the published value sets hold: a stale table fails here.
func TestGeneratedTablesAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	for file, table := range generated {
		b, err := os.ReadFile(oracle.Corpus(t, filepath.Join("jdv", file)))
		require.NoError(t, err)
		x, err := xmltree.Parse(b, xmltree.Limits{})
		require.NoError(t, err)
		n := 0
		for e := range x.Root.Descendants() {
			switch e.Name.Local {
			case "ValueSet":
				require.Equal(t, e.Attr("id"), table.OID, file)
				require.Equal(t, e.Attr("revisionDate")[:10], table.Date, file)
			case "Concept":
				n++
				c, ok := nos.Lookup(table, e.Attr("code"))
				require.True(t, ok, "%s: %s", file, e.Attr("code"))
				require.Equal(t, e.Attr("codeSystem"), c.System)
			}
		}
		require.Equal(t, n, table.Len(), file)
	}
}

// The roles are what the value sets that they come from hold, whole.
func TestRolesAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	require.Equal(t, 29, nos.Professions.Len())
	require.Equal(t, 16, nos.PharmacistSections.Len())
	for author := range nos.AuthorSpecialty.All() {
		profession, complement, both := strings.Cut(strings.TrimPrefix(author.Code, "G15_"), "/")
		if !strings.HasPrefix(author.Code, "G15_") {
			continue
		}
		_, ok := nos.Profession(profession)
		require.True(t, ok, author.Code)
		if both && profession == socle.ProfessionPharmacist {
			_, section := nos.Speciality(profession, complement)
			_, expertise := nos.Lookup(nos.Expertises, complement)
			require.True(t, section != expertise, "%s is either a section or a savoir-faire", author.Code)
		} else if both {
			_, ok := nos.Speciality(profession, complement)
			require.True(t, ok, author.Code)
		}
	}
	b, err := os.ReadFile(oracle.Corpus(t, filepath.Join("jdv", "JDV_J107_EnsembleSavoirFaire_RASS.xml")))
	require.NoError(t, err)
	x, err := xmltree.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	n := 0
	for e := range x.Root.Descendants() {
		if e.Name.Local == "Concept" {
			n++
			got, ok := nos.Speciality("10", e.Attr("code"))
			require.True(t, ok, e.Attr("code"))
			require.Equal(t, e.Attr("displayName"), got.Display)
			require.Equal(t, socle.OIDSpeciality, got.System)
		}
	}
	require.Equal(t, n, nos.Expertises.Len())
}

func TestTablesAreSorted(t *testing.T) {
	t.Parallel()
	for _, table := range []*nos.Table{nos.AuthorSpecialty, nos.HealthcareFacility, nos.PracticeSetting, nos.TypeCode, nos.Confidentiality, nos.ClassCode, nos.FormatCode,
		nos.Professions, nos.PharmacistSections, nos.Expertises} {
		n := 0
		for c := range table.All() {
			got, ok := nos.Lookup(table, c.Code)
			require.True(t, ok, c.Code)
			require.Equal(t, c, got)
			require.NotEmpty(t, c.System, c.Code)
			require.NotEmpty(t, c.Display, c.Code)
			n++
		}
		require.Equal(t, n, table.Len())
		_, ok := nos.Lookup(table, "")
		require.False(t, ok)
	}
}

func TestEveryTypeHasAClass(t *testing.T) {
	t.Parallel()
	for c := range nos.TypeCode.All() {
		class, ok := nos.Class(c.Code)
		require.True(t, ok, c.Code)
		_, ok = nos.Lookup(nos.ClassCode, class.Code)
		require.True(t, ok, c.Code)
	}
	for code, want := range map[string]string{
		"11488-4": "10", "SYNTH": "11", "52040-3": "31", "52521-2": "42", "DISP_AUT": "43", "PROT_ALD": "44", "CERT_DECL": "52", // published
		"78601-2": "10", "11369-6": "11", "60593-1": "43", "83869-8": "44", "57833-6": "42", "REMB": "60", // assumed
	} {
		got, ok := nos.Class(code)
		require.True(t, ok)
		require.Equal(t, want, got.Code, code)
	}
	signature, _ := nos.Class("E1762")
	require.Equal(t, "URN", signature.System)
	_, ok := nos.Class("99999-9")
	require.False(t, ok)
}

func TestFormats(t *testing.T) {
	t.Parallel()
	require.Equal(t, "urn:ihe:pharm:pre:2010", nos.Format([]string{"2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.39"}).Code)
	require.Equal(t, "urn:ihe:lab:xd-lab:2008", nos.Format([]string{"1.3.6.1.4.1.19376.1.3.3", "1.2.250.1.213.1.1.1.55"}).Code)
	require.Equal(t, "urn:ans:ci-sis:trod:2024", nos.Format([]string{"1.2.250.1.213.1.1.1.59"}).Code)
	unknown := nos.Format(nil)
	require.Equal(t, nos.FormatOutOfProfile, unknown.Code)
	require.Equal(t, nos.SystemFormatFR, unknown.System)
	for media, want := range map[string]string{
		"application/pdf": "urn:ihe:iti:xds-sd:pdf:2008", "Text/Plain; charset=utf-8": "urn:ihe:iti:xds-sd:text:2008", "image/jpeg": "urn:ihe:iti-fr:xds-sd:jpeg:2010",
		"image/tiff": "urn:ihe:iti-fr:xds-sd:tiff:2010", "text/rtf": "urn:ihe:iti-fr:xds-sd:rtf:2010",
	} {
		c, ok := nos.FormatNonXML(media)
		require.True(t, ok, media)
		require.Equal(t, want, c.Code)
		require.Equal(t, nos.SystemFormatIHE, c.System)
	}
	_, ok := nos.FormatNonXML("video/mp4")
	require.False(t, ok)
}

func TestRoles(t *testing.T) {
	t.Parallel()
	c, ok := nos.Profession("21")
	require.True(t, ok)
	require.Equal(t, socle.Code{Code: "21", System: socle.OIDProfession, Display: "Pharmacien"}, c)
	c, ok = nos.Speciality("21", "A")
	require.True(t, ok)
	require.Equal(t, socle.Code{Code: "A", System: socle.OIDPharmacistSection, Display: "Pharmacien titulaire d'officine"}, c)
	c, ok = nos.Speciality("10", "SM26")
	require.True(t, ok)
	require.Equal(t, socle.OIDSpeciality, c.System)
	require.Equal(t, "Qualifié en Médecine générale (SM)", c.Display)
	c, ok = nos.Speciality("21", "FQ01") // a savoir-faire is no section
	require.False(t, ok)
	require.Equal(t, socle.Code{Code: "FQ01", System: socle.OIDPharmacistSection}, c)
	c, ok = nos.Profession("999")
	require.False(t, ok)
	require.Equal(t, socle.Code{Code: "999", System: socle.OIDProfession}, c, "an unknown code is kept")
	c, ok = nos.Author("21", "A")
	require.True(t, ok)
	require.Equal(t, "G15_21/A", c.Code)
	c, ok = nos.Author("39", "Z")
	require.True(t, ok)
	require.Equal(t, "G15_39", c.Code)
	_, ok = nos.Author("77777", "")
	require.False(t, ok)
}
