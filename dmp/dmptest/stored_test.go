package dmptest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xds"
)

func TestWhatIsStoredIsBoundByUUIDs(t *testing.T) {
	t.Parallel()
	r := &record{}
	send := func(lot, document string, more ...xds.Association) {
		r.keep(xds.SubmissionSet{ID: "SubmissionSet01", UniqueID: lot},
			[]*version{
				{entry: xds.DocumentEntry{ID: "Document01", UniqueID: document}, content: []byte("x")},
				{entry: xds.DocumentEntry{ID: "Signature01", UniqueID: lot + ".9", Format: socle.Code{Code: formatSignature}}},
			},
			append([]xds.Association{xds.Member("SubmissionSet01", "Document01"), xds.Member("SubmissionSet01", "Signature01"),
				{Type: xds.Signs, Source: "Signature01", Target: "SubmissionSet01"}}, more...))
	}
	send("1.1", "1.2")
	first := r.document("1.2")
	require.Equal(t, first, r.entry(first.entry.ID))
	require.Nil(t, r.document("1.3"))
	require.Nil(t, r.entry("Document01"))
	require.Equal(t, first.entry.ID, first.entry.LogicalID)
	require.Equal(t, 1, first.number())
	require.Equal(t, xds.StatusApproved, first.entry.Status)

	send("1.4", "1.5", xds.Association{Type: xds.Replaces, Source: "Document01", Target: first.entry.ID})
	second := r.document("1.5")
	require.Equal(t, "1.4", second.public().SubmissionID)
	require.Len(t, r.sets, 2)
	require.Len(t, r.versions, 4)
	require.Len(t, r.current(), 2, "signatures are left out")
	last := r.associations[len(r.associations)-1]
	require.Equal(t, second.entry.ID, last.Source)
	require.Equal(t, first.entry.ID, last.Target)
	require.Equal(t, r.sets[1].ID, r.associations[4].Source)

	// Another version of the metadata of the second.
	changed := &version{entry: second.entry}
	changed.entry.ID, changed.entry.Version = "Document01", "2"
	r.keep(xds.SubmissionSet{ID: "SubmissionSet01", UniqueID: "1.6"}, []*version{changed}, nil)
	require.Equal(t, changed, r.document("1.5"))
	require.Equal(t, []*version{first, changed}, r.current())
	require.Equal(t, second.entry.LogicalID, changed.entry.LogicalID)
	require.NotEqual(t, second.entry.ID, changed.entry.ID)
	require.Equal(t, 2, changed.public().Version)
}
