package instest

import (
	"net/http"

	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

const nsResultat = "http://www.cnamts.fr/INSiResultat"

// Style is how answers are written: all of these were seen.
type Style struct {
	Prefixes   Prefixes
	GivenNames GivenNames
	// DatesFirst writes DateDeb and DateFin before IdIndividu, against the
	// schema, as an answer that the CNDA hands out.
	DatesFirst bool
	// NoKeys leaves the optional Cle out.
	NoKeys bool
}

// Prefixes is how the elements of an answer are named.
type Prefixes uint8

// Prefixes seen.
const (
	// DefaultNamespace: RESULTAT in the default namespace, S:Body in soap:Envelope.
	DefaultNamespace Prefixes = iota
	// Prefixed: ns2:RESULTAT, an empty env:Header, env:Body in soap:Envelope.
	Prefixed
)

// GivenNames is which elements hold the given names.
type GivenNames uint8

// Given names seen.
const (
	ListOnly   GivenNames = iota // ListePrenom (2023 to 2025)
	PrenomOnly                   // Prenom, the first only (official sample of 2021)
	Both
)

// result writes an envelope around a RESULTAT, that inside fills.
func (r replier) result(inside func(w *xmltree.Writer, p string)) {
	r.envelope("RESULTAT", nsResultat, inside)
}

// envelope writes an envelope around a root, that inside fills with elements of
// the prefix p.
func (r replier) envelope(root, space string, inside func(w *xmltree.Writer, p string)) {
	var w xmltree.Writer
	w.Start("soap:Envelope", "xmlns:soap", soap.NS12)
	p := ""
	if r.style.Prefixes == Prefixed {
		p = "ns2:"
		w.Empty("env:Header", "xmlns:env", soap.NS12).Start("env:Body", "xmlns:env", soap.NS12).
			Start("ns2:"+root, "xmlns:ns2", space, "xmlns:ns3", "http://www.cnamts.fr/INSiRecVit", "xmlns", "http://www.cnamts.fr/INSiRecSans")
	} else {
		w.Start("S:Body", "xmlns:S", soap.NS12).Start(root, "xmlns", space)
	}
	inside(&w, p)
	r.raw(http.StatusOK, "", append([]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), w.End().End().End().Bytes()...))
}

// cr answers without anybody.
func (r replier) cr(code, label string) {
	r.result(func(w *xmltree.Writer, p string) { compteRendu(w, p, code, label) })
}

func compteRendu(w *xmltree.Writer, p, code, label string) {
	w.Start(p+"CR").Leaf(p+"CodeCR", code).Leaf(p+"LibelleCR", label).End()
}

// person answers CR 00. policy replaces the OIDs when it is not zero.
func (r replier) person(who Person, policy ins.OID) {
	r.result(func(w *xmltree.Writer, p string) {
		compteRendu(w, p, "00", "OK")
		w.Start(p + "INDIVIDU")
		r.ins(w, p, "INSACTIF", ins.Past{INS: who.INS}, policy)
		for _, h := range who.History {
			r.ins(w, p, "INSHISTO", h, policy)
		}
		t := who.Traits
		w.Start(p+"TIQ").Leaf(p+"NomNaissance", t.BirthName)
		if r.style.GivenNames != ListOnly {
			w.Leaf(p+"Prenom", t.First())
		}
		if r.style.GivenNames != PrenomOnly {
			w.Leaf(p+"ListePrenom", t.GivenNames)
		}
		w.Leaf(p+"Sexe", string(t.Sex)).Leaf(p+"DateNaissance", t.BirthDate.Wire())
		if t.BirthPlace != "" {
			w.Leaf(p+"LieuNaissance", string(t.BirthPlace))
		}
		w.End().End()
	})
}

func (r replier) ins(w *xmltree.Writer, p, name string, past ins.Past, policy ins.OID) {
	oid := past.INS.OID
	if policy != 0 {
		oid = policy
	}
	dates := func() {
		if past.From != "" {
			w.Leaf(p+"DateDeb", past.From)
		}
		if past.To != "" {
			w.Leaf(p+"DateFin", past.To)
		}
	}
	w.Start(p + name)
	if r.style.DatesFirst {
		dates()
	}
	w.Start(p+"IdIndividu").Leaf(p+"NumIdentifiant", past.INS.Matricule.Number())
	if !r.style.NoKeys {
		w.Leaf(p+"Cle", past.INS.Matricule.Key())
	}
	w.End().Leaf(p+"OID", oid.String())
	if !r.style.DatesFirst {
		dates()
	}
	w.End()
}
