package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/soclesante/socle/ins"
)

const maxFile = 64 << 20

// readFile reads a file of the command line. It opens nothing but plain files:
// a pipe that nobody writes to would wait for ever.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("fichier introuvable : %s", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("fichier que vous n'avez pas le droit de lire : %s", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s est un dossier, pas un fichier", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s n'est pas un fichier ordinaire", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("fichier de plus de %d Mio", maxFile>>20)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("fichier que vous n'avez pas le droit de lire : %s", path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) == 0:
		return nil, errors.New("fichier vide")
	case len(b) > maxFile:
		return nil, fmt.Errorf("fichier de plus de %d Mio", maxFile>>20)
	}
	return b, nil
}

// readPDF reads a file that begins and ends as a PDF does.
func readPDF(path string) ([]byte, error) {
	b, err := readFile(path)
	switch {
	case err != nil:
		return nil, err
	case !bytes.HasPrefix(b, []byte("%PDF-")):
		return nil, errors.New("ce n'est pas un PDF")
	case !bytes.Contains(b[max(0, len(b)-1024):], []byte("%%EOF")):
		return nil, errors.New("ce PDF n'a pas de fin : le fichier est tronqué")
	}
	return b, nil
}

// parseTraits reads NOM;PRENOM;SEXE;AAAA-MM-JJ;COG as somebody types it: case,
// accents and spaces around are put right. The COG may be empty.
func parseTraits(s string) (ins.Traits, error) {
	f := strings.Split(s, ";")
	if len(f) != 5 {
		return ins.Traits{}, errors.New("NOM;PRENOM;SEXE;AAAA-MM-JJ;COG attendu")
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	t := ins.Traits{BirthName: f[0], GivenNames: f[1], Sex: ins.Sex(strings.ToUpper(f[2]))}
	if t.Sex != ins.Male && t.Sex != ins.Female {
		return ins.Traits{}, errors.New("sexe : M ou F attendu")
	}
	var err error
	if t.BirthDate, err = ins.ParseBirthDate(f[3]); err != nil {
		return ins.Traits{}, fmt.Errorf("date de naissance : AAAA-MM-JJ attendu (%w)", err)
	}
	if f[4] != "" {
		if t.BirthPlace, err = ins.ParseCOG(f[4]); err != nil {
			return ins.Traits{}, fmt.Errorf("lieu de naissance : code officiel géographique à 5 caractères attendu (%w)", err)
		}
	}
	if t, err = t.Normalize(); err != nil {
		return ins.Traits{}, err
	}
	return t, t.CanQuery()
}
