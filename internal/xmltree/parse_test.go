package xmltree_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/xmltree"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		doc  string
		want error // nil: any SyntaxError
	}{
		"empty":                         {"", nil},
		"only space":                    {" \n", nil},
		"only a declaration":            {`<?xml version="1.0"?>`, nil},
		"no end tag":                    {"<a>", io.ErrUnexpectedEOF},
		"cut in a tag":                  {"<a", io.ErrUnexpectedEOF},
		"cut in an attribute":           {`<a b="`, io.ErrUnexpectedEOF},
		"cut after equals":              {`<a b=`, io.ErrUnexpectedEOF},
		"cut in an end tag":             {"<abc>x</ab", io.ErrUnexpectedEOF},
		"cut in a comment":              {"<a><!-- x", io.ErrUnexpectedEOF},
		"cut in the start of a comment": {"<a><!-", io.ErrUnexpectedEOF},
		"cut in CDATA":                  {"<a><![CDATA[x]]", io.ErrUnexpectedEOF},
		"cut in an instruction":         {"<a><?x ", io.ErrUnexpectedEOF},
		"cut in text":                   {"<a>x", io.ErrUnexpectedEOF},
		"cut in the declaration":        {"<?xml version=", io.ErrUnexpectedEOF},
		"two roots":                     {"<a/><b/>", nil},
		"text before":                   {"x<a/>", nil},
		"text after":                    {"<a/>x", nil},
		"CDATA after":                   {"<a/><![CDATA[ ]]>", nil},
		"doctype":                       {"<!DOCTYPE a><a/>", xmltree.ErrDoctype},
		"doctype with entity":           {`<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`, xmltree.ErrDoctype},
		"other markup":                  {"<a><!ELEMENT b></a>", nil},
		"undefined entity":              {"<a>&e;</a>", nil},
		"bare ampersand":                {"<a>x & y</a>", nil},
		"reference to NUL":              {"<a>&#0;</a>", nil},
		"reference to a surrogate":      {"<a>&#xD800;</a>", nil},
		"reference above Unicode":       {"<a>&#x110000;</a>", nil},
		"reference without digits":      {"<a>&#x;</a>", nil},
		"reference with capital X":      {"<a>&#X41;</a>", nil},
		"reference without semicolon":   {"<a>&#65</a>", nil},
		"control character":             {"<a>\x01</a>", nil},
		"control character in comment":  {"<a><!--\x01--></a>", nil},
		"U+FFFF":                        {"<a>\uffff</a>", nil},
		"malformed UTF-8":               {"<a>\xff</a>", nil},
		"CDATA end in text":             {"<a>]]></a>", nil},
		"two hyphens in comment":        {"<a><!-- -- --></a>", nil},
		"comment that ends with hyphen": {"<a><!-- ---></a>", nil},
		"wrong end tag":                 {"<a></b>", nil},
		"end tag with longer name":      {"<a></ab>", nil},
		"end tag with shorter name":     {"<ab></a>", nil},
		"end tag by another prefix":     {`<p:a xmlns:p="u" xmlns:q="u"></q:a>`, nil},
		"end tag alone":                 {"</a>", nil},
		"attributes without space":      {`<a b="1"c="2"/>`, nil},
		"attribute without value":       {"<a b/>", nil},
		"attribute without quotes":      {"<a b=1/>", nil},
		"less-than in attribute":        {`<a b="<"/>`, nil},
		"slash inside a tag":            {"<a / >", nil},
		"attribute twice":               {`<a b="1" b="2"/>`, xmltree.ErrDup},
		"attribute twice by two prefixes": {
			`<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>`, xmltree.ErrDup},
		"declaration twice":              {`<a xmlns:p="u" xmlns:p="u"/>`, xmltree.ErrDup},
		"undeclared prefix":              {"<p:a/>", xmltree.ErrPrefix},
		"undeclared prefix of attribute": {`<a p:b=""/>`, xmltree.ErrPrefix},
		"prefix out of scope":            {`<a><b xmlns:p="u"/><p:c/></a>`, xmltree.ErrPrefix},
		"element with prefix xmlns":      {"<xmlns:a/>", xmltree.ErrPrefix},
		"prefix undeclared":              {`<a xmlns:p="u"><b xmlns:p=""/></a>`, nil},
		"prefix xml moved":               {`<a xmlns:xml="u"/>`, nil},
		"prefix xmlns declared":          {`<a xmlns:xmlns="u"/>`, nil},
		"other prefix for xml":           {`<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, nil},
		"default namespace xmlns":        {`<a xmlns="http://www.w3.org/2000/xmlns/"/>`, nil},
		"two colons":                     {`<p:a:b xmlns:p="u"/>`, nil},
		"colon first":                    {"<:a/>", nil},
		"colon last":                     {`<p: xmlns:p="u"/>`, nil},
		"local name that is no name":     {`<p:1 xmlns:p="u"/>`, nil},
		"name that begins with a digit":  {"<1a/>", nil},
		"declaration not first":          {` <?xml version="1.0"?><a/>`, nil},
		"declaration inside":             {`<a><?xml version="1.0"?></a>`, nil},
		"instruction XML":                {`<a><?XML x?></a>`, nil},
		"instruction with colon":         {`<a><?p:x y?></a>`, nil},
		"XML 1.1":                        {`<?xml version="1.1"?><a/>`, nil},
		"declaration without version":    {`<?xml encoding="UTF-8"?><a/>`, nil},
		"declaration out of order":       {`<?xml version="1.0" standalone="yes" encoding="UTF-8"?><a/>`, nil},
		"empty declaration":              {`<?xml  ?><a/>`, nil},
		"unknown encoding":               {`<?xml version="1.0" encoding="ebcdic"?><a/>`, nil},
		"encoding against the mark":      {"\ufeff" + `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, nil},
		"UTF-16 without mark":            {`<?xml version="1.0" encoding="UTF-16"?><a/>`, nil},
		"byte that windows-1252 lacks":   {"<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>\x81</a>", nil},
		"malformed UTF-16":               {"\xff\xfe<\x00a\x00>\x00\x00\xd8<\x00/\x00a\x00>\x00", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := xmltree.Parse([]byte(c.doc), xmltree.Limits{})
			var se *xmltree.SyntaxError
			require.ErrorAs(t, err, &se)
			require.LessOrEqual(t, se.Offset, len(c.doc))
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
		})
	}
}

func TestParseValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ doc, attr, text string }{
		"references":               {`<a b="&lt;&gt;&amp;&quot;&apos;&#65;&#x42;">&lt;&#x1F600;</a>`, `<>&"'AB`, "<\U0001F600"},
		"literal space in value":   {"<a b=\"1\t2\r\n3\r4\n5\">x</a>", "1 2 3 4 5", "x"},
		"space by reference":       {`<a b="1&#9;2&#xD;&#xA;3">x</a>`, "1\t2\r\n3", "x"},
		"both, and lines in a tag": {"<a\n b=\"1\n2&#10;3\"\n>x</a>", "1 2\n3", "x"},
		"line ends":                {"<a b=\"\">1\r\n2\r3&#13;4\r</a>", "", "1\n2\n3\r4\n"},
		"CR by reference then LF":  {"<a b=\"\">&#13;\n</a>", "", "\r\n"},
		"CDATA":                    {"<a b=''>1<![CDATA[<&amp;\r\n]]>2<![CDATA[]]>&amp;</a>", "", "1<&amp;\n2&"},
		"only CDATA":               {"<a b=''><![CDATA[]] >]]></a>", "", "]] >"},
		"single quotes":            {`<a b='"'>x</a>`, `"`, "x"},
		"spaces around equals":     {"<a b = \n 'x' ></a >", "x", ""},
		"comment between":          {"<a b=''>1<!-- x -->2</a>", "", "12"},
		"other letters":            {"<é·b b='à'>ù</é·b>", "à", "ù"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := xmltree.Parse([]byte(c.doc), xmltree.Limits{})
			require.NoError(t, err)
			require.Equal(t, c.attr, d.Root.Attr("b"))
			require.Equal(t, c.text, d.Root.Text())
		})
	}
}

