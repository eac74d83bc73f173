package msstest

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/soclesante/socle/internal/xmltree"
	"github.com/soclesante/socle/mss"
)

// archive checks the X-MSS headers and the subject against the attached
// IHE_XDM.ZIP (ECO.2.1.3, ECO.2.4.1, ECO.2.4.2, CONF.23), reading the archive
// with its own eyes.
func (s *submitted) archive(to []string) error {
	var codes, patients []string
	qualified, archives := false, 0
	for _, f := range s.files {
		if !strings.EqualFold(f.name, "IHE_XDM.ZIP") {
			if strings.EqualFold(f.name, "IHE-XDM.ZIP") {
				return broken("IHE XDM", "IHE_XDM.ZIP as name of the archive", "a variant of it")
			}
			continue
		}
		if archives++; f.media != "application/zip" {
			return broken("ECO.2.1.1", "application/zip for IHE_XDM.ZIP", "%s", f.media)
		}
		documents, err := openArchive(f.content)
		if err != nil {
			return err
		}
		for _, d := range documents {
			if err := s.says(d); err != nil {
				return err
			}
			codes = append(codes, d.code)
			qualified = qualified || d.qualified
			if len(patients) == 0 || patients[0] != d.patient {
				patients = append(patients, d.patient)
			}
		}
	}
	if len(patients) > 1 {
		return broken("SC.MSS/CONF.23", "documents of one patient in a message", "%d", len(patients))
	}
	for _, r := range to {
		a, err := mss.ParseAddress(r)
		reader, ok := a.Matricule()
		if err == nil && ok && len(patients) == 1 && patients[0] != "" && !strings.HasPrefix(patients[0], reader.Wire()+"^") {
			return broken("SC.MSS/CONF.23", "documents of the patient who is written to", "those of another")
		}
	}
	announced, hasCodes := s.header["X-Mss-Codecda"]
	ins, hasINS := s.header["X-Mss-Ins"]
	if len(codes) == 0 {
		if hasCodes || hasINS {
			return broken("ECO.2.4.1, ECO.2.4.2", "no X-MSS-CODECDA and no X-MSS-INS without a CDA document", "one of them")
		}
		receipt := strings.HasPrefix(s.header.Get("Content-Type"), "multipart/report") // which has the subject of its message
		if archives == 0 && !receipt && strings.HasPrefix(decoded(s.header.Get("Subject")), "XDM/1.0/DDM") {
			return broken("ECO.2.1.3", "an IHE_XDM.ZIP with a subject that announces one", "none")
		}
		return nil
	}
	if want := strings.Join(codes, ","); len(announced) != 1 || strings.ReplaceAll(announced[0], " ", "") != want {
		return broken("ECO.2.4.1", "X-MSS-CODECDA: "+want, "%q", announced)
	}
	want := "N"
	if qualified {
		want = "O"
	}
	if len(ins) != 1 || ins[0] != want {
		return broken("ECO.2.4.2", "X-MSS-INS: "+want, "%q", ins)
	}
	if subject := decoded(s.header.Get("Subject")); !strings.HasPrefix(failedIntegration.ReplaceAllString(subject, ""), "XDM/1.0/DDM+") {
		return broken("ECO.2.1.3", "a subject that begins with XDM/1.0/DDM+", "another")
	}
	return nil
}

// filed is a CDA document of an archive.
type filed struct {
	code, patient string
	qualified     bool
	action        string // C or D, of the metadata
	replaces      bool   // relatedDocument RPLC
}

// birthYear begins a date that is known; of a lunar one, the year alone is.
var birthYear = regexp.MustCompile(`^[0-9]{4}`)

var mentions = map[string]*regexp.Regexp{
	"C": regexp.MustCompile(`(?i)annul.*rempla`),
	"D": regexp.MustCompile(`(?i)supprim|suppression`),
}

// says checks the action of a document: what it needs, and that the text for
// people tells it too.
func (s *submitted) says(d filed) error {
	switch {
	case d.action == "":
		return nil
	case mentions[d.action] == nil:
		return broken("CI-SIS transmission", "action C or D", "%q", d.action)
	case d.action == "C" && !d.replaces:
		return broken("CI-SIS transmission", "relatedDocument RPLC in a document with action C", "none")
	case len(s.texts) == 0 || !mentions[d.action].Match(s.texts[0].content):
		return broken("CI-SIS transmission", "a text that tells of the action "+d.action, "another")
	}
	return nil
}

const nsHL7, nsRIM = "urn:hl7-org:v3", "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"

