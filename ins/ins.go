// Package ins is the client of the Identité Nationale de Santé: who is
// treated, and how far that is certain.
//
// An [INS] is a [Matricule] with the [OID] of its authority. The téléservice
// INSi of the CNAM is its only source: it gives the INS and the strict traits
// ([Traits]) of a person. An [Identity] holds what a record knows of a person
// with the trust that it deserves by the RNIV: provisoire, validée, récupérée
// or qualifiée. Only a qualified one gives its INS to send, by
// [Identity.Sendable]; DMP, MSSanté, ordonnance numérique and Dossier
// pharmaceutique start there.
//
// Matricules, traits and what holds them show themselves in no log and no
// error; the wire form is asked for by name ([Matricule.Wire], [INS.CX],
// [BirthDate.Wire] …).
package ins
