package dmp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

const secretWord = "SECRETWORD"

// printable are the fields that may be in a log: codes, states and identifiers of
// messages and documents.
var printable = []string{"ID", "Code", "System", "Display", "MessageID", "Authorization", "Standing", "Severity", "SetID", "Replaces",
	"EntryUUID", "LogicalID", "Kind", "SubmissionID", "Hash", "Status", "Models", "Media", "MediaType"}

// fill gives all exported strings of v, at any depth, the secret word.
func fill(v reflect.Value, name string, depth int) {
	if depth > 6 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		if slices.Contains(printable, name) {
			v.SetString("1.2.3")
		} else {
			v.SetString(secretWord)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), v.Type().Field(i).Name, depth+1)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), name, depth+1)
		}
	}
}

// leaks tells how a value shows the words.
func leaks(v any, words ...string) (all []string) {
	look := func(how string, b []byte) {
		for _, w := range words {
			if bytes.Contains(b, []byte(w)) {
				all = append(all, how+" shows "+w)
			}
		}
	}
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x"}
	if _, ok := v.(fmt.Formatter); ok { // the others are not for texts, and vet refuses them
		verbs = append(verbs, "%d", "%t", "%f")
	}
	for _, verb := range verbs {
		look(verb, fmt.Appendf(nil, verb, v))
	}
	var text, object bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "v", v)
	slog.New(slog.NewJSONHandler(&object, nil)).Info("m", "v", v)
	look("slog text", text.Bytes())
	look("slog JSON", object.Bytes())
	return all
}

func TestNoPublicValueShowsThePatient(t *testing.T) {
	t.Parallel()
	for _, v := range []any{&dmp.Contact{}, &dmp.Telecom{}, &dmp.Address{}, &dmp.Representative{}, &dmp.Administrative{}, &dmp.Amendment{},
		&dmp.PatientQuery{}, &dmp.Candidate{}, &dmp.Candidates{}, &dmp.Entry{}, &dmp.Results{}, &dmp.Retrieval{}, &dmp.Incoming{}, &dmp.CDA{}, &dmp.Section{},
		&dmp.ProfessionalAccess{}, &dmp.Closure{}, &dmp.Detail{}, &dmp.Record{}, &dmp.RegistryError{}, &dmp.Report{}, &dmp.VaccinationNote{}, &dmp.Submission{},
		&dmp.Change{}, &dmp.Acknowledgement{}, &dmp.Receipt{}, &dmp.AuthorizedRecord{}} {
		p := reflect.ValueOf(v)
		fill(p.Elem(), "", 0)
		one := p.Elem().Interface()
		list := reflect.MakeSlice(reflect.SliceOf(p.Elem().Type()), 0, 1)
		list = reflect.Append(list, p.Elem())
		for how, x := range map[string]any{"value": one, "pointer": v, "slice": list.Interface(), "structure": struct{ V any }{one}} {
			require.Empty(t, leaks(x, secretWord), "%T %s", one, how)
		}
	}
}

// What the DMP gave has hidden parts too.
func TestNoAnswerShowsThePatient(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{}, direct)
	patient := qualified(t, "ORTIE")
	feed(t, c, patient, func(r *dmp.Report) { r.Title, r.Comments = secretWord, secretWord })
	r := checked(t, c, pharmacist, "ORTIE")
	found, err := c.Search(t.Context(), pharmacist, patient, dmp.Query{Record: r})
	require.NoError(t, err)
	candidates, err := c.With(regulation).FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "ORTIE"})
	require.NoError(t, err)
	require.NotEmpty(t, candidates.List)
	p := find(t, "ORTIE")
	words := []string{p.INS.Matricule.Wire(), p.INS.Matricule.Number(), p.Traits.BirthName, p.Traits.GivenNames, secretWord, p.Traits.BirthDate.Wire()}
	doc, err := c.NewDocument(pharmacist, patient, report())
	require.NoError(t, err)
	for _, v := range []any{r, found, found.Entries[0], found.Entries, candidates, candidates.List, candidates.List[0], doc} {
		require.Empty(t, leaks(v, words...), "%T", v)
	}
	for doc, err := range c.Retrieve(t.Context(), pharmacist, patient, dmp.Retrieval{Record: r, Entries: found.Entries}) {
		require.NoError(t, err)
		require.Empty(t, leaks(doc, words...))
		require.Empty(t, leaks(*doc, words...))
	}
}

// An Entry cannot be written and read back, and so lose whose it is.
func TestAnEntryIsNotReadBack(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(dmp.Entry{ID: "1.2.3", EntryUUID: "urn:uuid:1", Title: secretWord})
	require.NoError(t, err)
	require.JSONEq(t, `"document 1.2.3"`, string(b))
	var e dmp.Entry
	require.Error(t, json.Unmarshal(b, &e))
}