func TestParseEncodings(t *testing.T) {
	t.Parallel()
	utf16 := func(s string, big bool) (b []byte) {
		for _, r := range "\ufeff" + s {
			if hi, lo := byte(r>>8), byte(r); big {
				b = append(b, hi, lo)
			} else {
				b = append(b, lo, hi)
			}
		}
		return b
	}
	for name, doc := range map[string][]byte{
		"UTF-8":              []byte("<a>é€</a>"),
		"UTF-8, declared":    []byte(`<?xml version='1.0' encoding='utf-8' standalone='yes' ?><a>é€</a>`),
		"UTF-8, with mark":   []byte("\ufeff<a>é€</a>"),
		"ISO-8859-15":        []byte("<?xml version=\"1.0\" encoding=\"ISO-8859-15\"?><a>\xe9\xa4</a>"),
		"windows-1252":       []byte("<?xml version=\"1.0\" encoding=\"Windows-1252\"?><a>\xe9\x80</a>"),
		"UTF-16LE":           utf16("<a>é€</a>", false),
		"UTF-16BE, declared": utf16(`<?xml version="1.0" encoding="UTF-16"?><a>é€</a>`, true),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := xmltree.Parse(doc, xmltree.Limits{})
			require.NoError(t, err)
			require.Equal(t, "é€", d.Root.Text())
			require.Equal(t, "<a>é€</a>", string(d.Of(d.Root)))
		})
	}
}

func TestParseTree(t *testing.T) {
	t.Parallel()
	const doc = `<?xml version="1.0"?><?style x?><!--before-->
<r xmlns="urn:a" xmlns:b="urn:b" xml:lang="fr"><b:one b:k="v" k="w">1</b:one><two/><two><three>3</three></two></r><!--after-->`
	d, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	require.NoError(t, err)
	require.Equal(t, []xmltree.Node{xmltree.ProcInst{Target: "style", Data: "x"}, xmltree.Comment("before")}, d.Before)
	require.Equal(t, []xmltree.Node{xmltree.Comment("after")}, d.After)
	r := d.Root
	require.True(t, r.Is("urn:a", "r"))
	one := r.First("urn:b", "one")
	require.Equal(t, "w", one.Attr("k"))
	v, ok := one.LookupAttr("urn:b", "k")
	require.True(t, ok)
	require.Equal(t, "v", v)
	lang, _ := r.LookupAttr(xmltree.NSXML, "lang")
	require.Equal(t, "fr", lang)
	require.Equal(t, `<b:one b:k="v" k="w">1</b:one>`, string(d.Of(one)))
	require.Equal(t, `<two/>`, string(d.Of(r.First("", "two"))))
	require.Nil(t, r.Path("two", "three"), "the first of two has no child")
	n := 0
	for range r.All("", "two") {
		n++
	}
	require.Equal(t, 2, n)
	names := ""
	for e := range r.Descendants() {
		names += e.Name.Local + " "
		if e.Parent == nil {
			require.Same(t, r, e)
		}
	}
	require.Equal(t, "r one two two three ", names)
	ns, ok := one.Namespace("")
	require.True(t, ok)
	require.Equal(t, "urn:a", ns)
	_, ok = one.Namespace("c")
	require.False(t, ok)
	var none *xmltree.Element
	require.Empty(t, none.Text())
	require.Nil(t, none.Path("x"))
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	many := func(n int, s string) string { return strings.Repeat(s, n) }
	attributes, declarations := "<a", "<a"
	for i := range 600 {
		n := strings.Repeat("x", i+1)
		attributes += " " + n + "=''"
		declarations += " xmlns:" + n + "='u'"
	}
	for name, c := range map[string]struct {
		doc    string
		limits xmltree.Limits
	}{
		"bytes":        {"<a>12345</a>", xmltree.Limits{Bytes: 11}},
		"depth":        {many(129, "<a>") + many(129, "</a>"), xmltree.Limits{}},
		"elements":     {"<a>" + many(10, "<b/>") + "</a>", xmltree.Limits{Nodes: 10}},
		"comments":     {"<a/>" + many(10, "<!---->"), xmltree.Limits{Nodes: 10}},
		"CDATA":        {"<a>" + many(10, "<![CDATA[]]>") + "</a>", xmltree.Limits{Nodes: 10}},
		"attributes":   {attributes + "/>", xmltree.Limits{}},
		"declarations": {declarations + "/>", xmltree.Limits{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := xmltree.Parse([]byte(c.doc), c.limits)
			require.ErrorIs(t, err, xmltree.ErrLimit)
		})
	}
	_, err := xmltree.Parse([]byte(many(128, "<a>")+many(128, "</a>")), xmltree.Limits{})
	require.NoError(t, err)
}

