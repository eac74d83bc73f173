package mss

import (
	"cmp"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Thread is a conversation.
type Thread struct {
	// Messages are its messages, the oldest first.
	Messages []Summary
	// Subject is that of the first message, without Re: and TR:.
	Subject string
	// Patient is the address of the patient who takes part, zero without one. A
	// thread never has two.
	Patient Address
	// Closed reports that the last message of a professional to the patient
	// closed the exchange (X-MSS-MES: FIN, ECO.2.2.8): the patient cannot answer.
	Closed bool
	// Guessed is how many messages are here by their subject alone.
	Guessed int
}

// String tells how many messages there are.
func (t Thread) String() string { return fmt.Sprintf("thread of %d messages", len(t.Messages)) }

// GoString is String.
func (t Thread) GoString() string { return t.String() }

// MarshalText is String.
func (t Thread) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue is String.
func (t Thread) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Bounds of the search by subject.
const (
	subjectWindow = 30 * 24 * time.Hour
	subjectLooks  = 50 // earlier messages of one subject that are looked at
)

// Threads puts messages, in any order, into conversations, the one with the
// latest message first. A message belongs with those that its In-Reply-To and
// References name (RFC 5322 section 3.6.4) and with those that name the same
// ones. One that names none, and whose subject begins as that of an answer, goes
// with the last message of that subject in the 30 days before it, if its sender
// took part in it.
//
// Messages of two patients are never put together, whatever they name: anybody
// may write an identifier into a header.
func Threads(messages []Summary) []Thread {
	ordered := slices.Clone(messages)
	slices.SortStableFunc(ordered, func(a, b Summary) int {
		return cmp.Or(a.when().Compare(b.when()), strings.Compare(a.MessageID, b.MessageID))
	})
	j := joiner{nodes: make([]joined, len(ordered)), ids: map[string]int{}}
	for i := range ordered {
		j.nodes[i] = joined{parent: i, patient: patientOf(ordered[i])}
	}
	for i, m := range ordered {
		for _, id := range append([]string{m.MessageID, m.InReplyTo}, m.References[:min(len(m.References), maxReferences)]...) {
			if id != "" {
				j.join(i, j.id(id))
			}
		}
	}
	guessed := j.bySubject(ordered)
	return j.threads(ordered, guessed)
}

func (s Summary) when() time.Time {
	if s.Received.IsZero() {
		return s.Date
	}
	return s.Received
}

// patients are whose conversation a message is: of a patient, of nobody, or of
// several, which goes with no other.
type patients struct {
	address Address
	several bool
}

func patientOf(s Summary) (p patients) {
	for _, l := range [][]Address{{s.Sender.Address}, s.To, s.Cc} {
		for _, a := range l {
			if a.IsPatient() && a != p.address {
				p = patients{a, p.several || !p.address.IsZero()}
			}
		}
	}
	return p
}

// joiner is a union-find of messages and of the identifiers that they name.
type joiner struct {
	nodes []joined
	ids   map[string]int
}

type joined struct {
	parent  int
	patient patients
}

func (j *joiner) id(s string) int {
	n, ok := j.ids[s]
	if !ok {
		n = len(j.nodes)
		j.nodes, j.ids[s] = append(j.nodes, joined{parent: n}), n
	}
	return n
}

func (j *joiner) root(n int) int {
	for j.nodes[n].parent != n {
		j.nodes[n].parent = j.nodes[j.nodes[n].parent].parent
		n = j.nodes[n].parent
	}
	return n
}

// join puts two nodes together unless they are of two patients.
func (j *joiner) join(a, b int) bool {
	a, b = j.root(a), j.root(b)
	p, q := j.nodes[a].patient, j.nodes[b].patient
	switch {
	case a == b:
		return true
	case p.several || q.several, !p.address.IsZero() && !q.address.IsZero() && p != q:
		return false
	case p.address.IsZero():
		p = q
	}
	j.nodes[b].parent, j.nodes[a].patient = a, p
	return true
}

var answerMark = regexp.MustCompile(`(?i)^\s*((re|ré|tr|fwd?|aw)\s*(\[\d{1,3}\])?\s*:\s*)+`)

// bySubject joins answers that name no message, and gives which.
func (j *joiner) bySubject(ordered []Summary) map[int]bool {
	guessed := map[int]bool{}
	earlier := map[string][]int{}
	for i, m := range ordered {
		base := strings.ToLower(strings.Join(strings.Fields(answerMark.ReplaceAllString(m.Subject, "")), " "))
		if base == "" {
			continue
		}
		if m.InReplyTo == "" && len(m.References) == 0 && answerMark.MatchString(m.Subject) {
			l := earlier[base]
			for k := len(l) - 1; k >= max(0, len(l)-subjectLooks); k-- {
				before := ordered[l[k]]
				if m.when().Sub(before.when()) > subjectWindow {
					break
				}
				if before.tookPart(m.Sender.Address) && j.join(l[k], i) {
					guessed[i] = true
					break
				}
			}
		}
		earlier[base] = append(earlier[base], i)
	}
	return guessed
}

func (s Summary) tookPart(a Address) bool {
	return !a.IsZero() && (s.Sender.Address.same(a) || slices.ContainsFunc(s.To, a.same) || slices.ContainsFunc(s.Cc, a.same))
}

func (j *joiner) threads(ordered []Summary, guessed map[int]bool) []Thread {
	var out []Thread
	at := map[int]int{}
	for i, m := range ordered {
		root := j.root(i)
		n, ok := at[root]
		if !ok {
			n = len(out)
			at[root] = n
			t := Thread{Subject: answerMark.ReplaceAllString(m.Subject, "")}
			if p := j.nodes[root].patient; !p.several {
				t.Patient = p.address
			}
			out = append(out, t)
		}
		t := &out[n]
		t.Messages = append(t.Messages, m)
		if guessed[i] {
			t.Guessed++
		}
		if m.Sender.Kind == SenderProfessional && !patientOf(m).address.IsZero() {
			t.Closed = m.Final
		}
	}
	slices.SortStableFunc(out, func(a, b Thread) int {
		return b.Messages[len(b.Messages)-1].when().Compare(a.Messages[len(a.Messages)-1].when())
	})
	return out
}
