package mss_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// TestNothingOfAPatientIsShown: by the verbs of fmt, by slog as text and as JSON,
// and by JSON, alone, in a slice, in a struct, and behind a pointer.
func TestNothingOfAPatientIsShown(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	_, err := b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essaimarque", Subject: "Mon ordonnance SECRETSUBJ",
		Text: "Bonjour SECRETTEXT", Documents: [][]byte{small("1")}, Files: map[string][]byte{"SECRETFILE.jpg": []byte("\xff\xd8\xffjpeg"), "ordonnance SECRETPDF.pdf": []byte("%PDF-1.4")}})
	require.NoError(t, err)
	m := b.open(t)
	l := list(t, m, mss.UID{})
	msg, err := m.Read(context.Background(), l[0].UID)
	require.NoError(t, err)
	parts, err := m.Parts(context.Background(), l[0].UID)
	require.NoError(t, err)
	threads, prescriptions := mss.Threads(l), msg.Prescriptions()
	require.NotEmpty(t, parts)
	require.NotEmpty(t, prescriptions)
	draft := mss.Draft{Patients: []ins.Identity{qualified(t, true)}, Subject: "SECRETSUBJ", Text: "SECRETTEXT",
		Files: []mss.File{{Name: "SECRETFILE", Content: []byte("SECRETTEXT")}}, Documents: []mss.Outgoing{{CDA: small("1"), PDF: []byte("SECRETTEXT"), Number: "SECRETNUM"}}}
	plain := mss.Plain(tls.Certificate{}, "u", "SECRETPASS")
	query := mss.Query{Subject: "SECRETSUBJ", From: matricule, Text: "SECRETTEXT", Headers: map[string]string{"X-A": "SECRETNUM"}}
	directory, err := mss.NewDirectory(mss.DirectoryConfig{Key: "SECRETKEY", Roots: b.server.Roots()})
	require.NoError(t, err)
	defer directory.Close()
	ldap, err := mss.NewLDAPDirectory(mss.LDAPConfig{Address: "annuaire.test:389", Roots: b.server.Roots(), User: "cn=a", Password: "SECRETPASS"})
	require.NoError(t, err)
	values := map[string]any{
		"Message": *msg, "*Message": msg, "Summary": l[0], "[]Summary": l, "[]Thread": threads, "Thread": threads[0],
		"Attachment": msg.Attachments[0], "[]Attachment": msg.Attachments, "Document": msg.Documents[0], "[]Document": msg.Documents,
		"Prescription": prescriptions[0], "[]Prescription": prescriptions, "Part": parts[0], "[]Part": parts,
		"Draft": draft, "*Draft": &draft, "File": draft.Files[0], "[]File": draft.Files, "Outgoing": draft.Documents[0], "[]Outgoing": draft.Documents,
		"Query": query, "*Query": &query, "Change": mss.Change{Summary: l[0]}, "Arrival": mss.Arrival{Summary: l[0]},
		"Auth": plain, "Access": mss.Access{Auth: plain}, "*Access": &mss.Access{Auth: plain}, "*Mailbox": m, "*Client": b.client,
		"DirectoryConfig": mss.DirectoryConfig{Key: "SECRETKEY"}, "LDAPConfig": mss.LDAPConfig{Password: "SECRETPASS"}, "*Directory": directory, "*LDAPDirectory": ldap,
		"unexported Access": struct{ access mss.Access }{mss.Access{Auth: plain}}, "unexported Auth": struct{ auth mss.Auth }{plain},
		"unexported Directory": struct{ d *mss.Directory }{directory}, "unexported LDAPDirectory": struct{ d mss.LDAPDirectory }{*ldap}, "unexported Mailbox": struct{ m *mss.Mailbox }{m},
	}
	secrets := []string{matricule, "SECRET", "Essaimarque", "ESSAI-FICTIF", "ESSAI FICTIF", "19790328", "1979-03-28", "ClinicalDocument", "U0VDUkVU"}
	for name, v := range values {
		shown := map[string]string{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			shown[verb] = fmt.Sprintf(verb, v)
		}
		for form, value := range map[string]any{"": v, " in a slice": []any{v}, " in a struct": struct{ V any }{v}, " in a map": map[string]any{"v": v}} {
			var asJSON, asText bytes.Buffer
			slog.New(slog.NewJSONHandler(&asJSON, nil)).Info("x", "v", value)
			slog.New(slog.NewTextHandler(&asText, nil)).Info("x", "v", value)
			whole, err := json.Marshal(value)
			shown["slog JSON"+form], shown["slog text"+form], shown["JSON"+form] = asJSON.String(), asText.String(), fmt.Sprint(string(whole), err)
		}
		for form, s := range shown {
			for _, secret := range secrets {
				if i := strings.Index(s, secret); i >= 0 {
					t.Errorf("%s, %s shows %s: …%s…", name, form, secret, s[max(0, i-100):min(len(s), i+50)])
				}
			}
		}
	}
	// What is made to be kept still is.
	var id mss.UID
	text, err := json.Marshal(l[0].UID)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &id))
	require.Equal(t, l[0].UID, id)
}