// An error is shown to users and logged: it must hold no text of the document.
func TestErrorsHoldNoText(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		"<a>SECRET&nothing;</a>", `<a b="SECRET<"/>`, "<a>SECRET]]></a>", "<a>SECRET</b>", "SECRET<a/>", "<a><!--SECRET----></a>",
	} {
		_, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "SECRET")
	}
}

// Values of a large document must not keep the whole of it.
func TestLargeDocument(t *testing.T) {
	t.Parallel()
	doc := `<a xmlns="urn:a"><b c="d">e</b><big>` + strings.Repeat("x", 1<<17) + "</big></a>"
	d, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	require.NoError(t, err)
	require.Equal(t, "e", d.Root.Path("b").Text())
	require.Equal(t, "d", d.Root.Path("b").Attr("c"))
	require.Len(t, d.Root.Path("big").Text(), 1<<17)
}

func TestSyntaxErrorUnwraps(t *testing.T) {
	t.Parallel()
	err := error(&xmltree.SyntaxError{Offset: 3, Err: xmltree.ErrDup})
	require.EqualError(t, err, "xml: byte 3: duplicate attribute")
	require.True(t, errors.Is(err, xmltree.ErrDup))
}

// Documents made to be slow are read in time proportional to their size: if one
// were not, this test would not end.
func TestParseIsLinear(t *testing.T) {
	t.Parallel()
	many := func(s string) string { return strings.Repeat(s, 2<<20/len(s)) }
	attributes := "<b"
	for i := range 500 {
		attributes += fmt.Sprintf(" a%d=''", i)
	}
	declarations := "<a"
	for i := range 250 {
		declarations += fmt.Sprintf(" xmlns:p%d='urn:%[1]d'", i)
	}
	for name, doc := range map[string]string{
		"CDATA":        "<a>" + many("<![CDATA[x]]>") + "</a>",
		"references":   "<a>" + many("&amp;") + "</a>",
		"comments":     "<a>" + many("<!---->x") + "</a>",
		"attributes":   "<a>" + many(attributes+"/>") + "</a>",
		"declarations": declarations + ">" + many("<p0:b/>") + "</a>",
		"one value":    "<a b='" + many("&lt;\n") + "'/>",
		"line ends":    "<a>" + many("\r\n") + "</a>",
		"brackets":     "<a>" + many("]]") + "</a>",
		"names":        "<a>" + many("<"+strings.Repeat("n", 1000)+"/>") + "</a>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
			require.NoError(t, err)
		})
	}
}

var benchmarked = []byte(`<a xmlns="urn:a" xmlns:i="urn:i">` + strings.Repeat(`<b i:type="CE" code="21" codeSystem="1.2.250.1.71.1.2.7">Pharmacien &amp; autre</b>`, 60) + "</a>")

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(benchmarked)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xmltree.Parse(benchmarked, xmltree.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// The floor of reading: the tokens of the standard library, no tree.
func BenchmarkParseFloor(b *testing.B) {
	b.SetBytes(int64(len(benchmarked)))
	b.ReportAllocs()
	for b.Loop() {
		for dec := xml.NewDecoder(bytes.NewReader(benchmarked)); ; {
			if _, err := dec.RawToken(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
