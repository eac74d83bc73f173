package cisis

// Models of documents, sections and entries.
const (
	modelFrance = "2.16.840.1.113883.2.8.2.1"
	modelCISIS  = "1.2.250.1.213.1.1.1.1"
	modelFile   = "1.3.6.1.4.1.19376.1.2.20"

	modelNote        = "1.2.250.1.213.1.1.1.46"
	modelNoteIHE     = "1.3.6.1.4.1.19376.1.5.3.1.1.18.1.2"
	modelTest        = "1.2.250.1.213.1.1.1.59"
	modelTestIHE     = "1.3.6.1.4.1.19376.1.5.3.1.1.1"
	sectionVaccines  = "1.3.6.1.4.1.19376.1.5.3.1.3.23"
	sectionLab       = "1.3.6.1.4.1.19376.1.3.3.2.1"
	entryVaccination = "1.3.6.1.4.1.19376.1.5.3.1.4.12"
	entryProduct     = "1.3.6.1.4.1.19376.1.5.3.1.4.7.2"
	entryRank        = "1.2.250.1.213.1.1.3.82"
	entryRankCCD     = "2.16.840.1.113883.10.20.1.46"
	entryProblem     = "1.3.6.1.4.1.19376.1.5.3.1.4.5"
	entryProblemFR   = "1.2.250.1.213.1.1.3.37"
	entryComment     = "1.3.6.1.4.1.19376.1.5.3.1.4.2"
	entryCommentFR   = "1.2.250.1.213.1.1.3.32"
	entryLab         = "1.3.6.1.4.1.19376.1.3.1"
	entryResult      = "1.3.6.1.4.1.19376.1.3.1.6"
	entryResultFR    = "1.2.250.1.213.1.1.3.80"
)

// Codes of documents.
const (
	codeNote = "87273-9"
	codeTest = "96173-0"
	loinc    = "2.16.840.1.113883.6.1"

	systemCIS = "1.2.250.1.213.2.3.1"
)

type rule struct {
	severity Severity
	text     string
}

