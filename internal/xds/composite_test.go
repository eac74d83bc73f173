package xds_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/xds"
)

func TestCompositeTypesAsTheDMPShowsThem(t *testing.T) {
	t.Parallel()
	cx := "123456789012345^^^&1.2.250.1.213.1.4.8&ISO^NH"
	require.Equal(t, cx, xds.PatientINS("123456789012345", "1.2.250.1.213.1.4.8").Wire())
	require.Equal(t, xds.PatientINS("123456789012345", "1.2.250.1.213.1.4.8"), xds.ParseCX(cx))

	rpps, err := socle.ParsePersonID("899900063480")
	require.NoError(t, err)
	xcn := "899900063480^NOM^PRENOM^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
	got := xds.ParseXCN(xcn)
	require.Equal(t, xds.XCN{ID: "899900063480", Family: "NOM", Given: "PRENOM", Authority: xds.HD{ID: socle.OIDPerson, Type: "ISO"}, NameType: "D", IDType: "IDNPS"}, got)
	require.Equal(t, xcn, got.Wire())
	require.Equal(t, xcn, xds.Professional(rpps, "NOM", "PRENOM").Wire())

	finess, err := socle.ParseStructureID("1750512345")
	require.NoError(t, err)
	xon := "PHARMACIE X^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1750512345"
	require.Equal(t, xon, xds.Organization(finess, "PHARMACIE X").Wire())
	require.Equal(t, xds.Organization(finess, "PHARMACIE X"), xds.ParseXON(xon))

	inside, err := socle.ParsePersonID("3750512345/0007")
	require.NoError(t, err)
	require.Equal(t, "EI", xds.Professional(inside, "NOM", "").IDType)
}

func TestPatientsDoNotShowThemselves(t *testing.T) {
	t.Parallel()
	s := sample()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		shown := fmt.Sprintf(verb, *s)
		require.NotContains(t, shown, patient.ID)
		require.NotContains(t, shown, "BLEUET")
		require.Equal(t, "[patient]", fmt.Sprintf(verb, patient))
	}
}

func TestUnknownComponentsAreKept(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"1^^^&1.2&ISO^NH^^20200101000000",
		"1^b^c^ns&1.2&ISO^PI",
		"1^^^X",
		"^^^",
		"a&b^c~d",
	} {
		got := xds.ParseCX(s)
		require.Equal(t, got, xds.ParseCX(got.Wire()), s)
	}
	require.Equal(t, "1^^^&1.2&ISO^NH^^20200101000000", xds.ParseCX("1^^^&1.2&ISO^NH^^20200101000000").Wire())
	x := xds.ParseXCN("7^N^P^Middle^Jr^Dr^MD^^&1.2&ISO^L^^^EI^^FAC")
	require.Equal(t, "7^N^P^Middle^Jr^Dr^MD^^&1.2&ISO^L^^^EI^^FAC", x.Wire())
	x.Family = "M"
	require.Equal(t, "7^M^P^Middle^Jr^Dr^MD^^&1.2&ISO^L^^^EI^^FAC", x.Wire())
	require.Equal(t, "Gerald Smitty", xds.ParseXCN("Gerald Smitty").ID)
}

func TestCompositesReadBackTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		any := func(name string) string { return rapid.StringMatching(`[A-Za-zé0-9 .'\\^&~|/-]{0,8}`).Draw(t, name) }
		hd := xds.HD{Namespace: any("ns"), ID: any("oid"), Type: any("type")}
		cx := xds.CX{ID: any("id"), Authority: hd, Type: any("kind")}
		require.Equal(t, cx, xds.ParseCX(cx.Wire()))
		xcn := xds.XCN{ID: any("id"), Family: any("f"), Given: any("g"), Authority: hd, NameType: any("n"), IDType: any("i")}
		require.Equal(t, xcn, xds.ParseXCN(xcn.Wire()))
		xon := xds.XON{Name: any("name"), Authority: hd, IDType: any("i"), ID: any("id")}
		require.Equal(t, xon, xds.ParseXON(xon.Wire()))

		wild := rapid.StringMatching(`[A-Za-z^&\\~ ]{0,20}`).Draw(t, "wild")
		require.Equal(t, xds.ParseXCN(wild), xds.ParseXCN(xds.ParseXCN(wild).Wire()))
	})
}
