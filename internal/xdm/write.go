package xdm

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// About is what INDEX.HTM and README.TXT tell a person who opens the archive.
type About struct {
	Sender, Organisation, Address, Phone string
	Software, Version, Vendor            string
	At                                   time.Time // of the files
}

// Write writes an archive: each subset in its folder SUBSET01, SUBSET02…, its
// documents as DOC00001.XML… The metadata of a subset get the name, size and
// hash of each document, and the associations to the set when they have none;
// what they lack to be written is the error.
func Write(w io.Writer, a *Archive, about About) error {
	if len(a.Subsets) == 0 || len(a.Subsets) > 99 {
		return errors.New("xdm: write: 1 to 99 subsets expected")
	}
	z := zip.NewWriter(w)
	if err := add(z, "INDEX.HTM", index(about), about.At); err != nil {
		return err
	}
	if err := add(z, "README.TXT", readme(about, a), about.At); err != nil {
		return err
	}
	for i := range a.Subsets {
		s := &a.Subsets[i]
		s.Name = fmt.Sprintf("SUBSET%02d", i+1)
		if s.Submission == nil || len(s.Documents) == 0 {
			return fmt.Errorf("xdm: write: subset %d: a submission set and a document are mandatory", i+1)
		}
		metadata, err := s.metadata(cmp.Or(a.ActionSlot, DefaultActionSlot))
		if err != nil {
			return fmt.Errorf("xdm: write: subset %d: %w", i+1, err)
		}
		folder := "IHE_XDM/" + s.Name + "/"
		if err := add(z, folder+"METADATA.XML", metadata, about.At); err != nil {
			return err
		}
		for _, d := range s.Documents {
			if err := add(z, folder+d.Entry.URI, d.Data, about.At); err != nil {
				return err
			}
		}
	}
	return z.Close()
}

func (s *Subset) metadata(slot string) ([]byte, error) {
	m := *s.Submission
	m.Documents, m.Associations = nil, nil
	for i := range s.Documents {
		d := &s.Documents[i]
		if len(d.Data) == 0 {
			return nil, fmt.Errorf("document %d is empty", i+1)
		}
		sum := sha1.Sum(d.Data)
		d.Entry.URI = fmt.Sprintf("DOC%05d.XML", i+1)
		d.Entry.Size, d.Entry.Hash = int64(len(d.Data)), hex.EncodeToString(sum[:])
		if d.Entry.ID == "" {
			d.Entry.ID = fmt.Sprintf("Document%02d", i+1)
		}
		entry := d.Entry
		switch d.Action {
		case "":
		case "C", "D":
			entry.Extra = append(slices.Clone(entry.Extra), xds.Slot{Name: slot, Values: []string{d.Action}})
		default:
			return nil, fmt.Errorf("document %d: action C or D expected", i+1)
		}
		m.Documents = append(m.Documents, entry)
		m.Associations = append(m.Associations, xds.Member(m.Set.ID, d.Entry.ID))
	}
	for _, other := range s.Submission.Associations {
		if other.Type != xds.HasMember {
			m.Associations = append(m.Associations, other)
		}
	}
	return m.Marshal()
}

func add(z *zip.Writer, name string, data []byte, at time.Time) error {
	f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.UTC()})
	if err != nil {
		return fmt.Errorf("xdm: write: %w", err)
	}
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("xdm: write: %w", err)
	}
	return nil
}

func index(about About) []byte {
	var w xmltree.Writer
	w.Start("html", "xmlns", "http://www.w3.org/1999/xhtml", "lang", "fr")
	w.Start("head").Leaf("title", "Documents de santé").End()
	w.Start("body").Leaf("p", "Emetteur : "+about.Sender+" "+about.Organisation)
	w.Start("p").Leaf("a", "README.TXT", "href", "README.TXT").End()
	w.End().End()
	return append([]byte("<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML Basic 1.0//EN\" \"http://www.w3.org/TR/xhtml-basic/xhtml-basic10.dtd\">\n"), w.Bytes()...)
}

func readme(about About, a *Archive) []byte {
	var b bytes.Buffer
	line := func(s ...string) { b.WriteString(strings.Join(s, "") + "\r\n") }
	value := func(s string) string {
		if s == "" || !utf8.ValidString(s) {
			return "non communiqué"
		}
		return strings.Join(strings.Fields(s), " ")
	}
	line("Emetteur")
	line("  Nom : ", value(about.Sender))
	line("  Organisme : ", value(about.Organisation))
	line("  Adresse : ", value(about.Address))
	line("  Téléphone : ", value(about.Phone))
	line()
	line("Application de l'émetteur")
	line("  Nom : ", value(about.Software))
	line("  Version : ", value(about.Version))
	line("  Editeur : ", value(about.Vendor))
	line()
	line("Instructions")
	line("  Ouvrir cette archive avec un logiciel de santé qui lit le format IHE XDM.")
	line()
	line("Arborescence")
	line("  INDEX.HTM, README.TXT")
	for i, s := range a.Subsets {
		line(fmt.Sprintf("  IHE_XDM/SUBSET%02d/ : METADATA.XML et %d document(s)", i+1, len(s.Documents)))
	}
	return b.Bytes()
}
