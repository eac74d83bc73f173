package mss_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// sentMail is a message as it left, read by the standard library alone.
type sentMail struct {
	header netmail.Header
	texts  []string
	files  map[string][]byte
	types  map[string]string
}

func parseSent(t *testing.T, raw []byte) sentMail {
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	require.NoError(t, err)
	s := sentMail{header: m.Header, files: map[string][]byte{}, types: map[string]string{}}
	var walk func(contentType, encoding, disposition string, r io.Reader)
	walk = func(contentType, encoding, disposition string, r io.Reader) {
		media, params, err := mime.ParseMediaType(contentType)
		require.NoError(t, err)
		if strings.HasPrefix(media, "multipart/") {
			for parts := multipart.NewReader(r, params["boundary"]); ; {
				p, err := parts.NextRawPart()
				if err == io.EOF {
					return
				}
				require.NoError(t, err)
				walk(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.Header.Get("Content-Disposition"), p)
			}
		}
		switch encoding {
		case "base64":
			r = base64.NewDecoder(base64.StdEncoding, r)
		case "quoted-printable":
			r = quotedprintable.NewReader(r)
		}
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		_, about, _ := mime.ParseMediaType(disposition)
		if name := about["filename"]; name != "" {
			s.files[name], s.types[name] = b, media
			return
		}
		if media == "text/plain" {
			require.Equal(t, "utf-8", strings.ToLower(params["charset"]), "ECO.2.2.3")
			require.True(t, utf8.Valid(b), "ECO.2.2.3")
			s.texts = append(s.texts, string(b))
		}
	}
	walk(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
	return s
}

func (s sentMail) subject(t *testing.T) string {
	subject, err := new(mime.WordDecoder).DecodeHeader(s.get("Subject"))
	require.NoError(t, err)
	return subject
}

func (s sentMail) get(name string) string { return s.header.Get(name) }

// traits are what a message is made from, which decides what its header says.
type traits struct {
	documents int  // CDA documents in it
	answers   bool // it belongs to a thread
	patient   bool
	final     bool
	dsn, mdn  bool
	action    string
}

// The rules of the référentiel that a message shows, by their identifiers, on
// every path by which one leaves.
var rules = map[string]func(t *testing.T, s sentMail, x traits){
	"ECO.2.1.1 MSS/va1.01": func(t *testing.T, s sentMail, x traits) { // IHE_XDM.ZIP, and a PDF for each document
		require.Equal(t, x.documents > 0, s.types["IHE_XDM.ZIP"] == "application/zip")
		pdfs := 0
		for _, media := range s.types {
			if media == "application/pdf" {
				pdfs++
			}
		}
		if x.action != "D" {
			require.Equal(t, x.documents, pdfs)
		}
	},
	"ECO.2.1.3 CONF.25": func(t *testing.T, s sentMail, x traits) { // XDM/1.0/DDM+libellé NOM prénom date
		subject := s.subject(t)
		if x.documents == 0 {
			require.NotContains(t, subject, "XDM/1.0/DDM")
			return
		}
		if strings.HasPrefix(subject, "[KO") { // that of the message whose documents were not filed
			require.Regexp(t, `^\[KO Intégration système !\]\[904\] XDM/1\.0/DDM\+Ordonnance$`, subject)
			return
		}
		require.Regexp(t, `^XDM/1\.0/DDM\+\S.* ESSAI-FICTIF ANNE 28/03/1979$`, subject)
	},
	"ECO.2.1.5": func(t *testing.T, s sentMail, _ traits) {
		for name, media := range s.types {
			if media == "application/pdf" {
				require.Contains(t, string(s.files[name]), "pdfaid:part", name)
			}
		}
	},
	"ECO.2.1.6": func(t *testing.T, s sentMail, _ traits) { // date_type_NOM_prénom_numéro.pdf
		for name, media := range s.types {
			if media == "application/pdf" {
				require.Regexp(t, `^20261005_Intervention_pharmaceutique_ESSAI_FICTIF_ANNE(_D7[78])?\.pdf$`, name)
			}
		}
	},
	"ECO.2.2.1 MSS/va1.12": func(t *testing.T, s sentMail, _ traits) {
		require.Regexp(t, `^<[^<>@\s]+@[^<>@\s]+>$`, s.get("Message-ID"))
	},
	"ECO.2.2.2 MSS/va1.08": func(t *testing.T, s sentMail, x traits) {
		require.Equal(t, x.answers, s.get("In-Reply-To") != "")
		if x.answers {
			require.Contains(t, s.get("References"), s.get("In-Reply-To"))
		}
	},
	"ECO.2.2.3": func(t *testing.T, s sentMail, _ traits) { require.NotEmpty(t, s.texts) }, // parseSent looks at them
	"ECO.2.2.4 MSS/va1.11": func(t *testing.T, s sentMail, _ traits) {
		media, _, err := mime.ParseMediaType(s.get("Content-Type"))
		require.NoError(t, err)
		require.Contains(t, []string{"text/plain", "multipart/mixed", "multipart/report"}, media)
		require.NotEmpty(t, strings.TrimSpace(s.texts[0]))
	},
	"ECO.2.2.6 SC.MSS.14": func(t *testing.T, s sentMail, x traits) {
		patients := regexp.MustCompile(`[^<\s]+@patient\.mssante\.fr`).FindAllString(s.get("To")+" "+s.get("Cc"), -1)
		if !x.patient {
			require.Empty(t, patients)
			return
		}
		require.Equal(t, []string{anne}, patients)
	},
	"ECO.2.2.7 MSS/va1.16": func(t *testing.T, s sentMail, _ traits) {
		from, err := s.header.AddressList("From")
		require.NoError(t, err)
		require.Equal(t, "Claire_OFFICINE_Pharmacie du Marché", from[0].Name)
		require.Equal(t, pharmacy, from[0].Address)
	},
	"ECO.2.2.8 CONF.21": func(t *testing.T, s sentMail, x traits) {
		require.Equal(t, x.final, slices.Equal(s.header["X-Mss-Mes"], []string{"FIN"}))
	},
	"ECO.2.3.1 MSS/va1.15": func(t *testing.T, s sentMail, x traits) {
		require.Equal(t, x.dsn, strings.Contains(s.get("Return-Receipt-To"), pharmacy))
		require.Equal(t, x.mdn, strings.Contains(s.get("Disposition-Notification-To"), pharmacy))
	},
	"ECO.2.4.1 CONF.15": func(t *testing.T, s sentMail, x traits) { // one code for each document, not fewer
		if x.documents == 0 {
			require.Empty(t, s.header["X-Mss-Codecda"])
			return
		}
		require.Equal(t, strings.TrimSuffix(strings.Repeat("11488-4,", x.documents), ","), strings.ReplaceAll(s.get("X-MSS-CODECDA"), " ", ""))
	},
	"ECO.2.4.2 CONF.14": func(t *testing.T, s sentMail, x traits) {
		if x.documents == 0 {
			require.Empty(t, s.header["X-Mss-Ins"])
			return
		}
		require.Equal(t, "O", s.get("X-MSS-INS"))
	},
	"ECO.2.4.3 CONF.16": func(t *testing.T, s sentMail, _ traits) { require.Equal(t, []string{"3734"}, s.header["X-Mss-Nil"]) },
	"ECO.2.1.2 CONF.24 SC.MSS/CONF.23": func(t *testing.T, s sentMail, x traits) { // one patient, told by METADATA.XML
		if x.documents == 0 {
			return
		}
		m := mss.ParseMessage(attach("From: <"+office+">\r\n", "IHE_XDM.ZIP", string(s.files["IHE_XDM.ZIP"])))
		require.Empty(t, faults(m)[1:], "no X-MSS-CODECDA in this copy, and nothing else")
		require.Len(t, m.Documents, x.documents)
		for _, d := range m.Documents {
			require.NoError(t, d.Err)
			require.Equal(t, matricule, d.Patient.Matricule.Wire())
			require.Equal(t, x.action, d.Action)
		}
	},
	"AMBU.MSS/va1.02": func(t *testing.T, s sentMail, x traits) { // people are told what machines are
		require.Equal(t, x.action == "C", strings.Contains(s.texts[0], "annule et remplace"))
		require.Equal(t, x.action == "D", strings.Contains(s.texts[0], "supprimer"))
	},
}

func TestRulesOnEveryPath(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{DSN: true}, withOID)
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	m := b.open(t)
	ctx := context.Background()
	to, patients := []mss.Address{address(t, office)}, []ins.Identity{qualified(t, true)}
	one := mss.Outgoing{CDA: small("1"), PDF: pdfa, Number: "D77"}
	_, err = b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Subject: "Ordonnance", Text: "Bonjour",
		Documents: [][]byte{small("7")}, Files: map[string][]byte{"20261005_Intervention_pharmaceutique_ESSAI_FICTIF_ANNE.pdf": pdfa}})
	require.NoError(t, err)
	read := func() *mss.Message {
		l := list(t, m, mss.UID{})
		msg, err := m.Read(ctx, l[0].UID)
		require.NoError(t, err)
		return msg
	}
	asked := read()
	original := func(d mss.Draft) *mss.Message {
		_, err := m.Send(ctx, d)
		require.NoError(t, err)
		return b.sentOne(t)
	}
	seen := map[string]bool{}
	for name, way := range map[string]struct {
		x    traits
		send func() (mss.SendReport, error)
	}{
		"send": {traits{dsn: true, mdn: true}, func() (mss.SendReport, error) {
			return m.Send(ctx, mss.Draft{To: to, Subject: "Re: XDM/1.0/DDM+ essai", Text: "é", DeliveryReceipt: true, ReadReceipt: true})
		}},
		"send documents": {traits{documents: 2}, func() (mss.SendReport, error) {
			return m.Send(ctx, mss.Draft{To: to, Text: "é", Documents: []mss.Outgoing{one, {CDA: small("2"), PDF: pdfa, Number: "D78"}}})
		}},
		"send to a patient": {traits{documents: 1, patient: true, final: true}, func() (mss.SendReport, error) {
			return m.Send(ctx, mss.Draft{To: to, Patients: patients, Text: "é", Documents: []mss.Outgoing{one}, Final: true})
		}},
		"reply": {traits{answers: true, patient: true}, func() (mss.SendReport, error) { return m.Reply(ctx, asked, mss.Draft{Text: "é"}) }},
		"reply to all": {traits{answers: true, patient: true, documents: 1}, func() (mss.SendReport, error) {
			return m.ReplyAll(ctx, asked, mss.Draft{Text: "é", Documents: []mss.Outgoing{one}})
		}},
		"forward": {traits{documents: 1}, func() (mss.SendReport, error) { return m.Forward(ctx, asked, mss.Draft{To: to, Text: "é"}) }},
		"replace": {traits{answers: true, documents: 1, action: "C"}, func() (mss.SendReport, error) {
			return m.Replace(ctx, original(mss.Draft{To: to, Text: "é", Documents: []mss.Outgoing{one}}), mss.Draft{Text: "é", Documents: []mss.Outgoing{{CDA: next("2", "1"), PDF: pdfa}}})
		}},
		"withdraw": {traits{answers: true, documents: 1, action: "D"}, func() (mss.SendReport, error) {
			return m.Withdraw(ctx, original(mss.Draft{To: to, Text: "é", Documents: []mss.Outgoing{one}}), mss.Draft{})
		}},
		"resend": {traits{documents: 1, patient: true, mdn: true}, func() (mss.SendReport, error) {
			return m.Resend(ctx, original(mss.Draft{Patients: patients, Text: "é", Documents: []mss.Outgoing{one}, ReadReceipt: true}), patients...)
		}},
		"failure told": {traits{answers: true, documents: 1, patient: true}, func() (mss.SendReport, error) {
			return m.Acknowledge(ctx, asked, mss.Acknowledgement{Failure: &mss.Integration{Code: mss.IntegrationINSDiffers}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(b.server.Journal())
			r, err := way.send()
			require.NoError(t, err)
			require.Empty(t, r.Degraded)
			var raw []byte
			for _, e := range b.server.Journal()[before:] {
				if e.Operation == msstest.OpSubmit {
					raw = e.Request
				}
			}
			s := parseSent(t, raw)
			require.False(t, seen[s.get("Message-ID")], "ECO.2.2.1: one identifier a message")
			seen[s.get("Message-ID")] = true
			require.Equal(t, "<"+r.MessageID+">", s.get("Message-ID"))
			for id, rule := range rules {
				t.Run(id, func(t *testing.T) { rule(t, s, way.x) })
			}
		})
	}
}
