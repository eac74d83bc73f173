package hl7v3_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/hl7v3"
	"github.com/soclesante/socle/internal/xmltree"
)

func parse(t interface {
	require.TestingT
}, b []byte) *xmltree.Element {
	doc, err := xmltree.Parse(b, xmltree.Limits{})
	require.NoError(t, err)
	return doc.Root
}

var head = hl7v3.Head{
	ID:         hl7v3.ID{Root: "1.2.3.1", Extension: "a"},
	Created:    time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC),
	Processing: "D",
	Receiver:   hl7v3.Device{OID: hl7v3.OIDDMP, Software: "DMP"},
	Sender:     hl7v3.Device{OID: "1.2.3", Software: "LGO & Cie"},
}

func TestQueryRoundTrip(t *testing.T) {
	t.Parallel()
	want := hl7v3.Query{Head: head, Reason: hl7v3.ReasonExistence, QueryID: hl7v3.ID{Root: "1.2.3.2", Extension: "q"},
		Patient: hl7v3.ID{Root: "1.2.250.1.213.1.4.10", Extension: "279035121518989"}}
	got, err := hl7v3.ParseQuery(parse(t, want.Marshal()))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, *got))
}

func TestQueryWithoutWhatItNeedsIsRefused(t *testing.T) {
	t.Parallel()
	good := hl7v3.Query{Head: head, Reason: hl7v3.ReasonExistence, QueryID: hl7v3.ID{Root: "1"}, Patient: hl7v3.ID{Root: "1.2", Extension: "3"}}
	for want, change := range map[string]func(*hl7v3.Query){
		"id is missing":                            func(q *hl7v3.Query) { q.ID = hl7v3.ID{} },
		"reasonCode is missing":                    func(q *hl7v3.Query) { q.Reason = socle.Code{} },
		"queryId is missing":                       func(q *hl7v3.Query) { q.QueryID = hl7v3.ID{} },
		"one patientIdentifier with root and exte": func(q *hl7v3.Query) { q.Patient = hl7v3.ID{} },
	} {
		q := good
		change(&q)
		_, err := hl7v3.ParseQuery(parse(t, q.Marshal()))
		require.ErrorContains(t, err, want)
	}
	_, err := hl7v3.ParseQuery(parse(t, []byte(`<x xmlns="urn:hl7-org:v3"/>`)))
	require.ErrorContains(t, err, "the message is x")
	_, err = hl7v3.ParseQuery(nil)
	require.ErrorContains(t, err, "the message is nothing")
}

func TestAnswerRoundTrip(t *testing.T) {
	t.Parallel()
	code := rapid.StringMatching(`[A-Z_]{1,12}`)
	value := rapid.OneOf(rapid.SampledFrom([]string{"true", "false"}), code)
	id := rapid.Custom(func(t *rapid.T) hl7v3.ID {
		return hl7v3.ID{Root: rapid.StringMatching(`1(\.[1-9]){1,4}`).Draw(t, "root"), Extension: rapid.StringMatching(`[a-z0-9]{0,9}`).Draw(t, "ext")}
	})
	rapid.Check(t, func(t *rapid.T) {
		want := hl7v3.Answer{Head: head, Ack: rapid.SampledFrom([]string{"AA", "AE"}).Draw(t, "ack"), Target: id.Draw(t, "target"),
			QueryID: id.Draw(t, "query"), Query: rapid.SampledFrom([]string{"OK", "NF"}).Draw(t, "q")}
		for range rapid.IntRange(0, 3).Draw(t, "lines") {
			v := socle.Code{Code: value.Draw(t, "v")}
			if v.Code != "true" && v.Code != "false" {
				v.System = "1.2"
			}
			want.Attention = append(want.Attention, hl7v3.Attention{Keyword: socle.Code{Code: code.Draw(t, "k"), System: "1"}, Value: v})
		}
		for range rapid.IntRange(0, 2).Draw(t, "details") {
			want.Details = append(want.Details, hl7v3.Detail{Type: "E", Code: code.Draw(t, "d"), Text: rapid.StringMatching(`[a-zé<&]{1,9}`).Draw(t, "text")})
		}
		if rapid.Bool().Draw(t, "found") {
			want.Subject = &hl7v3.Subject{Registration: "completed", Status: "active", IDs: []hl7v3.ID{id.Draw(t, "id")}}
			for range rapid.IntRange(0, 2).Draw(t, "observations") {
				want.Subject.Observations = append(want.Subject.Observations, hl7v3.Observation{Code: socle.Code{Code: code.Draw(t, "o")}, Value: value.Draw(t, "v")})
			}
		}
		got, err := hl7v3.ParseAnswer(parse(t, want.Marshal()))
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, *got))
	})
}

