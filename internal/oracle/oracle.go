// Package oracle finds what tests are checked against: real documents and
// programs that we did not write. It is imported by tests only.
//
// A missing oracle skips the test, saying so; with SOCLE_REQUIRE=1 it fails.
package oracle

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Corpus gives the absolute path of a file or folder of the corpus, the folder
// of real documents that SOCLE_CORPUS names: an absolute path, or one relative
// to the root of the module.
func Corpus(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("SOCLE_CORPUS")
	if dir == "" {
		missing(t, "SOCLE_CORPUS is not set: no real documents")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(moduleRoot(t), dir)
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		missing(t, "not in the corpus: "+filepath.Join(elem...))
	}
	return path
}

// Program gives the path of a program, such as xmlsec1.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name+" is not installed")
	}
	return path
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("SOCLE_REQUIRE") == "1" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED: " + what)
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
}
