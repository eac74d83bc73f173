package main

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
	"github.com/soclesante/socle/ordonnance"
)

// maxFile is the largest file that is read.
const maxFile = 64 << 20

// inspectFile reads a file and says what it holds, or why it could not be read.
func inspectFile(name string) report {
	b, err := readFile(name)
	if err != nil {
		return report{File: name, Error: err.Error()}
	}
	r := inspect(b)
	r.File = name
	return r
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, unopened(err)
	case info.IsDir():
		return nil, errors.New("is a folder")
	case !info.Mode().IsRegular(): // a pipe that nobody writes to would wait for ever
		return nil, errors.New("is no regular file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("is larger than %d MiB", maxFile>>20)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, unopened(err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	switch {
	case len(b) == 0:
		return nil, errors.New("is empty")
	case len(b) > maxFile:
		return nil, fmt.Errorf("is larger than %d MiB", maxFile>>20)
	}
	return b, nil
}

func unopened(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the name is told beside
	}
	return fmt.Errorf("cannot be opened: %w", err)
}

func inspect(b []byte) report {
	switch {
	case isDatamatrix(b):
		return inspectDatamatrix(b)
	case isINSi(b):
		return inspectINSi(b)
	case isArchive(b):
		return inspectArchive(b)
	case isMetadata(b):
		return inspectMetadata(b)
	case isMessage(b):
		return inspectMessage(b)
	}
	d, err := cda.Parse(b, xmltree.Limits{Bytes: maxFile})
	if err != nil {
		if media := http.DetectContentType(b); !strings.HasPrefix(media, "text/") && media != "application/octet-stream" {
			err = fmt.Errorf("not a CDA document but %s: %w", media, err)
		}
		return report{Error: err.Error()}
	}
	r := report{Kind: "cda", CDA: describe(d, b)}
	p, err := ordonnance.ParseCDA(b)
	switch {
	case err == nil:
		r.CDA.Prescription = &prescription{Number: p.Number, Validity: p.Validity, Subtypes: p.Subtypes, Lines: p.Lines, Findings: p.Findings}
	case !errors.Is(err, ordonnance.ErrNotPrescription):
		r.Error = "the document claims to be a prescription but is none that can be read: " + err.Error()
	}
	if r.CDA.Checked, err = check(b); err != nil && r.Error == "" {
		r.Error = err.Error()
	}
	return r
}

func describe(d *cda.Document, b []byte) *cdaReport {
	sum := sha1.Sum(b)
	e := xds.FromCDA(d, hex.EncodeToString(sum[:]), int64(len(b)))
	c := &cdaReport{
		ID:              d.ID.String(),
		TemplateIDs:     []string{},
		Code:            codeReport{d.Code.Code.Code, d.Code.System, d.Code.Display},
		Title:           d.Title,
		EffectiveTime:   d.EffectiveTime.Value,
		Confidentiality: d.Confidentiality.Code.Code,
		SetID:           d.SetID.String(),
		Version:         d.Version,
		Patient:         patient(d.Patient),
		Authors:         []authorReport{},
		Body:            bodyReport{Kind: d.Body.Kind.String(), Size: d.Body.Size(), MediaType: d.Body.MediaType},
		Entry: entryReport{
			ClassCode: e.Class.Code, TypeCode: e.Type.Code, FormatCode: e.Format.Code,
			HealthcareFacilityTypeCode: e.Facility.Code, PracticeSettingCode: e.Practice.Code,
			CreationTime: e.CreationTime, ServiceStartTime: e.ServiceStart, ServiceStopTime: e.ServiceStop,
			LanguageCode: e.Language, UniqueID: e.UniqueID, Hash: e.Hash, Size: e.Size,
		},
	}
	for _, t := range d.TemplateIDs {
		c.TemplateIDs = append(c.TemplateIDs, t.Root)
		if t.Extension != "" {
			if c.TemplateVersions == nil {
				c.TemplateVersions = map[string]string{}
			}
			c.TemplateVersions[t.Root] = t.Extension
		}
	}
	for _, a := range d.Authors {
		c.Authors = append(c.Authors, author(a))
	}
	return c
}

func patient(p cda.Patient) patientReport {
	id, ok := p.INS()
	if !ok { // an identifier of another authority is better than none, best one like a matricule
		for _, other := range p.IDs {
			_, err := ins.ParseMatriculeLenient(other.Extension)
			if other.Extension != "" && (id.Extension == "" || err == nil) {
				id = other
			}
		}
	}
	m, err := ins.ParseMatriculeLenient(id.Extension)
	r := patientReport{
		Matricule: id.Extension, OID: id.Root, KeyValid: err == nil && m.KeyValid(),
		BirthName: p.Name.BirthFamily(), GivenNames: p.Name.BirthGivens(),
		UsedName: p.Name.UsedFamily(), UsedGiven: p.Name.UsedGiven(),
		Sex: p.Gender.Code.Code, BirthDate: p.BirthTime.ISO(), BirthPlace: p.BirthPlace,
	}
	if r.GivenNames == nil {
		r.GivenNames = []string{}
	}
	if r.BirthPlace == "" {
		r.BirthPlace = p.BirthPlaceName
	}
	return r
}

func author(a cda.Author) authorReport {
	r := authorReport{ID: a.ID().Extension, Role: a.Code.Code.Code, RoleName: a.Code.Display}
	if r.ID == "" {
		r.ID = a.ID().Root
	}
	if o := a.Organization; o != nil {
		r.Organisation, r.OrganisationID = o.Name, o.ID().Extension
	}
	switch {
	case a.Person != nil:
		r.Kind, r.Name = "person", a.Person.Full()
	case a.Device != nil:
		model := strings.Trim(a.Device.Model, ". -") // a dot where there is none
		r.Kind, r.Name = "device", strings.TrimSpace(model+" "+a.Device.Software)
	default:
		r.Kind, r.Name = "organisation", r.Organisation
	}
	return r
}
