package mss_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// counter is a pharmacy that reads its mail and files into the DMP, and the
// hospital that writes to it.
type counter struct {
	*bench
	dmp      *dmptest.Server
	filer    *dmp.Client
	hospital *dmp.Client
	who, mo  socle.Professional
	patient  ins.Identity
	ins      ins.INS
}

func professional(t testing.TB, rpps, family, profession, speciality string, at socle.Structure) socle.Professional {
	r, err := socle.ParseRPPS(rpps)
	require.NoError(t, err)
	return socle.Professional{ID: socle.FromRPPS(r), FamilyName: family, GivenName: "Claire", Structure: at,
		Profession: socle.Code{Code: profession}, Speciality: socle.Code{Code: speciality}}
}

func site(t testing.TB, id, name, sector string) socle.Structure {
	s, err := socle.ParseStructureID(id)
	require.NoError(t, err)
	return socle.Structure{ID: s, Name: name, Sector: socle.Code{Code: sector}}
}

func newCounter(t testing.TB) *counter {
	t.Helper()
	a, err := authority()
	require.NoError(t, err)
	c := &counter{bench: set(t, msstest.Options{}, withOID)}
	c.dmp, err = dmptest.NewServer(dmptest.Options{Authority: a})
	require.NoError(t, err)
	t.Cleanup(c.dmp.Close)
	client := func(s socle.Structure) *dmp.Client {
		auth, sign, err := c.dmp.Organisation(s)
		require.NoError(t, err)
		d, err := dmp.New(dmp.Config{Environment: c.dmp.Environment(), Roots: c.dmp.Roots(), Certificate: auth, Signature: sign,
			Software: socle.Software{Name: "LGO", Version: "1", Install: "5f3c9d8e-2b41-4c7a-9d2e-0a1b2c3d4e5f", OID: softwareOID,
				Homologation: map[socle.Service]string{socle.ServiceDMP: "DMP-0001"}}})
		require.NoError(t, err)
		t.Cleanup(d.Close)
		return d
	}
	officine := site(t, "1750000010", "PHARMACIE DU MARCHE", "SA33")
	hospital := site(t, "1750000028", "HOPITAL D'ESSAI", "SA01")
	c.filer, c.hospital = client(officine), client(hospital)
	c.who = professional(t, "10000000017", "OFFICINE", socle.ProfessionPharmacist, "A", officine)
	c.mo = professional(t, "10000000025", "MEDECIN", socle.ProfessionDoctor, "SM26", hospital)
	for _, p := range dmptest.Patients() {
		if p.Traits.BirthName == "ORTIE" {
			c.ins = p.INS
			c.patient, err = p.Qualified(time.Now())
			require.NoError(t, err)
		}
	}
	return c
}

// made gives a document of the hospital, as its software writes it.
func (c *counter) made(t testing.TB, e dmp.Edition) []byte {
	t.Helper()
	file := dmp.Bytes("application/pdf", []byte("%PDF-1.4\n<pdfaid:part>1</pdfaid:part>"))
	d, err := c.hospital.NewDocument(c.mo, c.patient, dmp.Report{Title: "Compte rendu", Type: dmp.Consultation, File: file, Edition: e})
	require.NoError(t, err)
	o, err := mss.OutgoingDocument(d, nil)
	require.NoError(t, err)
	return o.CDA
}

// receive sends a message to the pharmacy from its own mailbox, as the hospital
// would, and gives it as it is read.
func (c *counter) receive(t testing.TB, m *mss.Mailbox, documents ...mss.Outgoing) *mss.Message {
	t.Helper()
	_, err := m.Send(context.Background(), mss.Draft{To: []mss.Address{address(t, pharmacy)}, Text: "Bonjour", Documents: documents})
	require.NoError(t, err)
	l := list(t, m, mss.UID{})
	msg, err := m.Read(context.Background(), l[len(l)-1].UID)
	require.NoError(t, err)
	require.Empty(t, msg.Faults)
	return msg
}

