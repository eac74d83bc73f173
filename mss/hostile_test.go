package mss_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	netmail "net/mail"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

func jeton(context.Context) (string, error) { return "jeton", nil }

// operator is a scripted IMAP server; say answers what it does not.
func operator(t *testing.T, say func(tag, rest string) string) (*mss.Client, mss.Access) {
	var s scripted
	addr := s.serve(t, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready", true, func(line string) string {
		tag, rest, _ := strings.Cut(line, " ")
		if out := say(tag, rest); out != "" {
			return out
		}
		if strings.HasPrefix(rest, "SELECT") || strings.HasPrefix(rest, "EXAMINE") {
			return "* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 9] x\r\n* FLAGS (\\Seen)\r\n" + tag + " OK [READ-ONLY] done\r\n"
		}
		return tag + " OK done\r\n"
	})
	return opening(t, mss.Environment{IMAP: addr, Submission: addr, ImplicitTLS: true}, socle.TokenFunc(jeton))
}

func TestSetsOfMessagesAreBounded(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{"1:*": "", "1:4294967295": "more than 5000000", "1:3,2,7": "[1 2 2 3 7]"} {
		c, a := operator(t, func(tag, rest string) string {
			if strings.HasPrefix(rest, "UID SEARCH") {
				return "* ESEARCH (TAG \"" + tag + "\") UID ALL " + set + "\r\n" + tag + " OK done\r\n"
			}
			return ""
		})
		m, err := c.Open(context.Background(), a)
		require.NoError(t, err)
		for _, err = range m.List(context.Background(), mss.UID{}) {
			break
		}
		if strings.HasPrefix(want, "[") {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want, set)
		}
		require.NoError(t, m.Close())
	}
}

func TestWordsOfTheOperatorIdentifyNobody(t *testing.T) {
	t.Parallel()
	c, a := operator(t, func(tag, rest string) string {
		if strings.HasPrefix(rest, "EXAMINE") || strings.HasPrefix(rest, "SELECT") {
			return tag + " NO [X" + matricule + "] 2 79 03 51 215 189 89 <" + matricule + "@patient.mssante.fr> jeton " + strings.Repeat("ey", 30) + "\r\n"
		}
		return ""
	})
	_, err := c.Open(context.Background(), a)
	require.Error(t, err)
	for _, s := range []string{err.Error(), fmt.Sprintf("%#v", err), fmt.Sprintf("%+v", err)} {
		for _, secret := range []string{matricule, "2 79 03", "eyey", "@"} {
			require.NotContains(t, s, secret)
		}
	}
}

func TestOperatorThatKnowsNoToken(t *testing.T) {
	t.Parallel()
	c, a := operator(t, func(tag, rest string) string {
		if strings.HasPrefix(rest, "AUTHENTICATE") {
			return tag + " BAD unknown mechanism\r\n"
		}
		return ""
	})
	_, err := c.Open(context.Background(), a)
	require.NotErrorIs(t, err, mss.ErrTokenRefused)
	require.ErrorContains(t, err, "Config.Environment.IMAP")
	require.False(t, socle.Retryable(err))
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
}

// submission is a scripted SMTP server; say answers what it does not.
func submission(t *testing.T, mechanisms string, say func(line string) string) *mss.Mailbox {
	b := set(t, msstest.Options{})
	var s scripted
	e := b.server.Environment()
	e.Submission = s.serve(t, "220 ready ESMTP", true, func(line string) string {
		if out := say(line); out != "" {
			return out
		}
		switch {
		case strings.HasPrefix(line, "EHLO"):
			return "250-here\r\n250 AUTH " + mechanisms + "\r\n"
		case strings.HasPrefix(line, "AUTH"):
			return "334 \r\n"
		case len(line) > 100:
			return "235 2.7.0 done\r\n"
		}
		return "250 2.0.0 done\r\n"
	})
	o := set(t, msstest.Options{ImplicitTLS: true})
	e.IMAP, e.ImplicitTLS = o.server.Environment().IMAP, true
	a, err := authority()
	require.NoError(t, err)
	c, err := mss.New(mss.Config{Environment: e, Roots: a.Roots(), Software: software()})
	require.NoError(t, err)
	m, err := c.Open(context.Background(), o.access)
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestRefusalsOfSubmission(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]error{
		"550 5.1.1 no such user":       mss.ErrNoRecipient,
		"552 5.2.2 mailbox full":       nil, // the reader's mailbox, not our message
		"552 5.3.4 message too big":    mss.ErrTooLarge,
		"552 message size exceeded":    mss.ErrTooLarge,
		"451 4.3.0 try again later":    nil,
		"550 5.7.1 not in white list":  nil,
		"554 5.7.1 2 79 03 51 215 189": nil,
	} {
		m := submission(t, "XOAUTH2", func(line string) string {
			if strings.HasPrefix(line, "RCPT") {
				return answer + "\r\n"
			}
			return ""
		})
		r, err := m.Send(context.Background(), draft(t))
		require.ErrorContains(t, err, "recipient 1 of 1", answer)
		for _, kind := range []error{mss.ErrNoRecipient, mss.ErrTooLarge, mss.ErrTokenRefused} {
			require.Equal(t, kind == want, errorIs(err, kind), "%s: %v", answer, kind)
		}
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		require.Equal(t, answer[0] == '4', socle.Retryable(err))
		require.False(t, r.Submitted)
		require.NotContains(t, err.Error(), "2 79")
	}
	m := submission(t, "PLAIN LOGIN", func(line string) string {
		if strings.HasPrefix(line, "AUTH") {
			return "504 5.5.4 unrecognized authentication type\r\n"
		}
		return ""
	})
	_, err := m.Send(context.Background(), draft(t))
	require.NotErrorIs(t, err, mss.ErrTokenRefused)
	require.ErrorContains(t, err, "does not offer XOAUTH2")
}

