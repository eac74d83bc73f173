package nos

// AssumedClass completes the correspondence of types and classes for the types
// that came after its last published state (X04, 2012): *assumed*, each from
// the meaning of its label and the class of its nearest published neighbour.
// The correspondence in force (ASS_X16-CorrespondanceType-Classe-DMP) is not
// among the texts that we could read. A caller that has it replaces this map
// before any document is built, or gives its own class to the metadata.
var AssumedClass = map[string]string{
	// Compte rendu.
	"78601-2": "10", "56445-0": "10", "87273-9": "10", "96173-0": "10", "93024-8": "10", "61357-0": "10", "75492-9": "10", "75482-0": "10",
	"34112-3": "10", "28617-9": "10", "34120-6": "10", "34875-5": "10", "51969-4": "10", "59283-2": "10", "60280-5": "10", "60568-3": "10",
	"67851-6": "10", "68817-6": "10", "70004-7": "10", "77436-4": "10", "78341-5": "10", "78513-9": "10", "83836-7": "10", "83901-9": "10",
	"83981-1": "10", "85208-7": "10", "88348-8": "10", "89233-1": "10", "96349-6": "10", "29274-8": "10", "18761-7": "10", "74207-2": "10",
	"34842-5": "10", "74465-6": "10", "28653-4": "10",
	// Synthèse.
	"11369-6": "11", "60591-5": "11", "68599-0": "11", "57055-6": "11", "57057-2": "11", "57075-4": "11", "78489-2": "11", "89235-6": "11",
	// Imagerie médicale.
	"18748-4": "31", "IMG-KOS": "31",
	// Prescription.
	"57833-6": "42", "57828-6": "42", "57832-8": "42", "55115-0": "42", "75496-0": "42", "75468-9": "42",
	"PRESC-AAT": "42", "PRESC-BIO": "42", "PRESC-INF": "42", "PRESC-KINE": "42", "PRESC-ORTHOPHO": "42", "PRESC-ORTHOPTIE": "42", "PRESC-PEDI": "42",
	// Dispensation.
	"60593-1": "43",
	// Plan / protocole de soins.
	"83869-8": "44", "77604-7": "44", "80771-9": "44", "80788-3": "44",
	// Traitements administrés.
	"80565-5": "45", "80820-4": "45",
	// Certificat, déclaration.
	"89601-9": "52", "96874-3": "52", "86531-1": "52", "59284-0": "52", "101881-1": "52",
	"ATTEST-ASS-COMPL": "52", "ATTEST-DROITS-AM": "52", "ATTEST-HEBGT": "52", "ATTEST-RESID": "52", "AUTORIS-SOINS": "52",
	// Remboursement.
	"REMB": "60",
	// Autre document, patient.
	"EXPPAT_3": "90", "DOCPAT01": "90", "DOCPAT02": "90", "DOCPAT03": "90", "DOCPAT04": "90", "DOCPAT05": "90", "DOCPAT06": "90",
	"DOCPAT07": "90", "DOCPAT08": "90", "DOCPAT09": "90",
	// Document de gestion.
	"51851-4": "95", "56446-8": "95", "EXPORT_DUI": "95", "FEUILLE-DE-STYLE": "95", "FICHE-CONTACTS": "95", "PIECE-IDENTITE": "95",
}

// AssumedFormat completes the correspondence of document models and formats:
// *assumed* for the model of the rapid test, whose format the DMP's value set
// holds but the published correspondence (version 5.0.0) does not tie to a model.
var AssumedFormat = map[string]string{
	"1.2.250.1.213.1.1.1.59": "urn:ans:ci-sis:trod:2024",
}
