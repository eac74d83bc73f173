// Package dp is what is dispensed: the Dossier pharmaceutique (DP) of the
// Conseil national de l'Ordre des pharmaciens, the history of a patient's
// dispensed products that every pharmacy consults and feeds.
//
//	client, err := dp.New(dp.Config{Environment: environment, Software: software, Certificate: certificate, Roots: roots})
//	visit, err := client.Open(who, patient, dp.ForDispensation)
//	defer visit.Close()
//	history, err := visit.Consult(ctx, dp.Query{})
//	receipt, err := visit.Feed(ctx, dp.LinesOf(prescription, dispensation))
//
// A [Client] opens a [Visit] for a professional and a qualified identity. The
// visit holds what the patient refuses, consults the history ([Visit.Consult]),
// feeds what was dispensed ([Visit.Feed]), and forgets the history when it is
// closed. A failure of the DP never stops a dispensation: feed later.
//
// # What is public and what is assumed
//
// The law is public: who consults and feeds, what a dossier holds, for how long,
// and what a patient may refuse. The wire is not: no specification of it is
// published. The client therefore speaks through a [Transport]. The one that
// comes with it, FHIR R4 over mutual TLS with the Pro Santé Connect token of the
// professional, is *assumed* (see [Dialect]) and is not the official protocol;
// dptest is its emulator. A vendor under contract gives another Transport and
// changes nothing else.
package dp
