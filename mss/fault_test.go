package mss_test

import (
	"time"

	"github.com/soclesante/socle/internal/emulator"
)

func fault(op string, latency time.Duration) emulator.Fault {
	return emulator.Fault{Operation: op, Latency: latency}
}
