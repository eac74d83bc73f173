package ins_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/ins"
)

// drawnIdentity gives an identity of any status that events can make.
func drawnIdentity(t *rapid.T) ins.Identity {
	tr := drawnTraits(t)
	if rapid.Bool().Draw(t, "no place") {
		tr.BirthPlace = ""
	}
	oid := rapid.SampledFrom([]ins.OID{ins.OIDNIR, ins.OIDNIA, ins.OIDTest, ins.OIDDemo}).Draw(t, "oid")
	m, err := ins.ParseMatricule("279035121518989")
	require.NoError(t, err)
	old, err := ins.ParseMatricule("180032B02040123")
	require.NoError(t, err)
	id, err := ins.NewIdentity(tr)
	require.NoError(t, err)
	step := func(next ins.Identity, err error) {
		require.NoError(t, err)
		id = next
	}
	if rapid.Bool().Draw(t, "accepted") {
		r := ins.Result{Active: ins.INS{Matricule: m, OID: oid}, Traits: tr, At: now}
		if rapid.Bool().Draw(t, "history") {
			r.History = []ins.Past{{INS: ins.INS{Matricule: old, OID: oid}, From: "2006-01-01", To: "2019-02-28"}, {INS: ins.INS{Matricule: old, OID: ins.OIDNIA}}}
		}
		step(id.Accept(r, accept))
	}
	if rapid.Bool().Draw(t, "proved") {
		step(id.Prove(ins.Evidence{Kind: rapid.SampledFrom(ins.EvidenceKinds()).Draw(t, "kind"), At: now}))
	}
	switch a := rapid.SampledFrom([]ins.Attribute{0, 0, ins.Homonyme, ins.Douteuse, ins.Douteuse | ins.Homonyme, ins.Fictive}).Draw(t, "attributes"); a {
	case 0:
	default:
		step(id.Mark(a, now, ""))
	}
	return id
}

func drawnExtra(t *rapid.T) ins.Extra {
	word := rapid.StringOfN(rapid.SampledFrom([]rune(`Abcé|^~\&<>"'- ŒÉ`)), 0, 8, -1)
	x := ins.Extra{UsedName: strings.Join(strings.Fields(word.Draw(t, "used")), " "), UsedGivenName: strings.Join(strings.Fields(word.Draw(t, "used given")), " ")}
	for range rapid.IntRange(1, 3).Draw(t, "local") {
		x.Local = append(x.Local, ins.LocalID{Value: "IPP" + strings.TrimSpace(word.Draw(t, "value")), OID: "1.2.250.1.71.4.2.2.7"})
	}
	return x
}

func TestPropertyOfFHIR(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id, x := drawnIdentity(t), drawnExtra(t)
		x.Method = rapid.SampledFrom([]ins.CollectionMethod{"", ins.Typed, ins.Teleservice, ins.VitaleApp}).Draw(t, "method")
		x.Codes = rapid.SampledFrom([]ins.StatusCodes{ins.RNIVCodes, ins.Table0445}).Draw(t, "codes")
		b, err := id.FHIR(x)
		require.NoError(t, err)
		got, err := ins.ParseFHIR(b)
		require.NoError(t, err, "%s", b)
		want := id.Presented(x)
		if x.Codes == ins.Table0445 { // which has fewer words
			if want.Status == ins.Recuperee {
				want.Status = ins.Provisoire
			}
			want.Attributes &^= ins.Homonyme
		}
		require.Equal(t, want, got)
		noLeak(t, id, string(b))
	})
}