// openArchive reads an IHE_XDM.ZIP strictly: what the SDK writes must be right.
func openArchive(content []byte) ([]filed, error) {
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, broken("IHE XDM", "a ZIP archive", "something else")
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, broken("IHE XDM", "a ZIP archive that opens", "a broken one")
		}
		b, err := io.ReadAll(io.LimitReader(r, 100<<20))
		if err != nil {
			return nil, broken("IHE XDM", "a ZIP archive that inflates", "a broken one")
		}
		files[f.Name] = b
	}
	for _, name := range []string{"INDEX.HTM", "README.TXT", "IHE_XDM/SUBSET01/METADATA.XML"} {
		if len(files[name]) == 0 {
			return nil, broken("IHE XDM", name, "none")
		}
	}
	var out []filed
	for name, metadata := range files {
		if path.Base(name) != "METADATA.XML" {
			continue
		}
		documents, err := openSubset(files, path.Dir(name), metadata)
		if err != nil {
			return nil, err
		}
		out = append(out, documents...)
	}
	return out, nil
}

func openSubset(files map[string][]byte, dir string, metadata []byte) ([]filed, error) {
	doc, err := xmltree.Parse(metadata, xmltree.Limits{})
	if err != nil {
		return nil, broken("IHE XDM", "METADATA.XML well formed", "%v", err)
	}
	if doc.Root.Name.Local != "SubmitObjectsRequest" {
		return nil, broken("IHE XDM", "a SubmitObjectsRequest in METADATA.XML", "%s", doc.Root.Name.Local)
	}
	var out []filed
	for e := range doc.Root.Descendants() {
		if !e.Is(nsRIM, "ExtrinsicObject") {
			continue
		}
		slots := map[string]string{}
		for slot := range e.All(nsRIM, "Slot") {
			slots[slot.Attr("name")] = slot.Path("ValueList", "Value").Trimmed()
		}
		content, ok := files[path.Join(dir, slots["URI"])]
		sum := sha1.Sum(content)
		switch {
		case !ok:
			return nil, broken("IHE XDM", "the file that the slot URI names", "none")
		case slots["size"] != strconv.Itoa(len(content)):
			return nil, broken("IHE XDM", "size "+strconv.Itoa(len(content)), "%s", slots["size"])
		case !strings.EqualFold(slots["hash"], hex.EncodeToString(sum[:])):
			return nil, broken("IHE XDM", "the SHA-1 of the file in the slot hash", "another")
		}
		f, err := openCDA(content)
		if err != nil {
			return nil, err
		}
		for name, value := range slots {
			if strings.HasSuffix(strings.ToLower(name), "action") {
				f.action = value
			}
		}
		out = append(out, f)
	}
	if len(out) == 0 {
		return nil, broken("IHE XDM", "a document in each subset", "none")
	}
	return out, nil
}

// openCDA reads of a CDA document what the headers of the mail repeat.
func openCDA(content []byte) (filed, error) {
	doc, err := xmltree.Parse(content, xmltree.Limits{})
	if err != nil || !doc.Root.Is(nsHL7, "ClinicalDocument") {
		return filed{}, broken("IHE XDM", "CDA documents", "%s", errText(err))
	}
	role := doc.Root.Path("recordTarget", "patientRole")
	f := filed{code: doc.Root.First("", "code").Attr("code")}
	for id := range role.All("", "id") {
		switch root := id.Attr("root"); root {
		case "1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11":
			f.patient = id.Attr("extension") + "^" + root
		}
	}
	for r := range doc.Root.All("", "relatedDocument") {
		f.replaces = f.replaces || r.Attr("typeCode") == "RPLC" && r.Path("parentDocument", "id").Attr("root") != ""
	}
	who := role.First("", "patient")
	birthName, given := false, false
	for n := range who.All("", "name") {
		for family := range n.All("", "family") {
			q := family.Attr("qualifier")
			birthName = birthName || family.Trimmed() != "" && (q == "" || q == "BR")
		}
		given = given || n.First("", "given").Trimmed() != ""
	}
	f.qualified = isMatricule(strings.SplitN(f.patient, "^", 2)[0]) && birthName && given &&
		birthYear.MatchString(who.First("", "birthTime").Attr("value")) && who.First("", "administrativeGenderCode").Attr("code") != ""
	return f, nil
}

// isMatricule reports whether s is 13 characters and the key that follows from them.
func isMatricule(s string) bool {
	if len(s) != 15 {
		return false
	}
	number := strings.NewReplacer("A", "0", "B", "0").Replace(s[:13])
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case strings.Contains(s, "A"):
		n -= 1_000_000
	case strings.Contains(s, "B"):
		n -= 2_000_000
	}
	key, keyErr := strconv.ParseInt(s[13:], 10, 64)
	return err == nil && keyErr == nil && key == 97-n%97
}

func errText(err error) string {
	if err == nil {
		err = errors.New("another document")
	}
	return err.Error()
}
