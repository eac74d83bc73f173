package mss_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/mss"
)

const other = "277076322082910" // another test patient

// said makes a summary: who wrote to whom, on which day, under which header.
func said(day int, from, to, header string) mss.Summary {
	m := mss.ParseMessage([]byte("From: <" + from + ">\r\nTo: <" + to + ">\r\n" + header + "\r\n\r\nx"))
	m.Summary.Received = time.Date(2026, 10, 1+day, 8, 0, 0, 0, time.UTC)
	return m.Summary
}

const (
	anne = matricule + "@patient.mssante.fr"
	paul = other + "@patient.mssante.fr"
)

func subjects(l []mss.Thread) (out []string) {
	for _, t := range l {
		s := ""
		for _, m := range t.Messages {
			s += m.MessageID + " "
		}
		out = append(out, s)
	}
	return out
}

func TestThreadsFollowTheHeaders(t *testing.T) {
	t.Parallel()
	all := []mss.Summary{
		said(3, pharmacy, anne, "Message-ID: <c@p>\r\nReferences: <a@m> <b@p>\r\nIn-Reply-To: <b@p>\r\nSubject: Re: Ordonnance\r\nX-MSS-MES: FIN"),
		said(0, anne, pharmacy, "Message-ID: <a@m>\r\nSubject: Ordonnance"),
		said(1, pharmacy, anne, "Message-ID: <b@p>\r\nIn-Reply-To: <a@m>\r\nReferences: <a@m>\r\nSubject: Re: Ordonnance"),
		said(5, office, pharmacy, "Message-ID: <d@p>\r\nReferences: <lost@p>\r\nSubject: Suite"),
		said(4, office, pharmacy, "Message-ID: <e@p>\r\nReferences: <lost@p>\r\nSubject: Suite"),
	}
	l := mss.Threads(all)
	require.Equal(t, []string{"e@p d@p ", "a@m b@p c@p "}, subjects(l), "both name a message that is not here")
	require.Equal(t, "Ordonnance", l[1].Subject)
	require.Equal(t, address(t, anne), l[1].Patient)
	require.True(t, l[1].Closed)
	require.Zero(t, l[1].Guessed)
	require.True(t, l[0].Patient.IsZero())
	require.False(t, l[0].Closed)

	again := append(all, said(6, pharmacy, anne, "Message-ID: <f@p>\r\nIn-Reply-To: <c@p>\r\nSubject: Re: Ordonnance"))
	require.False(t, mss.Threads(again)[0].Closed, "the professional has written again")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", l[1], l, l), matricule)
}

func TestThreadsBySubjectAreBounded(t *testing.T) {
	t.Parallel()
	first := said(0, office, pharmacy, "Message-ID: <a@m>\r\nSubject: Renouvellement  de M.")
	for name, c := range map[string]struct {
		then mss.Summary
		want int
	}{
		"an answer without identifiers": {said(2, pharmacy, office, "Message-ID: <b@p>\r\nSubject: RE: Tr: renouvellement de m."), 1},
		"no mark of an answer":          {said(2, pharmacy, office, "Message-ID: <b@p>\r\nSubject: renouvellement de m."), 2},
		"too late":                      {said(40, pharmacy, office, "Message-ID: <b@p>\r\nSubject: Re: renouvellement de m."), 2},
		"of somebody else":              {said(2, anne, pharmacy, "Message-ID: <b@p>\r\nSubject: Re: renouvellement de m."), 2},
		"names another message":         {said(2, pharmacy, office, "Message-ID: <b@p>\r\nIn-Reply-To: <z@p>\r\nSubject: Re: renouvellement de m."), 2},
		"without subject":               {said(2, pharmacy, office, "Message-ID: <b@p>\r\nSubject: Re: "), 2},
	} {
		l := mss.Threads([]mss.Summary{first, c.then})
		require.Len(t, l, c.want, name)
		if c.want == 1 {
			require.Equal(t, 1, l[0].Guessed)
		}
	}
}

func TestThreadsNeverMixPatients(t *testing.T) {
	t.Parallel()
	l := mss.Threads([]mss.Summary{
		said(0, anne, pharmacy, "Message-ID: <a@m>\r\nSubject: Question"),
		said(1, paul, pharmacy, "Message-ID: <b@m>\r\nIn-Reply-To: <a@m>\r\nReferences: <a@m>\r\nSubject: Re: Question"),
		said(2, paul, pharmacy, "Message-ID: <a@m>\r\nSubject: Question"),
		said(3, office, pharmacy+">, <"+anne+">, <"+paul, "Message-ID: <c@m>\r\nIn-Reply-To: <a@m>\r\nSubject: Re: Question"),
	})
	require.Len(t, l, 4)

	rapid.Check(t, func(r *rapid.T) {
		addresses := rapid.SampledFrom([]string{anne, paul, office, pharmacy})
		id := rapid.SampledFrom([]string{"a@m", "b@m", "c@m", "d@m", "e@m"})
		var all []mss.Summary
		for i := range rapid.IntRange(0, 12).Draw(r, "messages") {
			header := fmt.Sprintf("Message-ID: <%s>\r\nSubject: %s", id.Draw(r, "id"), rapid.SampledFrom([]string{"x", "Re: x", "Re: y", ""}).Draw(r, "subject"))
			if rapid.Bool().Draw(r, "answer") {
				header += "\r\nIn-Reply-To: <" + id.Draw(r, "answers") + ">\r\nReferences: <" + id.Draw(r, "one") + "> <" + id.Draw(r, "two") + ">"
			}
			all = append(all, said(i, addresses.Draw(r, "from"), addresses.Draw(r, "to"), header))
		}
		n := 0
		for _, thread := range mss.Threads(all) {
			patients := map[mss.Address]bool{}
			for i, m := range thread.Messages {
				n++
				for _, a := range append([]mss.Address{m.Sender.Address}, m.To...) {
					if a.IsPatient() {
						patients[a] = true
					}
				}
				if i > 0 && m.Received.Before(thread.Messages[i-1].Received) {
					r.Fatal("not in order")
				}
			}
			if len(patients) > 1 && len(thread.Messages) > 1 {
				r.Fatal("two patients in one thread")
			}
		}
		if n != len(all) {
			r.Fatalf("%d messages in, %d out", len(all), n)
		}
	})
}
