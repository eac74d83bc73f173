package dmp_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

var (
	assertionForm = regexp.MustCompile(`(?s)<saml2:Assertion .*</saml2:Assertion>`)
	signatureForm = regexp.MustCompile(`(?s)<ds:Signature .*</ds:Signature>`)
	idForm        = regexp.MustCompile(` ID="[^"]*"`)
)

// An assertion that somebody else signed is put where a verifier might take it
// for the proof of another one, in the name of another professional.
func TestTheEmulatorRefusesWrappedAssertions(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, plain, patient, report())
	const victim, attacker = "810000000017", "810000000025"
	evil := func(signed string) string {
		return idForm.ReplaceAllString(strings.ReplaceAll(signed, victim, attacker), ` ID="_evil"`)
	}
	unsigned := func(a string) string { return signatureForm.ReplaceAllString(a, "") }
	into := func(a, what string) string {
		return strings.Replace(a, "</ds:Signature>", what+"</ds:Signature>", 1)
	}
	for name, wrap := range map[string]func(signed string) string{
		"changed":                   func(a string) string { return strings.ReplaceAll(a, victim, attacker) },
		"evil one first":            func(a string) string { return unsigned(evil(a)) + a },
		"evil one last":             func(a string) string { return a + unsigned(evil(a)) },
		"evil one in a wrapper":     func(a string) string { return "<x>" + unsigned(evil(a)) + "</x>" + a },
		"original in a wrapper":     func(a string) string { return unsigned(evil(a)) + "<x>" + a + "</x>" },
		"original in the signature": func(a string) string { return into(evil(a), unsigned(a)) },
		"original in an Object":     func(a string) string { return into(evil(a), "<ds:Object>"+unsigned(a)+"</ds:Object>") },
		"same identifier, in Object": func(a string) string {
			return into(strings.ReplaceAll(a, victim, attacker), "<ds:Object>"+unsigned(a)+"</ds:Object>")
		},
		"original inside the evil one": func(a string) string {
			return strings.Replace(evil(a), "</saml2:Assertion>", a+"</saml2:Assertion>", 1)
		},
		"original in the Subject": func(a string) string {
			return strings.Replace(unsigned(evil(a)), "<saml2:Subject>", "<saml2:Subject>"+a, 1)
		},
		"without signature": unsigned,
		"two Securities": func(a string) string {
			return unsigned(evil(a)) + `</wsse:Security><wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">` + a
		},
	} {
		c := client(t, srv, tampering(func(b []byte) []byte {
			return assertionForm.ReplaceAllFunc(b, func(a []byte) []byte { return []byte(wrap(string(a))) })
		}))
		_, err := c.Submit(t.Context(), pharmacist, patient, s)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err), name)
		require.Contains(t, []string{"DMPInvalidVIHF", "DMPInvalidCertificate"}, e.Code, "%s: %s", name, e.Text)
		require.Empty(t, srv.Documents(find(t, "HALL").INS), name)
	}
	_, err := plain.Submit(t.Context(), pharmacist, patient, s)
	require.NoError(t, err)
}

// The same with the signature of a lot: what is signed stays somewhere, and
// another manifest is where one looks for it.
func TestTheEmulatorRefusesWrappedLots(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, plain, patient, report())
	manifest := regexp.MustCompile(`(?s)<Manifest .*</Manifest>`)
	lot := regexp.MustCompile(`(?s)<Signature xmlns="http://www.w3.org/2000/09/xmldsig#".*</Signature>`)
	// The hash and the size of the signature would tell first.
	told := regexp.MustCompile(`<rim:Slot name="(hash|size)"><rim:ValueList><rim:Value>[^<]*</rim:Value></rim:ValueList></rim:Slot>`)
	for name, wrap := range map[string]func(signature string) string{
		"another manifest first": func(l string) string {
			return manifest.ReplaceAllStringFunc(l, func(m string) string { return forged(m) + m })
		},
		"another manifest last": func(l string) string {
			return manifest.ReplaceAllStringFunc(l, func(m string) string { return m + forged(m) })
		},
		"another manifest, the signed one in an Object": func(l string) string {
			m := manifest.FindString(l)
			return strings.Replace(strings.Replace(l, m, forged(m), 1), "</Signature>", "<Object>"+m+"</Object></Signature>", 1)
		},
		"the same identifier": func(l string) string {
			m := manifest.FindString(l)
			same := strings.Replace(forged(m), "IHEManifest2", "IHEManifest", 1)
			return strings.Replace(l, "<Object>", "<Object>"+same+"</Object><Object>", 1)
		},
		"only another manifest": func(l string) string {
			return manifest.ReplaceAllStringFunc(l, func(m string) string { return strings.Replace(forged(m), "IHEManifest2", "IHEManifest", 1) })
		},
		"two signatures": func(l string) string { return "<Signatures>" + l + l + "</Signatures>" },
	} {
		c := client(t, srv, tampering(func(b []byte) []byte {
			b = told.ReplaceAll(b, nil)
			return lot.ReplaceAllFunc(b, func(l []byte) []byte { return []byte(wrap(string(l))) })
		}))
		_, err := c.Submit(t.Context(), pharmacist, patient, s)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, "XDSRepositoryMetadataError", e.Code, "%s: %s", name, e.Text)
		require.Contains(t, e.Text, "signature du lot", name)
		require.Empty(t, srv.Documents(find(t, "HALL").INS), name)
	}
	_, err := plain.Submit(t.Context(), pharmacist, patient, s)
	require.NoError(t, err)
}

// forged is a manifest with another digest of the document.
func forged(manifest string) string {
	manifest = strings.Replace(manifest, `Id="IHEManifest"`, `Id="IHEManifest2"`, 1)
	return regexp.MustCompile(`<DigestValue>[^A][^<]*</DigestValue>|<DigestValue>A[^A][^<]*</DigestValue>`).ReplaceAllString(manifest, "<DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</DigestValue>")
}