// What the service writes: other prefixes, an acknowledgement in the normative
// form, traits that must not be kept.
func TestAnswerOfAnotherWriter(t *testing.T) {
	t.Parallel()
	a, err := hl7v3.ParseAnswer(parse(t, []byte(`<h:PRPA_IN201308UV02 xmlns:h="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
	<h:id root="1.2"/><h:creationTime value="20260203"/>
	<h:attentionLine><h:keyWordText code="STATUT_MT"/><h:value xsi:type="h:BL" value="false"/></h:attentionLine>
	<h:acknowledgement><h:typeCode code="AE"/><h:targetMessage><h:id root="1.3" extension="x"/></h:targetMessage>
	<h:acknowledgementDetail typeCode="E"><h:code code="DMPClosed"/><h:text> Le DMP est fermé. </h:text></h:acknowledgementDetail></h:acknowledgement>
	<h:controlActProcess><h:queryAck><h:queryResponseCode code="OK"/></h:queryAck><h:subject><h:registrationEvent><h:subject1>
	<h:patient><h:id root="1.4"/><h:statusCode code="terminated"/><h:patientPerson><h:name><h:family>SECRET</h:family></h:name></h:patientPerson></h:patient>
	</h:subject1></h:registrationEvent></h:subject></h:controlActProcess></h:PRPA_IN201308UV02>`)))
	require.NoError(t, err)
	require.Equal(t, "AE", a.Ack)
	require.Equal(t, []hl7v3.Detail{{Type: "E", Code: "DMPClosed", Text: "Le DMP est fermé."}}, a.Details)
	require.Equal(t, "terminated", a.Subject.Status)
	mt, ok := a.Keyword("STATUT_MT")
	require.True(t, ok)
	require.Equal(t, "false", mt)
	_, ok = a.Keyword("AUTORISATION")
	require.False(t, ok)
	_, ok = a.Subject.Observation("RATTACHEMENT_ENS")
	require.False(t, ok)
	_, ok = (*hl7v3.Subject)(nil).Observation("x")
	require.False(t, ok)
	_, err = hl7v3.ParseAnswer(parse(t, []byte(`<PRPA_IN201308UV02 xmlns="urn:hl7-org:v3"><id root="1"/></PRPA_IN201308UV02>`)))
	require.ErrorContains(t, err, "acknowledgement")
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2026":                  "2026-01-01T00:00:00Z",
		"20260203":              "2026-02-03T00:00:00Z",
		"20260203040506":        "2026-02-03T04:05:06Z",
		"20260203040506.123":    "2026-02-03T04:05:06Z",
		"20260203040506+0100":   "2026-02-03T03:05:06Z",
		"20260203040506.1-0200": "2026-02-03T06:05:06Z",
	} {
		got, err := hl7v3.ParseTime(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got.UTC().Format(time.RFC3339), in)
	}
	for _, in := range []string{"", "202", "20261303", "202602030405060", "x", "+0100"} {
		_, err := hl7v3.ParseTime(in)
		require.Error(t, err, in)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(hl7v3.Query{Head: head, Reason: hl7v3.ReasonExistence, QueryID: hl7v3.ID{Root: "1"}, Patient: hl7v3.ID{Root: "1.2", Extension: "3"}}.Marshal())
	f.Add(hl7v3.Answer{Head: head, Ack: "AA", Query: "OK", Subject: &hl7v3.Subject{Status: "active"}}.Marshal())
	f.Add(hl7v3.Candidates{Head: head, Ack: "AA", Query: "OK", Total: 1, List: []hl7v3.Candidate{{IDs: []hl7v3.ID{{Root: "1"}}, Score: 80, Name: hl7v3.Name{Birth: "A"}}}}.Marshal())
	f.Add(hl7v3.Changed{Head: head, Ack: "AE", Status: "active", Details: []hl7v3.Detail{{Type: "E", Code: "x"}}}.Marshal())
	f.Add(hl7v3.Find{Head: head, Family: "AB"}.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := xmltree.Parse(b, xmltree.Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		if q, err := hl7v3.ParseQuery(doc.Root); err == nil {
			again, err := hl7v3.ParseQuery(parse(t, q.Marshal()))
			require.NoError(t, err)
			require.Equal(t, q.Patient, again.Patient)
		}
		if a, err := hl7v3.ParseAnswer(doc.Root); err == nil {
			_, err := hl7v3.ParseAnswer(parse(t, a.Marshal()))
			require.NoError(t, err)
		}
		if c, err := hl7v3.ParseCandidates(doc.Root); err == nil {
			again, err := hl7v3.ParseCandidates(parse(t, c.Marshal()))
			require.NoError(t, err)
			require.Len(t, again.List, len(c.List))
		}
		if c, err := hl7v3.ParseChanged(doc.Root); err == nil {
			again, err := hl7v3.ParseChanged(parse(t, c.Marshal()))
			require.NoError(t, err)
			require.Equal(t, c.Status, again.Status)
		}
	})
}

// The OIDs of the sheet, which one constant would otherwise give to both sides.
func TestOIDsAreThoseOfTheSheet(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"1.2.250.1.213.4.1.1.1", "1.2.250.1.213.1.1.4.11", "1.2.250.1.213.4.1.2.6.1", "1.2.250.1.213.4.1.2.6.2",
		"1.2.250.1.213.4.1.2.6.3", "1.2.250.1.213.4.1.2.9", "1.2.250.1.213.4.1.2.3",
	}, []string{hl7v3.OIDDMP, hl7v3.OIDReason, hl7v3.OIDAttention, hl7v3.OIDAuthorized, hl7v3.OIDTreating, hl7v3.OIDAccount, hl7v3.OIDObservation})
}
