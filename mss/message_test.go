package mss_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// faults gives the kinds of the faults of a message.
func faults(m *mss.Message) (kinds []mss.FaultKind) {
	for _, err := range m.Faults {
		var f *mss.Fault
		if errors.As(err, &f) {
			kinds = append(kinds, f.Kind)
		}
	}
	return kinds
}

const head = "From: Leo Dupond <" + matricule + "@patient.mssante.fr>\r\nSubject: Essai\r\n"

func TestBrokenMessagesAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw    string
		text   string
		files  int
		faults []mss.FaultKind
	}{
		"empty":                        {raw: "", faults: []mss.FaultKind{mss.FaultSender}},
		"no body":                      {raw: head},
		"header line that is no field": {raw: head + "not a field\r\n\r\nBonjour", text: "Bonjour", faults: []mss.FaultKind{mss.FaultHeader}},
		"folded first line":            {raw: " x\r\n" + head + "\r\nBonjour", text: "Bonjour", faults: []mss.FaultKind{mss.FaultHeader}},
		"bare line feeds":              {raw: strings.ReplaceAll(head, "\r", "") + "\nBonjour\n", text: "Bonjour"},
		"latin-1 without charset":      {raw: head + "\r\nd\xe9j\xe0", text: "déjà", faults: []mss.FaultKind{mss.FaultCharset}},
		"latin-1 said UTF-8":           {raw: head + "Content-Type: text/plain; charset=utf-8\r\n\r\nd\xe9j\xe0", text: "déjà", faults: []mss.FaultKind{mss.FaultCharset}},
		"latin-1":                      {raw: head + "Content-Type: text/plain; charset=iso-8859-1\r\n\r\nd\xe9j\xe0", text: "déjà"},
		"windows-1252":                 {raw: head + "Content-Type: text/plain; charset=windows-1252\r\n\r\n5 \x80", text: "5 €"},
		"charset of nobody":            {raw: head + "Content-Type: text/plain; charset=klingon\r\n\r\ndéjà", text: "déjà", faults: []mss.FaultKind{mss.FaultCharset}},
		"misspelt encoding header":     {raw: head + "Content-Transfert-Encoding: 8bit\r\n\r\nBonjour", text: "Bonjour"},
		"quoted-printable":             {raw: head + "Content-Transfer-Encoding: Quoted-Printable\r\n\r\nd=C3=A9j=\r\n=C3=A0", text: "déjà"},
		"broken quoted-printable":      {raw: head + "Content-Transfer-Encoding: quoted-printable\r\n\r\nBonjour =ZZ fin", text: "Bonjour =ZZ fin"},
		"base64 without padding":       {raw: head + "Content-Transfer-Encoding: base64\r\n\r\nQm9u\r\nam91cg", text: "Bonjour"},
		"base64 with noise":            {raw: head + "Content-Transfer-Encoding: base64\r\n\r\nQm 9u-*\r\nam91cg==\r\n--\r\n", text: "Bonjour"},
		"base64 cut":                   {raw: head + "Content-Transfer-Encoding: base64\r\n\r\nQm9uam91c", text: "Bonjou", faults: []mss.FaultKind{mss.FaultEncoding}},
		"multipart without boundary":   {raw: head + "Content-Type: multipart/mixed\r\n\r\nBonjour", text: "Bonjour", faults: []mss.FaultKind{mss.FaultMIME}},
		"multipart cut":                {raw: head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nBonjour", text: "Bonjour", faults: []mss.FaultKind{mss.FaultMIME}},
		"smart dash in the boundary":   {raw: head + "Content-Type: multipart/mixed; boundary=\"—b\"\r\n\r\n--—b\r\n\r\nBonjour\r\n--—b--\r\n", text: "Bonjour"},
		"no part":                      {raw: head + "Content-Type: multipart/mixed; boundary=b\r\n\r\nrien\r\n--b--\r\n"},
		"malformed type":               {raw: head + "Content-Type: text/;;\r\n\r\nBonjour", files: 1, faults: []mss.FaultKind{mss.FaultMIME}},
		"alternative": {raw: head + "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nBonjour\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Bonjour</p>\r\n--b--\r\n",
			text: "Bonjour"},
		"attached text": {raw: head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nBonjour\r\n--b\r\nContent-Type: text/plain; name=a.txt\r\n\r\nx\r\n--b--\r\n",
			text: "Bonjour", files: 1},
		"attached message":       {raw: head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + head + "\r\nx\r\n--b--\r\n", files: 1},
		"empty archive":          {raw: archived("IHE_XDM.ZIP", []byte("PK\x05\x06"+strings.Repeat("\x00", 18))), files: 1, faults: []mss.FaultKind{mss.FaultXDM}},
		"archive that is none":   {raw: archived("ihe-xdm.zip", []byte("not a zip")), files: 1, faults: []mss.FaultKind{mss.FaultXDM}},
		"zip that is no archive": {raw: archived("photos.zip", []byte("not a zip")), files: 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := mss.ParseMessage([]byte(c.raw))
			require.Equal(t, c.text, m.Text)
			require.Len(t, m.Attachments, c.files)
			require.Equal(t, c.faults, faults(m))
			for _, f := range m.Faults {
				require.NotContains(t, f.Error(), matricule)
				require.NotContains(t, f.Error(), "Bonjour")
			}
			if c.raw != "" {
				require.Equal(t, mss.SenderPatient, m.Sender.Kind)
				require.Equal(t, "Essai", m.Subject)
			}
		})
	}
}