func errorIs(err, target error) bool {
	e, ok := err.(*mss.Error)
	return ok && e.Is(target)
}

// inflated gives a message whose archives hold three documents of 23 MB each.
func inflated(t *testing.T, archives int) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("IHE_XDM/SUBSET01/METADATA.XML")
	require.NoError(t, err)
	fmt.Fprint(w, `<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"><RegistryObjectList xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">`)
	for i := range 3 {
		fmt.Fprintf(w, `<ExtrinsicObject id="Document%02d" objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1" mimeType="text/xml"><Slot name="URI"><ValueList><Value>D.XML</Value></ValueList></Slot></ExtrinsicObject>`, i)
	}
	fmt.Fprint(w, `<RegistryPackage id="SubmissionSet01"/><Classification classificationNode="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd" classifiedObject="SubmissionSet01"/></RegistryObjectList></lcm:SubmitObjectsRequest>`)
	w, err = z.Create("IHE_XDM/SUBSET01/D.XML")
	require.NoError(t, err)
	piece := bytes.Repeat([]byte("<a/> abcdefghijk0123456789lmnopqrstuvwxyz"), 6000)
	for range 90 {
		fmt.Fprintf(w, "%s%s", small("1"), piece)
	}
	require.NoError(t, z.Close())
	var m bytes.Buffer
	m.WriteString("From: <" + office + ">\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n")
	for range archives {
		m.WriteString("--B\r\nContent-Type: application/zip; name=IHE_XDM.ZIP\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(b.Bytes()) + "\r\n")
	}
	m.WriteString("--B--\r\n")
	return m.Bytes()
}

func TestArchivesOfAMessageAreBoundedTogether(t *testing.T) {
	m := mss.ParseMessage(inflated(t, 12))
	var total int64
	for _, d := range m.Documents {
		total += d.Size
		require.Error(t, d.Err)
	}
	require.LessOrEqual(t, total, int64(128<<20))
	require.Positive(t, total)
	require.Greater(t, len(m.Attachments), 8, "archives that are not read are still there to look at")
	last := m.Faults[len(m.Faults)-1].(*mss.Fault)
	require.Equal(t, mss.CodeLimitReached, last.Code)
}

func TestFoldedHeadersCostWhatTheyWeigh(t *testing.T) { // not parallel: it measures
	raw := []byte("From: <" + office + ">\r\nSubject: a" + strings.Repeat("\n ", 120_000) + "b\r\n\r\nx")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m := mss.ParseMessage(raw)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
	require.Equal(t, "a", m.Subject[:1])
	require.Equal(t, "b", m.Subject[len(m.Subject)-1:])
}

func TestSeveralSendersAreTold(t *testing.T) {
	t.Parallel()
	for _, from := range []string{
		"From: <" + office + ">, <" + pharmacy + ">",
		"From: <" + office + ">\r\nFrom: Anne <" + matricule + "@patient.mssante.fr>",
	} {
		m := mss.ParseMessage([]byte(from + "\r\n\r\nx"))
		require.Len(t, m.Faults, 1)
		require.ErrorContains(t, m.Faults[0], "SENDER")
		require.NotContains(t, m.Faults[0].Error(), "@")
	}
}

