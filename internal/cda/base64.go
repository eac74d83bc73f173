package cda

import (
	"encoding/base64"
	"encoding/binary"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// pairs gives the two characters of 12 bits.
var pairs = func() (t [1 << 12]uint16) {
	for i := range t {
		t[i] = uint16(alphabet[i>>6]) | uint16(alphabet[i&63])<<8
	}
	return t
}()

// encodeBase64 writes the base64 (RFC 4648 §4) of src to dst, which has room
// for it, as encoding/base64 does, in less time: 12 bits at once and not 6.
func encodeBase64(dst, src []byte) {
	t := &pairs
	for len(src) >= 14 && len(dst) >= 16 { // 14: two loads of 8 bytes, of which 6 count
		s, d := src[:14:14], dst[:16:16]
		a, b := binary.BigEndian.Uint64(s), binary.BigEndian.Uint64(s[6:])
		binary.LittleEndian.PutUint64(d, uint64(t[a>>52])|uint64(t[a>>40&0xfff])<<16|uint64(t[a>>28&0xfff])<<32|uint64(t[a>>16&0xfff])<<48)
		binary.LittleEndian.PutUint64(d[8:], uint64(t[b>>52])|uint64(t[b>>40&0xfff])<<16|uint64(t[b>>28&0xfff])<<32|uint64(t[b>>16&0xfff])<<48)
		src, dst = src[12:], dst[16:]
	}
	base64.StdEncoding.Encode(dst, src)
}
