package psc

import (
	"time"

	"github.com/soclesante/socle"
)

// What no public text confirms is here, each item *assumed*. An address is
// replaced in Config.Environment.

const (
	// *assumed*: the production addresses of these two operations are those of
	// the sandbox on the production host; only the sandbox's were seen.
	assumedProductionCIBA       = productionIssuer + pathCIBA
	assumedProductionRevocation = productionIssuer + pathRevocation

	// *assumed*: a CIBA request lives as long as in the sandbox when the answer
	// does not say (CIBA Core makes expires_in mandatory).
	assumedRequestLife = 120 * time.Second

	// *assumed*: life of an access token when the answer does not say, the
	// shortest that was seen.
	assumedTokenLife = 60 * time.Second

	// *assumed*: life of a token of an API when the answer does not say; the
	// ANS's own server says 4 hours, with a refresh token of 30 minutes.
	assumedExchangedLife = 5 * time.Minute
)

// *assumed*: the value of claim authMode after a login with the e-CPS
// application; only CARD was seen. The channels of a CIBA request have these names.
const assumedMobile = "MOBILE"

// means tells the means of authentication from claim authMode.
func means(authMode string) socle.Means {
	switch authMode {
	case "CARD":
		return socle.MeansCard
	case assumedMobile:
		return socle.MeansMobile
	}
	return socle.Means(authMode)
}
