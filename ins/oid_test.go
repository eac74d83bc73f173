package ins_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
)

func TestOID(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]ins.OID{
		"1.2.250.1.213.1.4.8": ins.OIDNIR, "1.2.250.1.213.1.4.9": ins.OIDNIA,
		"1.2.250.1.213.1.4.10": ins.OIDTest, "1.2.250.1.213.1.4.11": ins.OIDDemo,
	} {
		o, err := ins.ParseOID(s)
		require.NoError(t, err)
		require.Equal(t, want, o)
		require.Equal(t, s, o.String())
		require.Equal(t, want == ins.OIDTest || want == ins.OIDDemo, o.Fictitious())
		require.NotEmpty(t, o.Kind())
	}
	for s, says := range map[string]string{
		"": "expected", "1.2.250.1.213.1.4.5": "expected", "urn:oid:1.2.250.1.213.1.4.8": "expected",
		"1.2.250.1.213.1.4.2": "INS-C", "1.2.250.1.213.1.4.13": "social security",
	} {
		_, err := ins.ParseOID(s)
		require.ErrorIs(t, err, ins.ErrInvalid)
		require.ErrorContains(t, err, says)
	}
	require.Empty(t, ins.OID(0).String())
	require.Equal(t, "oid(77)", ins.OID(77).String())
}

func TestTheKindComesFromTheOIDNeverFromTheDigit(t *testing.T) {
	t.Parallel()
	nia, err := ins.Parse("109076322088835", "1.2.250.1.213.1.4.9") // CNDA 2.05: an NIA that begins with 1
	require.NoError(t, err)
	require.Equal(t, "INS-NIA", nia.OID.Kind())
	require.Equal(t, "109076322088835^^^&1.2.250.1.213.1.4.9&ISO^NH", nia.CX())
	require.Equal(t, "109076322088835@patient.mssante.fr", nia.MSSante())
	require.Empty(t, ins.INS{Matricule: nia.Matricule}.CX(), "never alone")
	require.Empty(t, ins.INS{Matricule: nia.Matricule}.MSSante())
	_, err = ins.ParseLenient("109076322088899", "1.2.250.1.213.1.4.9")
	require.NoError(t, err)
	_, err = ins.ParseLenient("109076322088899", "1.2")
	require.ErrorIs(t, err, ins.ErrInvalid)
}
