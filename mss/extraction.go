package mss

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"regexp"
	"strings"
	"unique"

	"golang.org/x/text/unicode/norm"
)

// Extracted is a row of the public extraction of the directory.
type Extracted struct {
	FamilyName, GivenName  string // of who exercises, empty for a structure
	Skill                  string // savoir-faire, its label
	StructureName          string
	PostalCode, Department string
	Street, City           string // lines 4 and 6 of the postal address
	mailbox                mailbox
	columns                *extractionHeader
	fields                 []string
}

// Address gives the address of the mailbox. Rows are many and those that are
// kept few: it is made when it is asked for.
func (e Extracted) Address() Address {
	if e.mailbox == (mailbox{}) {
		return Address{}
	}
	return Address{unique.Make(e.mailbox)}
}

// Column gives the field of a column by its title in the file, compared without
// regard to case and accents; false for a column that the file does not have.
func (e Extracted) Column(title string) (string, bool) {
	if e.columns == nil {
		return "", false
	}
	i, ok := e.columns.index[plainTitle(title)]
	if !ok || i >= len(e.fields) {
		return "", false
	}
	return e.fields[i], true
}

// ExtractionError is a row, or a file, that cannot be read.
type ExtractionError struct {
	Line int // from 1, the header; 0 for the file
	Text string
	Err  error
}

// Error tells the line and the reason.
func (e *ExtractionError) Error() string {
	s := "mss: extraction"
	if e.Line > 0 {
		s += fmt.Sprintf(": line %d", e.Line)
	}
	if s += ": " + e.Text; e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *ExtractionError) Unwrap() error { return e.Err }

// Bounds of an extraction.
const (
	maxExtraction = 8 << 30 // bytes, inflated
	maxRow        = 64 << 10
	maxColumns    = 500
)

type extractionHeader struct {
	index   map[string]int // by plain title
	columns int
	known   [len(extractionTitles)]int // columns of extractionTitles, -1 for none
}

// The titles that Extracted has a field for, plain: the columns that are known.
var extractionTitles = [...]string{"adresse bal", "nom d exercice", "prenom d exercice", "libelle savoir faire", "raison sociale structure bal",
	"code postal structure bal", "departement structure bal", "l6ligneacheminement structure bal",
	"l4numerovoie structure bal", "l4complementnumerovoie structure bal", "nl4typevoie structure bal", "l4libellevoie structure bal"}

const firstOfStreet = 8

// ReadExtraction reads the public extraction of the directory, row by row: a
// text with a title line, whose fields are separated by "|". A row that cannot
// be read is given as an error, an *ExtractionError, and the next ones follow;
// a file that cannot be read ends the sequence. Only one row is in memory.
func ReadExtraction(r io.Reader) iter.Seq2[Extracted, error] {
	return func(yield func(Extracted, error) bool) {
		limited := &io.LimitedReader{R: r, N: maxExtraction}
		lines := bufio.NewReaderSize(limited, maxRow)
		var h *extractionHeader
		for n := 1; ; n++ {
			line, err := lines.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) {
				for errors.Is(err, bufio.ErrBufferFull) {
					_, err = lines.ReadSlice('\n')
				}
				if h == nil || err != nil && !errors.Is(err, io.EOF) {
					yield(Extracted{}, &ExtractionError{n, "a line too long for a title line", nil})
					return
				}
				if !yield(Extracted{}, &ExtractionError{n, fmt.Sprintf("row of more than %d bytes", maxRow), nil}) || err != nil {
					return
				}
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Extracted{}, &ExtractionError{n, "the file cannot be read further", err})
				return
			}
			if limited.N <= 0 {
				yield(Extracted{}, &ExtractionError{n, "file larger than what is accepted", nil})
				return
			}
			end := err != nil
			line = bytes.TrimRight(line, "\r\n")
			if h == nil {
				if len(line) == 0 && end {
					yield(Extracted{}, &ExtractionError{n, "a title line expected, an empty file came", nil})
					return
				}
				if h = parseTitles(line); h == nil {
					yield(Extracted{}, &ExtractionError{n, `titles separated by "|" expected, "Adresse BAL" among them`, nil})
					return
				}
			} else if len(line) > 0 {
				row, err := h.row(line)
				if err != nil {
					err = &ExtractionError{n, err.Error(), nil}
				}
				if !yield(row, err) {
					return
				}
			}
			if end {
				return
			}
		}
	}
}

