package mss

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/soclesante/socle"
)

// FolderUse is what a folder is for (RFC 6154).
type FolderUse string

// Uses of folders.
const (
	FolderInbox   FolderUse = "inbox"
	FolderSent    FolderUse = "sent"
	FolderDrafts  FolderUse = "drafts"
	FolderTrash   FolderUse = "trash"
	FolderArchive FolderUse = "archive"
	FolderJunk    FolderUse = "junk"
)

// Folder is a folder of a mailbox.
type Folder struct {
	// Name is the whole name, with those of the folders it is in; the inbox is
	// INBOX. Functions that take the name of a folder also take "" for the inbox.
	Name string
	// Use is what the operator says that the folder is for, or what its name
	// says when the operator says nothing; empty for a folder like any other.
	Use FolderUse
	// Closed reports a folder that holds folders and no message.
	Closed bool
}

const (
	inbox      = "INBOX"
	maxFolders = 10_000
	maxFolder  = 500 // bytes of a name
)

// folderOf gives the name of a folder on the wire.
func folderOf(name string) string {
	if name == "" || strings.EqualFold(name, inbox) {
		return inbox
	}
	return name
}

// folderName gives the name of a folder in a UID or a Cursor: "" for the inbox.
func folderName(wire string) string {
	if wire == inbox {
		return ""
	}
	return wire
}

var specialUses = map[imap.MailboxAttr]FolderUse{
	imap.MailboxAttrSent: FolderSent, imap.MailboxAttrDrafts: FolderDrafts, imap.MailboxAttrTrash: FolderTrash,
	imap.MailboxAttrArchive: FolderArchive, imap.MailboxAttrJunk: FolderJunk,
}

// Folders gives the folders of the mailbox, in the order of the operator.
func (m *Mailbox) Folders(ctx context.Context) ([]Folder, error) {
	var out []Folder
	err := m.reading(ctx, "folders", "", func(r *reader) (err error) {
		out, err = r.folders(m.client.cfg.Dialect)
		return err
	})
	return out, err
}

// CreateFolder makes a folder. It fails with the code ALREADYEXISTS when there
// is one of that name.
func (m *Mailbox) CreateFolder(ctx context.Context, name string) error {
	if err := checkFolder("create", name); err != nil {
		return err
	}
	return m.using(ctx, "create", "", false, func(r *reader) error { return r.client.Create(name, nil).Wait() })
}

// RenameFolder gives a folder another name. Cursors of the old name serve no more.
func (m *Mailbox) RenameFolder(ctx context.Context, name, to string) error {
	for _, n := range []string{name, to} {
		if err := checkFolder("rename", n); err != nil {
			return err
		}
	}
	return m.using(ctx, "rename", "", false, func(r *reader) error {
		if r.folder == name {
			r.folder = ""
		}
		return r.client.Rename(name, to, nil).Wait()
	})
}

// Count tells how many messages a folder has, and how many of them were not read.
func (m *Mailbox) Count(ctx context.Context, folder string) (total, unseen int, err error) {
	err = m.reading(ctx, "count", "", func(r *reader) error {
		data, err := r.client.Status(folderOf(folder), &imap.StatusOptions{NumMessages: true, NumUnseen: true}).Wait()
		if err != nil {
			return err
		}
		if data.NumMessages == nil || data.NumUnseen == nil {
			return &Error{Op: "count", Text: "the operator does not count the messages", outcome: socle.OutcomeRefused}
		}
		total, unseen = int(*data.NumMessages), int(*data.NumUnseen)
		return nil
	})
	return total, unseen, err
}

func checkFolder(op, name string) error {
	if folderOf(name) == inbox || len(name) > maxFolder || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '*' || r == '%' }) {
		return &Error{Op: op, Err: fmt.Errorf("the name of a folder other than the inbox expected, %d bytes at most, without * nor %%", maxFolder), outcome: socle.OutcomeNotSent}
	}
	return nil
}

func (r *reader) folders(d Dialect) ([]Folder, error) {
	var options *imap.ListOptions
	caps := r.client.Caps()
	if caps.Has(imap.CapSpecialUse) && caps.Has(imap.CapListExtended) {
		options = &imap.ListOptions{ReturnSpecialUse: true}
	}
	cmd := r.client.List("", "*", options)
	var out []Folder
	for f := cmd.Next(); f != nil; f = cmd.Next() {
		if len(out) >= maxFolders {
			r.close()
			return nil, errors.Join(fmt.Errorf("the operator has more than %d folders", maxFolders), cmd.Close())
		}
		one := Folder{Name: folderOf(f.Mailbox)}
		for _, a := range f.Attrs {
			if use, ok := specialUses[a]; ok {
				one.Use = use
			}
			one.Closed = one.Closed || a == imap.MailboxAttrNoSelect || a == imap.MailboxAttrNonExistent
		}
		if one.Name == inbox {
			one.Use = FolderInbox
		}
		out = append(out, one)
	}
	if err := cmd.Close(); err != nil {
		return nil, err
	}
	// Names tell the uses that the operator does not.
	for use, names := range d.folderNames() {
		if slices.ContainsFunc(out, func(f Folder) bool { return f.Use == use }) {
			continue
		}
		for _, name := range names {
			if i := slices.IndexFunc(out, func(f Folder) bool { return f.Use == "" && !f.Closed && strings.EqualFold(f.Name, name) }); i >= 0 {
				out[i].Use = use
				break
			}
		}
	}
	return out, nil
}

// special gives the folder of a use, making one if there is none.
func (r *reader) special(d Dialect, use FolderUse) (string, error) {
	all, err := r.folders(d)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(all, func(f Folder) bool { return f.Use == use }); i >= 0 {
		return all[i].Name, nil
	}
	name := d.folderNames()[use][0]
	return name, r.client.Create(name, nil).Wait()
}
