package msstest

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	person = "claire.officine@pharmacie.formation.mssante.fr"
	reader = "279035121518989@patient.mssante.fr"
)

// cdaDocument holds what the operator looks at.
const cdaDocument = `<ClinicalDocument xmlns="urn:hl7-org:v3"><code code="11488-4"/><recordTarget><patientRole><id root="1.2.250.1.213.1.4.10" extension="279035121518989"/>` +
	`<patient><name><given>ANNE</given><family qualifier="BR">ESSAI</family></name><administrativeGenderCode code="F"/><birthTime value="19790328"/></patient></patientRole></recordTarget></ClinicalDocument>`

func zipped(t *testing.T, document, metadata string) string {
	sum := sha1.Sum([]byte(document))
	if metadata == "" {
		metadata = fmt.Sprintf(`<SubmitObjectsRequest xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><ExtrinsicObject><Slot name="URI"><ValueList><Value>D.XML</Value></ValueList></Slot>`+
			`<Slot name="size"><ValueList><Value>%d</Value></ValueList></Slot><Slot name="hash"><ValueList><Value>%x</Value></ValueList></Slot></ExtrinsicObject></SubmitObjectsRequest>`, len(document), sum)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{{"INDEX.HTM", "x"}, {"README.TXT", "x"}, {"IHE_XDM/SUBSET01/METADATA.XML", metadata}, {"IHE_XDM/SUBSET01/D.XML", document}} {
		w, err := z.Create(f[0])
		require.NoError(t, err)
		_, err = w.Write([]byte(f[1]))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	var lines []string
	for part := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(b.Bytes())), 76) {
		lines = append(lines, string(part))
	}
	return strings.Join(lines, "\r\n")
}

func message(t *testing.T, archive string) string {
	return strings.ReplaceAll(`From: Dr_Claire_OFFICINE_Pharmacie <`+person+`>
To: <`+reader+`>
Date: Mon, 05 Oct 2026 10:00:00 +0200
Message-ID: <2@pharmacie.mssante.fr>
In-Reply-To: <1@pharmacie.mssante.fr>
References: <0@pharmacie.mssante.fr> <1@pharmacie.mssante.fr>
Subject: XDM/1.0/DDM+Note
X-MSS-NIL: 3734
X-MSS-CODECDA: 11488-4
X-MSS-INS: O
X-MSS-MES: FIN
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

Bonjour
--b
Content-Type: application/zip; name=IHE_XDM.ZIP
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename=IHE_XDM.ZIP

`+strings.ReplaceAll(archive, "\r\n", "\n")+`
--b--
`, "\n", "\r\n")
}

