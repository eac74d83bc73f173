package ins

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/soap"
)

// situated fails when an error is none of this package, or names no situation.
func situated(t *testing.T, err error) {
	t.Helper()
	var own *Error
	if !errors.As(err, &own) || own.kind == nil {
		t.Fatal("an error without a situation")
	}
}

func wrapped(body string) []byte {
	return []byte(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>` + body + `</s:Body></s:Envelope>`)
}

// A verdict comes from one CR with one code of the dialect, or not at all.
func FuzzDecodeVerdict(f *testing.F) {
	for _, s := range []string{
		`<Resultat xmlns="http://www.cnamts.fr/INSiLot2/REPUnitaire"><CR><CodeCR>00</CodeCR><LibelleCR>OK</LibelleCR></CR></Resultat>`,
		`<v:Resultat xmlns:v="http://www.cnamts.fr/INSiLot2/REPUnitaire"><v:CR><v:LibelleCR>KO</v:LibelleCR><v:CodeCR> 01 </v:CodeCR></v:CR></v:Resultat>`,
		`<Resultat><CR><CodeCR>2751263220749</CodeCR></CR></Resultat>`, `<Resultat><CR/></Resultat>`,
	} {
		f.Add(wrapped(s))
	}
	d := VerifyDialect{}.defaults()
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := soap.Parse(b, limits)
		if err != nil || e.Body == nil {
			return
		}
		code, _, confirmed, err := d.verdict(e.Body, nil)
		if err != nil {
			situated(t, err)
			require.False(t, confirmed)
			return
		}
		require.Equal(t, map[bool]string{true: "00", false: "01"}[confirmed], code)
		n := 0
		for c := range e.Body.All("", "CR") {
			for range c.All("", "CodeCR") {
				n++
			}
		}
		require.Equal(t, 1, n)
	})
}

// A batch has a result for each of its lines, or none at all.
func FuzzDecodeBatch(f *testing.F) {
	const cr = "<CR><CodeCR>00</CodeCR></CR>"
	for _, s := range []string{
		`<ReponseRetrait xmlns="` + provisional + `">` + cr + `<IndividuVerifie Reference="a">` + cr + `</IndividuVerifie><IndividuVerifie Reference="b"><CR><CodeCR>01</CodeCR></CR></IndividuVerifie></ReponseRetrait>`,
		`<ReponseRetrait xmlns="` + provisional + `"><CR><CodeCR>10</CodeCR></CR></ReponseRetrait>`,
		`<ReponseDepot xmlns="` + provisional + `">` + cr + `<IdLot>1</IdLot></ReponseDepot>`,
	} {
		f.Add(wrapped(s))
	}
	d, refs := BatchDialect{}.defaults(), []string{"a", "b"}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := soap.Parse(b, limits)
		if err != nil {
			return
		}
		if id, _, err := d.readReceipt(e.Body); err != nil {
			situated(t, err)
		} else {
			require.NotEmpty(t, id)
		}
		results, _, err := d.readResults(e.Body, VerifyDialect{}.defaults(), refs)
		if err != nil {
			situated(t, err)
			require.Nil(t, results)
			return
		}
		require.Len(t, results, 2)
		for i, r := range results {
			require.Equal(t, refs[i], r.Ref)
			require.Equal(t, map[bool]string{true: "00", false: "01"}[r.Confirmed], r.Code)
		}
	})
}

// What is injected is one whole element.
func FuzzReadAssertion(f *testing.F) {
	const open = `<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" IssueInstant="2026-03-02T09:30:00.000Z" Version="2.0">`
	for _, s := range []string{
		open + `<Issuer>x</Issuer><Subject><NameID NameQualifier="CPS">899900063480</NameID></Subject></Assertion>`,
		"\ufeff<?xml version=\"1.0\"?><!-- x -->" + open + `<Subject><NameID NameQualifier="PSC">8</NameID></Subject></Assertion>` + "\n",
		open + `</Assertion></Security>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readAssertion(b)
		if err != nil {
			situated(t, err)
			return
		}
		require.NotEmpty(t, s.name)
		again, err := readAssertion(s.xml)
		require.NoError(t, err)
		require.Equal(t, s, again)
		message := wrapped(string(s.xml))
		e, err := soap.Parse(message, limits)
		require.NoError(t, err, "it stands in a message")
		require.Equal(t, s.xml, e.Bytes(e.Body))
	})
}

// A file that is opened as a journal gives sound results only, and opens again.
func FuzzOpenFileJournal(f *testing.F) {
	f.Add([]byte(journalHead + `{"n":1,"ref":"a","outcome":"confirmed","at":"2026-03-02T09:30:00Z"}` + "\n" + `{"n":2,"re`))
	f.Add([]byte(journalHead[:10]))
	f.Add([]byte("something else"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "journal")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		j, err := OpenFileJournal(path)
		if err != nil {
			situated(t, err)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, b, after, "left alone")
			return
		}
		n := 0
		for l, err := range j.Results() {
			require.NoError(t, err)
			n++
			require.Equal(t, n, l.Number)
		}
		require.NoError(t, j.Close())
		j, err = OpenFileJournal(path)
		require.NoError(t, err)
		require.NoError(t, j.Close())
	})
}
