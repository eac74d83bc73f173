package dp

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir"
	"github.com/soclesante/socle/internal/fhir/rest"
	"github.com/soclesante/socle/ordonnance"
)

// maxPages bounds a consultation, whatever the service says.
const maxPages = 100

// Consult is POST MedicationDispense/_search with a form: the patient's
// identifier is never in an address. Next pages are fetched where the service
// says, as long as it is below the same base.
func (b *binding) Consult(ctx context.Context, call ConsultCall) (History, error) {
	form := url.Values{
		"patient.identifier": {"urn:oid:" + call.INS.OID.String() + "|" + call.INS.Matricule.Wire()},
		"whenhandedover":     {"ge" + call.Since.Format(time.DateOnly)},
		"_include":           {"MedicationDispense:medication"},
		"_sort":              {"-whenhandedover"},
		"_count":             {strconv.Itoa(min(b.dialect.PageSize, call.Limit))},
	}
	var h History
	page, err := b.send(ctx, opConsult, http.MethodPost, b.base+b.dialect.ConsultPath, call.By, "application/x-www-form-urlencoded", []byte(form.Encode()))
	for n := 1; ; n++ {
		if err != nil {
			return History{}, err
		}
		if err := b.page(&h, page); err != nil {
			return History{}, err
		}
		next := page.Next()
		if next == "" || len(h.Entries) >= call.Limit {
			return h, nil
		}
		if n == maxPages {
			return History{}, NewError(opConsult, ErrAnswer, "", "more than "+strconv.Itoa(maxPages)+" pages", nil)
		}
		if !b.below(next) {
			return History{}, NewError(opConsult, ErrAnswer, "", "the next page is not below Environment.URL: the token stays here", nil)
		}
		page, err = b.send(ctx, opConsult, http.MethodGet, next, call.By, "", nil)
	}
}

// below reports whether address is one of this service.
func (b *binding) below(address string) bool {
	u, err := url.Parse(address)
	base, _ := url.Parse(b.base)
	return err == nil && u.Scheme == base.Scheme && u.Host == base.Host && u.User == nil && !strings.Contains(u.Path, "..") &&
		(base.Path == "" || u.Path == base.Path || strings.HasPrefix(u.Path, base.Path+"/"))
}

// page adds the entries of a page. A state that keeps the history closed comes
// as an OperationOutcome within a 200.
func (b *binding) page(h *History, page *fhir.Bundle) error {
	if page.Type != "searchset" {
		return NewError(opConsult, ErrAnswer, "", "a Bundle of type searchset was expected", nil)
	}
	included := make(map[string]*fhir.Medication)
	for _, m := range fhir.All[*fhir.Medication](page) {
		included["Medication/"+m.ID] = m
	}
	for _, o := range fhir.All[*fhir.OperationOutcome](page) {
		e := &Error{Op: opConsult, Status: http.StatusOK, outcome: socle.OutcomeRefused}
		b.issues(e, o)
		if e.kind != nil {
			return e
		}
		for _, i := range o.Issue {
			h.Notes = append(h.Notes, rest.Clean(i.Diagnostics))
		}
	}
	for _, d := range fhir.All[*fhir.MedicationDispense](page) {
		if d.Status == "entered-in-error" {
			continue
		}
		e, ok := b.entry(d, included)
		if !ok {
			return NewError(opConsult, ErrAnswer, "", "an entry without a date of delivery", nil)
		}
		h.Entries = append(h.Entries, e)
	}
	return nil
}

func (b *binding) entry(d *fhir.MedicationDispense, included map[string]*fhir.Medication) (Entry, bool) {
	var e Entry
	var ok bool
	if e.HandedOver, _, ok = d.WhenHandedOver.Time(); !ok {
		return e, false
	}
	e.ID = strings.TrimPrefix(fhir.Identified(d.Identifier, fhir.SystemURI), "urn:uuid:")
	m := fhir.Contained(d.Contained, d.MedicationReference)
	if m == nil && d.MedicationReference != nil {
		m = included[d.MedicationReference.Reference]
	}
	if m == nil {
		m = &fhir.Medication{Code: d.MedicationConcept}
	}
	if m.Code != nil {
		e.Product.Name = m.Code.Text
		for _, c := range m.Code.Coding {
			if c.Code == "" {
				continue
			}
			e.Product.Codes = append(e.Product.Codes, socle.Code{Code: c.Code, System: b.dialect.OID(c.System), Display: c.Display})
			if e.Product.Name == "" {
				e.Product.Name = c.Display
			}
		}
	}
	e.Product.Compounded = len(e.Product.Codes) == 0
	if m.Batch != nil {
		e.Lot = m.Batch.LotNumber
		e.Expiry, _, _ = m.Batch.ExpirationDate.Time()
	}
	if x := fhir.Extended(m.Extension, b.dialect.ExtSerial); x != nil {
		e.Serial = x.ValueString
	}
	if c, ok := d.Category.Code(b.dialect.SystemKind); ok {
		e.Kind = Kind(c.Code)
	} else {
		e.Kind = KindOf(e.Product)
	}
	if v, ok := d.Quantity.Float(); ok {
		e.Quantity = ordonnance.Quantity{Value: v, Unit: d.Quantity.Code}
	}
	if c, ok := d.Type.Code(b.dialect.System(ordonnance.OIDCompleteness)); ok {
		e.Completeness, _ = ordonnance.ParseCompleteness(c.Code)
	}
	if sub := d.Substitution; sub != nil && sub.WasSubstituted {
		e.Substitution = ordonnance.SubstitutedOther
		if c, _ := sub.Type.Code(""); c.Code == ordonnance.SubstitutionGeneric {
			e.Substitution = ordonnance.SubstitutedGeneric
		}
	}
	for _, r := range d.AuthorizingPrescription {
		if r.Identifier != nil && r.Identifier.System == b.dialect.SystemNumber {
			e.Prescription = ordonnance.Number(r.Identifier.Value)
		}
	}
	if x := fhir.Extended(d.Extension, b.dialect.ExtPrescriber); x != nil && x.ValueReference != nil && x.ValueReference.Identifier != nil {
		e.Prescriber = x.ValueReference.Identifier.Value
	}
	for _, n := range d.Note {
		e.Note = strings.TrimSpace(e.Note + "\n" + n.Text)
	}
	if d.Location != nil {
		e.PharmacyName = d.Location.Display
		if d.Location.Identifier != nil {
			e.Pharmacy = d.Location.Identifier.Value
		}
	}
	return e, true
}
