package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/psc"
)

const configForm = `boite, imap, smtp (vides : Mailiz formation), igc (racines PEM), produit (référence Convergence), personne (8 et le RPPS), ` +
	`client_id, certificat (.p12 déclaré à Pro Santé Connect, mot de passe dans MSS_P12), production, curseur (fichier)`

// config is what a mailbox needs.
type config struct {
	Mailbox     string `json:"boite"`
	IMAP        string `json:"imap"`
	Submission  string `json:"smtp"`
	Roots       string `json:"igc"`
	Product     string `json:"produit"`
	Person      string `json:"personne"`
	ClientID    string `json:"client_id"`
	Certificate string `json:"certificat"`
	Production  bool   `json:"production"`
	Cursor      string `json:"curseur"`

	login psc.Config
	mail  mss.Config
}

// watchReal watches the mailbox of a configuration until ctx ends.
func watchReal(ctx context.Context, file string, out io.Writer) error {
	c, err := readConfig(file)
	if err != nil {
		return err
	}
	since, err := c.since()
	if err != nil {
		return err
	}
	client, access, session, err := c.open(ctx, out)
	if err != nil {
		return err
	}
	defer func() { _ = session.Logout(context.WithoutCancel(ctx)) }()
	if since.IsZero() { // what is there already is not new
		m, err := client.Open(ctx, access)
		if err != nil {
			return err
		}
		since, err = m.Now(ctx, "")
		_ = m.Close()
		if err != nil {
			return err
		}
	}
	i := newInbox(out, c.store)
	w, err := i.watch(ctx, client, access, since)
	if err != nil {
		return err
	}
	defer w.Close()
	for {
		select {
		case <-i.next:
		case err := <-i.ended:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

func readConfig(file string) (*config, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &config{}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%s : %w", file, err)
	}
	if c.Cursor == "" || c.Roots == "" || c.Certificate == "" {
		return nil, fmt.Errorf("%s : curseur, igc et certificat sont obligatoires", file)
	}
	pem, err := os.ReadFile(c.Roots)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s : aucun certificat PEM", c.Roots)
	}
	p12, err := os.ReadFile(c.Certificate)
	if err != nil {
		return nil, err
	}
	certificate, err := socle.LoadPKCS12(p12, os.Getenv("MSS_P12"))
	if err != nil {
		return nil, err
	}
	c.login = psc.Config{Environment: psc.Sandbox(), Certificate: certificate}
	if c.Production {
		c.login.Environment = psc.Production()
	}
	c.mail = mss.Config{Environment: mss.MailizFormation(), Roots: roots}
	if c.IMAP != "" || c.Submission != "" {
		c.mail.Environment = mss.Environment{IMAP: c.IMAP, Submission: c.Submission}
	}
	return c, nil
}

// open logs the person in and makes the client of their mailbox.
func (c *config) open(ctx context.Context, out io.Writer) (*mss.Client, mss.Access, *psc.Session, error) {
	address, err := mss.ParseAddress(c.Mailbox)
	if err != nil {
		return nil, mss.Access{}, nil, err
	}
	person, err := socle.ParsePersonID(c.Person)
	if err != nil {
		return nil, mss.Access{}, nil, err
	}
	c.mail.Software = software(c.Product)
	client, err := mss.New(c.mail)
	if err != nil {
		return nil, mss.Access{}, nil, err
	}
	c.login.ClientID = c.ClientID
	login, err := psc.New(c.login)
	if err != nil {
		return nil, mss.Access{}, nil, err
	}
	session, err := login.Login(ctx, psc.LoginRequest{Person: person, Show: func(binding string) {
		fmt.Fprintf(out, "Confirmez le nombre %s sur votre e-CPS ou avec votre carte.\n", binding)
	}})
	if err != nil {
		return nil, mss.Access{}, nil, err
	}
	who, err := situation(session)
	if err != nil {
		_ = session.Logout(context.WithoutCancel(ctx))
		return nil, mss.Access{}, nil, err
	}
	fmt.Fprintf(out, "%s, boîte %s\n", who.FullName(), address)
	return client, mss.Access{Address: address, Actor: socle.Actor{Professional: who, Tokens: session}}, session, nil
}

// situation gives the person in their first exercise situation.
func situation(session *psc.Session) (socle.Professional, error) {
	all := session.UserInfo().Situations()
	if len(all) == 0 {
		return socle.Professional{}, errors.New("aucune situation d'exercice")
	}
	return session.Professional(all[0].Key)
}

// since reads how far the mailbox was read.
func (c *config) since() (mss.Cursor, error) {
	var at mss.Cursor
	b, err := os.ReadFile(c.Cursor)
	if errors.Is(err, os.ErrNotExist) {
		return at, nil
	}
	if err == nil {
		err = at.UnmarshalText(b)
	}
	return at, err
}

// store replaces the file at once: half a cursor would be none.
func (c *config) store(at mss.Cursor) error {
	f, err := os.CreateTemp(filepath.Dir(c.Cursor), ".curseur-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(at.String())
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), c.Cursor)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
