package saml_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/xmlsec"
	"github.com/soclesante/socle/internal/xmltree"
)

func TestCheckNamesTheFieldAndTheFix(t *testing.T) {
	t.Parallel()
	doctor := func(v *saml.VIHF) {
		v.Roles = []saml.Role{{Code: "10", System: socle.OIDProfession, Display: "Médecin"}}
	}
	for name, c := range map[string]struct {
		mode   saml.Mode
		change func(*saml.VIHF)
		want   string // in the error; empty: accepted
	}{
		"as it should be":              {saml.Direct, func(*saml.VIHF) {}, ""},
		"mode":                         {"DELEGUEE", func(*saml.VIHF) {}, "Mode: expected DIRECTE"},
		"no person":                    {saml.Direct, func(v *saml.VIHF) { v.NameID = "" }, "NameID"},
		"person without its prefix":    {saml.Direct, func(v *saml.VIHF) { v.NameID = "99900063480" }, "8 and RPPS"},
		"person by a structure":        {saml.Direct, func(v *saml.VIHF) { v.NameID = "30B0127189/42" }, ""},
		"no name in an indirect mode":  {saml.Indirect, func(v *saml.VIHF) { v.SubjectName = " " }, "SubjectName"},
		"no name, strong":              {saml.IndirectStrong, func(v *saml.VIHF) { v.SubjectName = "" }, "SubjectName"},
		"structure without its prefix": {saml.Direct, func(v *saml.VIHF) { v.StructureID = "0B0127189" }, "StructureID"},
		"no sector":                    {saml.Direct, func(v *saml.VIHF) { v.Sector = socle.Code{} }, "Sector"},
		"sector without its system":    {saml.Direct, func(v *saml.VIHF) { v.Sector.System = "" }, ""},
		"sector of another system":     {saml.Direct, func(v *saml.VIHF) { v.Sector.System = "1.2" }, "Sector"},
		"no role":                      {saml.Direct, func(v *saml.VIHF) { v.Roles = nil }, "Roles"},
		"role without display":         {saml.Direct, func(v *saml.VIHF) { v.Roles[0].Display = "" }, "Roles"},
		"three roles":                  {saml.Direct, func(v *saml.VIHF) { v.Roles = append(v.Roles, v.Roles[0]) }, "Roles"},
		"roles swapped":                {saml.Direct, func(v *saml.VIHF) { v.Roles[0], v.Roles[1] = v.Roles[1], v.Roles[0] }, "profession of TRE_G15"},
		"pharmacist without section":   {saml.Direct, func(v *saml.VIHF) { v.Roles = v.Roles[:1] }, "Aucune spécialité dans le vihf"},
		"pharmacist with a savoir-faire": {saml.Direct, func(v *saml.VIHF) {
			v.Roles[1] = saml.Role{Code: "SM26", System: socle.OIDSpeciality, Display: "x"}
		}, "section"},
		"doctor without speciality": {saml.Direct, doctor, "speciality of a doctor"},
		"doctor": {saml.Direct, func(v *saml.VIHF) {
			doctor(v)
			v.Roles = append(v.Roles, saml.Role{Code: "SM26", System: socle.OIDSpeciality, Display: "Qualifié en médecine générale (SM)"})
		}, ""},
		"preparer": {saml.Direct, func(v *saml.VIHF) {
			v.Roles = []saml.Role{{Code: "39", System: socle.OIDProfession, Display: "Préparateur"}}
		}, ""},
		"secretariat": {saml.Indirect, func(v *saml.VIHF) {
			v.NameID = "secretariat"
			v.Roles = []saml.Role{{Code: "SECRETARIAT_MEDICAL", System: "1.2.250.1.213.1.1.4.6", Display: "Secrétariat médical"}}
		}, ""},
		"no patient":                    {saml.Direct, func(v *saml.VIHF) { v.PatientID = "" }, "PatientID"},
		"about nobody":                  {saml.Direct, func(v *saml.VIHF) { v.PatientID, v.Nobody = "", true }, ""},
		"patient without its OID":       {saml.Direct, func(v *saml.VIHF) { v.PatientID = "207058575627097" }, "PatientID"},
		"patient of Corsica":            {saml.Direct, func(v *saml.VIHF) { v.PatientID = "101072B99900114^^^&1.2.250.1.213.1.4.10&ISO^NH" }, ""},
		"bris de glace without reason":  {saml.Direct, func(v *saml.VIHF) { v.Purpose = saml.BrisDeGlace() }, "Reason"},
		"no purpose is a normal access": {saml.Direct, func(v *saml.VIHF) { v.Purpose = saml.CE{} }, ""},
		"purpose without system":        {saml.Direct, func(v *saml.VIHF) { v.Purpose.System = "" }, "Purpose"},
		"no homologation":               {saml.Direct, func(v *saml.VIHF) { v.Software.Homologation = "" }, "Software.Homologation"},
		"identifier a UUID":             {saml.Direct, func(v *saml.VIHF) { v.ID = "5f3f2d35-6f0c-4a3e-9d53-0d5a3f0f4b11" }, "put _ before the UUID"},
		"no identifier":                 {saml.Direct, func(v *saml.VIHF) { v.ID = "" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := pharmacist(c.mode)
			c.change(&v)
			err := v.Check()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "207058575627097")
			require.NotContains(t, err.Error(), "LIBRE")
			_, signErr := v.Sign(testKeys(t).cardSign, now)
			require.Error(t, signErr)
		})
	}
	require.ErrorIs(t, func() error { v := pharmacist(saml.Direct); doctor(&v); return v.Check() }(), saml.ErrSpeciality)
	err := saml.VIHF{}.Check()
	for _, field := range []string{"Mode", "NameID", "StructureID", "Sector", "Roles", "PatientID", "Software.Name", "Software.Version", "Software.Homologation"} {
		require.ErrorContains(t, err, field, "all problems at once")
	}
}

