package psc

import (
	"bytes"
	"compress/flate"
	"io"
	"sync"
)

// packed is the user information at rest in a session: most of it is empty
// members, that a program with thousands of sessions need not hold.
type packed []byte

var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.DefaultCompression) // the level is right
	return w
}}

func pack(raw []byte) packed {
	var b bytes.Buffer
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(&b)
	_, _ = w.Write(raw) // a buffer takes all
	_ = w.Close()
	return packed(bytes.Clone(b.Bytes()))
}

// unpack gives what was packed.
func (p packed) unpack() []byte {
	raw, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(p)), maxAnswer)) // of our own making
	return raw
}
