package mss_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
)

// deep is multiparts in one another, each with what boundary gives, over a body.
func deep(boundary func(i int) (declared, line string), body string) []byte {
	var b bytes.Buffer
	b.WriteString("From: <" + office + ">\r\nMessage-ID: <a@b>\r\n")
	for i := range 12 {
		declared, line := boundary(i)
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n%s\r\n", declared, line)
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

func exactly(i int) (string, string) { return fmt.Sprintf("b%d", i), fmt.Sprintf("--b%d", i) }

// What a message is made of costs one pass for each level, and a pass looks at
// no lines: the times are those of 60 MB, against one of copying them.
func TestNestedPartsOverLineEnds(t *testing.T) {
	body := strings.Repeat("\n", 60<<20)
	for name, boundary := range map[string]func(int) (string, string){
		"exact": exactly,
		// The wrong dash, which is looked for line by line.
		"slips": func(i int) (string, string) { return fmt.Sprintf("bord-er%d", i), fmt.Sprintf("–bord–er%d", i) },
	} {
		raw := deep(boundary, body)
		start := time.Now()
		m := mss.ParseMessage(raw)
		took := time.Since(start)
		require.NotEmpty(t, m.Faults)
		t.Log(name, took)
		require.Less(t, took, 8*time.Second, name) // 13 s before, on an idle machine; 0.1 s and 0.8 s now
	}
}
