package socle_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
)

func TestSoftwareCheckNamesEveryField(t *testing.T) {
	t.Parallel()
	err := socle.Software{}.Check(socle.ServiceDMP)
	for _, field := range []string{"Software.Name", "Software.Version", "Software.Install", "Software.OID", "Software.Homologation[dmp]"} {
		require.ErrorContains(t, err, field)
	}
	err = socle.Software{Name: "LGO", Version: "1"}.Check(socle.ServicePSC)
	require.NoError(t, err, "PSC knows the client, not its homologations")
	ok := socle.Software{Name: "LGO", Version: "1", Install: "0a4d1c5e-6b7f-4f0e-9c3d-2b1a09f8e7d6", OID: "1.2.250.1.999.1", Homologation: map[socle.Service]string{socle.ServiceDMP: "DEMO-1"}}
	require.NoError(t, ok.Check(socle.ServiceDMP))
	ok.OID = "1.2.03"
	require.ErrorContains(t, ok.Check(socle.ServiceDMP), "Software.OID")
}
