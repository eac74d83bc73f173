package dmp

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
)

func TestACursorDoesNotTellTheMatricule(t *testing.T) {
	t.Parallel()
	parse := func(s string) ins.INS {
		id, err := ins.Parse(s, "1.2.250.1.213.1.4.10")
		require.NoError(t, err)
		return id
	}
	patient, other := parse("279035121518989"), parse("153078987658513")
	key := []byte("key")
	c := newCursor(key, patient)
	sum := sha256.Sum256(append(slices.Clone(c.Salt), patient.Matricule.Wire()...))
	require.NotEqual(t, sum[:], c.Patient, "who has the cursor alone could try all matricules")
	require.NotEqual(t, c.mark([]byte("another"), patient), c.Patient)
	require.Empty(t, newCursor(nil, patient).Patient, "without a key nothing is kept")

	_, err := readCursor(c.marshal(), key, patient, nil)
	require.NoError(t, err)
	for name, x := range map[string]struct {
		key     []byte
		patient ins.INS
	}{"another patient": {key, other}, "another key": {[]byte("another"), patient}} {
		_, err = readCursor(c.marshal(), x.key, x.patient, nil)
		require.ErrorIs(t, err, ErrPatientMismatch, name)
	}
	_, err = readCursor(c.marshal(), key, other, []ins.Past{{INS: patient}})
	require.NoError(t, err, "the INS that the patient had before")
	kept, err := readCursor(newCursor(nil, patient).marshal(), key, patient, nil)
	require.NoError(t, err, "one from before there was a key")
	require.Equal(t, kept.mark(key, patient), kept.Patient)
	kept, err = readCursor(c.marshal(), nil, patient, nil)
	require.NoError(t, err)
	require.Equal(t, c.Patient, kept.Patient, "the mark stays while the key is away")
}
