package ordonnance_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/ordonnance/ordonnancetest"
)

func ExampleParseCDA() {
	// A document of our own; os.ReadFile gives a real one.
	patient := somebody()
	id, _ := patient.Sendable()
	document := ordonnancetest.Document(ordonnance.Patient{INS: id, Traits: patient.Traits()}, "01S2TBPZ2JCNZZYGHZ", time.Now())

	p, err := ordonnance.ParseCDA(document)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Number, p.Prescriber.FullName())
	for _, l := range p.Lines {
		fmt.Printf("%d. %s: %s (CIP %s)\n", l.Index, l.Text, l.Drug.Dosing.Text, l.Drug.Product.CIP13())
	}
	// Output:
	// 01S2TBPZ2JCNZZYGHZ Camille ESSAI
	// 1. PARACETAMOL MYLAN 500 mg, comprimé: 1 à 2 comprimés toutes les 8 heures si douleur, pendant 5 jours (CIP 3400933516390)
	// 2. AMOXICILLINE BIOGARAN 500 mg, gélule: 1 à 2 gélules matin et soir pendant 6 jours (CIP 3400933857042)
}

// A prescription is read once: the second pharmacy learns who read it.
func ExampleError() {
	server, err := ordonnancetest.NewServer(ordonnancetest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	patient := somebody()
	id, _ := patient.Sendable()
	number, _ := server.Load(ordonnancetest.Document(ordonnance.Patient{INS: id, Traits: patient.Traits()}, "", time.Now()))
	first, firstActor, _ := pharmacy(server, "1060016219")
	second, secondActor, _ := pharmacy(server, "1580008803")

	read := ordonnance.ReadRequest{Patient: patient, Number: number}
	_, _ = first.Read(context.Background(), firstActor, read)
	_, err = second.Read(context.Background(), secondActor, read)
	var e *ordonnance.Error
	if errors.Is(err, ordonnance.ErrAlreadyRead) && errors.As(err, &e) {
		fmt.Println("read by", e.Holder)
	}
	// Output: read by 1060016219
}

func ExampleParse2D() {
	code := ordonnance.Parse2D("]Q101S2TBPZ2JCNZZYGHZ\r\n") // as a scanner gives it
	fmt.Println(code.Form, code.Number, code.Number.WellFormed())
	// Output: number 01S2TBPZ2JCNZZYGHZ true
}
