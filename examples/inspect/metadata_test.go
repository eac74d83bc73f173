package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

func TestMetadataOfTheCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(oracle.Corpus(t, "xds"), "*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var out, errs bytes.Buffer
	require.Zero(t, run(files, &out, &errs), errs.String())
	for _, want := range []string{"submission set", "1.3.6.1.4.1.21367.2005.3.9999.32", "SubmissionSet01 HasMember Document01, SubmissionSetStatus Original",
		"other slots: urn:my:company:slot", "logical id urn:uuid:20744602-ba65-44e9-87ee-a52303a5183e, version 1", "FindDocuments", "with quotes doubled inside"} {
		require.Contains(t, out.String(), want)
	}
	out.Reset()
	require.Zero(t, run(append([]string{"-json"}, files...), &out, &errs), errs.String())
	d := json.NewDecoder(&out)
	for range files {
		var r report
		require.NoError(t, d.Decode(&r))
		require.Equal(t, "metadata", r.Kind)
	}
}

// What the registry of the DMP answers, in its envelope or bare.
func TestAnswersOfARegistry(t *testing.T) {
	t.Parallel()
	entry := xds.DocumentEntry{ID: "urn:uuid:1", LogicalID: "urn:uuid:0", Version: "2", Status: xds.StatusArchived, UniqueID: "1.2.3", Title: "Note\x1b[2J de vaccination", MimeType: "text/xml",
		Type: socle.Code{Code: "87273-9", System: "2.16.840.1.113883.6.1", Display: "Note de vaccination"}, CreationTime: "20260302", Hash: "ab", Size: 3, Repository: "1.2.250.1.213.4.1.1.1.2",
		PatientID: xds.PatientINS("279035121518989", "1.2.250.1.213.1.4.10"), Confidentiality: []socle.Code{{Code: "N"}, {Code: "MASQUE_PS"}}}
	found := xds.QueryResponse{Response: xds.Response{Status: xds.ResponsePartial, Errors: []xds.RegistryError{{Code: "XDSRegistryBusy", Context: "plus tard", Severity: xds.SeverityWarning}}},
		Total: 21, Documents: []xds.DocumentEntry{entry}, References: []string{"urn:uuid:9"}}
	refused := xds.Response{Status: xds.ResponseFailure, Errors: []xds.RegistryError{{Code: "XDSUnknownPatientId", Severity: xds.SeverityError}}}
	query, err := (&xds.Query{ID: "urn:uuid:00000000-0000-0000-0000-000000000000", Params: []xds.Param{{Name: "$x", Values: []string{"y"}}}}).Marshal()
	require.NoError(t, err)
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"found.xml": found.Marshal(), "whole.xml": soap.Message{Action: "urn:a", MessageID: "urn:uuid:1", Body: found.Marshal()}.Marshal(),
		"refused.xml": refused.Marshal(), "query.xml": query,
		"broken.xml": []byte(`<x xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">`), "other.xml": []byte(`<x xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"/>`),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	for _, name := range []string{"found.xml", "whole.xml"} {
		var out, errs bytes.Buffer
		require.Zero(t, run([]string{filepath.Join(dir, name)}, &out, &errs), errs.String())
		for _, want := range []string{"AdhocQueryResponse", "PartialSuccess", "Warning XDSRegistryBusy: plus tard", "21", "Archived text/xml", "logical id urn:uuid:0, version 2",
			"87273-9 Note de vaccination", "MASQUE_PS", "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH", "3 bytes, SHA-1 ab", "in repository", "reference"} {
			require.Contains(t, out.String(), want, name)
		}
		require.NotContains(t, out.String(), "\x1b")
	}
	var out, errs bytes.Buffer
	require.Zero(t, run([]string{filepath.Join(dir, "refused.xml"), filepath.Join(dir, "query.xml")}, &out, &errs), errs.String())
	for _, want := range []string{"RegistryResponse", "Error XDSUnknownPatientId", "urn:uuid:00000000-0000-0000-0000-000000000000", "$x: 'y'"} {
		require.Contains(t, out.String(), want)
	}
	for _, name := range []string{"broken.xml", "other.xml"} {
		require.Equal(t, 1, run([]string{filepath.Join(dir, name)}, &out, &errs), name)
	}
}