func TestSignRefusesTheWrongPair(t *testing.T) {
	t.Parallel()
	k := testKeys(t)
	_, err := pharmacist(saml.Indirect).Sign(k.orgAuth, now)
	require.ErrorIs(t, err, pki.ErrWrongUsage)
	_, err = pharmacist(saml.Direct).Sign(k.cardAuth, now)
	require.ErrorIs(t, err, pki.ErrWrongUsage)
	_, err = pharmacist(saml.Indirect).Sign(k.orgSign, now.AddDate(10, 0, 0))
	require.ErrorIs(t, err, pki.ErrExpired)
	_, err = pharmacist(saml.Indirect).Sign(k.other, now)
	require.ErrorIs(t, err, saml.ErrStructure)
	_, err = pharmacist(saml.Indirect).Sign(tls.Certificate{}, now)
	require.ErrorIs(t, err, pki.ErrNoCertificate)
	v := pharmacist(saml.Direct)
	v.NameID = "30B0127189/42"
	_, err = v.Sign(k.cardSign, now)
	require.ErrorContains(t, err, "holder of the card")

	v = pharmacist(saml.Indirect)
	v.Dialect.AnyKeyUsage, v.Dialect.OtherStructure = true, true
	_, err = v.Sign(k.orgAuth, now)
	require.NoError(t, err)
	_, err = v.Sign(k.other, now)
	require.NoError(t, err)
}

func TestUnsigned(t *testing.T) {
	t.Parallel()
	k := testKeys(t)
	b, err := pharmacist(saml.Direct).Unsigned(k.cardAuth.Leaf, now)
	require.NoError(t, err)
	require.NotContains(t, string(b), "Signature")
	_, err = saml.Verify(b, options(t))
	require.ErrorIs(t, err, saml.ErrUnsigned)
	o := options(t)
	o.AllowUnsigned = true
	a, err := saml.Verify(b, o)
	require.NoError(t, err)
	require.Nil(t, a.Certificate)
	require.Equal(t, pki.DN(k.cardAuth.Leaf), a.Issuer)
	v, err := a.VIHF()
	require.NoError(t, err)
	require.Equal(t, saml.Direct, v.Mode)

	_, err = pharmacist(saml.Indirect).Unsigned(k.orgAuth.Leaf, now)
	require.ErrorIs(t, err, saml.ErrUnsigned)
	_, err = pharmacist(saml.Direct).Unsigned(nil, now)
	require.ErrorIs(t, err, saml.ErrField)
	// An indirect assertion stripped of its signature is no direct one.
	a, err = saml.Verify([]byte(strings.Replace(string(b), ">DIRECTE<", ">INDIRECTE<", 1)), o)
	require.NoError(t, err)
	_, err = a.VIHF()
	require.ErrorIs(t, err, saml.ErrUnsigned)
	// Comments may not cut a text in two.
	_, err = saml.Verify([]byte(strings.Replace(string(b), "899900063480", "8999000<!-- -->63480", 1)), o)
	require.ErrorIs(t, err, saml.ErrMalformed)
}

