package mss_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// The codes of both tables, as the volet has them.
var integrationCodes = []string{
	mss.IntegrationSegmentSequence, mss.IntegrationRequiredField, mss.IntegrationDataType, mss.IntegrationTableValue, mss.IntegrationCardinality,
	mss.IntegrationOtherHL7, mss.IntegrationMessageType, mss.IntegrationEvent, mss.IntegrationProcessing, mss.IntegrationVersion, mss.IntegrationApplication,
	mss.IntegrationWrongVersion, mss.IntegrationAuthorNotAllowed, mss.IntegrationUnknownPatient, mss.IntegrationNoINS, mss.IntegrationINSDiffers,
	mss.IntegrationINSIncomplete, mss.IntegrationOther,
}

// Each code goes to the sender and is read there, by a notification when one was
// asked for and by an ordinary mail when not.
func TestEachIntegrationCodeGoesBack(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	require.Len(t, integrationCodes, 18)
	n := 0
	for _, code := range integrationCodes {
		label := mss.IntegrationLabel(code)
		require.NotEmpty(t, label, code)
		for kind, notify := range map[mss.ReceiptKind]string{mss.ReceiptMDN: "<" + office + ">", mss.ReceiptKO: ""} {
			id := code + "." + string(kind) + "@x.fr"
			r, err := m.Acknowledge(context.Background(), mss.ParseMessage(asking(id, notify, "<"+office+">")),
				mss.Acknowledgement{Automatic: true, Failure: &mss.Integration{Code: code}})
			require.NoError(t, err, code)
			require.Empty(t, r.Degraded)
			back := b.latest(t, office)
			require.Equal(t, "[KO Intégration système !]["+code+"] XDM/1.0/DDM+Compte rendu", parseSent(t, b.server.Messages(office, "INBOX")[n]).subject(t))
			n++
			require.Contains(t, back.Text, code)
			require.Contains(t, back.Text, label)
			got := back.Receipts()
			require.Len(t, got, 1)
			require.Equal(t, kind, got[0].Kind)
			require.Equal(t, mss.StatusIntegrationKO, got[0].Status)
			require.Equal(t, code, got[0].Code)
			require.Equal(t, label, got[0].Text)
			require.Equal(t, id, got[0].MessageID)

			follow := mss.NewSent(id, back.Date, got[0].Recipient)
			follow.Submitted(nil, back.Date)
			changed, err := follow.Receive(got[0])
			require.NoError(t, err)
			require.True(t, changed)
			require.Equal(t, mss.StatusIntegrationKO, follow.Status())
		}
	}
	require.NotEmpty(t, mss.IntegrationLabel(mss.IntegrationAccepted))
	require.Empty(t, mss.IntegrationLabel("950"))
}
