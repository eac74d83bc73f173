// Comptoir is one visit at the counter of a pharmacy, through all six services,
// against the emulators of this module: the pharmacist logs in, the patient is
// identified, the prescription read and dispensed, the history consulted and
// fed, the patient's record consulted and a report added to it, and their mail
// read, filed and answered.
//
//	go run ./examples/comptoir
//	go run ./examples/comptoir -json
//	go run ./examples/comptoir -ordonnance prescription.xml -document report.pdf
//	go run ./examples/comptoir -patient "ADRTROIS;TOUSSAINT;M;1960-01-01;2B020"
//
// The patient of -patient must be known to the emulator of INSi, as real ones
// are to INSi: instest.Catalogue lists its people.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dp"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/ordonnance"
	"github.com/soclesante/socle/psc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr, nil)
	stop()
	os.Exit(status)
}

// run is the program; between lets a test disturb the services before a step.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, between func(*stage, string)) int {
	flags := flag.NewFlagSet("comptoir", flag.ContinueOnError)
	flags.SetOutput(stderr)
	inJSON := flags.Bool("json", false, "un objet JSON par étape, puis un résumé")
	prescription := flags.String("ordonnance", "", "`fichier` eP-MED-DM à mettre dans la base de l'ordonnance numérique")
	patient := flags.String("patient", "", "qui se présente : `NOM;PRENOM;SEXE;AAAA-MM-JJ;COG`")
	document := flags.String("document", "", "`fichier` PDF à déposer dans le DMP")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "comptoir : argument inattendu : %s (un fichier se donne avec -ordonnance ou -document)\n", flags.Arg(0))
		return 2
	}
	tell := &story{out: stdout, json: *inJSON}
	start := time.Now()
	err := func() error {
		play, err := newScript(*prescription, *patient, *document)
		if err != nil {
			return err
		}
		s, err := raise()
		if err != nil {
			return err
		}
		defer s.Close()
		if err := play.set(s); err != nil {
			return err
		}
		if between == nil {
			between = func(*stage, string) {}
		}
		v := visit{stage: s, script: play, story: tell, between: between}
		return v.play(ctx)
	}()
	tell.end(err, time.Since(start))
	if err != nil {
		fmt.Fprintln(stderr, "comptoir :", err)
		return 1
	}
	return 0
}

// visit is the visit as it goes: what each step found is what the next needs.
type visit struct {
	*stage
	*script
	*story
	between func(*stage, string)

	session      *psc.Session
	who          socle.Professional
	patient      ins.Identity
	claim        ordonnance.Claim
	dispensation ordonnance.Dispensation
	counter      *dp.Visit
	dossier      dmp.Record
	documents    []dmp.Entry // of the DMP, the most recent first
	box          *mss.Mailbox
	message      *mss.Message
}

func (v *visit) play(ctx context.Context) error {
	steps := []struct {
		service, operation, what string
		do                       func(context.Context, detail) error
	}{
		{"psc", "ciba.login", "Le pharmacien s'authentifie sur son e-CPS", v.logIn},
		{"psc", "situation", "Il choisit sa situation d'exercice", v.choose},
		{"ins", "WS_INS2", "Le patient est recherché par ses traits", v.identify},
		{"ins", "qualification", "Sa pièce d'identité est vérifiée", v.qualify},
		{"ordonnance", "Read", "L'ordonnance est lue, une seule fois", v.read},
		{"dp", "Consult", "L'historique des délivrances est consulté", v.consult},
		{"ordonnance", "Dispense", "La délivrance est déclarée, ligne par ligne", v.dispense},
		{"dp", "Feed", "Le dossier pharmaceutique est alimenté", v.feed},
		{"dmp", "TD0.2", "L'existence du DMP est vérifiée", v.exists},
		{"dmp", "TD0.3", "Le patient autorise la consultation", v.authorize},
		{"dmp", "TD3.1", "Les documents de son DMP sont listés", v.search},
		{"dmp", "TD3.2", "Le plus récent est ouvert", v.open},
		{"dmp", "TD2.1", "Le compte rendu est déposé", v.submit},
		{"mss", "imap.read", "Le courrier du patient est lu", v.readMail},
		{"dmp", "TD2.1", "Le document reçu est versé au DMP", v.file},
		{"mss", "smtp.reply", "Une réponse lui est envoyée, l'échange est clos", v.answer},
		{"psc", "logout", "La session est fermée", v.logOut},
	}
	defer v.leave()
	for _, s := range steps {
		v.between(v.stage, s.operation)
		if err := v.step(s.service, s.operation, s.what, func(d detail) error { return s.do(ctx, d) }); err != nil {
			return err
		}
	}
	return nil
}

