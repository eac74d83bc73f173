package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
)

// errQuit ends the conversation.
var errQuit = errors.New("quit")

const help = `dossier              le patient a-t-il un DMP, et que peut-on y faire
consentement         noter que le patient autorise la consultation
retrait              noter qu'il la retire
vacciner LOT         envoyer une note de vaccination
liste                les documents en vigueur
ouvrir N             le texte d'un document
corriger N LOT       remplacer une note de vaccination
masquer N, montrer N aux autres professionnels
supprimer N          un document de la pharmacie
acces                le journal que voit le patient
quitter
`

// do does what a line asks for.
func (d *desk) do(ctx context.Context, line string) error {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch words[0] {
	case "dossier":
		return d.check(ctx)
	case "consentement":
		return d.consent(ctx, d.client.Authorize)
	case "retrait":
		return d.consent(ctx, d.client.Revoke)
	case "vacciner":
		return d.vaccinate(ctx, word(1), nil)
	case "liste":
		return d.list(ctx)
	case "acces":
		return d.journal()
	case "quitter":
		return errQuit
	case "aide":
		_, err := io.WriteString(d.out, help)
		return err
	}
	n, err := strconv.Atoi(word(1))
	if err != nil || n < 1 || n > len(d.found) {
		return fmt.Errorf("%s : aide dit les commandes, liste les numéros", words[0])
	}
	e := d.found[n-1]
	switch words[0] {
	case "ouvrir":
		return d.open(ctx, e)
	case "corriger":
		return d.vaccinate(ctx, word(2), &e)
	case "masquer":
		return d.show(ctx, e, "Masqué aux autres professionnels", dmp.HiddenFromProfessionals)
	case "montrer":
		return d.show(ctx, e, "Montré à tous")
	case "supprimer":
		_, err := d.client.Delete(ctx, d.who, d.patient, d.record, e)
		return d.told(err, "Supprimé : %s\n", e.Title)
	}
	return fmt.Errorf("%s : aide dit les commandes", words[0])
}

// told prints what was done, unless it was not.
func (d *desk) told(err error, format string, args ...any) error {
	if err == nil {
		_, err = io.WriteString(d.out, shown(fmt.Sprintf(format, args...)))
	}
	return err
}

// shown leaves out what would command the terminal: documents come from anybody.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, s)
}

func (d *desk) check(ctx context.Context) error {
	r, err := d.client.Exists(ctx, d.who, d.patient)
	if err != nil {
		return err
	}
	d.record, d.found = r, nil
	state := map[dmp.State]string{dmp.StateNone: "aucun", dmp.StateOpen: "ouvert", dmp.StateClosed: "fermé"}[r.State]
	read := "autorisée"
	if err := r.CanRead(); err != nil {
		read = explain(err)
	}
	return d.told(nil, "DMP %s ; consultation : %s\n", state, read)
}

// decision is Client.Authorize or Client.Revoke.
type decision func(context.Context, socle.Professional, ins.Identity, dmp.Decision) (dmp.Grant, error)

// consent notes what the patient decided, and asks the DMP again what may be done.
func (d *desk) consent(ctx context.Context, decide decision) error {
	g, err := decide(ctx, d.who, d.patient, dmp.Decision{Record: d.record, At: time.Now()})
	if err != nil {
		return err
	}
	if g.Context != "" {
		_ = d.told(nil, "%s\n", g.Context)
	}
	return d.check(ctx)
}

// vaccinate feeds a note, in place of another one when there is one.
func (d *desk) vaccinate(ctx context.Context, lot string, old *dmp.Entry) error {
	if lot == "" {
		return errors.New("le numéro de lot est obligatoire")
	}
	note := dmp.VaccinationNote{Vaccination: dmp.Vaccination{
		Kind: dmp.OtherVaccination, Date: dmp.Day(time.Now()), Route: dmp.Intramuscular, Site: dmp.LeftDeltoid,
		Vaccine: dmp.Vaccine{Name: "VACCIN GRIPPAL, suspension injectable en seringue préremplie", CIS: "60000001", Lot: lot,
			ATC: socle.Code{Code: "J07BB02", Display: "grippe, antigène purifié"}},
	}}
	if old != nil {
		read, err := d.read(ctx, *old)
		if err != nil {
			return err
		}
		if len(read.Vaccinations) != 1 {
			return errors.New("ce document n'est pas une note de vaccination")
		}
		note.Edition = read.Next()
	}
	doc, err := d.client.NewVaccinationNote(d.who, d.patient, note)
	if err != nil {
		return err
	}
	lotOf := dmp.Submission{Record: d.record, Documents: []*dmp.Document{doc}}
	if old != nil {
		_, err = d.client.Replace(ctx, d.who, d.patient, *old, lotOf)
		return d.told(err, "Corrigé : %s, lot %s\n", doc.Title(), lot)
	}
	_, err = d.client.Submit(ctx, d.who, d.patient, lotOf)
	return d.told(err, "Envoyé : %s, lot %s\n", doc.Title(), lot)
}

func (d *desk) list(ctx context.Context) error {
	r, err := d.client.Search(ctx, d.who, d.patient, dmp.Query{Record: d.record})
	if err != nil {
		return err
	}
	d.found = r.Entries
	for i, e := range r.Entries {
		day, _, _ := strings.Cut(string(e.Created), "T")
		author, hidden := "", ""
		if len(e.Authors) > 0 {
			author = e.Authors[0].Name()
		}
		if e.HiddenFrom(dmp.HiddenFromProfessionals) {
			hidden = " [masqué]"
		}
		_ = d.told(nil, "%2d  %s  %s, %s%s\n", i+1, day, e.Title, author, hidden)
	}
	return d.told(nil, "%d document(s)\n", len(r.Entries))
}

// read gives a document of the record, once its hash was compared.
func (d *desk) read(ctx context.Context, e dmp.Entry) (*dmp.CDA, error) {
	for doc, err := range d.client.Retrieve(ctx, d.who, d.patient, dmp.Retrieval{Record: d.record, Entries: []dmp.Entry{e}}) {
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(doc)
		if err != nil {
			return nil, err
		}
		return dmp.ParseCDA(content)
	}
	return nil, errors.New("le DMP n'a rien rendu")
}

func (d *desk) open(ctx context.Context, e dmp.Entry) error {
	read, err := d.read(ctx, e)
	if err != nil {
		return err
	}
	return d.told(nil, "%s\n", read.Text())
}

func (d *desk) show(ctx context.Context, e dmp.Entry, words string, hidden ...dmp.Visibility) error {
	_, err := d.client.SetVisibility(ctx, d.who, d.patient, d.record, e, hidden...)
	return d.told(err, "%s : %s\n", words, e.Title)
}

func (d *desk) journal() error {
	for _, a := range d.accesses() {
		line := a.Operation + " par " + a.Name
		if a.Access != dmp.NormalAccess {
			line += ", " + a.Access.String() + " : " + a.Reason
		}
		if a.Refused != "" {
			line += ", refusé (" + a.Refused + ")"
		}
		_ = d.told(nil, "%s\n", line)
	}
	return nil
}