func archived(name string, content []byte) string {
	return head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/zip; name=\"" + name + "\"\r\n\r\n" + string(content) + "\r\n--b--\r\n"
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	raw := head
	for i := range 100 {
		raw += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	require.Contains(t, faults(mss.ParseMessage([]byte(raw))), mss.FaultMIME)
	raw = head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 5000)
	require.Contains(t, faults(mss.ParseMessage([]byte(raw))), mss.FaultMIME)
}

func TestHeadersAsTheyCome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, name, wire string }{
		{"Leo Dupond <" + matricule + "@patient.mssante.fr>", "Leo Dupond", matricule + "@patient.mssante.fr"},
		{"=?utf-8?q?L=C3=A9o?= <a@b.mssante.fr>", "Léo", "a@b.mssante.fr"},
		{"\"=?iso-8859-1?q?L=E9o?=\" <a@b.mssante.fr>", "Léo", "a@b.mssante.fr"},
		{"=?klingon?q?L=E9o?= <a@b.mssante.fr>", "=?klingon?q?L=E9o?=", "a@b.mssante.fr"},
		{"L\xe9o <a@b.mssante.fr>", "Léo", "a@b.mssante.fr"},
		{"Hopital C. – Biologie <a@B.mssante.fr>", "Hopital C. – Biologie", "a@b.mssante.fr"},
		{"a@b.mssante.fr", "", "a@b.mssante.fr"},
		{"Dupond, Leo <a@b.mssante.fr", "Dupond, Leo", "a@b.mssante.fr"},
		{"nobody", "", ""},
	} {
		m := mss.ParseMessage([]byte("From: " + c.from + "\r\n\r\n"))
		require.Equal(t, c.name, m.Sender.Name, c.from)
		require.Equal(t, c.wire, m.Sender.Address.Wire(), c.from)
	}
	m := mss.ParseMessage([]byte("Subject: Re: XDM/1.0/DDM+CR\r\nMessage-ID: < a b@c >\r\nReferences: <x@y>\r\n <z@t> junk\r\nX-MSS-CODECDA: 34112-3, PRESC-BIO,,15508-5\r\nX-MSS-INS: o\r\nX-MSS-MES: fin\r\n\r\n"))
	require.Equal(t, "Re: CR", m.Subject)
	require.Equal(t, "ab@c", m.MessageID)
	require.Equal(t, []string{"x@y", "z@t"}, m.References)
	require.Equal(t, []string{"34112-3", "PRESC-BIO", "15508-5"}, m.Codes)
	require.Equal(t, "O", m.INS)
	require.True(t, m.Final)
}

