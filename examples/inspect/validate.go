package main

import (
	"strings"

	"github.com/soclesante/socle/dmp"
)

// checked is what the rules of the CI-SIS and the typed readers say of a
// document.
type checked struct {
	Findings     []dmp.Finding      `json:"findings"`
	Replaces     string             `json:"replaces,omitempty"` // the version that it replaces
	Vaccinations []vaccinationEntry `json:"vaccinations,omitempty"`
	RapidTest    []testEntry        `json:"rapidTest,omitempty"`
}

type vaccinationEntry struct {
	Date      string   `json:"date"` // 2009-09-28, or 2009-09, or 2009
	Vaccine   string   `json:"vaccine"`
	CIS       string   `json:"cis,omitempty"`
	ATC       string   `json:"atc,omitempty"`
	CIP       string   `json:"cip,omitempty"`
	Lot       string   `json:"lot,omitempty"`
	Kind      string   `json:"kind,omitempty"`
	Rank      int      `json:"rank,omitempty"`
	Route     string   `json:"route,omitempty"`
	Site      string   `json:"site,omitempty"`
	Reactions []string `json:"reactions,omitempty"`
	Comment   string   `json:"comment,omitempty"`
	By        string   `json:"by,omitempty"`
	NotDone   bool     `json:"notDone,omitempty"`
}

type testEntry struct {
	Analysis string `json:"analysis"` // LOINC
	Label    string `json:"label"`
	Result   string `json:"result"`
	Comment  string `json:"comment,omitempty"`
}

// check reads a document once more, as a vendor would.
func check(b []byte) (*checked, error) {
	d, err := dmp.ParseCDA(b)
	if err != nil {
		return nil, err
	}
	c := &checked{Findings: d.Validate(), Replaces: d.Replaces}
	if c.Findings == nil {
		c.Findings = []dmp.Finding{}
	}
	for _, v := range d.Vaccinations {
		e := vaccinationEntry{
			Date: string(v.Date), Vaccine: v.Vaccine.Name, CIS: v.Vaccine.CIS, ATC: v.Vaccine.ATC.Code, CIP: v.Vaccine.CIP, Lot: v.Vaccine.Lot,
			Kind: v.Kind.Code, Rank: v.Rank, Route: v.Route.Display, Site: v.Site.Display, Comment: v.Comment, NotDone: v.NotDone,
		}
		for _, r := range v.Reactions {
			e.Reactions = append(e.Reactions, strings.TrimSpace(r.Code.Code+" "+r.Text))
		}
		switch {
		case v.Performer != nil:
			e.By = v.Performer.Name()
		case v.Author != nil:
			e.By = v.Author.Name()
		}
		c.Vaccinations = append(c.Vaccinations, e)
	}
	if d.Test != nil {
		for _, r := range d.Test.Results {
			result := r.Value.Display
			if result == "" {
				result = strings.TrimSpace(r.Value.Code + r.Quantity)
			}
			c.RapidTest = append(c.RapidTest, testEntry{r.Analysis.Code, r.Label, result, r.Comment})
		}
	}
	return c, nil
}

// printChecked writes the findings, vaccinations and results for people.
func printChecked(line func(name, format string, args ...any), c *checked) {
	if c.Replaces != "" {
		line("replaces", "%s", c.Replaces)
	}
	name := "vaccinations"
	for _, v := range c.Vaccinations {
		done := ""
		if v.NotDone {
			done = ", not made"
		}
		line(name, "%s: %s, lot %s, rank %d, by %s%s", v.Date, oneLine(v.Vaccine), v.Lot, v.Rank, v.By, done)
		name = ""
	}
	name = "rapid test"
	for _, r := range c.RapidTest {
		line(name, "%s: %s", oneLine(r.Label), oneLine(strings.TrimSpace(r.Result+" "+r.Comment)))
		name = ""
	}
	name = "findings"
	for _, f := range c.Findings {
		line(name, "%s: %s: %s (%s)", f.Severity, f.Path, f.Text, f.Rule)
		name = ""
	}
	if len(c.Findings) == 0 {
		line(name, "none")
	}
}
