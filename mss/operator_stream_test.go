package mss_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// Parts are told and streamed, a broken message is saved as it is.
func operatorStreams(t *testing.T, o *house) {
	ctx := context.Background()
	m := o.open(t, pharmacy)
	raw, hash := photo(2 << 20)
	raw = append([]byte("Message-ID: <photo@medecin.formation.mssante.fr>\r\n"), raw...)
	o.deliver(t, pharmacy, raw)
	id := arrived(t, m, byID("photo@medecin.formation.mssante.fr")).UID
	parts, err := m.Parts(ctx, id)
	require.NoError(t, err)
	require.Len(t, parts, 2)
	require.Equal(t, "ordonnance.jpg", parts[1].Name)
	r, err := m.OpenPart(ctx, id, "2")
	require.NoError(t, err)
	sum := sha256.New()
	_, err = io.Copy(sum, r)
	require.NoError(t, err)
	require.Equal(t, hash[:], sum.Sum(nil))
	var saved bytes.Buffer
	_, err = m.Save(ctx, id, &saved)
	require.NoError(t, err)
	require.True(t, bytes.Equal(raw, saved.Bytes()))

	slip := "Message-ID: <slip@medecin.formation.mssante.fr>\r\nFrom: <" + office + ">\r\nContent-Transfert-Encoding: base64\r\n\r\nQm9uam91cg==\r\n"
	o.deliver(t, pharmacy, []byte(slip))
	id = arrived(t, m, byID("slip@medecin.formation.mssante.fr")).UID
	r, err = m.OpenPart(ctx, id, "1")
	require.NoError(t, err)
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "Bonjour", string(content))
}
