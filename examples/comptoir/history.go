package main

import (
	"context"

	"github.com/soclesante/socle/dp"
)

// consult opens the patient's dossier pharmaceutique for this visit.
func (v *visit) consult(ctx context.Context, d detail) (err error) {
	if v.counter, err = v.history.Open(v.actor(), v.patient, dp.ForDispensation); err != nil {
		return err
	}
	history, err := v.counter.Consult(ctx, dp.Query{})
	if err != nil {
		return err
	}
	d["délivrances"] = len(history.Entries)
	if len(history.Entries) > 0 {
		last := history.Entries[0]
		d["la dernière"] = last.HandedOver.Format("02/01/2006") + " " + last.Product.Name + ", " + last.PharmacyName
	}
	return nil
}

// feed adds what was dispensed to it.
func (v *visit) feed(ctx context.Context, d detail) error {
	receipt, err := v.counter.Feed(ctx, dp.LinesOf(v.claim.Prescription, v.dispensation))
	if err != nil {
		return err
	}
	d["lignes"] = len(receipt.Fed)
	v.counter.Close() // the history is forgotten
	return nil
}
