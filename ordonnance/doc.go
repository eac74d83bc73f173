// Package ordonnance is what is prescribed: the ordonnance numérique, or
// e-prescription unifiée (EPU) of the Assurance maladie.
//
//	client, err := ordonnance.New(ordonnance.Config{Environment: environment, Software: software, Certificate: certificate, Roots: roots})
//	claim, err := client.Read(ctx, who, ordonnance.ReadRequest{Patient: patient, Number: number})
//	done := claim.Prescription.NewDispensation(now) // all as prescribed: change what was not
//	receipt, err := client.Dispense(ctx, who, ordonnance.DispenseRequest{Patient: patient, Claim: claim, Dispensation: done})
//
// [ParseCDA] reads a prescription document (eP-MED-DM) into a [Prescription].
// A [Client] works with the service: [Client.Read] claims a prescription, which
// can be read once; [Client.Recover] gives the claim again to the pharmacy that
// made it, when the answer was lost; [Client.Dispense] states what was done of
// every line.
//
// # What is public and what is assumed
//
// The documents are public and are read to the letter. The wire of the service
// is not: its addresses, messages and codes are given to vendors under
// contract. The client therefore speaks through a [Transport]. The one that
// comes with it, FHIR R4 over mutual TLS with the Pro Santé Connect token of
// the professional, is *assumed* (see [Dialect]) and is not the official
// protocol; ordonnancetest is its emulator. A vendor under contract gives
// another Transport and changes nothing else.
package ordonnance