func TestVerifyTime(t *testing.T) {
	t.Parallel()
	signed, err := pharmacist(saml.Indirect).Sign(testKeys(t).orgSign, now)
	require.NoError(t, err)
	for _, c := range []struct {
		at     time.Time
		maxAge time.Duration
		ok     bool
	}{
		{now, 0, true}, {now.Add(-4 * time.Minute), 0, true}, {now.Add(-6 * time.Minute), 0, false},
		{now.Add(time.Hour), 0, true}, {now.Add(66 * time.Minute), 0, false},
		{now.Add(2 * time.Minute), time.Minute, true}, {now.Add(7 * time.Minute), time.Minute, false},
	} {
		o := options(t)
		o.Now, o.MaxAge = c.at, c.maxAge
		_, err := saml.Verify(signed, o)
		if c.ok {
			require.NoError(t, err, c.at)
		} else {
			require.ErrorIs(t, err, saml.ErrClock, c.at)
		}
	}
	_, err = saml.Verify(signed, saml.Options{Now: now})
	require.ErrorIs(t, err, saml.ErrField)
	_, err = saml.Verify(signed, saml.Options{Certificate: func(*x509.Certificate) error { return nil }})
	require.ErrorIs(t, err, saml.ErrField)
}

// resigned changes the assertion before it is signed: what a client with a key
// and a bug sends.
func resigned(t *testing.T, pair tls.Certificate, change func(string) string) []byte {
	t.Helper()
	b, err := pharmacist(saml.IndirectStrong).Sign(testKeys(t).orgSign, now)
	require.NoError(t, err)
	s := string(b)
	sig := s[strings.Index(s, "<ds:Signature "):strings.Index(s, "<saml2:Subject>")]
	s = change(strings.Replace(s, sig, "", 1))
	d, err := xmltree.Parse([]byte(s), xmltree.Limits{})
	require.NoError(t, err)
	c, err := xmlsec.Canonical(d.Root, xmlsec.Method{Algorithm: xmlsec.ExcC14N})
	require.NoError(t, err)
	signature, err := xmlsec.SignEnveloped(c, d.Root.Attr("ID"), pair, xmlsec.RSASHA256)
	require.NoError(t, err)
	return []byte(strings.Replace(s, "</saml2:Issuer>", "</saml2:Issuer>"+string(signature), 1))
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	k := testKeys(t)
	attribute := func(s, name string) string {
		from := strings.Index(s, `<saml2:Attribute Name="`+name+`">`)
		return s[from : from+strings.Index(s[from:], "</saml2:Attribute>")+len("</saml2:Attribute>")]
	}
	drop := func(name string) func(string) string {
		return func(s string) string { return strings.Replace(s, attribute(s, name), "", 1) }
	}
	swap := func(old, to string) func(string) string {
		return func(s string) string {
			require.Contains(t, s, old)
			return strings.Replace(s, old, to, 1)
		}
	}
	for name, c := range map[string]struct {
		pair   tls.Certificate
		change func(string) string
		want   error
	}{
		"nothing changed": {k.orgSign, func(s string) string { return s }, nil},
		"pretty printed":  {k.orgSign, func(s string) string { return strings.ReplaceAll(s, "><saml2:Attribute ", ">\n  <saml2:Attribute ") }, nil},
		"other prefixes": {k.orgSign, func(s string) string {
			return strings.NewReplacer("<Role xmlns=", "<h:Role xmlns:h=").Replace(strings.ReplaceAll(s, "</Role>", "</h:Role>"))
		}, nil},
		"the kit's mode":       {k.orgSign, swap("Authentification_mode", "Authentification_Mode"), nil},
		"no mode":              {k.orgSign, drop("Authentification_mode"), saml.ErrField},
		"unknown mode":         {k.orgSign, swap(">INDIRECTE_RENFORCEE<", ">DELEGUEE<"), saml.ErrField},
		"no structure":         {k.orgSign, drop("Identifiant_Structure"), saml.ErrField},
		"no sector":            {k.orgSign, drop("Secteur_Activite"), saml.ErrField},
		"bare sector":          {k.orgSign, swap("SA33^1.2.250.1.71.4.2.4", "SA33"), saml.ErrField},
		"no name":              {k.orgSign, drop("urn:oasis:names:tc:xspa:1.0:subject:subject-id"), saml.ErrField},
		"no role":              {k.orgSign, drop("urn:oasis:names:tc:xacml:2.0:subject:role"), saml.ErrField},
		"no version":           {k.orgSign, drop("VIHF_Version"), saml.ErrField},
		"unknown version":      {k.orgSign, swap(">3.0<", ">2.0<"), saml.ErrField},
		"about nobody":         {k.orgSign, drop("urn:oasis:names:tc:xacml:2.0:resource:resource-id"), nil},
		"no patient":           {k.orgSign, swap("207058575627097^^^&amp;1.2.250.1.213.1.4.10&amp;ISO^NH", ""), saml.ErrField},
		"patient without type": {k.orgSign, swap("ISO^NH", "ISO"), saml.ErrField},
		"no resource":          {k.orgSign, drop("Ressource_URN"), saml.ErrField},
		"no purpose":           {k.orgSign, drop("urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"), saml.ErrField},
		"no software":          {k.orgSign, drop("LPS_Nom"), saml.ErrField},
		"no homologation":      {k.orgSign, drop("LPS_ID_HOMOLOGATION_DMP"), saml.ErrField},
		"no install":           {k.orgSign, drop("LPS_ID"), nil},
		"attribute twice":      {k.orgSign, func(s string) string { a := attribute(s, "LPS_Nom"); return strings.Replace(s, a, a+a, 1) }, saml.ErrMalformed},
		"second role missing": {k.orgSign, func(s string) string {
			from := strings.Index(s, `<saml2:AttributeValue><Role xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" code="A"`)
			to := from + strings.Index(s[from:], "</saml2:AttributeValue>") + len("</saml2:AttributeValue>")
			return s[:from] + s[to:]
		}, saml.ErrSpeciality},
		"second role of a doctor":   {k.orgSign, swap("1.2.250.1.71.4.2.6", "1.2.250.1.71.4.2.5"), saml.ErrSpeciality},
		"role in another namespace": {k.orgSign, swap(`<Role xmlns="urn:hl7-org:v3"`, `<Role xmlns="urn:x"`), saml.ErrMalformed},
		"structure of another":      {k.orgSign, swap(">"+structure+"<", ">310000000000000<"), saml.ErrField},
		"issuer of another":         {k.orgSign, swap("CN=officine", "CN=autre"), saml.ErrIssuer},
		"issuer in another form":    {k.orgSign, swap("CN=officine,OU=", "2.5.4.3=#0c086f66666963696e65, ou="), nil},
		"certificate of another":    {k.other, func(s string) string { return s }, saml.ErrIssuer},
		"signed for TLS":            {k.orgAuth, func(s string) string { return s }, pki.ErrWrongUsage},
		"issuer without format":     {k.orgSign, swap(` Format="urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"`, ""), saml.ErrMalformed},
		"local time":                {k.orgSign, swap("09:30:00.123Z", "10:30:00.123+01:00"), saml.ErrMalformed},
		"SAML 1":                    {k.orgSign, swap(`Version="2.0"`, `Version="1.1"`), saml.ErrMalformed},
		"no AuthnStatement": {k.orgSign, func(s string) string {
			return s[:strings.Index(s, "<saml2:AuthnStatement")] + s[strings.Index(s, "<saml2:AttributeStatement"):]
		}, saml.ErrMalformed},
		"conditions": {k.orgSign, swap("<saml2:AuthnStatement", "<saml2:Conditions></saml2:Conditions><saml2:AuthnStatement"), saml.ErrMalformed},
		"no subject": {k.orgSign, func(s string) string {
			return s[:strings.Index(s, "<saml2:Subject>")] + s[strings.Index(s, "<saml2:AuthnStatement"):]
		}, saml.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := saml.Verify(resigned(t, c.pair, c.change), options(t))
			if err == nil {
				_, err = a.VIHF()
			}
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.want)
			require.NotContains(t, err.Error(), "207058575627097")
			require.NotContains(t, err.Error(), "LIBRE")
		})
	}
}