func TestBrokenMessagesAreListed(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	raws := [][]byte{
		[]byte(head + "Content-Type: multipart/mixed\r\n\r\nx"),
		[]byte(head + "Content-Type: text/plain; charset=klingon\r\n\r\nd\xe9j\xe0"),
		[]byte("From: L\xe9o <" + office + ">\r\nSubject: d\xe9j\xe0\r\nDate: hier\r\n\r\nx"),
		[]byte(archived("IHE_XDM.ZIP", []byte("PK"))),
		[]byte("no header at all"),
		{},
		[]byte(head + "\r\nfin"),
	}
	for _, r := range raws {
		require.NoError(t, b.server.Deliver(pharmacy, r))
	}
	m := b.open(t)
	l := list(t, m, mss.UID{})
	require.Len(t, l, len(raws))
	require.Equal(t, "déjà", l[2].Subject)
	for _, s := range l {
		_, err := m.Read(context.Background(), s.UID)
		require.NoError(t, err)
	}
}

func TestNothingThatIdentifiesIsShown(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := set(t, msstest.Options{}, withOID, func(c *mss.Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	_, err := b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Secrète", Subject: "Sujet intime",
		Text: "Texte intime", Documents: [][]byte{small("1")}})
	require.NoError(t, err)
	b.tokens.expire()
	m := b.open(t)
	s := list(t, m, mss.UID{})[0]
	msg, err := m.Read(context.Background(), s.UID)
	require.NoError(t, err)
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	for _, v := range []any{s, msg, *msg, msg.Sender, msg.Sender.Address, msg.Documents, msg.Documents[0], msg.Documents[0].Patient, b.access.Actor.Tokens.(*tokens).serial} {
		fmt.Fprintf(&log, "%v %+v %#v %s\n", v, v, v, v)
		logger.Info("x", "v", v)
	}
	_, err = m.Reply(context.Background(), msg, mss.Draft{Text: "Réponse intime", Subject: "Sujet intime", Documents: []mss.Outgoing{{CDA: small("2")}}})
	require.NoError(t, err)
	for _, f := range []int{451, 554} {
		e := fault(msstest.OpSubmit, 0)
		e.Status = f
		b.server.Fail(e)
		_, err = m.Reply(context.Background(), msg, mss.Draft{Text: "Réponse intime"})
		fmt.Fprintln(&log, err)
	}
	another := mss.ParseMessage(simple("<277076322082910@patient.mssante.fr>", "Secrète", "intime"))
	_, err = m.Reply(context.Background(), another, mss.Draft{Text: "x"})
	require.ErrorIs(t, err, mss.ErrNoRecipient)
	fmt.Fprintln(&log, err)
	text := log.String()
	require.Contains(t, text, "document 11488-4")
	for _, secret := range []string{matricule, "277076322082910", "intime", "Secrète", "ESSAI-FICTIF", "kkkk", "19790328", "1979-03-28"} {
		if strings.Contains(text, secret) {
			i := strings.Index(text, secret)
			t.Errorf("%q is shown: …%s…", secret, text[max(0, i-200):min(len(text), i+50)])
		}
	}
	address, err := json.Marshal(msg.Sender.Address)
	require.NoError(t, err)
	require.Equal(t, `"…@patient.mssante.fr"`, string(address))
}

func TestLabelsSurviveTheirGrammar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := mss.Label{
			Title:      rapid.SampledFrom([]string{"", "Dr", "Pr", "Mme"}).Draw(t, "title"),
			GivenName:  rapid.StringMatching(`[A-ZÉÈ][a-zéèï]{1,8}(-[A-Z][a-z]{1,8})?`).Draw(t, "given"),
			FamilyName: rapid.StringMatching(`[A-ZÉÈ]{2,10}([ '-][A-Z]{2,10})?`).Draw(t, "family"),
			Entity:     rapid.StringMatching(`([A-Z][a-zé]{1,9}( [a-z–]{1,9})?)?`).Draw(t, "entity"),
		}
		got, ok := mss.ParseLabel(l.String())
		if !ok || got != l {
			t.Fatalf("%q read as %+v", l.String(), got)
		}
	})
}

