package hl7v3_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/hl7v3"
)

func drawContact(t *rapid.T) hl7v3.Contact {
	text := rapid.StringMatching(`[a-zé<&A-Z0-9]{1,9}`)
	c := hl7v3.Contact{}
	for range rapid.IntRange(0, 2).Draw(t, "telecoms") {
		c.Telecoms = append(c.Telecoms, hl7v3.Telecom{Use: rapid.SampledFrom([]string{"", "HP", "MC"}).Draw(t, "use"), Value: "tel:" + text.Draw(t, "tel")})
	}
	if rapid.Bool().Draw(t, "addr") {
		c.Address = hl7v3.Address{Lines: []string{text.Draw(t, "line")}, Additional: text.Draw(t, "more"), PostalCode: "75000", City: text.Draw(t, "city"), Country: text.Draw(t, "country")}
	}
	return c
}

func drawName(t *rapid.T) hl7v3.Name {
	text := rapid.StringMatching(`[A-ZÉ<&-]{1,9}`)
	return hl7v3.Name{Prefix: rapid.SampledFrom([]string{"", "Mme"}).Draw(t, "prefix"), Given: []string{text.Draw(t, "given")}, Used: text.Draw(t, "used"), Birth: text.Draw(t, "birth")}
}

func TestCandidatesRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := hl7v3.Candidates{Head: head, Ack: "AA", Target: hl7v3.ID{Root: "1.2", Extension: "m"}, QueryID: hl7v3.ID{Root: "1.3", Extension: "q"}, Query: "OK",
			Total: rapid.IntRange(-1, 50).Draw(t, "total"), Current: -1, Remaining: rapid.IntRange(-1, 5).Draw(t, "remaining")}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			c := hl7v3.Candidate{IDs: []hl7v3.ID{{Root: "1.2.250.1.213.1.4.10", Extension: "1"}}, Status: "active", Name: drawName(t), Contact: drawContact(t),
				Gender: "F", Birth: "19570628", Score: rapid.IntRange(-1, 100).Draw(t, "score")}
			if rapid.Bool().Draw(t, "opposed") {
				c.Observations = []hl7v3.Observation{{Code: socle.Code{Code: "OPPOSITION_ACCES_URGENCE", System: hl7v3.OIDObservation}, Value: "true"}}
			}
			want.List = append(want.List, c)
		}
		got, err := hl7v3.ParseCandidates(parse(t, want.Marshal()))
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, *got))
	})
}

// What the service writes: elements in another order, an unqualified family
// name, a relationship that nobody asked for.
func TestCandidatesOfAnotherWriter(t *testing.T) {
	t.Parallel()
	c, err := hl7v3.ParseCandidates(parse(t, []byte(`<h:PRPA_IN201306UV02 xmlns:h="urn:hl7-org:v3"><h:id root="9c6a"/>
	<h:acknowledgement><h:typeCode code="AA"/><h:targetMessage><h:id root="1.3" extension="x"/></h:targetMessage></h:acknowledgement>
	<h:controlActProcess><h:queryAck><h:queryResponseCode code="OK"/><h:resultTotalQuantity value="x"/></h:queryAck>
	<h:subject><h:registrationEvent/></h:subject>
	<h:subject><h:registrationEvent><h:subject1><h:patient><h:id root="1" extension="2"/><h:statusCode code="terminated"/>
	<h:patientPerson><h:addr><h:city>NANTES</h:city></h:addr><h:name><h:family>ORTIE</h:family><h:given>A</h:given><h:given>B</h:given></h:name></h:patientPerson>
	<h:subjectOf1><h:queryMatchObservation><h:code code="OTHER"/><h:value value="3"/></h:queryMatchObservation></h:subjectOf1>
	</h:patient></h:subject1></h:registrationEvent></h:subject></h:controlActProcess></h:PRPA_IN201306UV02>`)))
	require.NoError(t, err)
	require.Equal(t, -1, c.Total)
	require.Equal(t, []hl7v3.Candidate{{IDs: []hl7v3.ID{{Root: "1", Extension: "2"}}, Status: "terminated", Score: -1,
		Name: hl7v3.Name{Used: "ORTIE", Given: []string{"A", "B"}}, Contact: hl7v3.Contact{Address: hl7v3.Address{City: "NANTES"}}}}, c.List)
	require.Equal(t, "AA", c.Code())
}

func TestTooManyCandidatesAreRefused(t *testing.T) {
	t.Parallel()
	c := hl7v3.Candidates{Head: head, Ack: "AA", List: make([]hl7v3.Candidate, hl7v3.MaxCandidates+1)}
	_, err := hl7v3.ParseCandidates(parse(t, c.Marshal()))
	require.ErrorContains(t, err, "more than "+strconv.Itoa(hl7v3.MaxCandidates))
	_, err = hl7v3.ParseCandidates(parse(t, []byte(`<PRPA_IN201306UV02 xmlns="urn:hl7-org:v3"><id root="1"/></PRPA_IN201306UV02>`)))
	require.ErrorContains(t, err, "acknowledgement")
}

// The wire form of dmp sheet §4 TD0.5.
func TestFindOnTheWire(t *testing.T) {
	t.Parallel()
	f := hl7v3.Find{Head: head, QueryID: hl7v3.ID{Root: "1.2.3.2", Extension: "q"}, Family: "ORTIE"}
	want := `<controlActProcess classCode="CACT" moodCode="EVN"><code code="PRPA_TE201305UV02" codeSystem="2.16.840.1.113883.1.6"></code>` +
		`<queryByParameter><queryId extension="q" root="1.2.3.2"></queryId><statusCode code="new"></statusCode><parameterList>` +
		`<livingSubjectName><value><family>ORTIE</family></value><semanticsText>LivingSubject.name</semanticsText></livingSubjectName>` +
		`</parameterList></queryByParameter></controlActProcess></PRPA_IN201305UV02>`
	require.True(t, strings.HasSuffix(string(f.Marshal()), want))
	f.Given, f.Gender, f.Birth, f.City, f.PostalCode = "Capucine", "F", "1984", "Lyon", "69000"
	b := string(f.Marshal())
	last := -1
	for _, name := range []string{"<livingSubjectAdministrativeGender>", "<livingSubjectBirthTime>", "<livingSubjectName>", "<given>Capucine<", "<patientAddress>", "Patient.addr"} {
		i := strings.Index(b, name)
		require.Greater(t, i, last, name)
		last = i
	}
}