// An establishment of the same legal entity: the caller may decide.
func TestReaderGivesTheOtherStructure(t *testing.T) {
	t.Parallel()
	v := pharmacist(saml.Indirect)
	v.Dialect.OtherStructure = true
	b, err := v.Sign(testKeys(t).other, now)
	require.NoError(t, err)
	a, err := saml.Verify(b, options(t))
	require.NoError(t, err)
	got, err := a.VIHF()
	require.ErrorIs(t, err, saml.ErrStructure)
	require.Equal(t, structure, got.StructureID)
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	signed, err := pharmacist(saml.Indirect).Sign(testKeys(t).orgSign, now)
	require.NoError(t, err)
	d, err := xmltree.Parse(saml.Security(signed), xmltree.Limits{})
	require.NoError(t, err)
	require.True(t, d.Root.Is(saml.NSWSSE, "Security"))
	a, err := saml.VerifyElement(d.Root.First(saml.NS, "Assertion"), options(t))
	require.NoError(t, err)
	require.Equal(t, "899900063480", a.NameID)
	text, ok := a.Text("LPS_Nom")
	require.True(t, ok)
	require.Equal(t, "Logiciel <\"&'>", text)
	_, ok = a.Text("LPS")
	require.False(t, ok)
	d, err = xmltree.Parse(saml.Security(), xmltree.Limits{})
	require.NoError(t, err)
	require.Empty(t, d.Root.Children)
}

