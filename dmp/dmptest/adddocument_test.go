package dmptest_test

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

func pharmacist(t *testing.T) socle.Professional {
	t.Helper()
	person, err := socle.ParsePersonID(rpps)
	require.NoError(t, err)
	structure, err := socle.ParseStructureID(finess)
	require.NoError(t, err)
	return socle.Professional{
		ID: person, FamilyName: "ARNICA", GivenName: "PAULE",
		Profession: socle.Code{Code: "21", System: socle.OIDProfession}, Speciality: socle.Code{Code: "A", System: socle.OIDPharmacistSection},
		Structure: socle.Structure{ID: structure, Name: "PHARMACIE", Sector: socle.Code{Code: "SA33", System: socle.OIDSector}},
		Authn:     socle.Authentication{At: time.Now(), Means: socle.MeansCard},
	}
}

// Documents that were there before can be searched as those that are fed.
func TestAddDocument(t *testing.T) {
	t.Parallel()
	srv := start(t, dmptest.Options{})
	p, neighbour := dmptest.Patients()[0], dmptest.Patients()[1]
	patient, err := p.Qualified(time.Now())
	require.NoError(t, err)
	pair := pairs()
	c, err := dmp.New(dmp.Config{Environment: srv.Environment(), Certificate: pair.auth, Signature: pair.sign, Roots: srv.Roots(), Mode: dmp.AIR,
		Software: socle.Software{Name: "LGO", Version: "1", Install: "0b7f2c1e-5d43-4d0a-9a53-6e2f1c8d7b90", OID: "1.2.250.1.999.1.1.7898.1", Homologation: map[socle.Service]string{socle.ServiceDMP: "H"}}})
	require.NoError(t, err)
	defer c.Close()
	who := pharmacist(t)
	made, err := c.NewDocument(who, patient, dmp.Report{Title: "Avis", Type: dmp.Consultation, File: dmp.Bytes("text/plain", []byte("bonjour"))})
	require.NoError(t, err)
	r, err := made.Open()
	require.NoError(t, err)
	defer r.Close()
	cda, err := io.ReadAll(r)
	require.NoError(t, err)

	_, err = srv.AddDocument(neighbour.INS, cda)
	require.ErrorContains(t, err, "not of this patient")
	_, err = srv.AddDocument(p.INS, cda[:100])
	require.Error(t, err)
	_, err = srv.AddDocument(p.INS, cda, "MASQUE")
	require.ErrorContains(t, err, "hidden")

	added, err := srv.AddDocument(p.INS, cda, dmp.HiddenFromRepresentatives)
	require.NoError(t, err)
	require.Equal(t, made.ID(), added.ID)
	require.Equal(t, cda, added.Content)
	require.Equal(t, rpps, added.Author)
	require.Len(t, srv.Documents(p.INS), 1)
	_, err = srv.AddDocument(p.INS, cda)
	require.ErrorContains(t, err, "of that identifier")

	record, err := c.Exists(t.Context(), who, patient)
	require.NoError(t, err)
	found, err := c.Search(t.Context(), who, patient, dmp.Query{Record: record, Types: []socle.Code{dmp.Consultation}})
	require.NoError(t, err)
	require.Len(t, found.Entries, 1)
	require.Equal(t, made.Hash(), found.Entries[0].Hash)
	require.Equal(t, []dmp.Visibility{dmp.HiddenFromRepresentatives}, found.Entries[0].Visibility)
	_, err = c.Submit(t.Context(), who, patient, dmp.Submission{Record: record, Documents: []*dmp.Document{made}})
	require.ErrorIs(t, err, dmp.ErrDuplicate)
}
