package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"time"
)

// maxTrace bounds one line of a file of traces.
const maxTrace = 64 << 10

// FileSink keeps traces in a file, one JSON document a line, on the disk before
// Put returns. One program writes to a file at a time; rotating it is done
// between two of them.
type FileSink struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenFileSink opens a file of traces, or makes it, readable by its owner alone.
// A line that a crash left unfinished stays, alone on its line.
func OpenFileSink(path string) (*FileSink, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("proxy: traces: %w", err)
	}
	s := &FileSink{path: path, file: f}
	if err := s.mend(); err != nil {
		f.Close()
		return nil, fmt.Errorf("proxy: traces: %w", err)
	}
	return s, nil
}

func (s *FileSink) mend() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if s.size = info.Size(); s.size == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := s.file.ReadAt(last, s.size-1); err != nil {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	_, err = s.file.Write([]byte{'\n'})
	s.size++
	return err
}

// Put implements [Sink].
func (s *FileSink) Put(_ context.Context, t Trace) error {
	if err := t.Check(); err != nil {
		return err
	}
	line, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("proxy: traces: %w", err)
	}
	if line = append(line, '\n'); len(line) > maxTrace {
		return errors.New("proxy: traces: a trace of more than 64 KiB")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return errors.New("proxy: traces: the file is closed")
	}
	n, err := s.file.Write(line)
	s.size += int64(n)
	if err == nil {
		err = s.file.Sync()
	} else if n > 0 && s.mend() != nil { // half a line must not spoil the next
		_ = s.file.Close()
		s.file = nil
	}
	if err != nil {
		return fmt.Errorf("proxy: traces: %w", err)
	}
	return nil
}

// Between implements [Sink]. A line that is not a trace is an error, and the
// next ones follow.
func (s *FileSink) Between(ctx context.Context, start, end time.Time) iter.Seq2[Trace, error] {
	s.mu.Lock()
	size := s.size
	s.mu.Unlock()
	return func(yield func(Trace, error) bool) {
		f, err := os.Open(s.path)
		if err != nil {
			yield(Trace{}, fmt.Errorf("proxy: traces: %w", err))
			return
		}
		defer f.Close()
		lines := bufio.NewScanner(io.LimitReader(f, size))
		lines.Buffer(nil, maxTrace)
		for n := 1; lines.Scan(); n++ {
			if err := ctx.Err(); err != nil {
				yield(Trace{}, err)
				return
			}
			var t Trace
			if json.Unmarshal(lines.Bytes(), &t) != nil || t.Check() != nil {
				if !yield(Trace{}, fmt.Errorf("proxy: traces: line %d is not a trace", n)) {
					return
				}
				continue
			}
			if t.within(start, end) && !yield(t, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Trace{}, fmt.Errorf("proxy: traces: %w", err))
		}
	}
}

// Close closes the file. Traces can still be read.
func (s *FileSink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
