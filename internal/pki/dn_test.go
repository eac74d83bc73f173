package pki_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/internal/pki"
)

func TestDN(t *testing.T) {
	t.Parallel()
	a := authority(t)
	org := must(t)(a.Organisation(pharmacy, pki.Sign))
	require.Equal(t, "CN=INSI-AUTO,OU=10B0152872,O=PHARMACIE DU MARCHÉ,ST=Rhône (69),C=FR", pki.DN(org))

	card := must(t)(a.Card(holder, pki.CardSign))
	require.Equal(t, "2.5.4.42=#"+printable("ALIX")+"+2.5.4.4=#"+printable("PHARMACIENX")+"+CN=899900063480,2.5.4.12=#"+printable("Pharmacien")+",C=FR", pki.DN(card))
	require.Empty(t, pki.DN(nil))
	require.Empty(t, pki.DN(&x509.Certificate{RawSubject: []byte("no DER")}))
}

func printable(s string) string {
	return hex.EncodeToString(append([]byte{0x13, byte(len(s))}, s...))
}

func TestEqualDNAcrossRenderings(t *testing.T) {
	t.Parallel()
	card := pki.DN(must(t)(authority(t).Card(holder, pki.CardSign)))
	for _, other := range []string{
		"2.5.4.42=ALIX+CN=899900063480+SN=PHARMACIENX,T=Pharmacien,C=FR",
		"CN=899900063480 + SURNAME=PHARMACIENX + GIVENNAME=ALIX, TITLE=Pharmacien, C=FR",
		"OID.2.5.4.3=899900063480+oid.2.5.4.4=#0c0b504841524d414349454e58+gn=alix;title=\"PHARMACIEN\";c=fr",
		"CN=899900063480+2.5.4.4=#140b504841524d414349454e58+2.5.4.42=#1404414c4958,2.5.4.12=Pharma\\63ien,C=FR",
	} {
		require.True(t, pki.EqualDN(card, other), other)
		require.True(t, pki.EqualDN(other, card), other)
	}
	for _, other := range []string{
		"",
		"CN=899900063480,SN=PHARMACIENX,GN=ALIX,T=Pharmacien,C=FR", // RDNs instead of one
		"C=FR,T=Pharmacien,CN=899900063480+SN=PHARMACIENX+GN=ALIX", // the other order
		"CN=899900063480+SN=PHARMACIENX+GN=ALIX,T=Pharmacien",
		"CN=899900063480+SN=PHARMACIENX+GN=ALIX+GN=ALIX,T=Pharmacien,C=FR",
		"CN=899900063480+SN=PHARMACIENX+GN=ALICE,T=Pharmacien,C=FR",
		"CN=899900063480+GN=PHARMACIENX+SN=ALIX,T=Pharmacien,C=FR",
	} {
		require.False(t, pki.EqualDN(card, other), other)
	}
}