var rules = map[string]rule{
	"header.realm":           {Error, "realmCode FR is expected once, and typeId POCD_HD000040"},
	"header.models":          {Error, "the models of HL7 France and of the CI-SIS are expected once each, and that of the document"},
	"header.file":            {Error, "a document whose body is a file has the models of HL7 France, of the CI-SIS and of level 1, and no others"},
	"header.id":              {Error, "one identifier of the document is expected"},
	"header.code":            {Error, "one type of document is expected, with code, system and label, of JDV_J07"},
	"header.title":           {Error, "one title is expected"},
	"header.time":            {Error, "one date of the document is expected"},
	"header.confidentiality": {Error, "one level of confidentiality is expected, with code, system and label"},
	"header.language":        {Error, "one language is expected, such as fr-FR"},
	"header.version":         {Error, "one setId with a root and one versionNumber, an integer, are expected"},
	"header.patient":         {Error, "one patient with an identifier and an identity is expected"},
	"header.traits":          {Error, "with an INS come the birth name, the first birth given name, the list of birth given names, the birth date, the birth place (COG) and the sex"},
	"header.name":            {Error, "names: of a patient, given and family with qualifiers BR and CL at most; of others, one family, at most one given, a prefix of JDV_J245 and a suffix of JDV_J246"},
	"header.gender":          {Error, "one sex is expected: M, F or UN"},
	"header.birth":           {Error, "one birth date is expected"},
	"header.guardian":        {Error, "a guardian is one person with a name, or one organization"},
	"header.author":          {Error, "an author is expected: when, and an identifier with root and extension"},
	"header.role":            {Error, "a profession is of JDV_J01, with code, system and label"},
	"header.function":        {Error, "a function is of JDV_J47"},
	"header.device":          {Error, "a device has one model and one software"},
	"header.organization":    {Error, "an organization has at most one name, one frame of exercise, and a value for its national identifier"},
	"header.custodian":       {Error, "one custodian is expected, with one identifier of the structures or of the DMP"},
	"header.legal":           {Error, "one legal authenticator is expected: when, signatureCode S, who with one identifier"},
	"header.authenticator":   {Error, "an authenticator has a time, signatureCode S and a national identifier"},
	"header.informant":       {Error, "an informant is one professional with an identifier, or one related person of a known class"},
	"header.recipient":       {Error, "a recipient is one person and one organization at most"},
	"header.participant":     {Error, "a participant has a known type, a time and one entity of class PROV or AGNT"},
	"header.order":           {Error, "an order has one identifier"},
	"header.event":           {Error, "an act is expected; the first has one date with its beginning, and one performer"},
	"header.eventcode":       {Error, "the code of an act has a system, or a nullFlavor and nothing else"},
	"header.performer":       {Error, "a performer has one identifier and an organization"},
	"header.practice":        {Error, "a frame of exercise of JDV_J04 is expected, with code, system and label"},
	"header.replaces":        {Error, "a document replaces one other at most, of one identifier"},
	"header.consent":         {Error, "a consent is one, completed, with one code"},
	"header.encounter":       {Error, "one encounter is expected, with its period and its place; its code is of JDV_J142"},
	"header.facility":        {Error, "one place of care is expected, with one code of JDV_J02"},
	"header.body":            {Error, "one body is expected"},
	"header.identifier":      {Error, "malformed identifier"},
	"header.coded":           {Error, "malformed code"},
	"header.moment":          {Error, "malformed date"},
	"header.telecom":         {Error, "malformed telecommunication address"},
	"header.address":         {Error, "malformed address"},
	"header.zone":            {Warning, "an hour without its time zone"},
	"header.ins":             {Warning, "the patient has no INS"},
	"narrative.reference":    {Warning, "it refers to a text that the narrative does not have"},

	"vaccination.section":  {Error, "a section of vaccinations has the models of IHE and CCD, code 11369-6 of LOINC and an entry"},
	"vaccination.class":    {Error, "a vaccination says negationInd, class SBADM and mood EVN or INT"},
	"vaccination.models":   {Error, "a vaccination has the models of CCD and of the CI-SIS beside that of IHE"},
	"vaccination.id":       {Error, "a vaccination has one identifier"},
	"vaccination.act":      {Error, "a vaccination has a kind of act of its value set (INITIMMUNIZ, BOOSTER, IMMUNIZ) with its system"},
	"vaccination.status":   {Error, "a vaccination has one status, completed"},
	"vaccination.text":     {Error, "a vaccination refers to one text of the narrative"},
	"vaccination.time":     {Error, "a vaccination has one date, or a nullFlavor for it"},
	"vaccination.product":  {Error, "a vaccination has a product of type CSM with its models, one name and a CIS code that refers to one text of the narrative"},
	"vaccination.people":   {Error, "performers have type PRF, authors type AUT and contextControlCode OP"},
	"vaccination.more":     {Error, "a vaccination has one rank, one comment and one prescription at most"},
	"vaccination.rank":     {Error, "a rank is an observation of code 30973-2 with a status and one value"},
	"vaccination.reaction": {Error, "a reaction is a completed observation with models, identifier, code, beginning, one coded value and a text of the narrative"},
	"vaccination.comment":  {Error, "a comment has the models of CCD, IHE and the CI-SIS, code 48767-8, status completed and refers to the narrative"},
	"vaccination.codes":    {Error, "the routes and sites of vaccinations are of their value sets"},

	"note.models":  {Error, "a vaccination note has the models of IHE and VAC-NOTE 2023.01"},
	"note.code":    {Error, "a vaccination note has code 87273-9 of LOINC"},
	"note.birth":   {Error, "a vaccination note has the birth date of the patient"},
	"note.section": {Error, "a vaccination note has a section of vaccinations"},
	"note.one":     {Error, "a vaccination note has exactly one vaccination"},
	"note.done":    {Error, "a vaccination note tells of a vaccination that was made"},
	"note.date":    {Error, "a vaccination note has the day of the vaccination, eight digits"},
	"note.vaccine": {Error, "a vaccination note has the CIS code of the vaccine"},
	"note.atc":     {Error, "a vaccination note has the ATC code of the vaccine"},
	"note.lot":     {Error, "a vaccination note has the lot number"},
	"note.author":  {Error, "a vaccination note has an author of the vaccination with identifier, profession and name"},
	"note.label":   {Error, "the codes of a vaccination note have their labels"},
	"note.rank":    {Error, "the rank of a vaccination note is completed, an integer"},

	"test.code":     {Error, "a rapid test has code 96173-0 of LOINC with its label"},
	"test.title":    {Error, "a rapid test has a title"},
	"test.heading":  {Warning, "the title of a rapid test begins with « Test rapide d'orientation diagnostique : »"},
	"test.models":   {Error, "a rapid test has the models of HL7 France, IHE PCC, the CI-SIS and BIO-TROD"},
	"test.event":    {Error, "each act of a rapid test has what was looked for and who made it"},
	"test.practice": {Error, "the frame of exercise of a rapid test is DEPISTAGE"},
	"test.section":  {Error, "a rapid test has sections of laboratory speciality only, each with a text and one entry"},
	"test.entry":    {Error, "the entry of a rapid test is of type DRIV and holds an act with a status"},
	"test.device":   {Error, "a rapid test tells of one device, by its UDI or by a text of the narrative"},
	"test.result":   {Error, "a rapid test has a result: an observation with one code that refers to the narrative, a status, a date and one value (CD, PQ or IVL_PQ)"},
	"test.value":    {Error, "the result of a rapid test is of JDV_ResultatDepistage"},
	"test.consent":  {Warning, "the consent of the patient (GEN-366) is not told"},
}
