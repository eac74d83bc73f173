package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/dp/dptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
	"github.com/soclesante/socle/socletest"
)

const (
	pharmacist = psctest.Titulaire
	pharmacy   = psctest.Pharmacy
	mailbox    = "pharmacie.du.socle@pharmacie.formation.mssante.fr"
)

// stage is the six services and a client of each. In a vendor's software only
// the clients remain, with the environments and certificates of the services.
type stage struct {
	clock *socletest.Clock

	psc        *psctest.Server
	ins        *instest.Server
	ordonnance *ordonnancetest.Server
	dp         *dptest.Server
	dmp        *dmptest.Server
	mss        *msstest.Server

	login        *psc.Client
	identity     *ins.Client
	prescription *ordonnance.Client
	history      *dp.Client
	record       *dmp.Client
	mail         *mss.Client

	closers []io.Closer
}

type closer func()

func (f closer) Close() error { f(); return nil }

// Close stops the services.
func (s *stage) Close() {
	for _, c := range s.closers {
		_ = c.Close()
	}
}

// raise starts the emulators, all under one authority and one clock, and makes
// the clients.
func raise() (*stage, error) {
	s := &stage{clock: socletest.NewClock(time.Time{})}
	authority, err := socletest.NewAuthority(s.clock)
	if err != nil {
		return nil, err
	}
	if err := s.services(authority); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.clients(authority); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *stage) services(authority *socletest.Authority) error {
	var g errgroup.Group
	start := func(what string, f func() (io.Closer, error)) {
		c := make(chan io.Closer, 1)
		g.Go(func() error {
			defer close(c)
			closer, err := f()
			if err != nil {
				return fmt.Errorf("émulateur %s : %w", what, err)
			}
			c <- closer
			return nil
		})
		s.closers = append(s.closers, closer(func() {
			if v, ok := <-c; ok {
				_ = v.Close()
			}
		}))
	}
	start("psc", func() (_ io.Closer, err error) {
		s.psc, err = psctest.NewServer(psctest.Options{Authority: authority, Clock: s.clock})
		return stop(s.psc), err
	})
	start("ins", func() (_ io.Closer, err error) {
		s.ins, err = instest.NewServer(instest.Options{Authority: authority, Clock: s.clock, Empty: true})
		return stop(s.ins), err
	})
	start("ordonnance", func() (_ io.Closer, err error) {
		s.ordonnance, err = ordonnancetest.NewServer(ordonnancetest.Options{Authority: authority, Clock: s.clock, Introspect: s.bearer})
		return stop(s.ordonnance), err
	})
	start("dp", func() (_ io.Closer, err error) {
		s.dp, err = dptest.NewServer(dptest.Options{Authority: authority, Clock: s.clock, Introspect: s.bearer})
		return stop(s.dp), err
	})
	start("dmp", func() (_ io.Closer, err error) {
		s.dmp, err = dmptest.NewServer(dmptest.Options{Authority: authority, Clock: s.clock})
		return stop(s.dmp), err
	})
	start("mss", func() (_ io.Closer, err error) {
		s.mss, err = msstest.NewServer(msstest.Options{
			Authority: authority, Clock: s.clock,
			Mailboxes: []msstest.Mailbox{{Address: mailbox, Openers: []string{pharmacist}}},
			Introspect: func(ctx context.Context, token string) (string, bool, error) {
				i, err := s.psc.Introspect(ctx, token)
				return i.Person, i.Active, err
			},
		})
		return stop(s.mss), err
	})
	return g.Wait()
}

func stop(server interface{ Close() }) io.Closer { return closer(server.Close) }

// bearer is how a service asks Pro Santé Connect whose token it was given.
func (s *stage) bearer(ctx context.Context, token string) (socle.Professional, error) {
	i, err := s.psc.Introspect(ctx, token)
	if err != nil {
		return socle.Professional{}, err
	}
	if !i.Active {
		return socle.Professional{}, errors.New("token inactive")
	}
	id, err := socle.ParsePersonID(i.Person)
	return socle.Professional{ID: id}, err
}

func (s *stage) clients(authority *socletest.Authority) error {
	structure, err := socle.ParseStructureID(pharmacy)
	if err != nil {
		return err
	}
	place := socle.Structure{ID: structure, Name: "PHARMACIE DU SOCLE", Sector: socle.Code{Code: "SA33", System: socle.OIDSector}}
	s.dmp.AddStructure(dmptest.Structure{ID: place.ID, Name: place.Name, Sector: place.Sector})

	// Each certificate has an RSA key of its own: they are drawn side by side.
	var forPSC, forINS, auth, sign tls.Certificate
	var g errgroup.Group
	g.Go(func() (err error) { forPSC, err = s.psc.ClientCertificate(pharmacy); return })
	g.Go(func() (err error) { forINS, err = s.ins.ClientCertificate(pharmacy); return })
	g.Go(func() (err error) { auth, sign, err = s.dmp.Organisation(place); return })
	if err := g.Wait(); err != nil {
		return err
	}

	software := socle.Software{
		Name: "Comptoir", Version: "1.0", OID: "1.2.250.1.999.1.1.7898.1", Install: "0b7f2c1e-5d43-4d0a-9a53-6e2f1c8d7b90",
		Homologation: map[socle.Service]string{socle.ServiceINS: instest.IDAM, socle.ServiceDMP: "DMP-COMPTOIR", socle.ServiceMSS: "3734"},
	}
	roots := authority.Roots()
	watch := socle.Watch{Clock: s.clock.Now}
	var errs [6]error
	s.login, errs[0] = psc.New(psc.Config{
		Environment: s.psc.Environment(), ClientID: psctest.ClientID, Certificate: forPSC, Roots: roots, Watch: watch,
		Wait: s.psc.Wait, // the emulator's clock advances: nobody waits for the next poll
	})
	s.identity, errs[1] = ins.New(ins.Config{Environment: s.ins.Environment(), Software: software, Certificate: forINS, Roots: roots, Watch: watch})
	s.prescription, errs[2] = ordonnance.New(ordonnance.Config{Environment: s.ordonnance.Environment(), Software: software, Certificate: auth, Roots: roots, Watch: watch})
	s.history, errs[3] = dp.New(dp.Config{Environment: s.dp.Environment(), Software: software, Certificate: auth, Roots: roots, Watch: watch})
	s.record, errs[4] = dmp.New(dmp.Config{Environment: s.dmp.Environment(), Software: software, Certificate: auth, Signature: sign, Roots: roots, Watch: watch,
		Mode: dmp.AIR}) // the certificate of the pharmacy, and a pharmacist whom Pro Santé Connect vouches for
	s.mail, errs[5] = mss.New(mss.Config{Environment: s.mss.Environment(), Software: software, Roots: roots, Watch: watch})
	return errors.Join(errs[:]...)
}