func TestRedaction(t *testing.T) {
	t.Parallel()
	v := pharmacist(saml.Indirect)
	signed, err := v.Sign(testKeys(t).orgSign, now)
	require.NoError(t, err)
	a, err := saml.Verify(signed, options(t))
	require.NoError(t, err)
	var b strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("x", "vihf", v, "pointer", &v, "assertion", a)
	}
	fmt.Fprintf(&b, "%v %+v %#v %s %v %#v", v, v, v, &v, a, a)
	require.Contains(t, b.String(), structure)
	for _, secret := range []string{"207058575627097", "LIBRE", "899900063480"} {
		require.NotContains(t, b.String(), secret)
	}
}

// A new assertion has a new identifier.
func TestNewIdentifiers(t *testing.T) {
	t.Parallel()
	v := pharmacist(saml.Direct)
	v.ID = ""
	seen := map[string]bool{}
	for range 10 {
		b, err := v.Unsigned(testKeys(t).cardAuth.Leaf, now)
		require.NoError(t, err)
		d, err := xmltree.Parse(b, xmltree.Limits{})
		require.NoError(t, err)
		id := d.Root.Attr("ID")
		require.Regexp(t, `^_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func FuzzVerify(f *testing.F) {
	signed, o := signedVIHF(f)
	f.Add(signed)
	unsigned, err := pharmacist(saml.Direct).Unsigned(testKeys(f).cardAuth.Leaf, now)
	require.NoError(f, err)
	f.Add(unsigned)
	leaf := testKeys(f).orgSign.Leaf
	o.AllowUnsigned = true
	o.Certificate = func(c *x509.Certificate) error {
		if !c.Equal(leaf) {
			return pki.ErrIssuer
		}
		return nil
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := saml.Verify(b, o)
		if err != nil {
			return
		}
		v, err := a.VIHF()
		if a.Certificate == nil {
			require.True(t, err != nil || v.Mode == saml.Direct)
			return
		}
		// The key signed one assertion.
		require.NoError(t, err)
		require.Equal(t, "899900063480", v.NameID)
		require.Equal(t, saml.Indirect, v.Mode)
	})
}