func TestEqualDNText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"O=PHARMACIE  DU   MARCHÉ", "o= pharmacie du marché ", true},
		{"O=É", "O=\\C3\\89", true},
		{"O=É", "O=#1401c9", true}, // T61String
		{"O=É", "O=#1e0200c9", true},
		{"O=É", "O=?", false},
		{`O=a\,b`, `O="a,b"`, true},
		{`O=a\,b`, "O=a,O=b", false},
		{`O=\#1401c9`, "O=#1401c9", false}, // text that looks like hexadecimal
		{"O=#0201ff", "O=#0201FF", true},   // an INTEGER: no text
		{"O=#0201ff", `O=\#0201ff`, false},
		{`O=\\#0201ff`, `O=\#0201ff`, false},
		{"OU=ST", "OU=st", true},
		{"ST=x", "S=x", true},
		{"1.2.3=x", "1.2.3=#1301" + "78", true},
		{"1.2.3=x", "1.2.4=x", false},
		{"CN=", "CN=", true},
		{"CN=a", "CN=", false},
		// malformed: equal to nothing, themselves included
		{"CN", "CN", false},
		{"=x", "=x", false},
		{"1.=x", "1.=x", false},
		{"1.02=x", "1.02=x", false},
		{"XX=x", "XX=x", false},
		{"CN=a,", "CN=a,", false},
		{"CN=a++O=b", "CN=a++O=b", false},
		{`CN=a\`, `CN=a\`, false},
		{`CN="a`, `CN="a`, false},
		{`CN="a"b`, `CN="a"b`, false},
		{`CN=a"b`, `CN=a"b`, false},
		{"CN=#13", "CN=#13", false},
		{"CN=#zz", "CN=#zz", false},
		{"CN=#1301787f", "CN=#1301787f", false},
		{"CN=\\C3", "CN=\\C3", false},
		{"CN=\xff", "CN=\xff", false},
		{strings.Repeat("CN=a,", 64) + "C=FR", strings.Repeat("CN=a,", 64) + "C=FR", false},
		{"CN=" + strings.Repeat("a", 5000), "CN=" + strings.Repeat("a", 5000), false},
	} {
		require.Equal(t, tc.same, pki.EqualDN(tc.a, tc.b), "%q and %q", tc.a, tc.b)
		require.Equal(t, tc.same, pki.EqualDN(tc.b, tc.a), "%q and %q", tc.b, tc.a)
	}
}

// Whatever a certificate holds, DN and the standard library write names that
// are equal, and that differ as soon as one value does.
func TestDNAgreesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	types := []asn1.ObjectIdentifier{{2, 5, 4, 3}, {2, 5, 4, 4}, {2, 5, 4, 5}, {2, 5, 4, 6}, {2, 5, 4, 8}, {2, 5, 4, 10}, {2, 5, 4, 11}, {2, 5, 4, 12}, {2, 5, 4, 42}, {1, 2, 3, 4}}
	ava := rapid.Custom(func(t *rapid.T) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: rapid.SampledFrom(types).Draw(t, "type"), Value: rapid.StringOfN(rapid.RuneFrom([]rune(` ,+"\<>;#=aZ0éÉœ`)), 1, 12, -1).Draw(t, "value")}
	})
	rapid.Check(t, func(t *rapid.T) {
		var seq pkix.RDNSequence
		for _, rdn := range rapid.SliceOfN(rapid.SliceOfN(ava, 1, 3), 1, 5).Draw(t, "name") {
			seq = append(seq, rdn)
		}
		raw, err := asn1.Marshal(seq)
		require.NoError(t, err)
		ours := pki.DN(&x509.Certificate{RawSubject: raw})
		require.True(t, pki.EqualDN(ours, seq.String()), "%s\n%s", ours, seq)
		require.True(t, pki.EqualDN(ours, ours))

		seq[0][0].Value = seq[0][0].Value.(string) + "x"
		raw, err = asn1.Marshal(seq)
		require.NoError(t, err)
		require.False(t, pki.EqualDN(ours, pki.DN(&x509.Certificate{RawSubject: raw})))
	})
}

func FuzzEqualDN(f *testing.F) {
	for _, s := range []string{
		"CN=INSI-AUTO,OU=10B0127189,O=CENTRE DE SANTE RPPS12718,ST=Rhône (69),C=FR",
		"CN=00B6087510+2.5.4.4=#0c05414243+2.5.4.42=OLIVIER,T=Infirmier,C=FR",
		`O="a,b";OU=\C3\89\, x`, "CN=#0201ff", "=", `\`, "1.2=", "a=b+c",
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		same := pki.EqualDN(a, b)
		require.Equal(t, same, pki.EqualDN(b, a))
		if same {
			require.True(t, pki.EqualDN(a, a))
			require.True(t, pki.EqualDN(b, b))
			require.False(t, pki.EqualDN(a+",CN=other", b))
		}
	})
}

func FuzzDN(f *testing.F) {
	for _, s := range []string{"300d310b3009060355040613024652", "3019311730150603550403140e4d454445434ec9204c4f55495345", "30"} {
		raw, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		dn := pki.DN(&x509.Certificate{RawSubject: raw})
		if dn != "" && len(dn) <= 4096 && strings.Count(dn, "=") <= 64 {
			require.True(t, pki.EqualDN(dn, dn), dn)
		}
	})
}