// OpenExtraction is ReadExtraction for a file that may be zipped, as it is
// published: of a ZIP archive it reads the text whose name begins with
// extraction-correspondance-mssante, or else the only one.
func OpenExtraction(file io.ReaderAt, size int64) iter.Seq2[Extracted, error] {
	fail := func(text string, err error) iter.Seq2[Extracted, error] {
		return func(yield func(Extracted, error) bool) { yield(Extracted{}, &ExtractionError{0, text, err}) }
	}
	start := make([]byte, 4)
	if n, err := file.ReadAt(start, 0); err != nil && !errors.Is(err, io.EOF) {
		return fail("the file cannot be read", err)
	} else if !bytes.Equal(start[:n], []byte("PK\x03\x04")) {
		return ReadExtraction(io.NewSectionReader(file, 0, size))
	}
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return fail("a broken ZIP archive", err)
	}
	var texts []*zip.File
	for _, f := range archive.File {
		name := strings.ToLower(path.Base(strings.ReplaceAll(f.Name, `\`, "/")))
		if strings.HasPrefix(name, "extraction-correspondance-mssante") && strings.HasSuffix(name, ".txt") {
			texts = []*zip.File{f}
			break
		}
		if strings.HasSuffix(name, ".txt") {
			texts = append(texts, f)
		}
	}
	if len(texts) != 1 {
		return fail("one text expected in the ZIP archive", nil)
	}
	return func(yield func(Extracted, error) bool) {
		r, err := texts[0].Open()
		if err != nil {
			yield(Extracted{}, &ExtractionError{0, "a broken ZIP archive", err})
			return
		}
		defer r.Close()
		ReadExtraction(r)(yield)
	}
}

var notInTitles = regexp.MustCompile(`[^a-z0-9]+`)

// plainTitle gives a title without case, accents and punctuation.
func plainTitle(s string) string {
	return strings.Trim(notInTitles.ReplaceAllString(strings.ToLower(withoutAccents(s)), " "), " ")
}

func parseTitles(line []byte) *extractionHeader {
	s, _ := toUTF8(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")), "")
	titles := strings.Split(s, "|")
	if len(titles) > maxColumns {
		return nil
	}
	h := &extractionHeader{index: make(map[string]int, len(titles)), columns: len(titles)}
	for i, t := range titles {
		t = plainTitle(norm.NFC.String(t))
		if _, twice := h.index[t]; !twice {
			h.index[t] = i
		}
	}
	for i, t := range extractionTitles {
		if at, ok := h.index[t]; ok {
			h.known[i] = at
		} else {
			h.known[i] = -1
		}
	}
	if h.known[0] < 0 {
		return nil
	}
	return h
}

func (h *extractionHeader) row(line []byte) (Extracted, error) {
	s, _ := toUTF8(line, "")
	e := Extracted{columns: h, fields: strings.Split(s, "|")}
	// A last separator more, or empty fields left out at the end, change nothing.
	if n := len(e.fields); n > h.columns && (n > h.columns+1 || e.fields[n-1] != "") {
		return Extracted{}, fmt.Errorf("%d fields expected, %d came", h.columns, n)
	}
	var known [len(extractionTitles)]string
	for i, at := range h.known {
		if at < 0 || at >= len(e.fields) {
			continue
		}
		v := strings.TrimSpace(e.fields[at])
		if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
			v = v[1 : len(v)-1]
		}
		known[i] = v
	}
	var err error
	if e.mailbox, err = splitAddress(known[0]); err != nil {
		if e.mailbox, err = splitAddress(asciiAddress(known[0])); err != nil {
			return Extracted{}, errors.New(strings.TrimPrefix(err.Error(), "mss: "))
		}
	}
	e.FamilyName, e.GivenName, e.Skill, e.StructureName = known[1], known[2], known[3], known[4]
	e.PostalCode, e.Department, e.City = known[5], known[6], known[7]
	street := known[firstOfStreet:][:0]
	for _, v := range known[firstOfStreet:] {
		if v != "" {
			street = append(street, v)
		}
	}
	e.Street = strings.Join(street, " ")
	return e, nil
}
