package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func try(ctx context.Context, stdin string, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(ctx, args, strings.NewReader(stdin), &out, &errs)
	return status, out.String(), errs.String()
}

func TestTheVisitPlaysToItsEnd(t *testing.T) {
	t.Parallel()
	status, out, errs := try(t.Context(), "")
	require.Zero(t, status, errs)
	last := -1
	for _, want := range []string{
		"DMP ouvert ; consultation : le patient n'a pas autorisé", "> consentement\nDMP ouvert ; consultation : autorisée", "Envoyé : Note de vaccination, lot L42",
		"2  ", "2 document(s)", "| L42 |", "Observance bonne.", "Corrigé : Note de vaccination, lot L43", "Masqué aux autres professionnels", "[masqué]",
		"Supprimé : Note de vaccination", "1 document(s)", "TD0.3 par Paule ARNICA", "TD3.3c par Paule ARNICA",
	} {
		i := strings.Index(out[last+1:], want)
		require.GreaterOrEqual(t, i, 0, "%q in its place in:\n%s", want, out)
		last += 1 + i
	}
	require.NotContains(t, out, "157069329642881")
}

func TestCommandsAreAskedFor(t *testing.T) {
	t.Parallel()
	status, out, errs := try(t.Context(), strings.Join([]string{"liste", "dossier", "liste", "aide", "consentement", "consentement", "ouvrir 1", "liste", "corriger 1 L9", "vacciner",
		"ouvrir 9", "bidule", "", "supprimer 1", "retrait", "liste", "quitter", "dossier"}, "\n"), "-i")
	require.Zero(t, status, errs)
	for _, want := range []string{"commencez par dossier", "recueillez son accord", "supprimer N", "Autorisation déjà présente aucune action effectuée", "ouvrir : aide dit les commandes",
		"1 document(s)", "is not the author of the document", "le numéro de lot est obligatoire", "bidule : aide"} {
		require.Contains(t, out, want)
	}
	require.Equal(t, 4, strings.Count(out, "DMP ouvert"), "nothing after quitter")
	status, _, _ = try(t.Context(), "dossier\n", "-i")
	require.Zero(t, status, "the end of the input ends the conversation")
}

func TestPatientsWhoDoNotFit(t *testing.T) {
	t.Parallel()
	for patient, want := range map[string]string{
		"BLOCH": "le patient a bloqué", "FERMETURE": "le DMP de ce patient est fermé", "CONTESTE": "n'a pas de DMP", "INCONNU": "patient inconnu",
	} {
		status, _, errs := try(t.Context(), "", "-patient", patient)
		require.Equal(t, 1, status, patient)
		require.Contains(t, errs, want, patient)
	}
	status, out, errs := try(t.Context(), "", "-patient", "URGENCE", "-bris", "patient inconscient")
	require.Zero(t, status, errs)
	require.Contains(t, out, "Observance bonne.")
	require.Contains(t, out, "TD3.2 par Paule ARNICA, break glass : patient inconscient")
	status, _, _ = try(t.Context(), "", "-nonsense")
	require.Equal(t, 2, status)
	status, _, _ = try(t.Context(), "", "-h")
	require.Zero(t, status)
}

func TestWhatCommandsTheTerminalIsNotShown(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a[2Jb\nc", shown("a\x1b[2Jb\nc\u202e"))
}
