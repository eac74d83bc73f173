package instest

import "github.com/soclesante/socle/ins"

// Catalogue gives the fictitious people of the CNDA's test book and of the
// published samples, with the INS that the qualification environment answers
// for them, and a few neighbours of our own. The name of the official case, if
// any, stands before each.
func Catalogue() []Person {
	people := []Person{
		// 2.03 case 1
		person("101066322075460", ins.OIDNIR, "D'ARTAGNAN DE L'HERAULT", "PIERRE-ALAIN GUNTHER", "M", "2001-06-17", "63220"),
		// 2.03 case 2
		person("160012B02077713", ins.OIDNIR, "ADRTROIS", "TOUSSAINT", "M", "1960-01-01", "2B020"),
		person("297022A02077878", ins.OIDNIR, "ADRTROIS", "DOMINIQUE", "F", "1997-02-26", "2A020"),
		person("181016322075140", ins.OIDNIR, "ADRDEUX", "LAURENT", "M", "1981-01-01", "63220"),
		person("275126322074974", ins.OIDNIR, "ADRUN", "ZOE", "F", "1975-12-31", "63220"),
		// 2.04: the sex was corrected; the interval ends before it begins, as answered
		person("109076322083489", ins.OIDNIR, "ECETINSI", "PIERRE-ALAIN MURIEL FLORIANT", "M", "2009-07-14", "63220",
			past("209076322083439", "2019-03-01", "2019-02-28"), past("209066322012355", "", "")),
		// 2.05: an NIA that begins with 1
		person("109076322088835", ins.OIDNIA, "PROVISOIRE", "MATRICULE", "M", "2009-07-01", "63220"),
		// 2.06: two persons told apart by their place of birth; the second is ours
		person("114026322083356", ins.OIDNIR, "DE VINCI", "LEONARDO PIERO", "M", "2014-02-01", "63220"),
		person("114026311383464", ins.OIDTest, "DE VINCI", "LEONARDO", "M", "2014-02-01", "63113"),
		// 2.07 case 1 (case 2, HOUILLES, is nobody)
		person("236066322083656", ins.OIDNIR, "TCHITCHI", "CATARINA BELLA", "F", "1936-06-21", "63220"),
		// 2.08 case 1: the history repeats the active INS
		person("180032B02040123", ins.OIDNIR, "CORSE", "ANTHONY", "M", "1980-03-02", "2B020", past("180032B02040123", "", "")),
		// 2.08 case 2, under both spellings; the second key of the history is wrong, as answered
		person("181036322045676", ins.OIDNIR, "HERMAN", "GATIEN", "M", "1981-03-24", "63220",
			past("181036322045676", "", ""), past("281036322045610", "", "")),
		person("181036322045676", ins.OIDNIR, "HERMANN", "GATIEN", "M", "1981-03-24", "63220",
			past("181036322045676", "", ""), past("281036322045610", "", "")),
		// 3.05 case 3
		person("277076322082910", ins.OIDNIR, "NESSI", "NATHALIE", "F", "1977-07-14", "63220"),
		person("110086322083060", ins.OIDNIR, "NESSI", "MICHELANGELO ANTHONY", "M", "2010-08-07", "63220"),
		// sample of WS_INS2
		person("207058575627097", ins.OIDNIR, "PATB-QUATRE", "LAURENCE", "F", "1907-05-25", "85756"),
		// patient of the CDA and DMP examples
		person("279035121518989", ins.OIDTest, "PAT-TROIS", "DOMINIQUE MARIE-LOUISE", "F", "1979-03-28", "51215"),
	}
	return people
}

func person(matricule string, oid ins.OID, name, given, sex, birth, place string, history ...ins.Past) Person {
	id, err := ins.ParseLenient(matricule, oid.String())
	if err != nil {
		panic("instest: catalogue: " + name)
	}
	date, err := ins.ParseBirthDate(birth)
	if err != nil {
		panic("instest: catalogue: " + name)
	}
	t, err := ins.Traits{BirthName: name, GivenNames: given, Sex: ins.Sex(sex), BirthDate: date, BirthPlace: ins.COG(place)}.Normalize()
	if err != nil {
		panic("instest: catalogue: " + name)
	}
	return Person{INS: id, Traits: t, History: history}
}

func past(matricule, from, to string) ins.Past {
	id, err := ins.ParseLenient(matricule, ins.OIDNIR.String())
	if err != nil {
		panic("instest: catalogue: history")
	}
	return ins.Past{INS: id, From: from, To: to}
}