func TestEachRuleIsChecked(t *testing.T) {
	t.Parallel()
	good := zipped(t, cdaDocument, "")
	box, to := Mailbox{Address: person}, []string{reader}
	require.NoError(t, check([]byte(message(t, good)), box, to))
	for _, c := range []struct{ rule, from, to string }{
		{"ECO.2.2.7", "Dr_Claire_OFFICINE_Pharmacie", "Claire OFFICINE"},
		{"ECO.2.2.7", "Dr_Claire_OFFICINE_Pharmacie", "Claire_Officine"},
		{"ECO.2.2.7", "Dr_Claire_OFFICINE_Pharmacie ", ""},
		{"RFC 5322", "<" + person + ">", "<other@pharmacie.mssante.fr>"},
		{"ECO.2.2.1", "Message-ID: <2@pharmacie.mssante.fr>", "X-Other: x"},
		{"ECO.2.2.1", "<2@pharmacie.mssante.fr>", "2"},
		{"ECO.2.2.2", "References: <0@pharmacie.mssante.fr> <1@pharmacie.mssante.fr>", "X-Other: x"},
		{"ECO.2.2.2", "In-Reply-To:", "X-Other:"},
		{"ECO.2.4.3", "X-MSS-NIL: 3734", "X-Other: x"},
		{"ECO.2.4.3", "X-MSS-NIL: 3734", "X-MSS-NIL: 37 34"},
		{"ECO.2.4.1", "X-MSS-CODECDA: 11488-4", "X-MSS-CODECDA: 34112-3"},
		{"ECO.2.4.1", "X-MSS-CODECDA: 11488-4", "X-MSS-CODECDA: 11488-4,11488-4"},
		{"ECO.2.4.1", "X-MSS-CODECDA:", "X-Other:"},
		{"ECO.2.4.2", "X-MSS-INS: O", "X-MSS-INS: N"},
		{"ECO.2.4.2", "X-MSS-INS: O", "X-Other: O"},
		{"ECO.2.2.8", "X-MSS-MES: FIN", "X-MSS-MES: fini"},
		{"ECO.2.1.3", "XDM/1.0/DDM+", ""},
		{"ECO.2.2.3", "charset=utf-8", "charset=iso-8859-1"},
		{"ECO.2.2.3", "Bonjour", "d\xe9j\xe0"},
		{"ECO.2.2.4", "multipart/mixed", "multipart/related"},
		{"ECO.2.2.4", "text/plain", "text/html"},
		{"ECO.2.1.1", "application/zip", "application/octet-stream"},
		{"RFC 5321", "<" + reader + ">", "<other@pharmacie.mssante.fr>"},
		{"RFC 2045", "--b--", ""},
		{"ECO.2.4.1, ECO.2.4.2", "IHE_XDM.ZIP", "other.zip"},
		{"IHE XDM", good, base64.StdEncoding.EncodeToString([]byte("none"))},
		{"IHE XDM", good, zipped(t, cdaDocument, "<a/>")},
		{"IHE XDM", good, zipped(t, "<a/>", "")},
		{"IHE XDM", good, zipped(t, cdaDocument+" ", "")[:40]},
		{"RFC 5322 3.6", "Subject: ", "Subject: x\nSubject: "},
		{"RFC 5322 3.6", "From: ", "From: Evil <evil@x.test>\nFrom: "},
		{"RFC 5322 3.6", "Message-ID: ", "Message-ID: <3@pharmacie.mssante.fr>\nMessage-ID: "},
		{"RFC 5322 3.6.3", "X-MSS-NIL: 3734", "X-MSS-NIL: 3734\nBcc: <x@pharmacie.mssante.fr>"},
		{"RFC 5322 3.6.3", "To: <" + reader + ">\r\nDate", "Date"},
		{"RFC 5322 3.6.5", "Subject: ", "X-Other: "},
		{"RFC 5322 2.1.1", "Bonjour", strings.Repeat("a", 5000)},
		{"RFC 5322 2.3", "Bonjour", "Bon\x00jour"},
		{"RFC 5322 2.2", "DDM+Note", "DDM+Été"},
		{"ECO.2.3.1", "X-MSS-NIL: 3734", "X-MSS-NIL: 3734\nDisposition-Notification-To: <evil@x.test>"},
		{"IHE XDM", "IHE_XDM.ZIP", "ihe-xdm.zip"},
		{"SC.MSS/CONF.23", good, zipped(t, strings.Replace(cdaDocument, "279035121518989", "277076322082910", 1), "")},
	} {
		broken := strings.ReplaceAll(message(t, good), c.from, c.to)
		require.NotEqual(t, message(t, good), broken, c.from)
		var v *violation
		require.ErrorAs(t, check([]byte(broken), box, to), &v, "%s → %s", c.from, c.to)
		require.Equal(t, c.rule, v.rule, "%s → %s: %v", c.from, c.to, v)
		require.NotContains(t, v.Error(), "279035121518989")
	}
	acting := func(document, action, text string) error {
		sum := sha1.Sum([]byte(document))
		metadata := fmt.Sprintf(`<SubmitObjectsRequest xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"><ExtrinsicObject><Slot name="URI"><ValueList><Value>D.XML</Value></ValueList></Slot>`+
			`<Slot name="urn:x:action"><ValueList><Value>%s</Value></ValueList></Slot><Slot name="size"><ValueList><Value>%d</Value></ValueList></Slot><Slot name="hash"><ValueList><Value>%x</Value></ValueList></Slot></ExtrinsicObject></SubmitObjectsRequest>`, action, len(document), sum)
		return check([]byte(strings.Replace(message(t, zipped(t, document, metadata)), "Bonjour", text, 1)), box, to)
	}
	replacing := strings.Replace(cdaDocument, "</ClinicalDocument>", `<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2"/></parentDocument></relatedDocument></ClinicalDocument>`, 1)
	require.NoError(t, acting(replacing, "C", "Annule et remplace le document."))
	require.NoError(t, acting(cdaDocument, "D", "Merci de supprimer ce document."))
	require.ErrorContains(t, acting(replacing, "C", "Bonjour"), "CI-SIS transmission")
	require.ErrorContains(t, acting(replacing, "D", "Bonjour"), "CI-SIS transmission")
	require.ErrorContains(t, acting(cdaDocument, "C", "Annule et remplace le document."), "relatedDocument RPLC")
	require.ErrorContains(t, acting(cdaDocument, "X", "Annule et remplace le document."), "C or D")
	const other = "other@pharmacie.mssante.fr"
	require.ErrorContains(t, check([]byte(strings.Replace(message(t, good), reader, other, 1)), box, []string{other}), "ECO.2.2.8")
	require.ErrorContains(t, check([]byte(message(t, good)), Mailbox{Address: person, Organisation: true}, to), "ECO.2.2.7")
	require.NoError(t, check([]byte(strings.Replace(message(t, good), "Dr_Claire_OFFICINE_Pharmacie", "Pharmacie", 1)), Mailbox{Address: person, Organisation: true}, to))
}

func TestServerAsksWhoOpens(t *testing.T) {
	t.Parallel()
	_, err := NewServer(Options{})
	require.ErrorContains(t, err, "Introspect")
	s, err := NewServer(Options{Introspect: func(_ context.Context, token string) (string, bool, error) { return "8" + token, token != "dead", nil }})
	require.NoError(t, err)
	defer s.Close()
	require.Error(t, s.AddMailbox(Mailbox{Address: reader}))
	require.NoError(t, s.AddMailbox(Mailbox{Address: person, Openers: []string{"8one"}}))
	require.NoError(t, s.authorize(strings.ToUpper(person), "one"))
	for _, token := range []string{"two", "dead"} {
		require.ErrorIs(t, s.authorize(person, token), errRefused)
	}
	require.ErrorIs(t, s.authorize("other@pharmacie.mssante.fr", "one"), errRefused)
	require.Error(t, s.Deliver("other@pharmacie.mssante.fr", nil))
	s.Close()
	s.Close()
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte("From: Jean_DUPONT <" + person + ">\r\nX-MSS-NIL: 1\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"))
	f.Add([]byte("Content-Type: text/plain\r\n\r\nx"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		_ = check(raw, Mailbox{Address: person}, []string{reader})
	})
}
