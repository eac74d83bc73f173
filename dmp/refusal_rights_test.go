package dmp_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// Each message breaks one rule of its form; the emulator must name it.
func TestMessagesOfRightsThatBreakARule(t *testing.T) {
	t.Parallel()
	srv, plain := setup(t, dmptest.Options{}, air)
	r := checked(t, plain, pharmacist, "HALL")
	patient := qualified(t, "HALL")
	calls := map[string]func(*dmp.Client) error{
		"TD0.3": func(c *dmp.Client) error {
			_, err := c.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: r, At: time.Now()})
			return err
		},
		"TD1.6": func(c *dmp.Client) error {
			_, err := c.ListProfessionals(t.Context(), pharmacist, patient, r, "")
			return err
		},
		"TD0.4": func(c *dmp.Client) error {
			_, err := c.ListAuthorized(t.Context(), pharmacist, dmp.AuthorizedQuery{From: time.Now()})
			return err
		},
		"TD0.5": func(c *dmp.Client) error {
			_, err := c.With(regulation).FindPatient(t.Context(), pharmacist, dmp.PatientQuery{FamilyName: "DUCHAMPS", City: "LYON"})
			return err
		},
		"TD1.3a": func(c *dmp.Client) error {
			_, err := c.Administrative(t.Context(), pharmacist, patient, r)
			return err
		},
	}
	for name, x := range map[string]struct {
		op     string
		change func([]byte) []byte
		text   string
	}{
		"action":            {"TD0.3", replace("<action>AJOUT<", "<action>PEUT-ETRE<"), "AJOUT or SUPPRESSION"},
		"role":              {"TD0.3", replace("</action>", "</action><role>AMI</role>"), "MEDECIN_TRAITANT"},
		"another namespace": {"TD0.3", replace(`xmlns="urn:si-dmp-habilitations"`, `xmlns="urn:x"`), "expected setAuthorization"},
		"mode":              {"TD1.6", replace("<mode>ACTIVE<", "<mode>PASSIVE<"), "ACTIVE, INTERDITE or TOUTE"},
		"no mode":           {"TD1.6", replace("<mode>ACTIVE</mode>", ""), "mode: expected once"},
		"date":              {"TD0.4", pattern(`<startDate>\d+<`, "<startDate>hier<"), "yyyyMMddHHmmss"},
		"no date":           {"TD0.4", pattern(`<startDate>\d+</startDate>`, ""), "not expected there"},
		"kind of date":      {"TD0.4", replace("LASTAUTORIZATION", "LASTAUTHORIZATION"), "LASTAUTORIZATION or LASTDOC"},
		"short name":        {"TD0.5", replace("<family>DUCHAMPS<", "<family>D<"), "two letters"},
		"semantics":         {"TD0.5", replace("LivingSubject.name", "LivingSubject"), "semanticsText"},
		"order":             {"TD0.5", pattern(`(<livingSubjectName>.*</livingSubjectName>)(<patientAddress>.*</patientAddress>)`, "${2}${1}"), "not expected there"},
		"no query id":       {"TD0.5", pattern(`<queryId [^>]*>`, "<queryId>"), "expected a value"},
		"trigger":           {"TD0.5", replace("PRPA_TE201305UV02", "PRPA_TE201306UV02"), "code/@code"},
		"reason":            {"TD1.3a", replace("CNSLT_DATA", "AUTRE"), "reasonCode"},
	} {
		c := client(t, srv, air, tampering(x.change))
		err := calls[x.op](c)
		var e *dmp.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, "DMPInvalidMessage", e.Code, "%s: %s", name, e.Text)
		require.Contains(t, e.Text, x.text, name)
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err), name)
	}
	for op, call := range calls {
		require.NoError(t, call(plain), op)
		srv.Refuse(dmptest.Failure{Operation: op, Fault: &dmptest.Fault{Subcode: "DMPAccessDeniedByRightsService", Reason: "x"}})
		require.ErrorIs(t, call(plain), dmp.ErrAccessDenied, op)
		none := client(t, srv, func(cfg *dmp.Config) { direct(cfg); cfg.Dialect.UnsignedDirect = true },
			tampering(pattern(`<saml2:Attribute Name="urn:oasis:names:tc:xacml:2.0:resource:resource-id">.*?</saml2:Attribute>`, "")))
		err := call(none)
		switch op {
		case "TD0.4":
			require.NoError(t, err, op)
		case "TD0.5":
			require.NoError(t, err, op)
		default:
			require.ErrorIs(t, err, dmp.ErrInvalidVIHF, op)
			require.Contains(t, err.(*dmp.Error).Text, "resource-id")
		}
	}
}

