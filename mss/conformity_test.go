package mss_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the table of conformity names is there: an auditor runs it.
func TestConformityTableNamesWhatExists(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile(filepath.Join("..", "docs", "mss-conformity.md"))
	require.NoError(t, err)
	defined := map[string]bool{}
	for _, folder := range []string{".", "msstest", filepath.Join("..", "internal", "revocation")} {
		files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
		require.NoError(t, err)
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllStringSubmatch(string(b), -1) {
				defined[m[1]] = true
			}
		}
	}
	named := 0
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(table), -1) {
		if name == "TestPeer" {
			continue
		}
		named++
		require.True(t, defined[name], "%s is no test", name)
	}
	require.Greater(t, named, 100)
	for _, row := range regexp.MustCompile(`(?m)^\|.*`).FindAllString(string(table), -1) {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		require.Len(t, cells, 6, row)
		for _, file := range regexp.MustCompile("`([a-z_]+\\.go)`").FindAllStringSubmatch(cells[4], -1) {
			path := file[1]
			if strings.Contains(cells[4], "of `socle`") {
				path = filepath.Join("..", path)
			}
			require.FileExists(t, path, row)
		}
	}
}
