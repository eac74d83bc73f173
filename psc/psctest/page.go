package psctest

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// The pages of the wallet, as small as can be: who am I, by card or e-CPS.
var pages = template.Must(template.New("").Parse(`
{{define "head"}}<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>Pro Santé Connect (émulateur)</title>
<style>body{font:16px sans-serif;max-width:40em;margin:2em auto;color:#123}button{display:block;width:100%;padding:.6em;margin:.3em 0;text-align:left}</style></head>
<body><h1>Pro Santé Connect <small>émulateur</small></h1>{{end}}
{{define "login"}}{{template "head"}}<p>Le service <b>{{.Client}}</b> vous demande de vous identifier.{{with .IdP}} Fournisseur demandé : {{.}}.{{end}}</p>
<form method="post" action="{{.Action}}"><input type="hidden" name="visit" value="{{.Visit}}">
<p><label><input type="radio" name="mode" value="CARD" checked> carte CPx</label> <label><input type="radio" name="mode" value="MOBILE"> application e-CPS</label></p>
{{range .People}}<button name="person" value="{{.ID}}">{{.GivenName}} {{.FamilyName}} ({{.ID}}){{with .Organisation}}, {{.}}{{end}}</button>
{{end}}<button name="decision" value="deny">Refuser</button></form></body></html>{{end}}
{{define "error"}}{{template "head"}}<p>{{.}}</p></body></html>{{end}}
{{define "bye"}}{{template "head"}}<p>Votre session est fermée.</p></body></html>{{end}}
`))

const loginPage, errorPage, byePage = "login", "error", "bye"

func page(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data)
}

// loginPage shows who can log in. s.mu is held.
func (s *Server) loginPage(w http.ResponseWriter, id string, v *visit) {
	var people []Person
	for _, p := range s.people {
		if !p.Disabled {
			people = append(people, p)
		}
	}
	slices.SortFunc(people, func(a, b Person) int { return strings.Compare(a.ID, b.ID) })
	page(w, http.StatusOK, loginPage, map[string]any{
		"Client": v.client, "IdP": v.idp, "Visit": id, "People": people, "Action": wallet + "/login",
	})
}

// refusePage tells a person who cannot be sent back.
func (s *Server) refusePage(w http.ResponseWriter, p *problem) {
	s.note("authorize", p)
	w.Header().Set("X-Emulator-Rule", p.explain())
	page(w, p.status, errorPage, p.text)
}
