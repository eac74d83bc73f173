//go:build peers

package ins_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/oracle"
)

// A document whose patient was replaced by ours still follows the schema of CDA.
func TestPeerXmllintAcceptsOurRecordTarget(t *testing.T) {
	t.Parallel()
	xmllint := oracle.Program(t, "xmllint")
	xsd := oracle.Corpus(t, "cda-xsd", "CDA_extended.xsd")
	b, err := os.ReadFile(oracle.Corpus(t, "cda", "TLM-CR_2022.01.xml"))
	require.NoError(t, err)
	document := string(b)
	start, end := strings.Index(document, "<recordTarget"), strings.Index(document, "</recordTarget>")+len("</recordTarget>")
	check := func(target string) (string, error) {
		file := filepath.Join(t.TempDir(), "document.xml")
		require.NoError(t, os.WriteFile(file, []byte(document[:start]+target+document[end:]), 0o600))
		out, err := exec.CommandContext(t.Context(), xmllint, "--nonet", "--noout", "--huge", "--schema", xsd, file).CombinedOutput()
		return string(out), err
	}
	provisional, _ := ecetinsi(t)
	unplaced := patTrois(t, ins.OIDNIR).Traits()
	unplaced.BirthPlace, unplaced.BirthDate = "", ins.BirthDate{Year: 1979}
	for name, id := range map[string]ins.Identity{"qualified": patTrois(t, ins.OIDNIR), "provisional": provisional, "incomplete": identity(t, unplaced)} {
		target, err := id.RecordTarget(ins.Extra{UsedName: "Divine", UsedGivenName: "Dom", Local: []ins.LocalID{{Value: "7", OID: "1.2.250.1.71.4.2.2.7"}}})
		require.NoError(t, err)
		out, err := check(string(target))
		require.NoError(t, err, name+": "+out)
	}
	out, err := check(`<recordTarget xmlns="urn:hl7-org:v3"><patientRole/></recordTarget>`)
	require.Error(t, err, "the schema must refuse a patient without id: %s", out)
}
