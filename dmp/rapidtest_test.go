package dmp_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/cisis"
	"github.com/soclesante/socle/internal/xmltree"
)

var device = dmp.TestDevice{UDI: "(01)03612345678903(17)271231(10)B1", Maker: "Essai SA", Reference: "R-1", Lot: "B1", Expiry: "2027-12-31"}

// screenings are the tests of a pharmacy with results.
func screenings() map[string]dmp.RapidTest {
	tests := map[string]dmp.RapidTest{
		"angina":    dmp.Angina.Test(dmp.Positive),
		"cystitis":  dmp.Cystitis.Test(dmp.Positive, dmp.Negative),
		"covid":     dmp.Covid19.Test(dmp.Negative),
		"influenza": dmp.Influenza.Test(dmp.Negative, dmp.Indeterminate),
		"all":       dmp.Covid19Influenza.Test(dmp.Negative, dmp.Positive, dmp.Unsatisfactory),
	}
	for name, t := range tests {
		t.Device, t.Consent, t.At = device, true, noon
		tests[name] = t
	}
	plain := dmp.Angina.Test(dmp.Negative)
	plain.Device, plain.Consent, plain.At = dmp.TestDevice{Maker: "Essai <SA>", Lot: "7"}, true, noon
	plain.Results[0].Comment = "fièvre & toux"
	tests["without UDI"] = plain
	return tests
}

func TestARapidTestFollowsItsRules(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	for name, test := range screenings() {
		d, err := c.NewTestReport(pharmacist, qualified(t, "HALL"), dmp.TestReport{Test: test, Date: noon})
		require.NoError(t, err, name)
		require.Empty(t, d.Warnings, name)
		read, err := cda.Parse(content(t, d), xmltree.Limits{})
		require.NoError(t, err)
		require.Empty(t, cisis.Validate(read), name)
		require.Len(t, read.Events, len(test.Diseases))
		require.Equal(t, "Test rapide d'orientation diagnostique : "+test.Name, d.Title())
		e := dmp.MetadataOf(d)
		require.Equal(t, "urn:ans:ci-sis:trod:2024", e.Format.Code)
		require.Equal(t, "DEPISTAGE", e.Practice.Code)
		require.Equal(t, "SA33", e.Facility.Code)
		require.Len(t, e.Events, len(test.Diseases))
	}
}

func TestARapidTestSaysAllThatItLacks(t *testing.T) {
	t.Parallel()
	_, c := setup(t, dmptest.Options{})
	_, err := c.NewTestReport(pharmacist, qualified(t, "HALL"), dmp.TestReport{Date: noon, Test: dmp.RapidTest{
		At: noon.AddDate(0, 0, 1), Diseases: []socle.Code{{}}, Results: []dmp.TestResult{{At: noon.AddDate(0, 0, 1)}}, Device: dmp.TestDevice{UDI: "7"}}})
	require.ErrorIs(t, err, dmp.ErrInvalidDocument)
	for _, field := range []string{"Name", "Diseases[0]", "Chapter, Battery", "Consent", "At", "Device.UDI", "Results[0].Value", "Results[0].Analysis", "Results[0].Label", "Results[0].At"} {
		require.ErrorContains(t, err, "Test."+field+":")
	}
	_, err = c.NewTestReport(pharmacist, qualified(t, "HALL"), dmp.TestReport{})
	require.ErrorContains(t, err, "Test.Device:")
	require.ErrorContains(t, err, "Test.Results:")

	// One result for two analyses.
	test := dmp.Cystitis.Test(dmp.Negative)
	test.Device, test.Consent = device, true
	_, err = c.NewTestReport(pharmacist, qualified(t, "HALL"), dmp.TestReport{Test: test})
	require.ErrorContains(t, err, "Test.Results[1].Value")

	// A result that the value set does not have.
	test = dmp.Angina.Test(socle.Code{Code: "1", System: "2.16.840.1.113883.6.96", Display: "peut-être"})
	test.Device, test.Consent = device, true
	_, err = c.NewTestReport(pharmacist, qualified(t, "HALL"), dmp.TestReport{Test: test})
	require.ErrorContains(t, err, "test.value")
}