func TestNastyNamesStayInTheirFields(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	const nasty = "x\r\nX-MSS-MES: FIN\r\n\u0085\u2028\x00\xff<a@b>,\"_;"
	b.access.Actor.FamilyName, b.access.Actor.GivenName, b.access.Actor.Structure.Name = nasty, nasty, nasty
	m := b.open(t)
	require.NoError(t, b.server.Deliver(pharmacy, []byte("From: <"+office+">\r\nMessage-ID: <"+strings.Repeat("a", 970)+"@b.fr>\r\nSubject: "+strings.Repeat("é", 900)+"\r\n\r\nx\r\n")))
	long, err := m.Read(context.Background(), list(t, m, mss.UID{})[0].UID)
	require.NoError(t, err)
	for i, d := range []mss.Draft{
		{Subject: nasty, Text: nasty + strings.Repeat("y", 5000) + "\r.\r\n.\r\nz"},
		{Subject: strings.Repeat("é", 400), Text: nasty, Documents: []mss.Outgoing{{CDA: small("1", "Intervention", "&#13;&#10;X-MSS-MES: FIN&#133;"), PDF: []byte("%PDF-1.4")}}},
		{Text: "x", Files: []mss.File{{Name: strings.Repeat("é", 120), Content: []byte("x")}, {Name: "a\"b;=.bin\u202e"}}},
		{Text: "x"}, // the answer
	} {
		if i < 3 {
			d.To = []mss.Address{address(t, office)}
			_, err = m.Send(context.Background(), d)
		} else {
			_, err = m.Reply(context.Background(), long, d)
		}
		require.NoError(t, err)
		l := b.server.Messages(office, "INBOX")
		raw := l[len(l)-1]
		for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
			require.LessOrEqual(t, len(line), 998)
			require.False(t, bytes.ContainsAny(line, "\r\n\x00"), "%q", line)
		}
		p, err := netmail.ReadMessage(bytes.NewReader(raw))
		require.NoError(t, err)
		require.Empty(t, p.Header["X-Mss-Mes"])
		from, err := p.Header.AddressList("From")
		require.NoError(t, err)
		require.Equal(t, pharmacy, from[0].Address)
		got := mss.ParseMessage(raw)
		require.Empty(t, got.Faults)
		require.Len(t, got.Documents, len(d.Documents))
		for i, f := range d.Files {
			require.Equal(t, f.Name, got.Attachments[i].Name)
		}
	}
}

func TestFilesThatReadersWouldMistakeAreRefused(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	for _, f := range []mss.File{
		{Name: "a.pdf", MediaType: "application/pdf;a=b"}, {Name: "a.pdf", MediaType: "application/pdf;"}, {Name: "a.pdf", MediaType: "pdf"}, {Name: "a", MediaType: "a/b/c"},
		{Name: "a.bin", MediaType: "multipart/mixed"}, {Name: "a.eml", MediaType: "message/rfc822"}, {Name: "a", MediaType: "text/plain\r\nX: y"},
		{Name: "ihe-xdm.zip"}, {Name: "IHE_XDM.zip"}, {Name: "a\xffb"}, {Name: strings.Repeat("é", 126)}, {Name: "a\r\nb"}, {Name: `c:\a`}, {Name: ""},
	} {
		d := draft(t)
		d.Files = []mss.File{f}
		_, err := m.Send(context.Background(), d)
		require.ErrorIs(t, err, mss.ErrNotConform, "%q %q", f.Name, f.MediaType)
	}
	d := draft(t)
	d.MessageID = strings.Repeat("a", 260) + "@b.fr"
	_, err := m.Send(context.Background(), d)
	require.ErrorContains(t, err, "ECO.2.2.1")
	d = draft(t)
	d.Subject = "Re: XDM/1.0/DDM+ rien"
	_, err = m.Send(context.Background(), d)
	require.NoError(t, err)
	got := mss.ParseMessage(b.server.Messages(office, "INBOX")[0])
	require.False(t, got.XDM, "no archive is announced that is not there")
	require.Equal(t, "Re: rien", got.Subject)
}