// A message with an IHE_XDM.ZIP arrives; its document is filed with TD2.1 and is
// in the DMP, byte for byte; a second copy is a duplicate, and the next version
// is known for one.
func TestReceivedDocumentIsFiledIntoTheDMP(t *testing.T) {
	t.Parallel()
	c, ctx := newCounter(t), context.Background()
	m := c.open(t)
	content := c.made(t, dmp.Edition{})
	d := c.receive(t, m, mss.Outgoing{CDA: content, PDF: []byte("%PDF-1.4")}).Documents[0]
	standing, _ := d.Among(nil)
	require.Equal(t, mss.StandingNew, standing)
	shown, err := d.CDA()
	require.NoError(t, err)
	require.Equal(t, "Claire MEDECIN", shown.Authors[0].Name())
	require.True(t, shown.IsOf(c.ins))
	_, err = mss.Document{}.CDA()
	require.ErrorIs(t, err, dmp.ErrInvalidDocument)

	doc, err := d.File(c.filer, c.who, c.patient, mss.FileOptions{Comments: "reçu par MSSanté"})
	require.NoError(t, err)
	record, err := c.filer.Exists(ctx, c.who, c.patient)
	require.NoError(t, err)
	_, err = c.filer.Submit(ctx, c.who, c.patient, dmp.Submission{Record: record, Documents: []*dmp.Document{doc}})
	require.NoError(t, err)
	filed := c.dmp.Documents(c.ins)
	require.Len(t, filed, 1)
	require.Equal(t, content, filed[0].Content)
	require.Equal(t, d.ID, filed[0].ID)
	require.Equal(t, c.who.ID.String(), filed[0].Author)

	there := []mss.Filed{{ID: d.ID, SetID: d.SetID, Version: d.Version, Hash: doc.Hash()}}
	again := c.receive(t, m, mss.Outgoing{CDA: content}).Documents[0]
	standing, which := again.Among(there)
	require.Equal(t, mss.StandingDuplicate, standing)
	require.Equal(t, there[0], which)
	second, err := again.File(c.filer, c.who, c.patient, mss.FileOptions{})
	require.NoError(t, err)
	_, err = c.filer.Submit(ctx, c.who, c.patient, dmp.Submission{Record: record, Documents: []*dmp.Document{second}})
	require.ErrorIs(t, err, dmp.ErrDuplicate, "whoever does not look finds out")

	next := c.receive(t, m, mss.Outgoing{CDA: c.made(t, doc.Next())}).Documents[0]
	standing, which = next.Among(there)
	require.Equal(t, mss.StandingVersion, standing)
	require.Equal(t, d.ID, which.ID)
	require.Equal(t, 2, next.Version)
	standing, _ = next.Among([]mss.Filed{mss.FiledEntry(dmp.Entry{ID: d.ID, Hash: d.Hash})})
	require.Equal(t, mss.StandingVersion, standing, "by what it replaces, where the version is not told")
	read, err := dmp.ParseCDA(content)
	require.NoError(t, err)
	standing, _ = next.Among([]mss.Filed{mss.FiledCDA(read)})
	require.Equal(t, mss.StandingVersion, standing)

	second, err = next.File(c.filer, c.who, c.patient, mss.FileOptions{})
	require.NoError(t, err)
	_, err = c.filer.Submit(ctx, c.who, c.patient, dmp.Submission{Record: record, Documents: []*dmp.Document{second},
		Replaced: map[string]string{d.ID: filed[0].EntryUUID}})
	require.NoError(t, err)
	filed = c.dmp.Documents(c.ins)
	require.Len(t, filed, 2)
	require.Contains(t, filed[0].Status, "Deprecated", "RPLC")
	require.Equal(t, next.ID, filed[1].ID)
	require.Contains(t, filed[1].Status, "Approved")
}