func TestPropertyOfHL7v2(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id, x := drawnIdentity(t), drawnExtra(t)
		x.Codes = rapid.SampledFrom([]ins.StatusCodes{ins.RNIVCodes, ins.Table0445}).Draw(t, "codes")
		x.Local[0].Name = "HOP&ITAL"
		text, err := id.HL7v2(x)
		require.NoError(t, err)
		got, err := ins.ParseHL7v2("MSH|^~\\&|A|B|||20260302||ADT^A28|1|P|2.5\r" + text)
		require.NoError(t, err, "%q", text)
		want := id.Presented(x)
		want.History, want.Evidence, want.EvidenceDay = nil, "", ""
		want.Codes, got.Codes = 0, 0
		if x.Codes == ins.Table0445 && want.Status == ins.Recuperee {
			want.Status = ins.Provisoire
		}
		require.Equal(t, want, got)
		noLeak(t, id, text)
	})
}

func TestPropertyOfCDA(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id, x := drawnIdentity(t), drawnExtra(t)
		b, err := id.RecordTarget(x)
		require.NoError(t, err)
		got, err := ins.ParseRecordTarget(b)
		require.NoError(t, err, "%s", b)
		want := id.Presented(x)
		want.History, want.Evidence, want.EvidenceDay, want.QueriedDay, want.Attributes = nil, "", "", "", 0
		if want.Status != ins.Qualifiee {
			want.Status = ins.Provisoire
		}
		require.Equal(t, want, got)
		noLeak(t, id, string(b))
	})
}

// noLeak fails when a representation of an identity that is not qualified holds
// a matricule or the OID of one.
func noLeak(t require.TestingT, id ins.Identity, s string) {
	if _, err := id.Sendable(); err != nil {
		require.NotContains(t, s, "279035121518989")
		require.NotContains(t, s, "180032B02040123")
		require.NotContains(t, s, "1.2.250.1.213.1.4.")
	}
}

func TestCXAndAddress(t *testing.T) {
	t.Parallel()
	for _, oid := range []ins.OID{ins.OIDNIR, ins.OIDNIA, ins.OIDTest, ins.OIDDemo} {
		i, err := ins.Parse("279035121518989", oid.String())
		require.NoError(t, err)
		got, err := ins.ParseCX(i.CX())
		require.NoError(t, err)
		require.Equal(t, i, got)
		m, err := ins.ParseMSSante(i.MSSante())
		require.NoError(t, err)
		require.Equal(t, i.Matricule, m)
	}
	for _, s := range []string{"279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.8&ISO^INS", "279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.8&ISO^INS^^20190101"} {
		i, err := ins.ParseCX(s)
		require.NoError(t, err)
		require.Equal(t, "279035121518989^^^&1.2.250.1.213.1.4.8&ISO^NH", i.CX())
	}
	for _, s := range []string{"", "279035121518989", "279035121518989^^^&1.2.250.1.213.1.4.8&ISO", "279035121518989^^^&1.2.250.1.213.1.4.8&ISO^PI", "279035121518989^^^1.2.250.1.213.1.4.8^NH",
		"279035121518989^^^&1.2.250.1.213.1.4.2&ISO^NH", "27903512151898^^^&1.2.250.1.213.1.4.8&ISO^NH", strings.Repeat("^", 300)} {
		_, err := ins.ParseCX(s)
		require.ErrorIs(t, err, ins.ErrInvalid, s)
		require.NotContains(t, err.Error(), "279035")
	}
	m, err := ins.ParseMSSante("180032b02040123@Patient.MSSante.fr")
	require.NoError(t, err)
	require.Equal(t, "180032B02040123", m.Wire())
	for _, s := range []string{"", "279035121518989", "279035121518989@mssante.fr", "jean@patient.mssante.fr", "279035121518989@patient.mssante.fr.evil.example"} {
		_, err := ins.ParseMSSante(s)
		require.ErrorIs(t, err, ins.ErrInvalid, s)
		require.NotContains(t, err.Error(), "279035")
	}
}

