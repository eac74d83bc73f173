package dmp

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// File is the content of a document: a file of a known size that is opened each
// time it is read.
type File struct {
	MediaType string // "application/pdf", "text/plain", "image/jpeg", "image/tiff", "application/rtf"
	Size      int64  // exact number of bytes
	Open      func() (io.ReadCloser, error)
}

// Bytes gives a file that is in memory.
func Bytes(mediaType string, b []byte) File {
	return File{MediaType: mediaType, Size: int64(len(b)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// OpenFile gives a file of the disk, whose media type is that of its extension.
// The file must not change before its document is submitted.
func OpenFile(path string) (File, error) {
	media := map[string]string{".pdf": "application/pdf", ".txt": "text/plain", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
		".tif": "image/tiff", ".tiff": "image/tiff", ".rtf": "application/rtf"}[strings.ToLower(filepath.Ext(path))]
	if media == "" {
		return File{}, refusal(opDocument, ErrInvalidDocument, "a file .pdf, .txt, .jpg, .tif or .rtf is expected", "")
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("not a regular file")
	}
	if err != nil {
		e := refusal(opDocument, ErrInvalidDocument, "the file cannot be read", "")
		e.Err = err
		return File{}, e
	}
	return File{MediaType: media, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

const pdf = "application/pdf"

// inspected looks at a file that is being read: does a PDF begin as one, and
// does it say that it is PDF/A? A PDF/A holds its XMP metadata uncompressed
// (ISO 19005-1 §6.7.2), so that the mark can be found.
type inspected struct {
	io.ReadCloser
	head []byte // the first bytes
	tail []byte // the last, in case the mark is cut by a read
	pdfa bool
}

const pdfaMark = "pdfaid:part"

func (i *inspected) Read(p []byte) (int, error) {
	n, err := i.ReadCloser.Read(p)
	b := p[:n]
	if room := 1024 - len(i.head); room > 0 {
		i.head = append(i.head, b[:min(room, n)]...)
	}
	if !i.pdfa {
		seam := append(i.tail, b[:min(n, len(pdfaMark)-1)]...)
		i.pdfa = bytes.Contains(seam, []byte(pdfaMark)) || bytes.Contains(b, []byte(pdfaMark))
		if n >= len(pdfaMark)-1 {
			i.tail = append(i.tail[:0], b[n-len(pdfaMark)+1:]...)
		} else {
			i.tail = append([]byte(nil), seam[max(0, len(seam)-len(pdfaMark)+1):]...)
		}
	}
	return n, err
}

// isPDF reports whether the first bytes hold the mark of a PDF (ISO 32000-1 §7.5.2,
// appendix H: readers find it in the first 1024 bytes).
func (i *inspected) isPDF() bool { return bytes.Contains(i.head, []byte("%PDF-")) }
