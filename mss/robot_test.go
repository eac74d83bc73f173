package mss_test

import (
	"bytes"
	"context"
	"image/jpeg"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

func robot(t testing.TB) (*bench, *msstest.Robot) {
	t.Helper()
	b := set(t, msstest.Options{Clock: emulator.NewClock(time.Now())})
	r, err := msstest.NewRobot(b.server)
	require.NoError(t, err)
	_, err = msstest.NewRobot(b.server)
	require.Error(t, err, "one of them is enough")
	return b, r
}

// to writes to the patient of qualified.
func to(t testing.TB) mss.Draft {
	return mss.Draft{Patients: []ins.Identity{qualified(t, true)}, Subject: "Votre traitement", Text: "Il est prêt."}
}

func TestPatientAnswersInTime(t *testing.T) {
	t.Parallel()
	b, r := robot(t)
	_, err := r.Patient(matricule,
		msstest.Act{After: time.Hour, Read: true, Answer: &msstest.PatientMessage{Name: "Anne Essai", Text: "Voici l'ordonnance.",
			Files: map[string][]byte{"ordonnance.jpg": msstest.PrescriptionPhoto(), "ordonnance.pdf": msstest.PrescriptionPDF("Ordonnance (suite)")}}},
		msstest.Act{After: time.Minute, Answer: &msstest.PatientMessage{Name: "Anne Essai", Text: "Merci !"}})
	require.NoError(t, err)
	m := b.open(t)
	d := to(t)
	d.ReadReceipt = true
	sent, err := m.Send(context.Background(), d)
	require.NoError(t, err)
	r.Advance(59 * time.Minute)
	require.Empty(t, list(t, m, mss.UID{}))
	r.Advance(time.Minute)
	l := list(t, m, mss.UID{})
	require.Len(t, l, 2)
	receipt, err := m.Read(context.Background(), l[0].UID)
	require.NoError(t, err)
	require.Len(t, receipt.Receipts(), 1)
	require.Equal(t, mss.StatusRead, receipt.Receipts()[0].Status)
	require.Equal(t, sent.MessageID, receipt.Receipts()[0].MessageID)

	answer, err := m.Read(context.Background(), l[1].UID)
	require.NoError(t, err)
	require.Equal(t, mss.SenderPatient, answer.Sender.Kind)
	require.Equal(t, sent.MessageID, answer.InReplyTo)
	require.Equal(t, "Re: Votre traitement", answer.Subject)
	require.Empty(t, answer.Faults)
	kinds := map[mss.PrescriptionKind]bool{}
	for _, p := range answer.Prescriptions() {
		kinds[p.Kind] = true
		require.Equal(t, mss.Likely, p.Likelihood)
		content, err := io.ReadAll(p.Attachment.Open())
		require.NoError(t, err)
		if p.Kind == mss.PrescriptionPhoto {
			_, err := jpeg.Decode(bytes.NewReader(content))
			require.NoError(t, err)
		}
	}
	require.Equal(t, map[mss.PrescriptionKind]bool{mss.PrescriptionPhoto: true, mss.PrescriptionPDF: true}, kinds)

	_, err = m.Reply(context.Background(), answer, mss.Draft{Text: "Bien reçue, à ce soir.", Final: true})
	require.NoError(t, err)
	require.Empty(t, r.Held())
	r.Advance(time.Minute)
	require.Len(t, list(t, m, mss.UID{}), 2, "the exchange is closed")
	require.Len(t, r.Held(), 1)
	require.Contains(t, r.Held()[0], "ECO.2.2.8")
	require.NoError(t, r.Write(pharmacy, 0, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "Encore moi"}))
	r.Advance(0)
	require.Len(t, r.Held(), 2)

	_, err = m.Reply(context.Background(), answer, mss.Draft{Text: "Une précision."})
	require.NoError(t, err, "the professional opens it again")
	require.NoError(t, r.Write(pharmacy, time.Minute, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "Oui ?"}))
	r.Advance(time.Minute)
	require.Len(t, list(t, m, mss.UID{}), 3)
}

func TestMonEspaceSanteReturnsWhatItCannotDeliver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(*msstest.Robot) error
		size    int
		cause   mss.BounceCause
	}{
		"no account": {cause: mss.BounceUnknownPatient},
		"account closed": {cause: mss.BounceClosed, prepare: func(r *msstest.Robot) error {
			return r.CloseAccount(matricule)
		}},
		"invalid address": {cause: mss.BounceInvalidAddress, prepare: func(r *msstest.Robot) error {
			_, err := r.Patient(matricule, msstest.Act{Bounce: mss.BounceInvalidAddress})
			return err
		}},
		"too large": {cause: mss.BounceTooLarge, size: 19_000_000, prepare: func(r *msstest.Robot) error {
			_, err := r.Patient(matricule)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, r := robot(t)
			cfg := mss.Config{Environment: b.server.Environment(), Roots: b.server.Roots(), Software: software()}
			cfg.Dialect.PatientLimit = 100_000_000 // the client would refuse what is too large
			var err error
			b.client, err = mss.New(cfg)
			require.NoError(t, err)
			if c.prepare != nil {
				require.NoError(t, c.prepare(r))
			}
			m := b.open(t)
			d := to(t)
			d.Files = []mss.File{{Name: "a.pdf", MediaType: "application/pdf", Content: make([]byte, c.size+1)}}
			sent, err := m.Send(context.Background(), d)
			require.NoError(t, err, "what is wrong comes by mail")
			r.Advance(0)
			l := list(t, m, mss.UID{})
			require.Len(t, l, 1)
			msg, err := m.Read(context.Background(), l[0].UID)
			require.NoError(t, err)
			require.Len(t, msg.Receipts(), 1)
			got := msg.Receipts()[0]
			require.Equal(t, mss.StatusBounced, got.Status)
			require.Equal(t, c.cause, got.Cause)
			require.Equal(t, sent.MessageID, got.MessageID)
			require.Empty(t, b.server.Received(matricule+"@patient.mssante.fr"))
		})
	}
}

func TestRobotRefusesScriptsWithoutSense(t *testing.T) {
	t.Parallel()
	_, r := robot(t)
	for _, a := range []msstest.Act{{}, {Bounce: "colère"}, {Read: true, Bounce: mss.BounceClosed}} {
		_, err := r.Patient(matricule, a)
		require.Error(t, err)
	}
	require.Error(t, r.Write("personne@pharmacie.formation.mssante.fr", 0, msstest.PatientMessage{Matricule: matricule}))
}

// A clock that runs needs no help.
func TestRobotFollowsARunningClock(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	r, err := msstest.NewRobot(b.server)
	require.NoError(t, err)
	require.NoError(t, r.Write(pharmacy, 30*time.Millisecond, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "Bonjour"}))
	m := b.open(t)
	arrived(t, m, func(s mss.Summary) bool { return s.Sender.Kind == mss.SenderPatient })
	require.NoError(t, r.Write(pharmacy, time.Hour, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "Trop tard"}))
}
