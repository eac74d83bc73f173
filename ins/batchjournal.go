package ins

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"
)

// FileJournal keeps the results of a [BatchVerifier] in a file: after a first
// line that says what it is, one JSON document a line. What Append returned
// from is on the disk. It identifies nobody, and may be read while it grows.
type FileJournal struct {
	mu  sync.Mutex
	f   *os.File
	end int64 // of what is kept
}

const (
	journalHead = `{"journal":"socle ins verification","version":1}` + "\n"
	maxRecord   = 8 << 10
)

// ErrJournal: a file is no journal of a verification, is damaged, or is written
// by another program.
var ErrJournal = errors.New("unusable journal")

func badJournal(text string, err error) error {
	return &Error{Op: "journal", Text: text, Err: err, kind: ErrJournal}
}

// OpenFileJournal opens the journal at path, or makes one. A last line that a
// crash cut is dropped: it was never acknowledged. A file that is something else
// is left alone, and the error is [ErrJournal]. One process may have it open at
// a time.
func OpenFileJournal(path string) (*FileJournal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, badJournal("it cannot be opened", err)
	}
	j := &FileJournal{f: f}
	if err := j.recover(path); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// recover finds the end of what is kept and cuts the file there.
func (j *FileJournal) recover(path string) error {
	head := make([]byte, len(journalHead))
	n, err := io.ReadFull(j.f, head)
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return badJournal("it cannot be read", err)
	case string(head[:n]) != journalHead[:n]:
		return badJournal("the file is something else", nil)
	case n < len(head):
		if _, err := j.f.WriteAt([]byte(journalHead), 0); err != nil {
			return badJournal("it cannot be written", err)
		}
		if err := j.sync(); err != nil {
			return err
		}
		if dir, err := os.Open(filepath.Dir(path)); err == nil { // makes the name last; not every system can
			_ = dir.Sync()
			dir.Close()
		}
		j.end = int64(len(journalHead))
		return nil
	}
	j.end = int64(len(head))
	damaged := false
	number := 0
	for record, err := range j.records(-1) {
		var l LineResult
		switch {
		case err != nil && !errors.Is(err, ErrJournal):
			return badJournal("it cannot be read", err)
		case err == nil && readRecord(record, &l) == nil && l.Number == number+1 && !damaged:
			number++
			j.end += int64(len(record))
		case err == nil && readRecord(record, &l) == nil:
			return badJournal(fmt.Sprintf("it is damaged after line %d, and goes on after the damage", number), nil)
		default:
			damaged = true
		}
	}
	if err := j.f.Truncate(j.end); err != nil {
		return badJournal("it cannot be written", err)
	}
	return j.sync()
}

// records gives the lines after the first, up to end, or of the whole file when
// end is negative. One that is too long or has no end is an error ErrJournal.
func (j *FileJournal) records(end int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		from := int64(len(journalHead))
		length := int64(1) << 62
		if end >= 0 {
			length = end - from
		}
		r := bufio.NewReaderSize(io.NewSectionReader(j.f, from, length), maxRecord)
		for {
			record, err := r.ReadSlice('\n')
			switch {
			case err == nil:
			case errors.Is(err, io.EOF) && len(record) == 0:
				return
			case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
				err = badJournal("a line is cut or too long", nil)
			}
			if !yield(record, err) || err != nil && !errors.Is(err, ErrJournal) {
				return
			}
		}
	}
}

func readRecord(record []byte, l *LineResult) error {
	d := json.NewDecoder(bytes.NewReader(record))
	d.DisallowUnknownFields()
	if err := d.Decode(l); err != nil {
		return badJournal("a line is malformed", nil)
	}
	if l.Number < 1 || checkRef(l.Ref) != nil || l.Outcome == "" {
		return badJournal("a line is malformed", nil)
	}
	return nil
}

// Results gives what is kept, in order.
func (j *FileJournal) Results() iter.Seq2[LineResult, error] {
	return func(yield func(LineResult, error) bool) {
		j.mu.Lock()
		end := j.end
		j.mu.Unlock()
		for record, err := range j.records(end) {
			var l LineResult
			if err == nil {
				err = readRecord(record, &l)
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// Append keeps results and returns when they are on the disk. After an error
// nothing of them is kept.
func (j *FileJournal) Append(_ context.Context, results ...LineResult) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, l := range results {
		if len(l.Reason) > 1000 {
			l.Reason = l.Reason[:1000]
		}
		from := b.Len()
		if err := e.Encode(l); err != nil {
			return badJournal("a result cannot be written", err)
		}
		if b.Len()-from > maxRecord {
			return badJournal("a result is too long to be read again", nil)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if info, err := j.f.Stat(); err != nil || info.Size() != j.end {
		return badJournal("another program writes into the file, or the disk failed", err)
	}
	_, err := j.f.WriteAt(b.Bytes(), j.end)
	if err == nil {
		err = j.sync()
	}
	if err != nil {
		return badJournal("it cannot be written", errors.Join(err, j.f.Truncate(j.end)))
	}
	j.end += int64(b.Len())
	return nil
}

func (j *FileJournal) sync() error {
	if err := j.f.Sync(); err != nil {
		return badJournal("it cannot be written", err)
	}
	return nil
}

// Close closes the file.
func (j *FileJournal) Close() error { return j.f.Close() }
