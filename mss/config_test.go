package mss_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

func TestNewTellsAllProblems(t *testing.T) {
	t.Parallel()
	_, err := mss.New(mss.Config{ReadLimit: -1, Dialect: mss.Dialect{PatientDomain: "patient.example.fr"},
		Software: socle.Software{Homologation: map[socle.Service]string{socle.ServiceMSS: "37 34"}}})
	for _, field := range []string{"Environment.IMAP", "Environment.Submission", "Roots", "Software.Name", "Software.Version", "Homologation[mss]", "ReadLimit", "PatientDomain"} {
		require.ErrorContains(t, err, field)
	}
	_, err = mss.New(mss.Config{})
	require.ErrorContains(t, err, "Homologation[mss]")
}

func TestOpenTellsAllProblems(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{})
	_, err := b.client.Open(context.Background(), mss.Access{Address: address(t, matricule+"@patient.mssante.fr")})
	for _, field := range []string{"Access.Address", "Access.Actor", "Access.Actor.Tokens", "Access.Label"} {
		require.ErrorContains(t, err, field)
	}
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "@", "a@", "@b.fr", "a@b", "a b@c.fr", "\"a\"@c.fr", "a@c.fr\r\n", "a@é.fr", "a..b@c.fr", "<a@c.fr>",
		strings.Repeat("a", 65) + "@c.fr", "a@" + strings.Repeat("b.", 130) + "fr", "a@-b.fr", "a\x01@b.fr"} {
		_, err := mss.ParseAddress(bad)
		require.Error(t, err, bad)
	}
	a := address(t, "Claire.Officine@Pharmacie.MSSante.fr")
	require.Equal(t, "Claire.Officine@pharmacie.mssante.fr", a.Wire())
	require.Equal(t, a, address(t, "Claire.Officine@pharmacie.mssante.fr"))
	require.False(t, a.IsPatient())
	p := address(t, "1900299351238"+"71"+"@patient.mssante.fr")
	require.True(t, p.IsPatient())
	require.True(t, address(t, "x@patient.formation.mssante.fr").IsPatient())
	require.False(t, address(t, "x@patient.example.fr").IsPatient())
	corsica := address(t, "190022A3512387"+"1@patient.mssante.fr")
	_, ok := corsica.Matricule()
	require.True(t, ok)
	_, ok = address(t, "leo@patient.mssante.fr").Matricule()
	require.False(t, ok)
}

func TestOrganisationSignsWithItsEntity(t *testing.T) {
	t.Parallel()
	const desk = "officine@pharmacie.formation.mssante.fr"
	b := set(t, msstest.Options{Mailboxes: []msstest.Mailbox{{Address: desk, Organisation: true, Openers: []string{pharmacist}}}})
	b.access.Address = address(t, desk)
	m := b.open(t)
	_, err := m.Send(context.Background(), draft(t))
	require.ErrorContains(t, err, "ECO.2.2.7", "the emulator refuses a person's label")
	b.access.Label = mss.Label{Entity: "Pharmacie du Marché"}
	_, err = b.open(t).Send(context.Background(), draft(t))
	require.NoError(t, err)
	require.Equal(t, "Pharmacie du Marché", mss.ParseMessage(b.server.Messages(office, "INBOX")[0]).Sender.Name)
}

func TestManyCodesAreFolded(t *testing.T) {
	t.Parallel()
	b := set(t, msstest.Options{}, withOID)
	d := draft(t)
	for i := range 40 {
		d.Documents = append(d.Documents, mss.Outgoing{CDA: small(fmt.Sprint(i), "11488-4", []string{"11488-4", "PRESC-BIO"}[i%2])})
	}
	r, err := b.open(t).Send(context.Background(), d)
	require.NoError(t, err)
	raw := b.server.Messages(office, "INBOX")[0]
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		require.LessOrEqual(t, len(line), 120)
	}
	got := mss.ParseMessage(raw)
	require.Empty(t, got.Faults)
	require.Len(t, got.Codes, 40)
	require.Equal(t, r.Codes, got.Codes)
}