func TestOnePatientInAMessage(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	_, err := b.server.AddPatient(matricule)
	require.NoError(t, err)
	m := b.open(t)
	one := []ins.Identity{qualified(t, true)}
	_, err = m.Send(context.Background(), mss.Draft{Patients: one, Text: "x", Documents: []mss.Outgoing{{CDA: small("1", matricule, "277076322082910")}}})
	require.ErrorIs(t, err, mss.ErrNotConform, "the document of another")
	require.ErrorContains(t, err, "SC.MSS/CONF.23")
	require.NotContains(t, err.Error(), matricule)
	_, err = m.Send(context.Background(), mss.Draft{Patients: one, Text: "x", Documents: []mss.Outgoing{{CDA: small("1"), PDF: []byte("%PDF-1.4")}}})
	require.NoError(t, err)

	_, err = b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: "277076322082910", Name: "Autre", Text: "x"})
	require.NoError(t, err)
	msg, err := m.Read(context.Background(), list(t, m, mss.UID{})[0].UID)
	require.NoError(t, err)
	_, err = m.Reply(context.Background(), msg, mss.Draft{Patients: one, Text: "x"})
	require.ErrorIs(t, err, mss.ErrNotConform, "one would see the INS of the other")
	_, err = m.Reply(context.Background(), msg, mss.Draft{Text: "x", Documents: []mss.Outgoing{{CDA: small("1")}}})
	require.ErrorIs(t, err, mss.ErrNotConform)
}

func TestNothingOfAMessageShows(t *testing.T) {
	t.Parallel()
	d := mss.Draft{Subject: "SECRET", Text: "SECRET", Files: []mss.File{{Name: "SECRET", Content: []byte("SECRET")}},
		Documents: []mss.Outgoing{{CDA: []byte("SECRET")}}, Patients: []ins.Identity{qualified(t, true)}}
	m := mss.ParseMessage([]byte("From: SECRET <SECRET@patient.mssante.fr>\r\nReply-To: <SECRET@patient.mssante.fr>\r\nSubject: SECRET\r\nContent-Type: application/pdf; name=SECRET\r\n\r\nSECRET"))
	require.Len(t, m.Attachments, 1)
	for _, v := range []any{d, &d, d.Files, d.Documents, m, *m, m.Attachments, m.ReplyTo, m.Summary, m.Sender} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			s := fmt.Sprintf(verb, v)
			for _, secret := range []string{"SECRET", "83 69", "0x53", matricule} {
				require.NotContains(t, s, secret, "%T %s", v, verb)
			}
		}
	}
}

// attach gives a message with attachments of the names and contents given in
// pairs.
func attach(header string, pairs ...string) []byte {
	var b strings.Builder
	b.WriteString(header + "Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\nBonjour\r\n")
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString("--B\r\nContent-Type: application/zip; name=\"" + pairs[i] + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(pairs[i+1])) + "\r\n")
	}
	return []byte(b.String() + "--B--\r\n")
}

// zipOf gives the IHE_XDM.ZIP of the emulator with documents, changed.
func zipOf(t *testing.T, change func(name string, content []byte) (string, []byte), documents ...[]byte) string {
	raw := string(envoi(t, documents...))
	_, part, _ := strings.Cut(raw, "filename=\"IHE_XDM.zip\"")
	_, encoded, _ := strings.Cut(part, "\r\n\r\n")
	encoded, _, _ = strings.Cut(encoded, "\r\n--")
	content, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(encoded, "\r\n", ""))
	require.NoError(t, err)
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	require.NoError(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		var b bytes.Buffer
		_, err = b.ReadFrom(r)
		require.NoError(t, err)
		name, changed := f.Name, b.Bytes()
		if change != nil {
			name, changed = change(name, changed)
		}
		if name == "" {
			continue
		}
		p, err := w.Create(name)
		require.NoError(t, err)
		_, err = p.Write(changed)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.String()
}

