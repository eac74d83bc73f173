//go:build peers && unix

package mss_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
)

const slapdConf = `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.250.1.999.2.1 NAME 'balType' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.250.1.999.2.2 NAME 'balRPPS' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.250.1.999.2.3 NAME 'balStructure' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.250.1.999.2.4 NAME 'balUnlisted' EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
attributetype ( 1.2.250.1.999.2.5 NAME 'balSector' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.2.250.1.999.2.10 NAME 'bal' SUP top AUXILIARY MUST ( mail $ balType ) MAY ( balRPPS $ balStructure $ balUnlisted $ balSector ) )
pidfile {{.Dir}}/slapd.pid
argsfile {{.Dir}}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {{.Dir}}/ca.pem
TLSCertificateFile {{.Dir}}/chain.pem
TLSCertificateKeyFile {{.Dir}}/key.pem
TLSProtocolMin 3.3
sizelimit size.soft=50 size.hard=50 size.pr=200 size.prtotal=unlimited
database mdb
maxsize 33554432
suffix "ou=bal,o=mssante,c=fr"
rootdn "cn=reader,ou=bal,o=mssante,c=fr"
rootpw lecture
directory {{.Dir}}/db
access to attrs=balUnlisted by anonymous none by users read
access to * by * read
`

// The schema and the people are ours: those of the national directory are not
// public.
func slapdEntries() string {
	var b strings.Builder
	b.WriteString("dn: ou=bal,o=mssante,c=fr\nobjectClass: organizationalUnit\nou: bal\n\n")
	for i := range 450 {
		fmt.Fprintf(&b, "dn: cn=%d,ou=bal,o=mssante,c=fr\nobjectClass: inetOrgPerson\nobjectClass: bal\ncn: %d\nsn: ESSAI%03d\ngivenName: Jean*%d\n"+
			"mail: jean.essai%d@medecin.formation.mssante.fr\nbalType: PER\nbalUnlisted: FALSE\n\n", i, i, i, i, i)
	}
	b.WriteString("dn: cn=officine,ou=bal,o=mssante,c=fr\nobjectClass: inetOrgPerson\nobjectClass: bal\ncn: officine\nsn: Officine\no: Pharmacie du Marché\n" +
		"mail: officine@pharmacie.formation.mssante.fr\nbalType: ORG\nbalStructure: 10B0127189\nbalSector: SA33\nbalUnlisted: TRUE\n\n")
	b.WriteString("dn: cn=claire,ou=bal,o=mssante,c=fr\nobjectClass: inetOrgPerson\nobjectClass: bal\ncn: claire\nsn: Officine\ngivenName: Claire\n" +
		"mail: " + pharmacy + "\nbalType: PER\nbalRPPS: 810102727012\n\n")
	return b.String()
}

func TestPeerOpenLDAP(t *testing.T) {
	slapd, dir := peerProgram(t, "slapd"), peerFolder(t)
	a, err := authority()
	require.NoError(t, err)
	peerCertificate(t, dir, a)
	cert, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chain.pem"), cert, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "db"), 0o700))
	conf := filepath.Join(dir, "slapd.conf")
	peerFile(t, conf, slapdConf, map[string]string{"Dir": dir})
	load := exec.Command(peerProgram(t, "slapadd"), "-q", "-f", conf)
	load.Stdin = strings.NewReader(slapdEntries())
	out, err := load.CombinedOutput()
	require.NoError(t, err, "%s", out)
	ports := peerPorts(t, 2)
	peerProcess(t, filepath.Join(dir, "slapd.log"), []string{loopback(ports[0]), loopback(ports[1])}, slapd,
		"-d", "0", "-f", conf, "-h", "ldap://"+loopback(ports[0])+" ldaps://"+loopback(ports[1]))

	names := mss.LDAPDialect{Type: "balType", RPPS: "balRPPS", Structure: "balStructure", Sector: "balSector", Unlisted: "balUnlisted"}
	rpps, err := socle.ParseRPPS("10102727012")
	require.NoError(t, err)
	finess, err := socle.ParseFINESS("0B0127189")
	require.NoError(t, err)
	for name, cfg := range map[string]mss.LDAPConfig{
		"STARTTLS":     {Address: loopback(ports[0])},
		"implicit TLS": {Address: loopback(ports[1]), Security: mss.LDAPImplicitTLS, PageSize: 100},
		"clear":        {Address: loopback(ports[0]), Security: mss.LDAPClear, PageSize: 7},
		"bind":         {Address: loopback(ports[0]), User: "cn=reader,ou=bal,o=mssante,c=fr", Password: "lecture"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Dialect = names
			d := ldapDirectory(t, cfg)
			find := func(q mss.DirectoryQuery) (out []mss.Listing) {
				for l, err := range d.Search(context.Background(), q) {
					require.NoError(t, err)
					out = append(out, l)
				}
				return out
			}
			require.Len(t, find(mss.DirectoryQuery{}), 452, "page after page, beyond the size limit of one")
			require.Len(t, find(mss.DirectoryQuery{Family: "ESSAI12"}), 10)
			require.Len(t, find(mss.DirectoryQuery{Given: "Jean*44"}), 11, "a star is a star")
			require.Len(t, find(mss.DirectoryQuery{Mailbox: "@pharmacie."}), 2)
			require.Len(t, find(mss.DirectoryQuery{Family: "officine", Types: []mss.MailboxType{mss.MailboxOrganisational}}), 1)
			one := find(mss.DirectoryQuery{RPPS: rpps})
			require.Len(t, one, 1)
			require.Equal(t, pharmacy, one[0].Address.Wire())
			require.Equal(t, rpps, one[0].RPPS)
			require.Len(t, find(mss.DirectoryQuery{Address: address(t, pharmacy)}), 1)
			one = find(mss.DirectoryQuery{Structure: finess, Sectors: []string{"SA33", "SA38"}})
			require.Len(t, one, 1)
			require.Equal(t, "Pharmacie du Marché", one[0].StructureName)
			require.Equal(t, "10B0127189", one[0].Structure.String())
			if cfg.User == "" {
				require.Nil(t, one[0].Unlisted, "anonymous readers are not told")
			} else {
				require.True(t, *one[0].Unlisted)
			}
		})
	}
	failing := func(cfg mss.LDAPConfig) (failed error) {
		d, err := mss.NewLDAPDirectory(cfg)
		require.NoError(t, err)
		for _, err := range d.Search(context.Background(), mss.DirectoryQuery{}) {
			failed = err
		}
		return failed
	}
	clear := mss.LDAPConfig{Address: loopback(ports[0]), Security: mss.LDAPClear}
	elsewhere := clear
	elsewhere.Dialect.Base = "ou=ailleurs,o=mssante,c=fr"
	require.ErrorIs(t, failing(elsewhere), mss.ErrDirectoryQuery)
	wrong := mss.LDAPConfig{Address: loopback(ports[1]), Security: mss.LDAPImplicitTLS, Roots: a.Roots(), User: "cn=reader,ou=bal,o=mssante,c=fr", Password: "autre"}
	require.ErrorIs(t, failing(wrong), mss.ErrDirectoryKey)
	for _, s := range []mss.LDAPSecurity{mss.LDAPStartTLS, mss.LDAPImplicitTLS} {
		untrusting := mss.LDAPConfig{Address: loopback(ports[s]), Security: s, Roots: x509.NewCertPool()}
		require.ErrorIs(t, failing(untrusting), mss.ErrUntrusted)
	}
}
