//go:build peers

package xmltree_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/xmltree"
)

// What we accept, libxml2 accepts; what it refuses, we refuse. The reverse is
// not asked: it knows document types and more encodings.
func TestPeerLibxmlWellFormed(t *testing.T) {
	xmllint := oracle.Program(t, "xmllint")
	path := filepath.Join(t.TempDir(), "doc.xml")
	pieces := []string{
		"<a>", "</a>", "<a/>", "<a b='1'>", `<a b="&lt;" c='"'/>`, "<p:a xmlns:p='u'>", "</p:a>", " ", "text", "&amp;", "&#65;", "&#x41;", "&#xD800;", "&", "<", ">",
		"<!-- c -->", "<!--", "-->", "--", "<![CDATA[x]]>", "]]>", "<?i d?>", "<?xml version='1.0'?>", "é", "\x01", "<a b='1'c='2'/>", "<a b=1/>", "<a b/>", "\r\n",
		"<é/>", "<1/>", "<a b='<'/>", "&e;", "&#;", "</a >", "< a/>", "<a\n/>", "<!x>",
	}
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		doc := "<r>" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 5).Draw(t, "pieces"), "") + "</r>"
		if _, err := xmltree.Parse([]byte(doc), xmltree.Limits{}); err != nil {
			return
		}
		accepted++
		require.NoError(t, os.WriteFile(path, []byte(doc), 0o600))
		out, err := exec.Command(xmllint, "--nonet", "--noout", path).CombinedOutput()
		require.NoError(t, err, "%q: %s", doc, out)
	})
	require.NotZero(t, accepted)
}
