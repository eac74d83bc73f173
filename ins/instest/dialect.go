package instest

// siramNotEntitled is the subcode that goes with desir_560: *assumed* to be that
// of desir_550, its only known neighbour; no public record shows it.
const siramNotEntitled = "siram_100"
