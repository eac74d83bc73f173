package mss

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ending is a context that ends when it has been asked a number of times.
type ending struct {
	context.Context
	left, after int
}

func (e *ending) Err() error {
	if e.left--; e.left >= 0 {
		return nil
	}
	e.after++
	return context.DeadlineExceeded
}

// A message is taken apart as long as its reader waits for it: the work ends at
// whatever moment the context does, and soon.
func TestParsingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("From: <officine@pharmacie.formation.mssante.fr>\r\nMessage-ID: <a@b>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n")
	for range 50 {
		b.WriteString("--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + strings.Repeat("=20\r\n", 20_000))
	}
	fmt.Fprint(&b, "--b--\r\n")
	raw := []byte(b.String())
	whole := &ending{Context: context.Background(), left: 1 << 30}
	m, err := parseMessage(whole, raw)
	require.NoError(t, err)
	require.Len(t, m.Attachments, 50)
	asked := 1<<30 - whole.left
	require.Greater(t, asked, 150, "before each part, and while one is decoded")
	for _, at := range []int{0, 1, asked / 3, asked / 2, asked - 1} {
		c := &ending{Context: context.Background(), left: at}
		_, err := parseMessage(c, raw)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, c.after, 120, "nothing is begun any more but what each part asks for once")
	}
}