func TestWhatIsNotFiledSaysWhy(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number, family := c.ins.Matricule.Wire(), "ORTIE"
	content := string(c.made(t, dmp.Edition{}))
	read := func(change ...string) mss.Document {
		raw := envoi(t, []byte(strings.NewReplacer(change...).Replace(content)))
		docs := mss.ParseMessage(raw).Documents
		require.Len(t, docs, 1)
		return docs[0]
	}
	good := read()
	require.NoError(t, good.Fits(c.patient))
	changed := good
	changed.Err = errors.New("changed on the way")
	deleted := good
	deleted.Action = mss.ActionDelete
	for name, x := range map[string]struct {
		d    mss.Document
		code string
	}{
		"without INS":          {read("1.2.250.1.213.1.4.10", "1.2.250.1.999.4"), mss.IntegrationNoINS},
		"another patient":      {read(number, other), mss.IntegrationINSDiffers},
		"another authority":    {read(`"1.2.250.1.213.1.4.10"`, `"1.2.250.1.213.1.4.8"`), mss.IntegrationINSDiffers},
		"another name":         {read(family, "CAPUCINE"), mss.IntegrationINSDiffers},
		"without birth date":   {read("<birthTime value=", "<birthTime nullFlavor="), mss.IntegrationINSIncomplete},
		"fault of the archive": {changed, mss.IntegrationOther},
		"to be deleted":        {deleted, mss.IntegrationOther},
		"stored and changed":   {mss.Document{Patient: good.Patient}, mss.IntegrationOther},
	} {
		_, err := x.d.File(c.filer, c.who, c.patient, mss.FileOptions{})
		require.ErrorIs(t, err, mss.ErrNotFiled, name)
		var e *mss.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, x.code, e.Code, name)
		require.Equal(t, mss.Integration{Code: x.code, Label: mss.IntegrationLabel(x.code)}, mss.IntegrationOf(err))
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
		for _, secret := range []string{number, family, "CAPUCINE"} {
			require.NotContains(t, err.Error(), secret)
		}
	}
	unproven, err := ins.NewIdentity(c.patient.Traits())
	require.NoError(t, err)
	_, err = good.File(c.filer, c.who, unproven, mss.FileOptions{})
	require.ErrorIs(t, err, ins.ErrNotQualified)
	require.Equal(t, mss.IntegrationOther, mss.IntegrationOf(err).Code)
	_, err = good.File(c.filer, c.who, c.patient, mss.FileOptions{Visibility: []dmp.Visibility{"TOUS"}})
	require.ErrorIs(t, err, dmp.ErrInvalidDocument, "what the DMP's package refuses has its error")
	require.Equal(t, mss.IntegrationINSDiffers, mss.IntegrationOf(errors.Join(dmp.ErrPatientMismatch)).Code)
}

func TestStandings(t *testing.T) {
	t.Parallel()
	filed := []mss.Filed{{ID: "1.1", SetID: "1", Version: 1}, {ID: "1.2", SetID: "1", Version: 2}, {ID: "9.1", Hash: "aa"}}
	for name, x := range map[string]struct {
		d     mss.Document
		want  mss.Standing
		which string
	}{
		"nothing in common":             {mss.Document{ID: "5", SetID: "5", Version: 1}, mss.StandingNew, ""},
		"the same":                      {mss.Document{ID: "1.2", SetID: "1", Version: 2}, mss.StandingDuplicate, "1.2"},
		"the same bytes":                {mss.Document{ID: "9.1", Hash: "AA"}, mss.StandingDuplicate, "9.1"},
		"other bytes":                   {mss.Document{ID: "9.1", Hash: "bb"}, mss.StandingConflict, "9.1"},
		"next of the set":               {mss.Document{ID: "1.3", SetID: "1", Version: 3}, mss.StandingVersion, "1.2"},
		"next by what it replaces":      {mss.Document{ID: "1.3", Replaces: []string{"9.1"}}, mss.StandingVersion, "9.1"},
		"an old one":                    {mss.Document{ID: "1.0", SetID: "1", Version: 1}, mss.StandingOutdated, "1.2"},
		"replaces one that is not last": {mss.Document{ID: "1.3", SetID: "1", Version: 3, Replaces: []string{"1.1"}}, mss.StandingOutdated, "1.2"},
		"replaces what is not here":     {mss.Document{ID: "7", Replaces: []string{"6"}}, mss.StandingOrphan, ""},
		"says that it replaces":         {mss.Document{ID: "7", Action: mss.ActionReplace}, mss.StandingOrphan, ""},
		"to be deleted":                 {mss.Document{ID: "9.1", Action: mss.ActionDelete}, mss.StandingDelete, "9.1"},
		"to be deleted, unknown":        {mss.Document{ID: "8", Action: mss.ActionDelete}, mss.StandingAbsent, ""},
		"without identifier":            {mss.Document{}, mss.StandingNew, ""},
	} {
		got, which := x.d.Among(append(filed, mss.Filed{}))
		require.Equal(t, x.want, got, name)
		require.Equal(t, x.which, which.ID, name)
	}
}

// envoi makes a message with an archive of documents, whatever they are.
func envoi(t testing.TB, documents ...[]byte) []byte {
	t.Helper()
	b := set(t, msstest.Options{})
	_, err := b.server.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "Bonjour", Documents: documents})
	require.NoError(t, err)
	return b.server.Messages(pharmacy, "INBOX")[0]
}

