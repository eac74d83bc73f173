package mss_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// follow sends a message with all receipts asked for, and gives what follows it.
func follow(t *testing.T, b *bench, m *mss.Mailbox) (*mss.Sent, mss.SendReport) {
	t.Helper()
	d := draft(t)
	d.ReadReceipt, d.DeliveryReceipt, d.MessageID = true, true, "suivi.1@pharmacie.formation.mssante.fr"
	at := time.Now()
	s := mss.NewSent(d.MessageID, at, d.To...)
	require.True(t, s.Submitting(at))
	r, err := m.Send(context.Background(), d)
	s.Submitted(err, at)
	require.NoError(t, err)
	require.Equal(t, mss.StatusAccepted, s.Status())
	return s, r
}

func receive(t *testing.T, m *mss.Mailbox, s *mss.Sent, after mss.UID) mss.UID {
	t.Helper()
	for _, l := range list(t, m, after) {
		msg, err := m.Read(context.Background(), l.UID)
		require.NoError(t, err)
		for _, r := range msg.Receipts() {
			_, err := s.Receive(r)
			require.NoError(t, err)
		}
		after = l.UID
	}
	return after
}

func TestASentMessageIsFollowed(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{DSN: true})
	m := b.open(t)
	s, r := follow(t, b, m)
	require.Empty(t, r.Degraded)
	cursor := receive(t, m, s, mss.UID{})
	require.Equal(t, mss.StatusDelivered, s.Status(), "the operator tells")

	got := mss.ParseMessage(append([]byte("Return-Path: <"+pharmacy+">\r\n"), b.server.Messages(office, "INBOX")[0]...))
	require.Len(t, got.NotificationTo(), 1)
	notice := notify("XDM/1.0/DDM+CR", "-", "-", "Disposition: manual-action/MDN-sent-manually; displayed")
	require.NoError(t, b.server.Deliver(pharmacy, replaceID(notice, s.MessageID)))
	receive(t, m, s, cursor)
	require.Equal(t, mss.StatusRead, s.Status())
}

func replaceID(raw []byte, id string) []byte {
	return []byte(strings.NewReplacer("<abc. 1@pharmacie.formation.mssante.fr>", "<"+id+">").Replace(string(raw)))
}

func TestABouncedMessageIsFollowed(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	m := b.open(t)
	s, r := follow(t, b, m)
	require.Len(t, r.Degraded, 1)
	require.Equal(t, "ECO.2.3.1", r.Degraded[0].Rule, "what the library would leave out in silence is told")
	require.Contains(t, string(b.server.Messages(office, "INBOX")[0]), "Return-Receipt-To: <"+pharmacy+">")
	require.NoError(t, b.server.DeliverBounce(pharmacy, msstest.Bounce{Text: "La messagerie est fermée.", MessageID: s.MessageID}))
	receive(t, m, s, mss.UID{})
	require.Equal(t, mss.StatusBounced, s.Status())
	require.Equal(t, mss.BounceClosed, s.Recipients[0].Cause)
}
