package mss

import (
	"cmp"
	"context"
	"regexp"
	"strings"

	"github.com/soclesante/socle/internal/cda"
)

// Replace sends a message that cancels and replaces one of this mailbox (annule
// et remplace, AMBU.MSS/va1.02): in its thread, to its recipients and those of
// the draft, with a sentence that says it before the text unless the text does.
// Documents that replace some of that message, as their relatedDocument (RPLC)
// says, get the action C; when it had documents one at least must.
//
// sent is a message that Read gave of the folder of sent messages. A patient
// whom it was sent to must be among Draft.Patients: their identity may have
// changed since.
func (m *Mailbox) Replace(ctx context.Context, sent *Message, d Draft) (SendReport, error) {
	j, err := m.again(sent, d)
	if err != nil {
		return SendReport{}, err
	}
	j.mark, j.mention = "Annule et remplace : ", "Ce message annule et remplace "+sent.named()
	j.replaced = map[string]bool{}
	for _, doc := range sent.Documents {
		j.replaced[doc.ID] = true
	}
	if len(j.replaced) > 0 && len(d.Documents) == 0 {
		return SendReport{}, notConform("AMBU.MSS/va1.02", "Replace: the message has documents and the draft has none: Withdraw has them deleted")
	}
	return m.send(ctx, j)
}

// Withdraw asks the readers of a message of this mailbox to delete its documents
// (SC.MSS.16.LGO): it sends them again with the action D, in its thread and to
// its recipients, with a sentence that says it. The text of the draft may be
// empty, and its documents are those of the message. Otherwise it is Replace.
func (m *Mailbox) Withdraw(ctx context.Context, sent *Message, d Draft) (SendReport, error) {
	j, err := m.again(sent, d)
	if err != nil {
		return SendReport{}, err
	}
	j.mark, j.mention = "Suppression : ", "Merci de supprimer les documents de "+sent.named()
	j.Documents = nil
	for _, doc := range sent.Documents {
		if len(doc.data) == 0 {
			return SendReport{}, notConform("AMBU.MSS/va1.02", "Withdraw: a document of the message cannot be read")
		}
		j.Documents = append(j.Documents, Outgoing{CDA: doc.data, Action: ActionDelete})
	}
	if len(j.Documents) == 0 {
		return SendReport{}, notConform("AMBU.MSS/va1.02", "Withdraw: the message has no document to delete")
	}
	if strings.TrimSpace(j.Text) == "" {
		j.Text = j.mention
	}
	return m.send(ctx, j)
}

// again begins a message about one of this mailbox, to the same recipients.
func (m *Mailbox) again(sent *Message, d Draft) (job, error) {
	j := job{Draft: d, answered: sent}
	if sent == nil || !sent.Sender.Address.same(m.access.Address) {
		return j, notConform("AMBU.MSS/va1.02", "a message of this mailbox expected, as Read gives it of the folder of sent messages")
	}
	if err := m.covered(sent, d); err != nil {
		return j, err
	}
	j.to, j.cc = professionals(sent.To), professionals(sent.Cc)
	return j, nil
}

// covered reports whether each patient that a message was sent to is among those
// of a draft, qualified today.
func (m *Mailbox) covered(sent *Message, d Draft) error {
	for _, l := range [][]Address{sent.To, sent.Cc} {
		for _, a := range l {
			if !a.IsPatient() {
				continue
			}
			number, ok := a.Matricule()
			for _, p := range d.Patients {
				if id, err := p.Sendable(); err == nil && ok && id.Matricule == number {
					ok = false
				}
			}
			if ok || number.IsZero() {
				return notConform("ECO.2.2.6", "the message was sent to a patient who is not among Patients, with an identity that is qualified today")
			}
		}
	}
	return nil
}

func professionals(l []Address) (out []Address) {
	for _, a := range l {
		if !a.IsZero() && !a.IsPatient() {
			out = append(out, a)
		}
	}
	return out
}

// named tells which message it is, for people: nothing of its patient.
func (m *Message) named() string {
	if m.Date.IsZero() {
		return "mon message précédent."
	}
	return "mon message du " + m.Date.Format("02/01/2006 à 15:04") + "."
}

// action gives what becomes of what a document replaces or is.
func (d job) action(i int, o Outgoing, doc *cda.Document) (string, error) {
	replaces := false
	for _, r := range doc.Related {
		for _, id := range r.IDs {
			if r.Type == "RPLC" && (d.replaced == nil || d.replaced[id.String()]) {
				replaces = true
			}
		}
	}
	switch {
	case o.Action == "" && replaces && d.replaced != nil:
		return ActionReplace, nil
	case o.Action == "" || o.Action == ActionDelete:
		return o.Action, nil
	case o.Action != ActionReplace:
		return "", notConform("AMBU.MSS/va1.02", "Documents[%d].Action: C or D expected", i)
	case !replaces:
		return "", notConform("AMBU.MSS/va1.02", "Documents[%d]: its relatedDocument (RPLC) names no document to replace", i)
	}
	return o.Action, nil
}

var saysSo = map[string]*regexp.Regexp{
	ActionReplace: regexp.MustCompile(`(?i)annul\p{L}*\s+et\s+rempla`),
	ActionDelete:  regexp.MustCompile(`(?i)supprim|suppression`),
}

// said gives the text, with the sentence that goes with its documents.
func (d job) said() string {
	for _, o := range d.Documents {
		if o.Action == ActionDelete && !saysSo[ActionDelete].MatchString(d.Text) {
			return cmp.Or(d.mention, "Merci de supprimer les documents joints, qui vous ont été transmis.") + "\n\n" + d.Text
		}
		if o.Action == ActionReplace && d.mention == "" && !saysSo[ActionReplace].MatchString(d.Text) {
			return "Ce message annule et remplace un document qui vous a été transmis.\n\n" + d.Text
		}
	}
	if d.replaced != nil && !saysSo[ActionReplace].MatchString(d.Text) {
		return d.mention + "\n\n" + d.Text
	}
	return d.Text
}
