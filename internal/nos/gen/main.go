// Command gen writes the code tables of package nos from the published value
// sets (JDV_*.xml, IHE SVS RetrieveValueSetResponse). It reads the folder jdv
// of SOCLE_CORPUS and writes into the current folder.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/format"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xmltree"
)

const nsSVS = "urn:ihe:iti:svs:2008"

// set makes a table: the file of the corpus, the Go name and the comment of the
// table and, for a table that is a part of a value set, how a concept becomes a
// code of it; one that gives no code is left out.
type set struct {
	file, name, doc string
	part            func(code, system, display string) socle.Code
}

var sets = []set{
	{file: "JDV_J01_XdsAuthorSpecialty_CISIS.xml", name: "AuthorSpecialty", doc: "holds the professions and specialities of authors: authorSpecialty of XDS, author/assignedAuthor/code of a CDA."},
	{file: "JDV_J02_XdsHealthcareFacilityTypeCode_CISIS.xml", name: "HealthcareFacility", doc: "holds the sectors of activity: healthcareFacilityTypeCode of XDS, healthCareFacility/code of a CDA."},
	{file: "JDV_J04_XdsPracticeSettingCode_CISIS.xml", name: "PracticeSetting", doc: "holds the frames of exercise: practiceSettingCode of XDS, standardIndustryClassCode of a CDA."},
	{file: "JDV_J07_XdsTypeCode_CISIS.xml", name: "TypeCode", doc: "holds the types of documents: typeCode of XDS, code of a CDA."},
	{file: "JDV_J08_XdsConfidentialityCode_CISIS.xml", name: "Confidentiality", doc: "holds the levels of confidentiality and visibility: confidentialityCode of XDS."},
	{file: "JDV_J245_Civilite_CISIS.xml", name: "Civility", doc: "holds the civilities of a person's name: prefix of a CDA."},
	{file: "JDV_J246_Titre_CISIS.xml", name: "Title", doc: "holds the titles of a person's name: suffix of a CDA."},
	{file: "JDV_J142_TypeRencontre_CISIS.xml", name: "Encounter", doc: "holds the kinds of encounters: encompassingEncounter/code of a CDA."},
	{file: "JDV_J47_FunctionCode_CISIS.xml", name: "Function", doc: "holds the functions of those who take part in the care: functionCode of a CDA."},
	{file: "JDV_HL7_ActSubstanceAdministrationImmunizationCode_CISIS.xml", name: "ImmunizationAct", doc: "holds the kinds of vaccination acts: substanceAdministration/code of a vaccination."},
	{file: "JDV_ImmunizationRouteCodes_CISIS.xml", name: "ImmunizationRoute", doc: "holds the routes of vaccinations: routeCode (EDQM)."},
	{file: "JDV_ImmunizationApproachSiteCode_CISIS.xml", name: "ImmunizationSite", doc: "holds the sites of vaccinations: approachSiteCode (SNOMED CT)."},
	{file: "JDV_ResultatDepistage_CISIS.xml", name: "ScreeningResult", doc: "holds the results of rapid tests: observation/value (SNOMED CT)."},
	// The roles of a person (subject:role of the VIHF, PSC's situations), by
	// profession, section of the Ordre and savoir-faire.
	{file: "JDV_J01_XdsAuthorSpecialty_CISIS.xml", name: "Professions", doc: "holds the professions (TRE_G15).", part: profession},
	{file: "JDV_J01_XdsAuthorSpecialty_CISIS.xml", name: "PharmacistSections", doc: "holds the sections of the Ordre des pharmaciens (TRE_G05).", part: section},
	{file: "JDV_J107_EnsembleSavoirFaire_RASS.xml", name: "Expertises", doc: "holds the savoir-faire of the directory, specialities and competences, under the system of TRE_R01.", part: expertise},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	corpus := os.Getenv("SOCLE_CORPUS")
	if corpus == "" {
		log.Fatal("SOCLE_CORPUS is not set: it names the folder that holds jdv/")
	}
	if !filepath.IsAbs(corpus) { // from the root of the module, as in the tests
		corpus = filepath.Join("..", "..", corpus)
	}
	for _, s := range sets {
		b, err := os.ReadFile(filepath.Join(corpus, "jdv", s.file))
		if err != nil {
			log.Fatal(err)
		}
		src, err := table(b, s)
		if err != nil {
			log.Fatalf("%s: %v", s.file, err)
		}
		if err := os.WriteFile(strings.ToLower(s.name)+"_gen.go", src, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// table gives the Go source of one table.
func table(b []byte, s set) ([]byte, error) {
	x, err := xmltree.Parse(b, xmltree.Limits{})
	if err != nil {
		return nil, err
	}
	set := x.Root.First(nsSVS, "ValueSet")
	if set == nil {
		return nil, errors.New("no ValueSet")
	}
	title := set.Attr("displayName")
	if i := strings.LastIndexByte(set.Attr("urlFichier"), '/'); i >= 0 {
		title = set.Attr("urlFichier")[i+1:]
	}
	date, _, _ := strings.Cut(set.Attr("revisionDate"), "T")
	part := s.part
	if part == nil {
		part = func(code, system, display string) socle.Code {
			return socle.Code{Code: code, System: system, Display: display}
		}
	}
	var codes []socle.Code
	for c := range set.First(nsSVS, "ConceptList").All(nsSVS, "Concept") {
		if code := part(c.Attr("code"), c.Attr("codeSystem"), strings.TrimSpace(c.Attr("displayName"))); !code.IsZero() {
			codes = append(codes, code)
		}
	}
	slices.SortFunc(codes, func(a, b socle.Code) int { return cmp.Compare(a.Code, b.Code) })
	if len(codes) == 0 || title == "" || date == "" || set.Attr("id") == "" {
		return nil, errors.New("value set without name, date, id or concepts")
	}

	var w bytes.Buffer
	fmt.Fprintf(&w, "// Code generated by gen; DO NOT EDIT.\n//\n// Value set %s, OID %s, revision of %s, %d codes.\n\npackage nos\n\n", title, set.Attr("id"), date, len(codes))
	fmt.Fprintf(&w, "import \"github.com/soclesante/socle\"\n\n// %s %s\nvar %s = &Table{Name: %q, OID: %q, Date: %q, codes: []socle.Code{\n", s.name, s.doc, s.name, title, set.Attr("id"), date)
	for i, c := range codes {
		if i > 0 && codes[i-1].Code == c.Code {
			return nil, fmt.Errorf("code %q is there twice", c.Code)
		}
		fmt.Fprintf(&w, "{Code: %q, System: %q, Display: %q},\n", c.Code, c.System, c.Display)
	}
	w.WriteString("}}\n")
	return format.Source(w.Bytes())
}
