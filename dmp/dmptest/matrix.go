package dmptest

// Operations that the emulator knows, beside TD0.2 and TD2.1.
const (
	opAuthorize      = "TD0.3"
	opAuthorized     = "TD0.4"
	opFind           = "TD0.5"
	opAdministrative = "TD1.3a"
	opAmend          = "TD1.3b"
	opCloseRecord    = "TD1.4"
	opProfessionals  = "TD1.6"
	opSearch         = "TD3.1a"
	opIdentify       = "TD3.1b"
	opRetrieve       = "TD3.2"
	opHide           = "TD3.3a"
	opUnhide         = "TD3.3a démasquer" // the other way has a row of its own
	opReveal         = "TD3.3b"
	opDelete         = "TD3.3c"
	opArchive        = "TD3.3d"
)

// same is the row of what the access mode does not change.
func same(rights ...Right) Row { return Row{row(rights), row(rights), row(rights)} }

// calm is the row of what is for normal access only.
func calm(rights ...Right) Row { return Row{Normal: row(rights)} }

func row(rights []Right) map[Profile]Right {
	m := map[Profile]Right{}
	for i, r := range rights {
		m[profiles[i]] = r
	}
	return m
}

// DefaultRights gives the matrices PDT-INF-526 v1.8 and PDT-INF-606 v1.3, as far
// as they are known. Of PDT-INF-526 v1.8 are known the columns of professionals other than doctors,
// of employees and of organisations in normal access, and that bris de glace and
// regulation deny those professionals TD0.3, TD1.6, TD3.3a, b and d; of
// PDT-INF-606 v1.3, the AIR columns of TD0.2 to 0.4, 1.3a, 1.6, 2.1 and 3. The rest is
// *assumed*: a doctor has the rights of other professionals, and TD0.5 beside;
// TD1.3b and TD1.4 are for professionals in person; the two urgent modes deny to
// everybody what they are known to deny, and otherwise allow what normal access does.
func DefaultRights() Rights {
	return Rights{
		opExists:     same(Allowed, Allowed, Allowed, Allowed, Allowed, Allowed),
		opAuthorize:  calm(Allowed, Allowed, OfStructure, Denied, Allowed, OfStructure),
		opAuthorized: same(Allowed, Allowed, OfStructure, Allowed, Allowed, OfStructure),
		opFind: {
			Normal:     map[Profile]Right{Doctor: Allowed},
			BreakGlass: map[Profile]Right{Doctor: Allowed},
			Regulation: map[Profile]Right{Doctor: Allowed, Professional: Allowed, Organisation: Allowed, AIR: Allowed},
		},
		opAdministrative: same(Allowed, Allowed, Allowed, Allowed, Allowed, Allowed),
		opAmend:          calm(Allowed, Allowed, Denied, Denied, Allowed, Denied),
		opCloseRecord:    calm(Allowed, Allowed, Denied, Denied, Allowed, Denied),
		opProfessionals:  calm(Allowed, Allowed, Denied, Denied, Allowed, Denied),
		opSubmit:         same(Allowed, Allowed, Denied, Allowed, Denied, Denied),
		opSearch:         same(Allowed, Allowed, Denied, Denied, Allowed, Denied),
		opIdentify:       same(Allowed, Allowed, Allowed, Allowed, Allowed, Allowed),
		opRetrieve:       same(Allowed, Allowed, Denied, Denied, Allowed, Denied),
		opHide:           calm(Allowed, Allowed, Denied, Denied, Allowed, Denied),
		opUnhide:         calm(Own, Own, Denied, Denied, Own, Denied),
		opReveal:         calm(Allowed, Allowed, Denied, Denied, Allowed, Denied),
		opDelete:         same(Own, Own, OfStructure, OfStructure, Own, OfStructure),
		opArchive:        calm(Own, Own, Denied, Denied, Own, Denied),
	}
}
