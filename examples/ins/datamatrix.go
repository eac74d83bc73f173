package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/soclesante/socle/ins"
)

// draw writes the INS datamatrix of a qualified identity.
func draw(identity ins.Identity, path string, stdout io.Writer) error {
	symbol, err := identity.Symbol()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	switch filepath.Ext(path) {
	case ".png":
		err = symbol.WritePNG(&b, 4)
	case ".svg":
		err = symbol.WriteSVG(&b, 0.5)
	default:
		err = errors.New("datamatrix: a .png or .svg file expected")
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "%s: datamatrix of %d × %d modules, « %s »\n", path, symbol.Size(), symbol.Size(), ins.DatamatrixLabel)
	return nil
}
