package hl7v3_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/xmltree"
)

func TestChangedRoundTrip(t *testing.T) {
	t.Parallel()
	want := hl7v3.Changed{Head: head, Ack: "AA", Target: hl7v3.ID{Root: "1.2", Extension: "m"}, Reason: hl7v3.ReasonClose, Status: "terminated",
		Details: []hl7v3.Detail{{Type: "I", Code: "DMPClosed", Text: "mots"}}}
	wrapped := parse(t, want.Marshal())
	require.True(t, wrapped.Is("asip:ci-sis:gdp:2010", "PRPA_IN201314UV02_Response"))
	for _, e := range []*xmltree.Element{wrapped, wrapped.First(hl7v3.NS, "PRPA_IN201315UV02")} {
		got, err := hl7v3.ParseChanged(e)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, *got))
		require.Equal(t, "DMPClosed", got.Code())
	}
	_, err := hl7v3.ParseChanged(parse(t, []byte(`<x:PRPA_IN201314UV02_Response xmlns:x="asip:ci-sis:gdp:2010"/>`)))
	require.ErrorContains(t, err, "the message is nothing")
}

// The wire form of dmp sheet §4 TD1.3b and TD1.4: elements and their order.
func TestChangeOnTheWire(t *testing.T) {
	t.Parallel()
	c := hl7v3.Change{Head: head, Reason: hl7v3.ReasonClose, Patient: hl7v3.ID{Root: "1.2.250.1.213.1.4.10", Extension: "1"}, Status: "terminated",
		Name:    hl7v3.Name{Given: []string{"ANNIE"}, Birth: "HALL"},
		Author:  hl7v3.Author{ID: hl7v3.ID{Root: socle.OIDPerson, Extension: "8"}, Role: socle.Code{Code: "A", System: "1.2"}, Family: "ARNICA", Given: "Paule", Organization: hl7v3.ID{Root: socle.OIDStructure, Extension: "3"}, OrganizationName: "P"},
		Because: socle.Code{Code: "FERMETURE_DEMANDE_PATIENT", System: hl7v3.OIDClosure}, Text: "mots"}
	order := func(b []byte) string {
		s := string(b)
		s = s[strings.Index(s, "<controlActProcess"):]
		return strings.Join(regexp.MustCompile(`<([a-zA-Z0-9]+)`).FindAllString(s, -1), "")
	}
	require.Equal(t, "<controlActProcess<reasonCode<subject<registrationRequest<statusCode<subject1<patient<id<statusCode<patientPerson<name<given<family"+
		"<author<assignedEntity<id<code<assignedPerson<name<family<given<representedOrganization<id<name<contactParty<reasonOf<detectedIssueEvent<code<text", order(c.Marshal()))
	b := string(c.Marshal())
	for _, want := range []string{`<reasonCode code="FERM" codeSystem="1.2.250.1.213.1.1.4.11" displayName="Fermeture de dossier">`, `<statusCode code="terminated">`,
		`<code code="FERMETURE_DEMANDE_PATIENT" codeSystem="1.2.250.1.213.4.1.2.4">`, `<registrationRequest classCode="REG" moodCode="RQO">`} {
		require.Contains(t, b, want)
	}
	c = hl7v3.Change{Head: head, Reason: hl7v3.ReasonAmend, Status: "active", Gender: "F", Birth: "19870820",
		Contact:      hl7v3.Contact{Telecoms: []hl7v3.Telecom{{Use: "HP", Value: "tel:1"}, {Value: "mailto:a"}}, Address: hl7v3.Address{Lines: []string{"l"}, PostalCode: "1", City: "c", Country: "f"}},
		Observations: []hl7v3.Observation{{Code: socle.Code{Code: "OPPOSITION_BRIS_DE_GLACE", System: hl7v3.OIDObservation}, Value: "false"}}}
	require.Contains(t, order(c.Marshal()), "<patientPerson<name<telecom<telecom<administrativeGenderCode<birthTime<addr<streetAddressLine<postalCode<city<country<subjectOf<administrativeObservation<code<value<author")
	require.Contains(t, string(c.Marshal()), `code="MODIF_DATA"`)
	require.NotContains(t, string(c.Marshal()), "reasonOf")
}

func TestAdministrativeDataRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := hl7v3.Answer{Head: head, Ack: "AA", Target: hl7v3.ID{Root: "1.2"}, QueryID: hl7v3.ID{Root: "1.3"}, Query: "OK", Reason: hl7v3.ReasonConsult,
			Subject: &hl7v3.Subject{Registration: "completed", Status: "active", IDs: []hl7v3.ID{{Root: "1"}}, Contact: drawContact(t), Deceased: rapid.Bool().Draw(t, "deceased")}}
		for range rapid.IntRange(0, 2).Draw(t, "representatives") {
			n := drawName(t)
			want.Subject.Relationships = append(want.Subject.Relationships, hl7v3.Relationship{Code: socle.Code{Code: "FTH", System: "2.16"}, Name: n, Contact: drawContact(t)})
		}
		got, err := hl7v3.ParseAnswer(parse(t, want.Marshal()))
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, *got))
	})
}
