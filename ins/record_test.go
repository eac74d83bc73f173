package ins_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/ins"
)

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	id, r := ecetinsi(t)
	do := must(t)
	recovered := do(id.Accept(r, accept))
	for name, i := range map[string]ins.Identity{
		"PROV": id, "RECUP": recovered, "VALI": do(id.Prove(card)), "QUAL": do(do(recovered.Prove(card)).Mark(ins.Homonyme, now, "")),
		"PROV douteuse": do(recovered.Mark(ins.Douteuse|ins.Homonyme, now, "")), "PROV unknown": {},
	} {
		j, err := json.Marshal(i.Record())
		require.NoError(t, err, name)
		var back ins.Record
		require.NoError(t, json.Unmarshal(j, &back))
		got, err := ins.Restore(back)
		require.NoError(t, err, name)
		require.Empty(t, cmp.Diff(i.Record(), got.Record()), name)
		require.Equal(t, i.Status(), got.Status())
		require.Equal(t, i.Traits(), got.Traits())
		require.Equal(t, i.History(), got.History())
		want, werr := i.Sendable()
		sent, err := got.Sendable()
		require.Equal(t, want, sent)
		require.Equal(t, werr == nil, err == nil)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", i.Record(), i.Record(), i.Record()), "ECETINSI")
	}
}

func TestRecordsThatNoEventsCanHaveMadeAreRefused(t *testing.T) {
	t.Parallel()
	id, r := ecetinsi(t)
	do := must(t)
	qualified := do(do(id.Accept(r, accept)).Prove(card))
	for name, edit := range map[string]func(*ins.Record){
		"qualified without evidence": func(r *ins.Record) { r.Evidence = ins.Evidence{} },
		"qualified without INS":      func(r *ins.Record) { r.Matricule, r.OID = "", "" },
		"matricule alone":            func(r *ins.Record) { r.OID = "" },
		"qualified without traits":   func(r *ins.Record) { r.BirthName = "" },
		"qualified and douteuse":     func(r *ins.Record) { r.Attributes = ins.Douteuse },
		"fictive and homonyme":       func(r *ins.Record) { r.Attributes = ins.Fictive | ins.Homonyme },
		"provisional with an INS":    func(r *ins.Record) { r.Status, r.Evidence = "PROV", ins.Evidence{} },
		"validated with an INS":      func(r *ins.Record) { r.Status = "VALI" },
		"recovered with evidence":    func(r *ins.Record) { r.Status = "RECUP" },
		"no status":                  func(r *ins.Record) { r.Status = "" },
		"malformed matricule":        func(r *ins.Record) { r.Matricule = "1" },
		"malformed history":          func(r *ins.Record) { r.History[0].OID = "1.2" },
		"malformed date":             func(r *ins.Record) { r.BirthDate = "2009" },
	} {
		bad := qualified.Record()
		edit(&bad)
		got, err := ins.Restore(bad)
		require.ErrorIs(t, err, ins.ErrInvalid, name)
		_, err = got.Sendable()
		require.ErrorIs(t, err, ins.ErrNotQualified, name)
	}
}