// cameByMail gives a client of the DMP, who files, for whom, and a message whose
// second document has no INS.
func cameByMail(server *dmptest.Server) (*dmp.Client, socle.Professional, ins.Identity, *mss.Message, error) {
	fail := func(err error) (*dmp.Client, socle.Professional, ins.Identity, *mss.Message, error) {
		return nil, socle.Professional{}, ins.Identity{}, nil, err
	}
	id, err := socle.ParseStructureID("1750000010")
	if err != nil {
		return fail(err)
	}
	rpps, err := socle.ParseRPPS("10000000017")
	if err != nil {
		return fail(err)
	}
	who := socle.Professional{ID: socle.FromRPPS(rpps), FamilyName: "OFFICINE", GivenName: "Claire", Profession: socle.Code{Code: socle.ProfessionPharmacist},
		Speciality: socle.Code{Code: "A"}, Structure: socle.Structure{ID: id, Name: "PHARMACIE DU MARCHE", Sector: socle.Code{Code: "SA33"}}}
	auth, sign, err := server.Organisation(who.Structure)
	if err != nil {
		return fail(err)
	}
	client, err := dmp.New(dmp.Config{Environment: server.Environment(), Roots: server.Roots(), Certificate: auth, Signature: sign,
		Software: socle.Software{Name: "LGO", Version: "1", Install: "5f3c9d8e-2b41-4c7a-9d2e-0a1b2c3d4e5f", OID: softwareOID,
			Homologation: map[socle.Service]string{socle.ServiceDMP: "DMP-0001"}}})
	if err != nil {
		return fail(err)
	}
	i := slices.IndexFunc(dmptest.Patients(), func(p dmptest.Patient) bool { return p.Traits.BirthName == "ORTIE" })
	patient, err := dmptest.Patients()[i].Qualified(time.Now())
	if err != nil {
		return fail(err)
	}
	d, err := client.NewDocument(who, patient, dmp.Report{Title: "Compte rendu", Type: dmp.Consultation,
		File: dmp.Bytes("application/pdf", []byte("%PDF-1.4\n<pdfaid:part>1</pdfaid:part>"))})
	if err != nil {
		return fail(err)
	}
	o, err := mss.OutgoingDocument(d, nil)
	if err != nil {
		return fail(err)
	}
	operator, err := msstest.NewServer(msstest.Options{Introspect: func(context.Context, string) (string, bool, error) { return "", false, nil },
		Mailboxes: []msstest.Mailbox{{Address: pharmacy}}})
	if err != nil {
		return fail(err)
	}
	defer operator.Close()
	_, err = operator.DeliverFromPatient(pharmacy, msstest.PatientMessage{Matricule: matricule, Name: "Anne Essai", Text: "x",
		Documents: [][]byte{o.CDA, small("1", "1.2.250.1.213.1.4.10", "1.2.250.1.999.4")}})
	if err != nil {
		return fail(err)
	}
	return client, who, patient, mss.ParseMessage(operator.Messages(pharmacy, "INBOX")[0]), nil
}

// A header has only the year of a lunar date: it is as much as there is.
func TestLunarBirthDatesFit(t *testing.T) {
	t.Parallel()
	d := mss.ParseMessage(envoi(t, small("1"))).Documents[0]
	for _, c := range []struct{ patient, document, code string }{
		{"1979-03-28", "1979-03-28", ""},
		{"1979-03-28", "1979-03", mss.IntegrationINSIncomplete},
		{"1979-03-28", "1979", mss.IntegrationINSIncomplete},
		{"1979-03-28", "1979-03-29", mss.IntegrationINSDiffers},
		{"1979-03-28", "", mss.IntegrationINSIncomplete},
		{"1979-14-03", "1979", ""},
		{"1979-14-03", "1980", mss.IntegrationINSDiffers},
	} {
		number, err := ins.Parse(matricule, ins.OIDTest.String())
		require.NoError(t, err)
		born, err := ins.ParseBirthDate(c.patient)
		require.NoError(t, err)
		traits := ins.Traits{BirthName: "ESSAI FICTIF", GivenNames: "ANNE MARIE", Sex: ins.Female, BirthDate: born}
		id, err := ins.NewIdentity(traits)
		require.NoError(t, err)
		id, err = id.Accept(ins.Result{Active: number, Traits: traits, At: time.Now()}, ins.Acceptance{At: time.Now()})
		require.NoError(t, err)
		id, err = id.Prove(ins.Evidence{Kind: ins.IDCard, At: time.Now()})
		require.NoError(t, err)
		d.Patient.BirthDate = c.document
		err = d.Fits(id)
		if c.code == "" {
			require.NoError(t, err, "%v", c)
			continue
		}
		require.ErrorIs(t, err, mss.ErrNotFiled)
		require.Equal(t, c.code, mss.IntegrationOf(err).Code, "%v", c)
	}
}
