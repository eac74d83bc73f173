package main

import (
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

// connect gives a client of INSi, here of an emulator in this program. For the
// real service, Environment becomes ins.Qualification() or ins.Production(),
// Certificate the software certificate of the pharmacy (socle.LoadPKCS12), Roots
// those of the IGC-Santé, and Software holds the CNDA's authorization number.
func connect() (client *ins.Client, closeAll func(), err error) {
	srv, err := instest.NewServer(instest.Options{OID: ins.OIDTest})
	if err != nil {
		return nil, nil, err
	}
	certificate, err := srv.ClientCertificate("10B0152872")
	if err == nil {
		client, err = ins.New(ins.Config{
			Environment: srv.Environment(),
			Certificate: certificate,
			Roots:       srv.Roots(),
			Software:    instest.Software(),
		})
	}
	if err != nil {
		srv.Close()
		return nil, nil, err
	}
	return client, func() { client.Close(); srv.Close() }, nil
}
