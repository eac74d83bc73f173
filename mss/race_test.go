//go:build race

package mss_test

// raced says that the race detector slows everything down.
const raced = true
