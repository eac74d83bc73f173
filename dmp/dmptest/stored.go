package dmptest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xds"
)

// repositoryOID is the repositoryUniqueId of the DMP.
const repositoryOID = "1.2.250.1.213.4.1.1.1.2"

// record is a patient's record: what the registry and the repository hold.
// Server.mu guards it.
type record struct {
	Patient
	// versions are all versions of all entries, signatures of lots among them,
	// in the order of arrival: a document that replaces another is one, and so
	// is a change of the metadata of a document.
	versions []*version
	// sets are the submission sets; ID is the entryUUID and Time the submissionTime.
	sets []xds.SubmissionSet
	// associations bind entryUUIDs: HasMember from a set to a version, RPLC from
	// a version to the one that it replaces, signs from a signature to its set.
	associations []xds.Association
}

// version is one version of the metadata of a document, and its bytes.
type version struct {
	// entry is what the registry holds. ID is the entryUUID, LogicalID is common
	// to the versions of the metadata of one document, Version counts them from
	// "1", Status is one of xds.Status…; Hash, Size and Repository are filled.
	entry     xds.DocumentEntry
	content   []byte
	signature []byte // of its lot; nil for a signature
	lot       string // uniqueId of the submission set that brought the document, not its metadata
	author    string // NameID of the VIHF that brought the document, not its metadata
	structure string // Identifiant_Structure of that VIHF
	mode      string // Authentification_mode of that VIHF
	at        time.Time
}

func (v *version) number() int {
	n, _ := strconv.Atoi(v.entry.Version)
	return n
}

// entry gives the version of that entryUUID, nil when there is none.
func (r *record) entry(uuid string) *version {
	for _, v := range r.versions {
		if v.entry.ID == uuid {
			return v
		}
	}
	return nil
}

// document gives the last version of the metadata of the document of that
// uniqueId, nil when there is none.
func (r *record) document(uniqueID string) *version {
	for _, v := range slices.Backward(r.versions) {
		if v.entry.UniqueID == uniqueID {
			return v
		}
	}
	return nil
}

// current gives the last version of the metadata of each document, in the order
// of arrival of the documents; signatures of lots are left out.
func (r *record) current() []*version {
	var all []*version
	place := map[string]int{}
	for _, v := range r.versions {
		if isSignature(v.entry) {
			continue
		}
		if i, ok := place[v.entry.LogicalID]; ok {
			all[i] = v
			continue
		}
		place[v.entry.LogicalID] = len(all)
		all = append(all, v)
	}
	return all
}

// keep stores a submission whose objects have the symbolic ids of a message: it
// gives them their UUIDs, and binds them.
func (r *record) keep(set xds.SubmissionSet, versions []*version, associations []xds.Association) {
	uuid := map[string]string{set.ID: soap.NewMessageID()}
	set.ID, set.Status = uuid[set.ID], xds.StatusApproved
	r.sets = append(r.sets, set)
	for _, v := range versions {
		uuid[v.entry.ID] = soap.NewMessageID()
		v.entry.ID, v.entry.Status, v.entry.Repository = uuid[v.entry.ID], xds.StatusApproved, repositoryOID
		if v.entry.LogicalID == "" {
			v.entry.LogicalID, v.entry.Version = v.entry.ID, "1"
		}
		if v.lot == "" {
			v.lot = set.UniqueID
		}
		r.versions = append(r.versions, v)
	}
	stored := func(id string) string {
		if u, ok := uuid[id]; ok {
			return u
		}
		return id
	}
	for _, a := range associations {
		a.ID, a.Source, a.Target = soap.NewMessageID(), stored(a.Source), stored(a.Target)
		r.associations = append(r.associations, a)
	}
}

// public gives what a test sees of a document.
func (v *version) public() Document {
	d := Document{
		ID: v.entry.UniqueID, EntryUUID: v.entry.ID, LogicalID: v.entry.LogicalID, Version: v.number(), Status: v.entry.Status,
		Title: v.entry.Title, Type: v.entry.Type.Code, Class: v.entry.Class.Code, Format: v.entry.Format.Code,
		Content: slices.Clone(v.content), Signature: slices.Clone(v.signature), SubmissionID: v.lot,
		Author: v.author, Structure: v.structure, Mode: v.mode, ReceivedAt: v.at,
	}
	for _, c := range v.entry.Confidentiality {
		if c.Code != "N" {
			d.Visibility = append(d.Visibility, c.Code)
		}
	}
	return d
}

// short gives the last word of a URN.
func short(urn string) string { return urn[strings.LastIndexByte(urn, ':')+1:] }
