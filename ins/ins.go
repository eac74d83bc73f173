// Package ins is the client of the Identité Nationale de Santé: who is
// treated, and how far that is certain.
//
//	client, err := ins.New(ins.Config{Environment: ins.Qualification(), Software: software, Certificate: certificate, Roots: roots})
//	patient, err := ins.NewIdentity(traits)                  // provisoire
//	found, err := client.Search(ctx, pharmacist, patient)    // WS_INS2
//	patient, err = patient.Accept(found.Result, accepted)    // récupérée
//	patient, err = patient.Prove(ins.Evidence{Kind: ins.IDCard, At: now}) // qualifiée
//	id, err := patient.Sendable()
//
// An [INS] is a [Matricule] with the [OID] of its authority. The téléservice
// INSi of the CNAM is its only source: it gives the INS and the strict traits
// ([Traits]) of a person. An [Identity] holds what a record knows of a person
// with the trust that it deserves by the RNIV: provisoire, validée, récupérée
// or qualifiée. Only a qualified one gives its INS to send, by
// [Identity.Sendable]; DMP, MSSanté, ordonnance numérique and Dossier
// pharmaceutique start there.
//
// A [Client] asks INSi with a software certificate, or with an [Authenticator]:
// a card ([NewCPx]), Pro Santé Connect ([NewPSC]), an assertion made elsewhere
// ([ReadyAssertion]).
//
//	WS_INS1  SearchByVitale  by the data of a carte Vitale
//	WS_INS2  Search          by traits, one given name after the other
//	         SearchByTraits  one question of it
//	WS_INS3  Verify          is this INS that person's?
//	WS_INS4  SubmitBatch     the same for a list, later
//	WS_INS5  FetchBatch
//
// A [BatchVerifier] verifies a long list by WS_INS3, resumes after a stop and
// keeps a [Journal]. [Identity.AcceptApCV] takes an identity from the appli
// carte Vitale, without a call. What no public text says of the wire is in
// [Dialect], where the vendor replaces it.
//
// Matricules, traits and what holds them show themselves in no log and no
// error; the wire form is asked for by name ([Matricule.Wire], [INS.CX],
// [BirthDate.Wire] …).
package ins