// leave closes what a visit cut short left open.
func (v *visit) leave() {
	if v.counter != nil {
		v.counter.Close()
	}
	if v.box != nil {
		_ = v.box.Close()
	}
}

func (v *visit) logIn(ctx context.Context, d detail) (err error) {
	person, err := socle.ParsePersonID(pharmacist)
	if err != nil {
		return err
	}
	v.session, err = v.login.Login(ctx, psc.LoginRequest{Person: person, Channel: psc.ChannelMobile, Show: func(binding string) { d["nombre affiché"] = binding }})
	if err != nil {
		return err
	}
	d["niveau"] = v.session.ACR()
	return nil
}

func (v *visit) choose(_ context.Context, d detail) (err error) {
	situations := v.session.UserInfo().Situations()
	if len(situations) == 0 {
		return errors.New("aucune situation d'exercice")
	}
	v.who, err = v.session.Professional(situations[0].Key)
	if err != nil {
		return err
	}
	d["professionnel"], d["rôle"], d["structure"] = v.who.FullName(), v.who.Profession.Code+"/"+v.who.Speciality.Code, v.who.Structure.ID.String()
	return nil
}

func (v *visit) identify(ctx context.Context, d detail) error {
	id, err := ins.NewIdentity(v.traits)
	if err != nil {
		return err
	}
	found, err := v.identity.Search(ctx, v.who, id)
	d["appels"] = len(found.Attempts)
	if errors.Is(err, ins.ErrNotFound) {
		d["conseil"] = "l'émulateur connaît les personnes de instest.Catalogue et le patient de -ordonnance"
	}
	if err != nil {
		return err
	}
	// The user compares what INSi answers with the person before them.
	v.patient, err = id.Accept(found.Result, ins.Acceptance{At: v.clock.Now(), By: v.who.ID.String()})
	d["statut"] = v.patient.Status().String()
	return err
}

func (v *visit) qualify(_ context.Context, d detail) (err error) {
	v.patient, err = v.patient.Prove(ins.Evidence{Kind: ins.IDCard, At: v.clock.Now(), By: v.who.ID.String()})
	if err != nil {
		return err
	}
	d["statut"], d["patient"] = v.patient.Status().String(), v.patient.Traits().First()+" "+v.patient.Traits().BirthName
	return nil
}

func (v *visit) actor() socle.Actor {
	return socle.Actor{Professional: v.who, Tokens: v.session}
}

func (v *visit) read(ctx context.Context, d detail) (err error) {
	v.claim, err = v.prescription.Read(ctx, v.actor(), ordonnance.ReadRequest{Patient: v.patient, Number: v.number})
	if err != nil {
		return err
	}
	d["numéro"], d["prescripteur"] = v.claim.Number.String(), v.claim.Prescription.Prescriber.FullName()
	d["lignes"] = lines(v.claim.Prescription)
	return nil
}

func (v *visit) dispense(ctx context.Context, d detail) error {
	v.dispensation = v.claim.Prescription.NewDispensation(v.clock.Now())
	receipt, err := v.prescription.Dispense(ctx, v.actor(), ordonnance.DispenseRequest{Patient: v.patient, Claim: v.claim, Dispensation: v.dispensation})
	if err != nil {
		return err
	}
	d["lignes délivrées"], d["ordonnance"] = len(v.dispensation.Items), receipt.Status
	return nil
}

func (v *visit) logOut(ctx context.Context, d detail) error {
	d["ouverte depuis"] = v.clock.Now().Sub(v.session.AuthenticatedAt()).Round(time.Second).String()
	return v.session.Logout(ctx)
}
