package xmltree_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/internal/xmltree"
)

func TestWriter(t *testing.T) {
	t.Parallel()
	var w xmltree.Writer
	w.Start("s:E", "xmlns:s", "urn:s", "z", "1", "a", "2", "s:m", "3", "", "not written")
	w.Leaf("b", "x", "xmlns", "urn:d").Start("s:F", "xmlns:s", "urn:s").Empty("c", "xmlns", "urn:d").End()
	require.Equal(t, w.Len(), len(`<s:E xmlns:s="urn:s" a="2" z="1" s:m="3"><b xmlns="urn:d">x</b><s:F><c xmlns="urn:d"></c></s:F>`))
	w.Raw([]byte("<raw></raw>")).Text("<&>\r").End()
	require.Equal(t, `<s:E xmlns:s="urn:s" a="2" z="1" s:m="3"><b xmlns="urn:d">x</b><s:F><c xmlns="urn:d"></c></s:F><raw></raw>&lt;&amp;&gt;&#xD;</s:E>`, string(w.Bytes()))
}

func TestWriterPanicsOnProgrammingErrors(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(w *xmltree.Writer){
		"odd pairs":            func(w *xmltree.Writer) { w.Start("a", strings.Fields("b")...) },
		"undeclared prefix":    func(w *xmltree.Writer) { w.Start("p:a") },
		"undeclared attribute": func(w *xmltree.Writer) { w.Start("a", "p:b", "") },
		"prefix out of scope":  func(w *xmltree.Writer) { w.Start("a").Empty("p:b", "xmlns:p", "u").Empty("p:c") },
		"attribute twice":      func(w *xmltree.Writer) { w.Start("a", "b", "1", "b", "2") },
		"attribute twice, by two prefixes": func(w *xmltree.Writer) {
			w.Start("a", "xmlns:p", "u", "xmlns:q", "u", "p:b", "1", "q:b", "2")
		},
		"declaration twice":    func(w *xmltree.Writer) { w.Start("a", "xmlns:p", "u", "xmlns:p", "v") },
		"prefix undeclared":    func(w *xmltree.Writer) { w.Start("a", "xmlns:p", "") },
		"prefix xml":           func(w *xmltree.Writer) { w.Start("a", "xmlns:xml", "u") },
		"namespace of xmlns":   func(w *xmltree.Writer) { w.Start("a", "xmlns:p", xmltree.NSXMLNS) },
		"namespace not XML":    func(w *xmltree.Writer) { w.Start("a", "xmlns:p", "\x00") },
		"declaration unnamed":  func(w *xmltree.Writer) { w.Start("a", "xmlns:", "u") },
		"name that is none":    func(w *xmltree.Writer) { w.Start("a b") },
		"name with markup":     func(w *xmltree.Writer) { w.Start("a><b") },
		"attribute with space": func(w *xmltree.Writer) { w.Start("a", "b c", "") },
		"end too many":         func(w *xmltree.Writer) { w.Start("a").End().End() },
		"bytes while open":     func(w *xmltree.Writer) { w.Start("a").Bytes() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Panics(t, func() { f(&xmltree.Writer{}) })
		})
	}
}

func TestIsNCName(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"_1": true, "a-b.c": true, "é": true, "": false, "1a": false, "a:b": false, "a b": false, "-a": false, "a\xff": false,
	} {
		require.Equal(t, want, xmltree.IsNCName(s), "%q", s)
	}
}
