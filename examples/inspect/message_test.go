package main

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xdm"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

const (
	mailbox   = "claire.officine@pharmacie.formation.mssante.fr"
	matricule = "279035121518989" // a test patient of the public samples
)

// document is a CDA with all that metadata need, of an invented patient.
func document(id string) []byte {
	return []byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<id root="1.2.250.1.999.1.` + id + `"/><code code="57833-6" codeSystem="2.16.840.1.113883.6.1" displayName="Prescription"/><title>Ordonnance</title>
<effectiveTime value="20261005093000+0200"/><confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25" displayName="Normal"/><languageCode code="fr-FR"/>
<setId root="1.2.250.1.999.2"/><versionNumber value="2"/>
<recordTarget><patientRole><id root="1.2.250.1.213.1.4.10" extension="` + matricule + `"/><patient><name><given qualifier="BR">ANNE</given><family qualifier="BR">ESSAI-FICTIF</family></name>
<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19790328"/></patient></patientRole></recordTarget>
<author><time value="20261005093000+0200"/><assignedAuthor><id root="1.2.250.1.71.4.2.1" extension="899900000003"/><assignedPerson><name><given>Paul</given><family>MEDECIN</family></name></assignedPerson>
<representedOrganization><id root="1.2.250.1.71.4.2.2" extension="1750000008"/><name>Cabinet</name></representedOrganization></assignedAuthor></author>
<documentationOf><serviceEvent><effectiveTime><low value="20261005090000+0200"/></effectiveTime><performer typeCode="PRF"><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="899900000003"/>
<representedOrganization><standardIndustryClassCode code="AMBULATOIRE" codeSystem="1.2.250.1.213.1.1.4.9" displayName="Ambulatoire"/></representedOrganization></assignedEntity></performer></serviceEvent></documentationOf>
<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.1.0"/></parentDocument></relatedDocument>
<componentOf><encompassingEncounter><effectiveTime nullFlavor="UNK"/><location><healthCareFacility><code code="SA07" codeSystem="1.2.250.1.71.4.2.4" displayName="Cabinet"/></healthCareFacility></location></encompassingEncounter></componentOf>
<component><nonXMLBody><text mediaType="text/plain" representation="B64">Qm9uam91cg==</text></nonXMLBody></component></ClinicalDocument>`)
}

func operator(t *testing.T) *msstest.Server {
	s, err := msstest.NewServer(msstest.Options{
		Introspect: func(context.Context, string) (string, bool, error) { return "", false, nil },
		Mailboxes:  []msstest.Mailbox{{Address: mailbox}},
	})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func saved(t *testing.T, name string, content []byte) string {
	f := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(f, content, 0o600))
	return f
}

func inText(t *testing.T, file string) string {
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{file}, &stdout, &stderr), stderr.String())
	return stdout.String()
}

func TestMessageWithDocuments(t *testing.T) {
	t.Parallel()
	s := operator(t)
	_, err := s.DeliverFromPatient(mailbox, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Subject: "Renouvellement", Text: "Bonjour\n\x1b[31mvoici",
		Documents: [][]byte{document("1")}, Files: map[string][]byte{"Ordonnance.pdf": []byte("%PDF-1.4"), "photo.jpg": []byte("\xff\xd8\xff")}})
	require.NoError(t, err)
	f := saved(t, "message.eml", s.Messages(mailbox, "INBOX")[0])
	_, all := inspectJSON(t, f)
	m := at(t, all[0], "message")
	require.Equal(t, "message", at(t, all[0], "kind"))
	require.Equal(t, "patient", at(t, m, "from", "kind"))
	require.Equal(t, matricule, at(t, m, "from", "matricule"))
	require.Equal(t, "Renouvellement", at(t, m, "subject"))
	require.Equal(t, true, at(t, m, "xdm"))
	require.Equal(t, "57833-6", at(t, m, "codes", 0))
	require.Equal(t, true, at(t, m, "documents", 0, "verified"))
	require.Equal(t, "ESSAI-FICTIF", at(t, m, "documents", 0, "patient", "birthName"))
	require.Equal(t, "1.2.250.1.999.1.0", at(t, m, "documents", 0, "replaces", 0))
	require.Equal(t, "Ordonnance.pdf", at(t, m, "documents", 0, "pdf", "name"), "shown with its document")
	require.Equal(t, "PDF", at(t, m, "files", 0, "kind"), "it is that of the document by a guess only")
	require.Equal(t, "photo", at(t, m, "files", 1, "kind"))
	require.Equal(t, "document", at(t, m, "prescriptions", 0, "kind"))
	require.Equal(t, "PDF", at(t, m, "prescriptions", 1, "kind"))
	require.Equal(t, "photo", at(t, m, "prescriptions", 2, "kind"))
	text := inText(t, f)
	for _, want := range []string{"message of MSSanté", "patient Anne Essai", "as its metadata say", "likely, document: document 1", "X-MSS-INS O"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "\x1b")
}

func TestReceiptsAreSaidInWords(t *testing.T) {
	t.Parallel()
	s := operator(t)
	require.NoError(t, s.DeliverDSN(mailbox, msstest.DSN{Returned: []byte("Message-ID: <a@b.fr>\r\n\r\n"), Recipient: "paul@medecin.mssante.fr", Action: "failed", Code: "5.1.1", Diagnostic: "550 5.1.1 no such user"}))
	require.NoError(t, s.DeliverBounce(mailbox, msstest.Bounce{Text: "La boîte aux lettres est clôturée.", MessageID: "c@d.fr"}))
	mdn := mss.MDN{Reporter: "LGO", FinalRecipient: parsed(t, "paul@medecin.mssante.fr"), OriginalMessageID: "e@f.fr", Disposition: mss.Displayed}
	ko := mdn
	ko.Disposition, ko.Failed, ko.Integration = mss.Processed, true, mss.Integration{Code: "904", Label: mss.IntegrationLabel("904")}
	for _, n := range []mss.MDN{mdn, ko} {
		require.NoError(t, s.Deliver(mailbox, []byte("From: <paul@medecin.mssante.fr>\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nLu\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"+string(n.Wire())+"\r\n--b--\r\n")))
	}
	for i, want := range []string{
		"DSN: the message was not delivered to paul@medecin.mssante.fr: invalid address (5.1.1",
		"bounce: the message was not delivered to its reader: closed",
		"MDN: the message was read by paul@medecin.mssante.fr",
		"MDN: the message was delivered to paul@medecin.mssante.fr, whose software could not file its document (904 L'INS transmis",
	} {
		require.Contains(t, inText(t, saved(t, "receipt.eml", s.Messages(mailbox, "INBOX")[i])), want)
	}
}

func parsed(t *testing.T, s string) mss.Address {
	a, err := mss.ParseAddress(s)
	require.NoError(t, err)
	return a
}

// written gives an archive of our own writer, two subsets, of which changes are made.
func written(t *testing.T, change func(name string, content []byte) []byte) []byte {
	var sets []xdm.Subset
	for i, action := range []string{"", "C"} {
		content := document(string(rune('1' + i)))
		d, err := cda.Parse(content, xmltree.Limits{})
		require.NoError(t, err)
		e := xds.FromCDA(d, "", 0)
		sets = append(sets, xdm.Subset{
			Submission: &xds.Submission{Set: xds.SubmissionSet{ID: "SubmissionSet01", Authors: e.Authors, PatientID: e.PatientID, SourceID: "1.2.3", UniqueID: "1.2.3.4",
				ContentType: socle.Code{Code: "SA33", System: socle.OIDSector}, Time: "20261005080000"}},
			Documents: []xdm.Document{{Entry: e, Data: content, Action: action}},
		})
	}
	var b bytes.Buffer
	require.NoError(t, xdm.Write(&b, &xdm.Archive{Subsets: sets}, xdm.About{At: time.Unix(0, 0)}))
	if change == nil {
		return b.Bytes()
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		var content bytes.Buffer
		_, err = content.ReadFrom(r)
		require.NoError(t, err)
		if changed := change(f.Name, content.Bytes()); changed != nil {
			p, err := w.Create(f.Name)
			require.NoError(t, err)
			_, err = p.Write(changed)
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestArchive(t *testing.T) {
	t.Parallel()
	f := saved(t, "IHE_XDM.ZIP", written(t, nil))
	_, all := inspectJSON(t, f)
	require.Equal(t, "archive", at(t, all[0], "kind"))
	for i := range 2 {
		require.Equal(t, true, at(t, all[0], "archive", "subsets", i, "documents", 0, "verified"))
	}
	require.Equal(t, "SUBSET02", at(t, all[0], "archive", "subsets", 1, "name"))
	require.Equal(t, "C", at(t, all[0], "archive", "subsets", 1, "documents", 0, "action"))
	text := inText(t, f)
	require.Contains(t, text, "replaces another document")
	require.Contains(t, text, "899900000003^MEDECIN^Paul")

	nested := written(t, func(name string, b []byte) []byte {
		if strings.HasSuffix(name, "SUBSET01/DOC00001.XML") {
			return written(t, nil)
		}
		return b
	})
	missing := written(t, func(name string, b []byte) []byte {
		if strings.HasSuffix(name, "SUBSET02/METADATA.XML") {
			return nil
		}
		return b
	})
	bomb := written(t, func(name string, b []byte) []byte {
		if strings.HasSuffix(name, "DOC00001.XML") {
			return bytes.Repeat([]byte{' '}, 32<<20)
		}
		return b
	})
	for want, b := range map[string][]byte{"SIZE_MISMATCH": nested, "METADATA_MISSING": missing, "LIMIT_REACHED": bomb} {
		require.Contains(t, inText(t, saved(t, "a.zip", b)), want)
	}
	for _, b := range [][]byte{[]byte("PK\x03\x04rien"), []byte("PK\x05\x06" + strings.Repeat("\x00", 18))} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 1, run([]string{saved(t, "a.zip", b)}, &stdout, &stderr))
		require.Contains(t, stderr.String(), "xdm: ")
	}
}

func TestBrokenMessages(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"From: x\r\n", "not a field\r\nFrom: <a@b.fr>\r\n\r\nx", "Received: by x\n\nx",
		"From: <a@b.fr>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/zip; name=IHE_XDM.ZIP\r\n\r\nPK\x03\x04",
	} {
		require.Contains(t, inText(t, saved(t, "a.eml", []byte(raw))), "message of MSSanté", raw)
	}
}

func FuzzInspectMail(f *testing.F) {
	f.Add([]byte("From: <a@b.fr>\r\nSubject: x\r\n\r\nx"))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Add([]byte("From: <a@b.fr>\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; c@d.fr\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !isArchive(b) && !isMessage(b) {
			return
		}
		r := inspect(b)
		if (r.Kind == "") == (r.Error == "") {
			t.Fatal("a report or an error")
		}
		if r.Kind != "" {
			var out bytes.Buffer
			if err := r.print(&out); err != nil {
				t.Fatal(err)
			}
		}
	})
}
