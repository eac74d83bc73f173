package dmptest

import (
	"github.com/soclesante/socle"
	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/ins"
)

// Patients gives the patients of a new Server: official fictitious ones of the
// DMP's test platforms (dmp sheet §8), then neighbours of our own. All are of
// the test OID 1.2.250.1.213.1.4.10, but one of the demonstration OID, and their
// place of birth is the one that their matricule holds. Days of birth that no public source
// gives are the first of the month.
//
// The Authorization of a patient is the attitude towards any professional: see
// Patient. Who "gives no authorization" may be asked to, by TD0.3.
func Patients() []Patient {
	open := func(purpose string) Patient {
		return Patient{State: dmp.StateOpen, Authorization: dmp.AuthorizationValid, Purpose: purpose}
	}
	with := func(p Patient, change func(*Patient)) Patient { change(&p); return p }
	authorizing := func(a dmp.Authorization) func(*Patient) { return func(p *Patient) { p.Authorization = a } }
	ens := open("attached to Mon espace santé")
	ens.Account, ens.MonEspaceSante = true, true
	none := Patient{State: dmp.StateNone, Purpose: "no DMP"}
	closed := Patient{State: dmp.StateClosed, Purpose: "closed DMP"}
	return []Patient{
		patient(open("common"), "279035121518989", "PAT-TROIS", "DOMINIQUE", ins.Female, "1979-03-28"),
		patient(none, "153078987658513", "CONTESTE", "JEAN", ins.Male, "1953-07-24"),
		patient(closed, "270108604926542", "FERMETURE", "FLORENCE", ins.Female, "1970-10-12"),
		patient(with(closed, func(p *Patient) { p.ClosedBecause = "Je ne veux plus de DMP" }), "202096615708958", "MAXIMOP", "NADINE", ins.Female, "2002-09-18"),
		patient(with(open("with documents, and an INS-C"), func(p *Patient) { p.INSC = "1197854176879056415520" }), "207058575627097", "PATB-QUATRE", "LAURENCE", ins.Female, "1907-05-25"),
		patient(with(open("gives no authorization"), authorizing(dmp.AuthorizationNone)), "265025544371476", "AUTORISEPAS", "HELENE", ins.Female, "1965-02-26"),
		patient(with(open("authorization to ask for"), authorizing(dmp.AuthorizationNone)), "157069329642881", "ENCHAINE", "IRENE", ins.Female, "1957-06-28"),
		patient(with(open("authorization expired"), authorizing(dmp.AuthorizationExpired)), "241030750595179", "EXPIRE", "ELVIRE", ins.Female, "1941-03-01"),
		patient(with(open("professional blocked"), authorizing(dmp.AuthorizationForbidden)), "138080427231017", "BLOCH", "DIDER", ins.Male, "1938-08-23"),
		patient(with(open("bris de glace: no authorization"), authorizing(dmp.AuthorizationNone)), "213102288044517", "URGENCE", "CLARENCE", ins.Male, "2013-10-16"),
		patient(with(open("opposed to Centre 15"), func(p *Patient) { p.OpposesRegulation, p.Authorization = true, dmp.AuthorizationNone }),
			"199033022011538", "PAT-VUN-UN", "NEO", ins.Male, "1999-03-31"),
		patient(with(open("opposed to Centre 15 and to bris de glace"), func(p *Patient) {
			p.OpposesRegulation, p.OpposesBreakGlass, p.Authorization = true, true, dmp.AuthorizationNone
		}), "116083022011613", "PAT-VUN-DEUX", "ADAM", ins.Male, "2016-08-23"),
		patient(with(open("minor: documents hidden from the representatives"), func(p *Patient) {
			p.Representatives = []dmp.Representative{{Relation: socle.Code{Code: "FTH", System: "2.16.840.1.113883.1.11.19579"}, Title: "M", FamilyName: "MELANGE", GivenName: "BASTIEN",
				Contact: dmp.Contact{Telecoms: []dmp.Telecom{{URL: "tel:0199000001", Use: "MC"}}, Address: dmp.Address{Lines: []string{"3 rue des Simples"}, PostalCode: "75000", City: "PARIS"}}}}
		}), "111068647818424", "MELANGE", "SEBASTIEN", ins.Male, "2011-06-19"),
		patient(open("vaccination book"), "289083022020283", "PAT-VAC", "SAMUS", ins.Female, "1989-08-06"),
		patient(open("vaccination book"), "155076322000225", "BON", "JEAN", ins.Male, "1955-07-14"),
		patient(ens, "148026322000195", "ENS-GRUBER", "HANS", ins.Male, "1948-02-21"),
		patient(open("documents of the patient"), "211066322074514", "PATB-TROIS", "SOPHIE", ins.Female, "2011-06-01"),
		patient(open("documents of the patient"), "107103022020113", "PAT-EXPPAT", "GERALT", ins.Male, "2007-10-01"),
		patient(open("feed, replace, delete"), "287080883795737", "HALL", "ANNIE", ins.Female, "1987-08-20"),
		patient(open("attributes of documents"), "235061058692768", "ATTRIBUT", "MONIQUE", ins.Female, "1935-06-07"),
		patient(open("search by dates"), "116095280720767", "ALOT", "CECILE", ins.Female, "2016-09-01"),
		patient(open("search and consultation"), "178101062506892", "RECHERCHE", "MARJORIE", ins.Female, "1978-10-01"),
		patient(open("AIR mode"), "211046322000147", "AIRTRIBUT", "PAULINE", ins.Female, "2011-04-15"),
		patient(open("AIR mode"), "109016322000249", "MEUHES", "ALI", ins.Male, "2009-01-01"),
		patient(with(open("history of reimbursements, demonstration OID"), func(p *Patient) { p.INS.OID = ins.OIDDemo }), "255069999999934", "DESMAUX", "NATHALIE", ins.Female, "1955-06-15"),
		patient(with(open("search by traits"), func(p *Patient) {
			p.Title = "Mme"
			p.Contact.Address = dmp.Address{Lines: []string{"12 allée des Tilleuls"}, PostalCode: "69000", City: "LYON"}
		}), "104016331311312", "DUCHAMPS", "PATRICIA", ins.Female, "1904-01-28"),
		patient(open("Corsica"), "101072B99900114", "CORSE", "ORSO", ins.Male, "2001-07-01"),
		patient(open("Corsica"), "188102B17295165", "CORSE", "FIGATELLIX", ins.Male, "1988-10-01"),
		// Ours.
		patient(open("neighbour"), keyed("2840692050123"), "ORTIE", "CAPUCINE", ins.Female, "1984-06-11"),
		patient(ens, keyed("1620113055217"), "TILLEUL", "ACHILLE", ins.Male, "1962-01-30"),
		patient(closed, keyed("1911135238044"), "GENTIANE", "BASILE", ins.Male, "1991-11-05"),
		patient(none, keyed("2030575114090"), "MELISSE", "FLORE", ins.Female, "2003-05-17"),
	}
}
