package dmptest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/internal/emulator"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// Whatever two professionals and the patient decide, and however time goes by,
// TD0.3, TD0.4, TD1.6 and what may be read agree.
func TestAuthorizationsAgree(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	srv, err := NewServer(Options{Clock: emulator.NewClock(start)})
	require.NoError(t, err)
	defer srv.Close()
	var patient Patient
	for _, p := range Patients() {
		if p.Traits.BirthName == "AUTORISEPAS" {
			patient = p
		}
	}
	id := patientOf(patient.INS)
	people := []string{"810000000017", "810000000025"}
	rapid.Check(t, func(t *rapid.T) {
		srv.Clock().Set(start)
		type decided struct {
			until   time.Time // of an authorization
			blocked bool
		}
		model := map[string]decided{}
		person := func(who string) socle.PersonID { p, _ := socle.ParsePersonID(who); return p }
		for _, who := range people {
			srv.Decide(patient.INS, Authorization{Professional: person(who), Revoked: true})
		}
		ask := func(who, body string, op func(*session, *soap.Envelope) (soap.Message, *soap.Fault)) *xmltree.Element {
			s := &session{patient: id, vihf: &saml.VIHF{Mode: saml.IndirectStrong, NameID: who, SubjectName: "Paule ARNICA", Roles: []saml.Role{{Code: "21"}, {Code: "A"}}}}
			e, err := soap.Parse(soap.Message{Action: "urn:a", MessageID: "urn:uuid:1", Body: []byte(body)}.Marshal(), xmltree.Limits{})
			require.NoError(t, err)
			m, fault := op(s, e)
			require.Nil(t, fault)
			d, err := xmltree.Parse(m.Body, xmltree.Limits{})
			require.NoError(t, err)
			return d.Root.Path("output")
		}
		set := func(who, action string) string {
			return ask(who, `<setAuthorization xmlns="urn:si-dmp-habilitations"><action>`+action+`</action></setAuthorization>`, srv.authorize).Path("status").Trimmed()
		}
		pick := rapid.SampledFrom(people)
		t.Repeat(map[string]func(*rapid.T){
			"authorize": func(t *rapid.T) {
				who := pick.Draw(t, "who")
				m := model[who]
				if status := set(who, "AJOUT"); m.blocked {
					require.Equal(t, codeDenied, status)
					return
				}
				if !srv.now().Before(m.until) {
					m.until = srv.now().Add(365 * 24 * time.Hour)
				}
				model[who] = m
			},
			"revoke": func(t *rapid.T) {
				who := pick.Draw(t, "who")
				if status := set(who, "SUPPRESSION"); model[who].blocked {
					require.Equal(t, codeDenied, status)
					return
				}
				model[who] = decided{}
			},
			"block": func(t *rapid.T) {
				who := pick.Draw(t, "who")
				srv.Decide(patient.INS, Authorization{Professional: person(who), Blocked: true})
				model[who] = decided{blocked: true}
			},
			"forgive": func(t *rapid.T) {
				who := pick.Draw(t, "who")
				srv.Decide(patient.INS, Authorization{Professional: person(who), Revoked: true})
				model[who] = decided{}
			},
			"time goes by": func(t *rapid.T) {
				srv.Clock().Advance(time.Duration(rapid.IntRange(1, 400).Draw(t, "days")) * 24 * time.Hour)
			},
			"": func(t *rapid.T) {
				for _, who := range people {
					m := model[who]
					may := !m.blocked && srv.now().Before(m.until)
					for _, access := range []dmp.AccessMode{dmp.NormalAccess, dmp.BreakGlass, dmp.Regulation} {
						s := &session{patient: id, access: access, vihf: &saml.VIHF{Mode: saml.IndirectStrong, NameID: who, Roles: []saml.Role{{Code: "21"}}}}
						srv.mu.Lock()
						fault := srv.mayRead(s, opSearch, srv.records[id])
						srv.mu.Unlock()
						want := may || access == dmp.Regulation || access == dmp.BreakGlass && !m.blocked
						require.Equal(t, want, fault == nil, access)
					}
					mine := ask(who, `<patientList xmlns="urn:si-dmp-patients"><startDate>20200101000000</startDate><dateType>LASTAUTORIZATION</dateType></patientList>`, srv.listAuthorized)
					require.Equal(t, may, mine.Path("patientlistData") != nil)
					listed := map[string]string{}
					for x := range ask(who, `<listAuthorizationByPatient xmlns="urn:si-dmp-habilitations"><mode>TOUTE</mode></listAuthorizationByPatient>`, srv.professionals).All(nsRights, "listOfAuthorizationByPatient") {
						listed[x.Path("nationalId").Trimmed()] = x.Path("mode").Trimmed()
					}
					switch is := listed[who]; {
					case m.blocked:
						require.Equal(t, "INTERDITE", is)
					case may:
						require.Equal(t, "ACTIVE", is)
					default:
						require.False(t, is != "" && is != "EXPIREE", is)
					}
				}
			},
		})
	})
}

// The forms of the DMP's own services: elements in their order, each once.
func TestFormsAreReadStrictly(t *testing.T) {
	t.Parallel()
	const ns = "urn:si-dmp-habilitations"
	for body, want := range map[string]string{
		`<f xmlns="` + ns + `"><a>1</a></f>`:           "",
		`<f xmlns="` + ns + `"><a>1</a><b> 2 </b></f>`: "",
		`<f xmlns="` + ns + `"><b>2</b></f>`:           "b was not expected",
		`<f xmlns="` + ns + `"><b>2</b><a>1</a></f>`:   "b was not expected",
		`<f xmlns="` + ns + `"><a>1</a><a>1</a></f>`:   "a was not expected",
		`<f xmlns="` + ns + `"><a><c/></a></f>`:        "expected text",
		`<f xmlns="` + ns + `"/>`:                      "f/a: expected once",
		`<f xmlns="urn:other"><a>1</a></f>`:            "expected f of",
		`<f xmlns="` + ns + `"><a xmlns="">1</a></f>`:  "a was not expected",
	} {
		d, err := xmltree.Parse([]byte(body), xmltree.Limits{})
		require.NoError(t, err)
		in, err := form(d.Root, ns, "f", "a", "b?")
		if want != "" {
			require.ErrorContains(t, err, want, body)
			continue
		}
		require.NoError(t, err, body)
		require.Equal(t, strings.Contains(body, "<b>"), in["b"] == "2")
	}
}
