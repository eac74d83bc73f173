package main

import (
	"context"
	"net/netip"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// services stand for Pro Santé Connect and for an API of its trust space, with
// what speaks to them.
type services struct {
	connect   *psctest.Server
	api       *psctest.API
	client    *psc.Client
	exchanger *psc.Exchanger
	watch     socle.Watch
}

func start() (s *services, err error) {
	s = &services{}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.connect, err = psctest.NewServer(psctest.Options{}); err != nil {
		return s, err
	}
	if s.api, err = psctest.NewAPI(psctest.APIOptions{PSC: s.connect}); err != nil {
		return s, err
	}
	certificate, err := s.connect.ClientCertificate(psctest.Pharmacy) // a real one: socle.LoadPKCS12
	if err != nil {
		return s, err
	}
	if err = s.api.Declare(certificate); err != nil {
		return s, err
	}
	s.watch = socle.Watch{Clock: s.connect.Clock().Now}
	s.client, err = psc.New(psc.Config{
		Environment: s.connect.Environment(), // a real one: psc.Sandbox()
		ClientID:    psctest.ClientID,
		Certificate: certificate,
		Roots:       s.connect.Roots(),
		Wait:        s.connect.Wait, // only the emulator needs no patience
		Watch:       s.watch,
	})
	if err != nil {
		return s, err
	}
	s.exchanger, err = psc.NewExchanger(psc.ExchangerConfig{
		Certificate: certificate,
		Roots:       s.connect.Roots(),
		APIs:        []psc.API{s.api.API()}, // a real one: what its contract says
		Watch:       s.watch,
	})
	return s, err
}

// Close ends what was started.
func (s *services) Close() {
	if s.exchanger != nil {
		_ = s.exchanger.Close(context.Background())
	}
	if s.api != nil {
		s.api.Close()
	}
	if s.connect != nil {
		s.connect.Close()
	}
}

func loopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().IsLoopback()
}
