package mss

import (
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// An entry of a directory gives a mailbox with an address, or an error.
func FuzzLDAPEntry(f *testing.F) {
	d, err := NewLDAPDirectory(LDAPConfig{Address: "localhost:389", Security: LDAPClear,
		Dialect: LDAPDialect{RPPS: "uid", Structure: "s", Sector: "c", Type: "t", Unlisted: "u"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("mail", "officine@pharmacie.formation.mssante.fr", "810102727012", "10B0127189", "TRUE")
	f.Add("MAIL", "", "8", "1", "")
	f.Add("uid", "a@b\r\n", "n'importe quoi", "0B0127189", "FALSE")
	f.Fuzz(func(t *testing.T, name, mail, rpps, structure, unlisted string) {
		l, err := d.listing(ldap.NewEntry("cn=x", map[string][]string{name: {mail}, "uid": {rpps}, "s": {structure, mail}, "u": {unlisted}, "t": nil}))
		if (err == nil) == l.Address.IsZero() {
			t.Fatal("an address or an error")
		}
		if l.Address.IsZero() != (l == Listing{}) {
			t.Fatal("a listing with an error")
		}
	})
}

// What is looked for is never more of a filter than a value.
func FuzzLDAPFilter(f *testing.F) {
	d, err := NewLDAPDirectory(LDAPConfig{Address: "localhost:389", Security: LDAPClear})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("DUPONT", "J*")
	f.Add(")(objectClass=*", "\x00\\2a")
	f.Fuzz(func(t *testing.T, family, given string) {
		filter, err := d.filter(DirectoryQuery{Family: family, Given: given})
		if err != nil {
			t.Fatal(err)
		}
		p, err := ldap.CompileFilter(filter)
		if err != nil {
			t.Fatalf("%q: %v", filter, err)
		}
		criteria := 1
		for _, s := range []string{family, given} {
			if s != "" {
				criteria++
			}
		}
		if len(p.Children) != criteria {
			t.Fatalf("%q: %d criteria", filter, len(p.Children))
		}
	})
}