// What changed since the Record was asked for, the DMP refuses.
func TestARecordThatIsNoLongerAsItWas(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	old := checked(t, c, pharmacist, "HALL")
	patient, p := qualified(t, "HALL"), find(t, "HALL")
	p.State = dmp.StateNone
	require.NoError(t, srv.AddPatient(p))
	_, err := c.Authorize(t.Context(), pharmacist, patient, dmp.Decision{Record: old, At: time.Now()})
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	_, err = c.ListProfessionals(t.Context(), pharmacist, patient, old, "")
	require.ErrorIs(t, err, dmp.ErrAccessDenied)
	a, err := c.Administrative(t.Context(), pharmacist, patient, old)
	require.NoError(t, err)
	require.Equal(t, dmp.StateNone, a.State)
	require.ErrorIs(t, a.CanRead(), dmp.ErrNoRecord)
	_, err = c.Administrative(t.Context(), pharmacist, patient, a.Record)
	require.ErrorIs(t, err, dmp.ErrNoRecord)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	_, err = c.ListProfessionals(t.Context(), pharmacist, patient, a.Record, "")
	require.ErrorIs(t, err, dmp.ErrNoRecord)
}

// An employee has no number of their own: the authorization is their structure's.
func TestAnEmployeeIsAuthorizedForTheStructure(t *testing.T) {
	t.Parallel()
	srv, _ := setup(t, dmptest.Options{})
	c := client(t, srv, air)
	employee := func(n string) socle.Professional {
		who := pharmacist
		var err error
		who.ID, err = socle.ParsePersonID("3750000010/" + n)
		require.NoError(t, err)
		who.Profession, who.Speciality = socle.Code{Code: "SECRETARIAT_MEDICAL", System: "1.2.250.1.213.1.1.4.6", Display: "Secrétariat médical"}, socle.Code{}
		return who
	}
	first, second := employee("17"), employee("18")
	r := checked(t, c, first, "AUTORISEPAS")
	require.ErrorIs(t, r.CanRead(), dmp.ErrNotAuthorized)
	_, err := c.Authorize(t.Context(), first, qualified(t, "AUTORISEPAS"), dmp.Decision{Record: r, At: time.Now()})
	require.NoError(t, err)
	require.Equal(t, dmp.AuthorizationValid, checked(t, c, second, "AUTORISEPAS").Authorization, "the structure has it")
	require.Equal(t, dmp.AuthorizationNone, checked(t, c, pharmacist, "AUTORISEPAS").Authorization, "the pharmacist in person has not")
	given := srv.Authorizations(find(t, "AUTORISEPAS").INS)
	require.Len(t, given, 1)
	require.Equal(t, pharmacy.ID, given[0].Structure)
	_, err = c.ListProfessionals(t.Context(), second, qualified(t, "AUTORISEPAS"), checked(t, c, second, "AUTORISEPAS"), "")
	require.ErrorIs(t, err, dmp.ErrAccessDenied, "the matrix denies it to an employee")
	list, err := c.ListProfessionals(t.Context(), pharmacist, qualified(t, "AUTORISEPAS"), checked(t, c, pharmacist, "AUTORISEPAS"), dmp.AllProfessionals)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, []string{pharmacy.ID.String(), "1.2.250.1.71.4.2.2"}, []string{list[0].ID, list[0].IDType})
}

func TestWhatPrintsOfPeople(t *testing.T) {
	t.Parallel()
	c := dmp.Contact{Telecoms: []dmp.Telecom{{URL: "tel:0199887766"}}, Address: dmp.Address{City: "VILLE-TUE"}}
	for _, v := range []any{c, c.Telecoms[0], c.Address, dmp.Representative{FamilyName: "AUBEPINE", Contact: c}, dmp.Amendment{UsedName: "PERVENCHE"},
		dmp.PatientQuery{FamilyName: "PERVENCHE"}, dmp.ProfessionalAccess{FamilyName: "AUBEPINE"}} {
		printed := logged(slog.Any("value", v))
		if _, ok := v.(dmp.ProfessionalAccess); !ok { // a professional, who may be shown
			printed += fmt.Sprintf("%v %+v %#v %s", v, v, v, v)
		}
		for _, secret := range []string{"0199887766", "VILLE-TUE", "AUBEPINE", "PERVENCHE"} {
			require.NotContains(t, printed, secret)
		}
	}
	require.Equal(t, []string{"normal", "break glass", "regulation", "unknown"},
		[]string{dmp.NormalAccess.String(), dmp.BreakGlass.String(), dmp.Regulation.String(), dmp.AccessMode(9).String()})
}
