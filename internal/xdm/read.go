package xdm

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
)

// Limits bounds what Read accepts; a zero field takes its default.
type Limits struct {
	Files int   // entries of the archive; default 1,000
	File  int64 // bytes of one file, inflated; default 64 MiB
	Total int64 // bytes of all files, inflated; default 128 MiB
	Ratio int64 // inflated to deflated bytes of a file over 1 MiB; default 200
	XML   xmltree.Limits
}

func (l Limits) defaults() Limits {
	l.Files = cmp.Or(l.Files, 1000)
	l.File = cmp.Or(l.File, 64<<20)
	l.Total = cmp.Or(l.Total, 128<<20)
	l.Ratio = cmp.Or(l.Ratio, 200)
	return l
}

// Read reads an archive. The error, an *Error, is that of an archive from which
// nothing can be had: NotArchive, EmptyArchive or LimitReached. Anything else
// wrong is in Archive.Faults and Document.Err.
func Read(b []byte, limits Limits) (*Archive, error) {
	r := &reader{limits: limits.defaults()}
	if err := r.index(b); err != nil {
		return nil, err
	}
	if len(r.folders) == 0 {
		return nil, &Error{Code: EmptyArchive, Text: "no file in a folder of IHE_XDM"}
	}
	for i, name := range r.folders {
		r.subset(i+1, name)
	}
	r.archive.Inflated = r.total
	return &r.archive, nil
}

type reader struct {
	limits  Limits
	archive Archive
	folders []string             // of IHE_XDM, in order
	files   map[string]*zip.File // by folded path inside IHE_XDM
	total   int64
}

func (r *reader) fault(e *Error) { r.archive.Faults = append(r.archive.Faults, e) }

// index sorts the entries of the archive by folder of IHE_XDM. Names are
// compared without case, and those of Windows archivers understood.
func (r *reader) index(b []byte) error {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are checked below
		return &Error{Code: NotArchive, Text: "not a ZIP archive"}
	}
	if len(z.File) > r.limits.Files {
		return &Error{Code: LimitReached, Text: fmt.Sprintf("%d files, at most %d accepted", len(z.File), r.limits.Files)}
	}
	r.files = map[string]*zip.File{}
	for _, f := range z.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		if strings.HasSuffix(name, "/") {
			continue
		}
		name = strings.TrimPrefix(name, "./")
		if escapes(name) || !f.Mode().IsRegular() {
			r.fault(&Error{Code: UnsafeName, Text: "a file with a name that leaves the archive, or that is no plain file, was ignored"})
			continue
		}
		_, inside, ok := strings.Cut("/"+strings.ToLower(name), "/ihe_xdm/")
		folder, file, deep := strings.Cut(inside, "/")
		if !ok || !deep || folder == "" || file == "" {
			continue // INDEX.HTM, README.TXT
		}
		if r.files[inside] != nil {
			r.fault(&Error{Code: DuplicateName, Text: "a second file of the same name was ignored"})
			continue
		}
		r.files[inside] = f
		if !slices.Contains(r.folders, folder) {
			r.folders = append(r.folders, folder)
		}
	}
	slices.Sort(r.folders)
	return nil
}

func escapes(name string) bool {
	return name == "" || path.IsAbs(name) || strings.ContainsAny(name, ":\x00") || path.Clean(name) != name || strings.HasPrefix(name, "../")
}

// open inflates a file, believing nothing of its header.
func (r *reader) open(f *zip.File) ([]byte, *Error) {
	limit := min(r.limits.File, r.limits.Total-r.total)
	if compressed := int64(min(f.CompressedSize64, 1<<40)); compressed*r.limits.Ratio < limit {
		limit = max(compressed*r.limits.Ratio, min(limit, 1<<20))
	}
	in, err := f.Open()
	if err != nil {
		return nil, &Error{Code: NotArchive, Text: "a file cannot be opened: it may be encrypted or compressed in an unknown way"}
	}
	defer in.Close()
	var b bytes.Buffer
	if f.UncompressedSize64 <= uint64(limit) {
		b.Grow(int(f.UncompressedSize64) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(in, limit+1))
	r.total += n
	switch {
	case n > limit:
		return nil, &Error{Code: LimitReached, Text: fmt.Sprintf("a file inflates beyond %d bytes", limit)}
	case err != nil:
		return nil, &Error{Code: NotArchive, Text: "a file does not inflate"}
	}
	return b.Bytes(), nil
}

func (r *reader) subset(rank int, folder string) {
	metadata := r.files[folder+"/metadata.xml"]
	if metadata == nil {
		r.fault(&Error{Code: MetadataMissing, Subset: rank, Text: "no METADATA.XML: its documents are not read"})
		return
	}
	b, e := r.open(metadata)
	if e != nil {
		e.Subset = rank
		r.fault(e)
		return
	}
	submission, err := xds.Parse(b, r.limits.XML)
	if err != nil {
		r.fault(&Error{Code: MetadataInvalid, Subset: rank, Err: err})
		return
	}
	if len(submission.Documents) == 0 {
		r.fault(&Error{Code: CDAMissing, Subset: rank, Text: "the metadata describe no document"})
	}
	s := Subset{Name: strings.ToUpper(folder), Submission: submission}
	for i, entry := range submission.Documents {
		d := Document{Entry: entry, Action: action(entry)}
		if e := r.document(folder, &d); e != nil {
			e.Subset, e.Document = rank, i+1
			d.Err = e
		}
		s.Documents = append(s.Documents, d)
	}
	r.archive.Subsets = append(r.archive.Subsets, s)
}

// document finds the file of an entry and checks it.
func (r *reader) document(folder string, d *Document) *Error {
	uri := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(d.Entry.URI), `\`, "/"))
	f := r.files[path.Join(folder, uri)]
	if uri == "" || f == nil || escapes(path.Clean(uri)) {
		return &Error{Code: CDAMissing, Text: "the archive has no file at the URI of the metadata"}
	}
	b, e := r.open(f)
	if e != nil {
		return e
	}
	d.Data = b
	doc, err := cda.Parse(b, r.limits.XML)
	d.CDA = doc
	sum := sha1.Sum(b)
	switch {
	case len(b) == 0:
		return &Error{Code: EmptyFile}
	case d.Entry.Size != 0 && d.Entry.Size != int64(len(b)):
		return &Error{Code: SizeMismatch, Text: fmt.Sprintf("%d bytes, %d announced", len(b), d.Entry.Size)}
	case d.Entry.Hash != "" && !strings.EqualFold(strings.TrimSpace(d.Entry.Hash), hex.EncodeToString(sum[:])):
		return &Error{Code: HashMismatch, Text: "the file was changed after the metadata were made"}
	case err != nil:
		return &Error{Code: NotCDA, Err: err}
	}
	if ins, ok := doc.Patient.INS(); ok && d.Entry.PatientID.ID != "" &&
		(ins.Extension != d.Entry.PatientID.ID || d.Entry.PatientID.Authority.ID != "" && ins.Root != d.Entry.PatientID.Authority.ID) {
		return &Error{Code: PatientMismatch, Text: "the INS of the document is not the patientId of the metadata"}
	}
	return nil
}

// action reads the extra metadata of an entry; the name of the slot is public
// in part only, so that any that ends with "action" counts.
func action(e xds.DocumentEntry) string {
	for _, s := range e.Extra {
		if strings.HasSuffix(strings.ToLower(s.Name), DefaultActionSlot) && len(s.Values) > 0 {
			return strings.ToUpper(strings.TrimSpace(s.Values[0]))
		}
	}
	return ""
}
