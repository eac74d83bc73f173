package instest

// siramNotEntitled is the subcode that goes with desir_560: *assumed* to be that
// of desir_550, its only known neighbour; no public record shows it.
const siramNotEntitled = "siram_100"

// The wire of WS_INS3, 4 and 5 is not public. The emulator speaks the
// provisional one of the client's dialect, *assumed* altogether: namespaces,
// roots, codes (00 OK, 01 KO, 10 not ready).
const (
	nsVerifyRequest = "http://www.cnamts.fr/INSiLot2/REQUnitaire"
	nsVerifyAnswer  = "http://www.cnamts.fr/INSiLot2/REPUnitaire"
	nsBatch         = "urn:socle:provisional:ins:batch"
	actionSubmit    = "urn:socle:provisional:ins:batch:submit"
	actionFetch     = "urn:socle:provisional:ins:batch:fetch"
)