// A message as the volet "transmission de documents" shows it, of the official
// fictitious patient.
func TestHL7v2OfOthers(t *testing.T) {
	t.Parallel()
	const pid = `PID|||ATHENEA^^^HOP&1.2.3&ISO^PI~279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS||PAT-TROIS^Dominique^DOMINIQUE MARIE-LOUISE^^^^L~DIVINE^Dom^^^^^D|^Mère|19790328101500|F|||^^^^^^BDL^^51215~23 AV TORCATIS ^^PIA^^66380^FRA^H||||||||||||||||||||N|VALI~CACH`
	for name, message := range map[string]string{
		"CR":          "MSH|^~\\&|A|B\rEVN||2024\r" + pid + "\rZFD||||||20240102\rPV1||N\r",
		"LF":          "MSH|^~\\&|A|B\n" + pid + "\nZFD||||||20240102\n",
		"MLLP":        "\x0bMSH|^~\\&|A|B\r" + pid + "\rZFD||||||20240102083000\r\x1c\r",
		"no MSH":      pid + "\r\nZFD||||||20240102",
		"others":      "MSH$*%!#$A$B\r" + strings.NewReplacer("|", "$", "^", "*", "~", "%", "&", "#").Replace(pid) + "\rZFD$$$$$$20240102",
		"Latin-1":     strings.ReplaceAll(pid, "è", "\xe8") + "\rZFD||||||20240102",
		"two at once": pid + "\rZFD||||||20240102\rMSH|^~\\&|A|B\r" + strings.ReplaceAll(pid, "PAT-TROIS", "AUTRE"),
	} {
		p, err := ins.ParseHL7v2(message)
		require.NoError(t, err, name)
		require.Equal(t, "279035121518989", p.INS.Matricule.Wire(), name)
		require.Equal(t, ins.OIDTest, p.INS.OID, name)
		require.Equal(t, "PAT-TROIS", p.Traits.BirthName, name)
		require.Equal(t, "DOMINIQUE", p.Traits.First(), name)
		require.Equal(t, "DOMINIQUE MARIE-LOUISE", p.Traits.List(), name)
		require.Equal(t, "1979-03-28", p.Traits.BirthDate.Wire(), name)
		require.Equal(t, ins.COG("51215"), p.Traits.BirthPlace, name)
		require.Equal(t, ins.Female, p.Traits.Sex, name)
		require.Equal(t, ins.Qualifiee, p.Status, "%s: VALI of table 0445 with an INS", name)
		require.Equal(t, "DIVINE", p.UsedName, name)
		require.Equal(t, "2024-01-02", p.QueriedDay, name)
		require.Equal(t, []ins.LocalID{{Value: "ATHENEA", OID: "1.2.3", Name: "HOP"}}, p.Local, name)
	}
	for name, row := range map[string]struct{ message, says string }{
		"nothing":         {"", "no PID"},
		"no PID":          {"MSH|^~\\&|A|B\rPV1||N", "no PID"},
		"two patients":    {pid + "\r" + pid, "two PID"},
		"two INS":         {strings.Replace(pid, "ATHENEA^^^HOP&1.2.3", "180032B02040123^^^X&1.2.250.1.213.1.4.8", 1), "two INS"},
		"cut matricule":   {strings.Replace(pid, "279035121518989", "27903512151", 1), "PID-3"},
		"no birth name":   {strings.Replace(pid, "^^^^L", "^^^^D", 1), "PID-5"},
		"date":            {strings.Replace(pid, "19790328101500", "28/03/1979", 1), "PID-7"},
		"sex":             {strings.Replace(pid, "|F|", "|X|", 1), "sex"},
		"place":           {strings.Replace(pid, "^^51215~", "^^PARIS!~", 1), "birth place"},
		"two statuses":    {strings.Replace(pid, "VALI~CACH", "VALI~QUAL", 1), "PID-32"},
		"PROV with INS":   {strings.Replace(pid, "VALI~CACH", "PROV", 1), "EXI ID 29"},
		"VALI and DOUT":   {strings.Replace(pid, "VALI~CACH", "VALI~DOUT", 1), "EXI SI 09"},
		"ZFD":             {pid + "\rZFD||||||2024/1/2", "ZFD-6"},
		"same separators": {"MSH||~\\&|A\r" + pid, "MSH"},
		"cut MSH":         {"MSH|^", "MSH"},
		"too long":        {strings.Repeat("A", 1<<20+1), "1 MiB"},
		"too many":        {strings.Repeat("A\r", 10_001) + pid, "segments"},
	} {
		p, err := ins.ParseHL7v2(row.message)
		require.ErrorIs(t, err, ins.ErrInvalid, name)
		require.ErrorContains(t, err, row.says, name)
		require.Zero(t, p, name)
		quiet(t, err)
	}
}