// Whatever is wrong with an archive the message is listed and read, the fault has
// its code, no document goes to another patient, and no file is left anywhere.
func TestHostileArchives(t *testing.T) { // not parallel: it looks at the folder of temporary files
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	named := func(suffix string, f func([]byte) []byte) func(string, []byte) (string, []byte) {
		return func(name string, b []byte) (string, []byte) {
			if strings.HasSuffix(name, suffix) {
				if b = f(b); b == nil {
					return "", nil
				}
			}
			return name, b
		}
	}
	replaced := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
	}
	gone := func([]byte) []byte { return nil }
	with := func(b string) func([]byte) []byte { return func([]byte) []byte { return []byte(b) } }
	whole := zipOf(t, nil, small("1"))
	for name, c := range map[string]struct {
		files     []string
		codes     []string
		documents int // without fault
	}{
		"whole":                     {files: []string{"IHE_XDM.ZIP", whole}, documents: 1},
		"name in any case":          {files: []string{"Ihe-Xdm.Zip", zipOf(t, func(n string, b []byte) (string, []byte) { return strings.ToLower(n), b }, small("1"))}, documents: 1},
		"twin archives":             {files: []string{"IHE_XDM.ZIP", whole, "ihe_xdm.zip", whole}, documents: 1},
		"two archives":              {files: []string{"IHE_XDM.ZIP", whole, "ihe_xdm.zip", zipOf(t, nil, small("2"))}, documents: 2},
		"two documents of one name": {files: []string{"IHE_XDM.ZIP", whole, "IHE_XDM.ZIP", zipOf(t, nil, small("1", "Qm9uam91cg==", "QXV0cmU="))}, codes: []string{"DUPLICATE_ID"}},
		"missing metadata":          {files: []string{"IHE_XDM.ZIP", zipOf(t, named("METADATA.XML", gone), small("1"))}, codes: []string{"METADATA_MISSING"}},
		"broken metadata":           {files: []string{"IHE_XDM.ZIP", zipOf(t, named("METADATA.XML", with("<a")), small("1"))}, codes: []string{"METADATA_INVALID"}},
		"missing document":          {files: []string{"IHE_XDM.ZIP", zipOf(t, named("DOC00001.XML", gone), small("1"), small("2"))}, codes: []string{"CDA_MISSING"}, documents: 1},
		"hash":                      {files: []string{"IHE_XDM.ZIP", zipOf(t, named("DOC00001.XML", replaced("Qm9uam91cg", "Qm9uam91ch")), small("1"))}, codes: []string{"HASH_MISMATCH"}},
		"size":                      {files: []string{"IHE_XDM.ZIP", zipOf(t, named("DOC00001.XML", replaced("</ClinicalDocument>", "</ClinicalDocument> ")), small("1"))}, codes: []string{"SIZE_MISMATCH"}},
		"patient":                   {files: []string{"IHE_XDM.ZIP", zipOf(t, named("METADATA.XML", replaced(matricule+"^^^", other+"^^^")), small("1"))}, codes: []string{"PATIENT_MISMATCH"}},
		"nested archive":            {files: []string{"IHE_XDM.ZIP", zipOf(t, named("DOC00001.XML", with(whole)), small("1"))}, codes: []string{"SIZE_MISMATCH"}},
		"archive in an archive": {files: []string{"IHE_XDM.ZIP", zipOf(t, func(n string, _ []byte) (string, []byte) {
			return strings.ReplaceAll(n, "/", "_") + ".ZIP", []byte(whole)
		}, small("1"))}, codes: []string{"EMPTY_ARCHIVE"}},
		"bomb": {files: []string{"IHE_XDM.ZIP", zipOf(t, named("DOC00001.XML", with(strings.Repeat(" ", 32<<20))), small("1"))}, codes: []string{"LIMIT_REACHED"}},
		"path that leaves": {files: []string{"IHE_XDM.ZIP", zipOf(t, func(n string, b []byte) (string, []byte) {
			return strings.Replace(n, "IHE_XDM/SUBSET01/DOC", "IHE_XDM/SUBSET01/../../DOC", 1), b
		}, small("1"))}, codes: []string{"UNSAFE_NAME", "CDA_MISSING"}},
		"not a ZIP": {files: []string{"IHE_XDM.ZIP", "PK\x03\x04rien"}, codes: []string{"NOT_ARCHIVE"}},
	} {
		raw := attach("From: <"+office+">\r\nSubject: XDM/1.0/DDM+CR\r\n", c.files...)
		m := mss.ParseMessage(raw)
		require.Equal(t, "Bonjour", m.Text, name)
		require.Equal(t, "CR", m.Subject)
		var codes []string
		for _, err := range m.Faults {
			var f *mss.Fault
			require.ErrorAs(t, err, &f)
			if f.Kind == mss.FaultXDM && (len(codes) == 0 || codes[len(codes)-1] != f.Code) {
				codes = append(codes, f.Code)
			}
			require.NotContains(t, err.Error(), matricule)
		}
		require.Equal(t, c.codes, codes, name)
		good := 0
		for _, d := range m.Documents {
			if d.Err == nil {
				good++
				require.Equal(t, matricule, d.Patient.Matricule.Wire())
				continue
			}
			require.ErrorIs(t, d.Fits(qualified(t, true)), mss.ErrNotFiled, name)
			require.NotEqual(t, other, d.Patient.Matricule.Wire(), "%s: not the patient that only the metadata tell", name)
		}
		require.Equal(t, c.documents, good, name)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "temporary files")
}
