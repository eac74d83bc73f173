//go:build unix

package main

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPipeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, err := newScript(pipe, "", "")
	require.ErrorContains(t, err, "n'est pas un fichier ordinaire")
	_, err = newScript("", "", pipe)
	require.ErrorContains(t, err, "n'est pas un fichier ordinaire")
}
