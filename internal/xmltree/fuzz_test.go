package xmltree_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

// FuzzParse checks, of what is accepted, that canonical forms are fixed points,
// that the tree is sound, and that the standard library's tokeniser, which is
// more lenient, accepts it and reads the same text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`<?xml version="1.0" encoding="UTF-8"?><!--c--><a xmlns="urn:a" xmlns:p="urn:p" p:b="1&#10;" c='"'>t<p:d/><![CDATA[<]]>&amp;<?i d?></a><?e?>`,
		"<a b=\"1\t2\r\n\">\r\n&#13;</a>", `<a xmlns=""><b xmlns="u"/></a>`, "\ufeff<a/>", "\xff\xfe<\x00a\x00/\x00>\x00",
		`<?xml version="1.0" encoding="ISO-8859-15"?><a>` + "\xa4</a>", "<é:a xmlns:é='u'/>", "<!DOCTYPE a><a/>", "<a></a", "<a>&#xD800;</a>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := xmltree.Parse(b, xmltree.Limits{})
		if err != nil {
			var se *xmltree.SyntaxError
			require.ErrorAs(t, err, &se)
			return
		}
		for e := range d.Root.Descendants() {
			require.True(t, e.Start < e.End && d.Source[e.Start] == '<' && d.Source[e.End-1] == '>')
			require.True(t, e.Parent == nil || e.Parent.Start < e.Start && e.End < e.Parent.End)
			for i, n := range e.Children {
				if text, ok := n.(xmltree.Text); ok {
					require.NotEmpty(t, text)
					if i > 0 {
						_, ok = e.Children[i-1].(xmltree.Text)
						require.False(t, ok, "two neighbouring texts")
					}
				}
			}
		}
		for _, algorithm := range []string{xmlsec.ExcC14NWithComments, xmlsec.C14NWithComments, xmlsec.C14N} {
			m := xmlsec.Method{Algorithm: algorithm}
			once, err := xmlsec.CanonicalDocument(d, m)
			if errors.Is(err, xmlsec.ErrLimit) || errors.Is(err, xmlsec.ErrNamespace) {
				continue
			}
			require.NoError(t, err)
			again, err := xmltree.Parse(once, xmltree.Limits{})
			require.NoError(t, err, "%q", once)
			twice, err := xmlsec.CanonicalDocument(again, m)
			require.NoError(t, err)
			require.Equal(t, string(once), string(twice))
		}
		compareWithStandard(t, d)
	})
}

// compareWithStandard reads the same text with encoding/xml. Its names follow
// an older edition, so that only ASCII documents are compared.
func compareWithStandard(t *testing.T, d *xmltree.Document) {
	if bytes.ContainsFunc(d.Source, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return
	}
	dec := xml.NewDecoder(bytes.NewReader(d.Source))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var theirs, ours strings.Builder
	depth := 0
	for {
		token, err := dec.RawToken()
		if err == io.EOF {
			break
		}
		require.NoError(t, err, "%q", d.Source)
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			theirs.WriteString("<" + token.Name.Local + ">")
		case xml.EndElement:
			depth--
			theirs.WriteString("</>")
		case xml.CharData:
			if depth > 0 {
				theirs.Write(token)
			}
		}
	}
	var walk func(e *xmltree.Element)
	walk = func(e *xmltree.Element) {
		ours.WriteString("<" + e.Name.Local + ">")
		for _, n := range e.Children {
			switch n := n.(type) {
			case *xmltree.Element:
				walk(n)
			case xmltree.Text:
				ours.WriteString(string(n))
			}
		}
		ours.WriteString("</>")
	}
	walk(d.Root)
	require.Equal(t, theirs.String(), ours.String())
}

// FuzzWriter checks that what the Writer writes parses, reads as what was
// written, and is its own exclusive canonical form.
func FuzzWriter(f *testing.F) {
	f.Add("text", "value", "urn:a")
	f.Add("<&>\"'\r\n\t\x00\xff\uffff", "<&>\"'\r\n\t\x00\xff\uffff", "urn:&<\"")
	f.Fuzz(func(t *testing.T, text, value, space string) {
		if space == "" || space == xmltree.NSXML || space == xmltree.NSXMLNS || space != carried(space) || !strings.HasPrefix(space, "urn:") {
			return // a programming error, or not canonical
		}
		var w xmltree.Writer
		w.Start("p:a", "xmlns:p", space, "b", value, "p:b", value, "", "left out", "xml:lang", "fr")
		w.Leaf("c", text, "xmlns", space, "d", value)
		w.Start("p:e", "xmlns:p", space).Text(text).Empty("p:f").End()
		w.Leaf("g", text)
		b := w.End().Bytes()
		d, err := xmltree.Parse(b, xmltree.Limits{})
		require.NoError(t, err, "%q", b)
		require.Equal(t, carried(value), d.Root.Attr("b"))
		require.Equal(t, carried(text), d.Root.First(space, "c").Text())
		require.Equal(t, carried(text), d.Root.First(space, "e").Text())
		require.Equal(t, carried(text), d.Root.Children[2].(*xmltree.Element).Text())
		c, err := xmlsec.Canonical(d.Root, xmlsec.Method{Algorithm: xmlsec.ExcC14N})
		require.NoError(t, err)
		require.Equal(t, string(b), string(c))
	})
}

// carried is s as XML can carry it.
func carried(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return utf8.RuneError
		}
		return r
	}, string([]rune(s)))
}
