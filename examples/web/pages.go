package main

import (
	"html/template"
	"net/http"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/psc"
)

var pages = template.Must(template.New("").Parse(`
{{define "head"}}<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>Logiciel d'exemple</title>
<style>body{font:16px sans-serif;max-width:40em;margin:2em auto}</style></head><body>{{end}}
{{define "home"}}{{template "head"}}<h1>Logiciel d'exemple</h1><p><a href="/login">S'identifier avec Pro Santé Connect</a></p></body></html>{{end}}
{{define "situation"}}{{template "head"}}<h1>{{.Name}}</h1>
{{if .Situations}}<p>Dans quelle situation exercez-vous ?</p><ul>{{range .Situations}}<li><a href="/caisse?situation={{.Key}}">{{.Label}}</a></li>{{end}}</ul>
{{else}}<p>L'annuaire ne connaît aucun exercice de cette personne.</p>{{end}}{{template "logout"}}</body></html>{{end}}
{{define "caisse"}}{{template "head"}}<h1>{{.FullName}}</h1><p>{{.Profession.Display}}{{with .Speciality.Display}}, {{.}}{{end}}</p>
<p>{{.Structure.Name}} ({{.Structure.ID}})</p>{{template "logout"}}</body></html>{{end}}
{{define "logout"}}<form method="post" action="/logout"><button>Se déconnecter</button></form>{{end}}
`))

func routes(web *psc.Web) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { show(w, "home", nil) })
	m.Handle("GET /login", web.Login())
	m.Handle("GET /callback", web.Callback())
	m.Handle("POST /logout", web.Logout())
	m.Handle("POST /backchannel", web.Backchannel())
	m.Handle("GET /situation", web.Require(http.HandlerFunc(situation)))
	m.Handle("GET /caisse", web.Require(http.HandlerFunc(counter)))
	return m
}

// choice is one exercise situation, as the person reads it.
type choice struct{ Key, Label string }

// situation lets a person choose where they act, and spares the one who has no choice.
func situation(w http.ResponseWriter, r *http.Request) {
	info := psc.SessionOf(r.Context()).UserInfo()
	var choices []choice
	for _, s := range info.Situations() {
		profession, speciality := s.Role()
		label := label(profession) + " : " + s.Structure().Name
		if speciality.Display != "" {
			label = speciality.Display + " : " + s.Structure().Name
		}
		choices = append(choices, choice{s.Key, label})
	}
	if len(choices) == 1 {
		http.Redirect(w, r, "/caisse?situation="+choices[0].Key, http.StatusSeeOther)
		return
	}
	show(w, "situation", map[string]any{"Name": info.GivenName + " " + info.FamilyName, "Situations": choices})
}

func label(c socle.Code) string {
	if c.Display != "" {
		return c.Display
	}
	return c.Code
}

// counter is a page of the software: it acts as the professional, whom it hands
// to the other services.
func counter(w http.ResponseWriter, r *http.Request) {
	who, err := psc.SessionOf(r.Context()).Professional(r.URL.Query().Get("situation"))
	if err != nil {
		http.Redirect(w, r, "/situation", http.StatusSeeOther)
		return
	}
	show(w, "caisse", who)
}

func show(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		http.Error(w, "page", http.StatusInternalServerError)
	}
}