func TestLabels(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]mss.Label{
		"Dr_Marie_MARTIN_Cabinet Medical":  {Title: "Dr", GivenName: "Marie", FamilyName: "Martin", Entity: "Cabinet_Medical"},
		"Jean_DUPONT":                      {GivenName: "JEAN", FamilyName: "dupont"},
		"Jean-Pierre_D'ARC":                {GivenName: "JEAN-PIERRE", FamilyName: "d'Arc"},
		"Hopital C – Biologie":             {Entity: "Hopital C – Biologie"},
		"Marie_MARTIN_a b c":               {GivenName: "Marie", FamilyName: "Martin", Entity: "a<b>\r\n\"c\""},
		"":                                 {GivenName: "Marie"},
		"Élodie_ÉTÉ_Pharmacie de l'Église": {GivenName: "ÉLODIE", FamilyName: "Été", Entity: "Pharmacie de l'Église"},
	} {
		require.Equal(t, want, l.String())
	}
	for _, s := range []string{"", "_", "a__b", "jean_dupont", "Jean_Dupont_x", "_JEAN"} {
		_, ok := mss.ParseLabel(s)
		require.False(t, ok, s)
	}
}

func FuzzLabel(f *testing.F) {
	f.Add("Dr_Marie_MARTIN_Cabinet Medical")
	f.Add("Hopital C – Biologie")
	f.Fuzz(func(t *testing.T, s string) {
		l, ok := mss.ParseLabel(s)
		if !ok {
			return
		}
		out := l.String()
		if strings.ContainsAny(out, "<>\"\r\n") {
			t.Fatalf("%q is not safe in a header", out)
		}
		if again, ok := mss.ParseLabel(out); out != "" && ok && again.String() != out {
			t.Fatalf("%q became %q", out, again.String())
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nBonjour\r\n--b\r\nContent-Type: text/html; charset=latin1\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+\r\n--b--\r\n"))
	f.Add([]byte(archived("IHE_XDM.ZIP", []byte("PK\x05\x06"+strings.Repeat("\x00", 18)))))
	f.Add(attach("From: <"+office+">\r\nSubject: XDM/1.0/DDM+x\r\nX-MSS-CODECDA: a\r\n", "IHE_XDM.ZIP", "PK\x05\x06"+strings.Repeat("\x00", 18), "a.pdf", "%PDF-1.4"))
	f.Add([]byte("From: =?utf-8?q?a?= <a@b.fr>, c\r\nReferences: <a@b\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := mss.ParseMessage(raw)
		for _, a := range m.Attachments {
			n, _ := io.Copy(io.Discard, a.Open())
			if n != a.Size || n > int64(len(raw)) || strings.ContainsAny(a.Name, "/\\") {
				t.Fatalf("attachment of %d bytes said to be %d", n, a.Size)
			}
		}
		if m.Sender.Address.IsZero() && m.Sender.Kind != mss.SenderUnknown || m.Sender.Kind == mss.SenderUnknown && !m.Sender.Address.IsZero() && !m.Sender.Address.IsPatient() {
			t.Fatal("a sender has an address, or is unknown")
		}
		for _, d := range m.Documents {
			if d.Err == nil && (d.Size == 0 || d.ID == "") {
				t.Fatal("a document without fault has bytes and an identifier")
			}
			if d.Patient.Matricule.IsZero() != (d.Patient.OID == 0) {
				t.Fatal("a matricule has its authority")
			}
			d.Among([]mss.Filed{{ID: d.ID}, {SetID: d.SetID, Version: 1}})
		}
		if len(m.Files()) > len(m.Attachments) || len(m.Prescriptions()) > 100 {
			t.Fatal("more than there is")
		}
		m.Receipts()
		if n := len(mss.Threads([]mss.Summary{m.Summary, m.Summary})); n < 1 || n > 2 {
			t.Fatal("threads")
		}
	})
}