// Senders of older profiles put the other given names where the list is.
func TestTheFirstGivenNameWins(t *testing.T) {
	t.Parallel()
	p, err := ins.ParseHL7v2(`PID|||7^^^H&1.2&ISO^PI||MERCIER^PHILIPPE^ALAIN^^^^L||20030617|M|||^^^^^^BDL||||||||||||||||||||||PROV`)
	require.NoError(t, err)
	require.Equal(t, "PHILIPPE", p.Traits.First())
	require.Equal(t, "PHILIPPE", p.Traits.List())
	require.Contains(t, p.Warnings[0], "given names")
	require.NotContains(t, p.Warnings[0], "PHILIPPE")
}

func quiet(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"279035", "180032", "PAT-TROIS", "DOMINIQUE", "1979", "28/03", "51215", "PARIS", "AUTRE"} {
		require.NotContains(t, err.Error(), secret)
	}
}

func TestFHIROfOthers(t *testing.T) {
	t.Parallel()
	patient := func(edit string, to string) []byte {
		const p = `{"resourceType":"Patient","meta":{"profile":["https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-ins"]},
			"extension":[{"url":"https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability","extension":[{"url":"identityStatus","valueCoding":{"system":"https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0445","code":"VALI"}}]},
			{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"city":"Domprémy","extension":[{"url":"https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code","valueCoding":{"code":"51215"}}]}}],
			"identifier":[{"use":"official","system":"urn:oid:1.2.250.1.213.1.4.10","value":"279035121518989"},{"system":"http://hopital.example/ipp","value":"7"}],
			"active":true,"name":[{"use":"official","family":"Pat-Trois","given":["Dominique"],"extension":[{"url":"https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name","valueString":"Dominique Marie-Louise"}]}],
			"telecom":[{"system":"phone","value":"0144"}],"gender":"female","birthDate":"1979-03-28"}`
		require.Contains(t, p, edit)
		return []byte(strings.Replace(p, edit, to, 1))
	}
	p, err := ins.ParseFHIR(patient("", ""))
	require.NoError(t, err)
	require.Equal(t, ins.Qualifiee, p.Status)
	require.Equal(t, patTrois(t, ins.OIDTest).Traits(), p.Traits)
	require.Equal(t, ins.Table0445, p.Codes)
	require.Equal(t, []ins.LocalID{{Value: "7", OID: "http://hopital.example/ipp"}}, p.Local)

	p, err = ins.ParseFHIR(patient(`"1979-03-28"`, `"1979"`))
	require.NoError(t, err)
	require.Equal(t, ins.BirthDate{Year: 1979}, p.Traits.BirthDate)
	const other = `{"use":"official","system":"urn:oid:1.2.250.1.213.1.4.8","value":"180032B02040123"},`
	for name, row := range map[string]struct {
		b    []byte
		says string
	}{
		"nothing":         {nil, "EOF"},
		"no JSON":         {[]byte("<Patient/>"), "JSON"},
		"a Bundle":        {[]byte(`{"resourceType":"Bundle"}`), "Patient expected"},
		"cut":             {patient("", "")[:200], ""},
		"twice":           {patient(`"active":true`, `"gender":"male"`), "repeated"},
		"too deep":        {patient(`"active":true`, `"contained":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)), "limit"},
		"too big":         {patient("Domprémy", strings.Repeat("A", 1<<20)), "limit"},
		"two INS":         {patient(`{"use":"official","s`, other+`{"use":"official","s`), "two INS"},
		"cut matricule":   {patient("279035121518989", "2790351215"), "malformed matricule"},
		"no official":     {patient(`"official","family"`, `"usual","family"`), "birth name"},
		"two names":       {patient(`"name":[`, `"name":[{"use":"official","family":"AUTRE"},`), "two official"},
		"no gender":       {patient(`"gender":"female",`, ``), "sex"},
		"date":            {patient(`"1979-03-28"`, `"28/03/1979"`), "birthDate"},
		"impossible date": {patient(`"1979-03-28"`, `"1979-02-30"`), "birth date"},
		"unknown status":  {patient("VALI", "JOLI"), "identityStatus"},
		"PROV with INS":   {patient("VALI", "PROV"), "EXI ID 29"},
		"DOUT with INS":   {patient("VALI", "DOUT"), "EXI ID 29"},
		"QUAL of 0445":    {patient("VALI", "QUAL"), "identityStatus"},
		"VALI of 2.2":     {patient("v2-0445", "identity-status"), "EXI ID 29"},
		"no INS but QUAL": {patient(`{"use":"official","system":"urn:oid:1.2.250.1.213.1.4.10","value":"279035121518989"},`, ``), ""},
		"place":           {patient(`"code":"51215"`, `"code":"PARIS!"`), "birth place"},
	} {
		p, err := ins.ParseFHIR(row.b)
		if name == "no INS but QUAL" { // VALI without INS is validée
			require.NoError(t, err)
			require.Equal(t, ins.Validee, p.Status)
			continue
		}
		require.ErrorIs(t, err, ins.ErrInvalid, name)
		require.ErrorContains(t, err, row.says, name)
		require.Zero(t, p, name)
		quiet(t, err)
	}
}

func TestCDAOfOthers(t *testing.T) {
	t.Parallel()
	const head = `<recordTarget xmlns="urn:hl7-org:v3"><patientRole><id root="1.2.250.1.213.1.4.10" extension="279035121518989"/>`
	const body = `<patient><name><family qualifier="BR">PAT-TROIS</family><given>DOMINIQUE MARIE-LOUISE</given><given qualifier="BR">DOMINIQUE</given></name>` +
		`<administrativeGenderCode code="F"/><birthTime value="197903281015+0100"/><birthplace><place><addr><county>51215</county></addr></place></birthplace></patient>`
	const tail = `</patientRole></recordTarget>`
	p, err := ins.ParseRecordTarget([]byte(head + body + tail))
	require.NoError(t, err)
	require.Equal(t, patTrois(t, ins.OIDTest).Traits(), p.Traits)
	for name, row := range map[string]struct{ xml, says string }{
		"no XML":        {"PAT-TROIS", "xml"},
		"another root":  {`<Patient xmlns="http://hl7.org/fhir"/>`, "no recordTarget"},
		"namespace":     {strings.Replace(head, "urn:hl7-org:v3", "urn:x", 1) + body + tail, "no recordTarget"},
		"two":           {`<ClinicalDocument xmlns="urn:hl7-org:v3">` + head + body + tail + head + body + tail + `</ClinicalDocument>`, "two recordTarget"},
		"two INS":       {head + `<id root="1.2.250.1.213.1.4.8" extension="180032B02040123"/>` + body + tail, "two INS"},
		"cut matricule": {strings.Replace(head, "121518989", "", 1) + body + tail, "malformed matricule"},
		"empty":         {`<recordTarget xmlns="urn:hl7-org:v3"/>`, "birthTime"},
		"date":          {head + strings.Replace(body, "1979032", "1979/03/2", 1) + tail, "birthTime"},
		"no name":       {head + strings.Replace(body, "family", "prefix", 2) + tail, "birth name"},
		"place":         {head + strings.Replace(body, "51215", "PARIS", 1) + tail, ""},
	} {
		p, err := ins.ParseRecordTarget([]byte(row.xml))
		require.ErrorIs(t, err, ins.ErrInvalid, name)
		require.ErrorContains(t, err, row.says, name)
		require.Zero(t, p, name)
		quiet(t, err)
	}
	id, _ := ecetinsi(t)
	_, err = id.RecordTarget(ins.Extra{})
	require.ErrorIs(t, err, ins.ErrInvalid)
	_, err = id.RecordTarget(ins.Extra{Local: []ins.LocalID{{Value: "7"}}})
	require.ErrorIs(t, err, ins.ErrInvalid)
	_, err = id.HL7v2(ins.Extra{})
	require.ErrorIs(t, err, ins.ErrInvalid)
}

func TestPresentedShowsItselfNowhere(t *testing.T) {
	t.Parallel()
	p := patTrois(t, ins.OIDNIR).Presented(ins.Extra{UsedName: "DIVINE"})
	scan := ins.Scan{Claim: p.Claim}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "p", p, "c", p.Claim, "s", scan)
	j, err := json.Marshal([]any{p, p.Claim, scan})
	require.NoError(t, err)
	fmt.Fprintf(&b, "%s %v %+v %#v %v %#v %v %#v", j, p, p, p, p.Claim, p.Claim, scan, scan)
	for _, secret := range []string{"279035", "PAT-TROIS", "DOMINIQUE", "1979", "51215", "DIVINE"} {
		require.NotContains(t, b.String(), secret)
	}
}

func FuzzParseHL7v2(f *testing.F) {
	f.Add("MSH|^~\\&|A|B\rPID|||279035121518989^^^X&1.2.250.1.213.1.4.10&ISO^INS||A^B^B C^^^^L|\\T\\|19790328|F|||^^^^^^BDL^^51215||||||||||||||||||||N|VALI~HOMA\rZFD||||||20240102")
	f.Add("PID|||7^^^&1&ISO^PI||A^B^^^^^L||197900|U")
	f.Fuzz(func(t *testing.T, s string) {
		checkPresented(t, func() (ins.Presented, error) { return ins.ParseHL7v2(s) })
	})
}

func FuzzParseFHIR(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Patient","identifier":[{"system":"urn:oid:1.2.250.1.213.1.4.8","value":"279035121518989"}],"name":[{"use":"official","family":"A","given":["B"]}],"gender":"male","birthDate":"1979"}`))
	f.Add([]byte(`{"resourceType":"Patient","extension":[{"url":"x","valueAddress":{}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkPresented(t, func() (ins.Presented, error) { return ins.ParseFHIR(b) })
	})
}

func FuzzParseRecordTarget(f *testing.F) {
	f.Add([]byte(`<recordTarget xmlns="urn:hl7-org:v3"><patientRole><id root="1.2.250.1.213.1.4.10" extension="279035121518989"/><patient><name><family>A</family><given>B</given></name><administrativeGenderCode code="UN"/><birthTime value="1979"/></patient></patientRole></recordTarget>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkPresented(t, func() (ins.Presented, error) { return ins.ParseRecordTarget(b) })
	})
}

func checkPresented(t *testing.T, parse func() (ins.Presented, error)) {
	p, err := parse()
	if err != nil {
		var own *ins.Error
		if !errors.As(err, &own) || !p.INS.IsZero() || p.Traits != (ins.Traits{}) {
			t.Fatal("an identity with an error, or another error")
		}
		return
	}
	if n, err := p.Traits.Normalize(); err != nil || n != p.Traits {
		t.Fatal("traits that are not normalised")
	}
	if (p.Status == ins.Qualifiee) == p.INS.IsZero() {
		t.Fatal("an INS without its status, or the reverse")
	}
}
