package dmptest

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/nos"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// AddDocument puts a CDA document into a record as if its author had fed it
// before: a laboratory, a hospital, another pharmacy. Its metadata are those
// that its header gives, and hidden is from whom it is hidden. It is refused
// when the patient has no open record here, when its header names another or no
// author, and when its identifier is taken.
func (s *Server) AddDocument(patient ins.INS, document []byte, hidden ...dmp.Visibility) (Document, error) {
	read, err := cda.Parse(document, xmltree.Limits{})
	if err != nil {
		return Document{}, fmt.Errorf("dmptest: %w", err)
	}
	id := patientID{patient.OID.String(), patient.Matricule.Wire()}
	sum := sha1.Sum(document)
	entry := xds.FromCDA(read, hex.EncodeToString(sum[:]), int64(len(document)))
	entry.ID = "Document01"
	normal, _ := nos.Lookup(nos.Confidentiality, "N")
	entry.Confidentiality = []socle.Code{normal}
	for _, h := range hidden {
		code, ok := nos.Lookup(nos.Confidentiality, string(h))
		if !ok {
			return Document{}, errors.New("dmptest: hidden: HiddenFromProfessionals, HiddenFromPatient or HiddenFromRepresentatives expected")
		}
		entry.Confidentiality = append(entry.Confidentiality, code)
	}
	if err := entry.Check(); err != nil {
		return Document{}, fmt.Errorf("dmptest: %w", err)
	}
	if len(entry.Authors) == 0 || len(entry.Authors[0].Institutions) == 0 {
		return Document{}, errors.New("dmptest: the document has no author with a structure")
	}
	if (patientID{entry.PatientID.Authority.ID, entry.PatientID.ID}) != id {
		return Document{}, errors.New("dmptest: the document is not of this patient")
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	switch {
	case r == nil || r.State != dmp.StateOpen:
		return Document{}, errors.New("dmptest: the patient has no open record: AddPatient adds one")
	case s.unique[entry.UniqueID]:
		return Document{}, errors.New("dmptest: the registry holds a document of that identifier")
	}
	author := entry.Authors[0]
	v := &version{entry: entry, content: bytes.Clone(document), author: author.Person.ID, structure: author.Institutions[0].ID, at: s.now()}
	set := xds.SubmissionSet{
		ID: "SubmissionSet01", UniqueID: drawOID(), Authors: entry.Authors, PatientID: entry.PatientID,
		ContentType: entry.Facility, SourceID: repositoryOID, Time: v.at.UTC().Format("20060102150405"),
	}
	s.unique[entry.UniqueID], s.unique[set.UniqueID] = true, true
	r.keep(set, []*version{v}, []xds.Association{xds.Member(set.ID, entry.ID)})
	return v.public(), nil
}

// drawOID draws an identifier of its own (ITU-T X.667: 2.25 and a UUID).
func drawOID() string {
	n, _ := new(big.Int).SetString(strings.ReplaceAll(soap.NewUUID(), "-", ""), 16)
	return "2.25." + n.String()
}
