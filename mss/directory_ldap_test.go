package mss_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
)

// ldapEntry is an entry of a scripted directory.
type ldapEntry struct {
	dn         string
	attributes map[string]string
}

// scriptedLDAP answers searches with its entries, by pages, whatever is asked,
// and keeps the filters.
type scriptedLDAP struct {
	mu      sync.Mutex
	filters []string
	pages   int

	entries []ldapEntry
	result  int64 // of the last page
	stuck   chan struct{}
	noise   bool // one entry of endless attributes
}

func (s *scriptedLDAP) serve(t *testing.T, secure bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if secure {
		a, err := authority()
		require.NoError(t, err)
		c, err := a.Server("127.0.0.1")
		require.NoError(t, err)
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{c}})
	}
	var served sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); served.Wait() })
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() { defer c.Close(); s.talk(c) })
		}
	})
	return l.Addr().String()
}

func (s *scriptedLDAP) talk(c net.Conn) {
	for {
		p, err := ber.ReadPacket(c)
		if err != nil || len(p.Children) < 2 {
			return
		}
		id, op := p.Children[0].Value.(int64), p.Children[1]
		if op.Tag != ldap.ApplicationSearchRequest {
			return
		}
		if s.stuck != nil {
			<-s.stuck
			return
		}
		filter, _ := ldap.DecompileFilter(op.Children[6])
		size, from := 0, 0
		for _, x := range p.Children[2].Children {
			if control, err := ldap.DecodeControl(x); err == nil && control.GetControlType() == ldap.ControlTypePaging {
				paging := control.(*ldap.ControlPaging)
				size = int(paging.PagingSize)
				if len(paging.Cookie) > 0 {
					from = int(paging.Cookie[0])
				}
			}
		}
		s.mu.Lock()
		s.filters = append(s.filters, filter)
		s.pages++
		s.mu.Unlock()
		to := min(len(s.entries), from+size)
		for _, e := range s.entries[from:to] {
			if send(c, id, searchEntry(e)) != nil {
				return
			}
		}
		for s.noise {
			if send(c, id, searchEntry(ldapEntry{"cn=x", map[string]string{"mail": office, "description": strings.Repeat("x", 1<<20)}})) != nil {
				return
			}
		}
		paging := ldap.NewControlPaging(0)
		code := s.result
		if to < len(s.entries) {
			paging.SetCookie([]byte{byte(to)})
			code = 0
		}
		done := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultDone, nil, "")
		done.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
		done.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
		done.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "words", ""))
		if send(c, id, done, paging.Encode()) != nil {
			return
		}
	}
}

func searchEntry(e ldapEntry) *ber.Packet {
	entry := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultEntry, nil, "")
	entry.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, e.dn, ""))
	all := ber.NewSequence("")
	for name, value := range e.attributes {
		a := ber.NewSequence("")
		a.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, name, ""))
		values := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		values.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, value, ""))
		a.AppendChild(values)
		all.AppendChild(a)
	}
	entry.AppendChild(all)
	return entry
}

func send(c net.Conn, id int64, op *ber.Packet, controls ...*ber.Packet) error {
	p := ber.NewSequence("")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	p.AppendChild(op)
	if len(controls) > 0 {
		all := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, x := range controls {
			all.AppendChild(x)
		}
		p.AppendChild(all)
	}
	_, err := c.Write(p.Bytes())
	return err
}

// dialect names attributes of a directory of ours.
var dialect = mss.LDAPDialect{RPPS: "uid", Structure: "employeeNumber", Sector: "businessCategory", Type: "employeeType", Unlisted: "carLicense"}

func entries() []ldapEntry {
	return []ldapEntry{
		{"cn=1", map[string]string{"mail": pharmacy, "sn": "OFFICINE", "givenName": "Claire", "uid": "810102727012", "employeeType": "PER", "carLicense": "FALSE"}},
		{"cn=2", map[string]string{"mail": "officine@pharmacie.formation.mssante.fr", "o": "Pharmacie du Marché", "employeeNumber": "10B0127189", "employeeType": "ORG", "businessCategory": "SA33", "ou": "Comptoir"}},
		{"cn=3", map[string]string{"sn": "SANSADRESSE"}},
		{"cn=4", map[string]string{"MAIL": office, "sn": "MEDECIN", "uid": "n'importe quoi", "employeeType": "cab", "carLicense": "TRUE"}},
	}
}

func ldapDirectory(t testing.TB, cfg mss.LDAPConfig) *mss.LDAPDirectory {
	a, err := authority()
	require.NoError(t, err)
	cfg.Roots = a.Roots()
	if cfg.Dialect == (mss.LDAPDialect{}) {
		cfg.Dialect = dialect
	}
	d, err := mss.NewLDAPDirectory(cfg)
	require.NoError(t, err)
	return d
}

func TestLDAPDirectory(t *testing.T) {
	t.Parallel()
	s := &scriptedLDAP{entries: entries()}
	d := ldapDirectory(t, mss.LDAPConfig{Address: s.serve(t, true), Security: mss.LDAPImplicitTLS, PageSize: 2})
	var found []mss.Listing
	bad := 0
	for l, err := range d.Search(context.Background(), mss.DirectoryQuery{}) {
		if err != nil {
			require.ErrorIs(t, err, mss.ErrDirectoryAnswer)
			bad++
			continue
		}
		found = append(found, l)
	}
	require.Equal(t, 1, bad, "an entry without address does not end the search")
	require.Len(t, found, 3)
	require.Equal(t, 2, s.pages)
	require.Equal(t, "10102727012", found[0].RPPS.String())
	require.False(t, *found[0].Unlisted)
	require.Equal(t, mss.MailboxOrganisational, found[1].Type)
	require.Equal(t, "10B0127189", found[1].Structure.String())
	require.Equal(t, "SA33", found[1].Sector.Code)
	require.Equal(t, "Comptoir", found[1].Service)
	require.Equal(t, office, found[2].Address.Wire())
	require.True(t, found[2].RPPS == socle.RPPS{}, "what is no number is left out")
	require.Equal(t, mss.MailboxPractice, found[2].Type)

	var kept int
	for l, err := range d.Search(context.Background(), mss.DirectoryQuery{Types: []mss.MailboxType{mss.MailboxPersonal}}) {
		if err == nil {
			require.Equal(t, mss.MailboxPersonal, l.Type)
			kept++
		}
	}
	require.Equal(t, 1, kept)
	before := s.pages
	for range d.Search(context.Background(), mss.DirectoryQuery{}) {
		break
	}
	require.Equal(t, before+1, s.pages, "pages are asked for as they are read")
}

func TestLDAPFilters(t *testing.T) {
	t.Parallel()
	s := &scriptedLDAP{}
	at := s.serve(t, false)
	d := ldapDirectory(t, mss.LDAPConfig{Address: at, Security: mss.LDAPClear})
	rpps, err := socle.ParseRPPS("10102727012")
	require.NoError(t, err)
	finess, err := socle.ParseFINESS("0B0127189")
	require.NoError(t, err)
	for want, q := range map[string]mss.DirectoryQuery{
		"(&(mail=*))":                                                                          {},
		"(&(mail=*)(|(mail=" + office + ")))":                                                  {Address: address(t, office)},
		"(&(mail=*)(|(mail=*@pro.mssante.fr*)))":                                               {Mailbox: "@pro.mssante.fr"},
		`(&(mail=*)(|(sn=D\2aUP\28ONT*))(|(givenName=J*)))`:                                    {Family: "D*UP(ONT", Given: "J"},
		"(&(mail=*)(|(uid=10102727012)(uid=810102727012)))":                                    {RPPS: rpps},
		"(&(mail=*)(|(o=Pharmacie*))(|(employeeNumber=0B0127189)(employeeNumber=10B0127189)))": {Name: "Pharmacie", Structure: finess},
		"(&(mail=*)(|(businessCategory=SA33)(businessCategory=SA38)))":                         {Sectors: []string{"SA33", "SA38"}},
	} {
		for _, err := range d.Search(context.Background(), q) {
			require.NoError(t, err)
		}
		require.Equal(t, want, s.filters[len(s.filters)-1])
	}
	asked := s.pages
	none := ldapDirectory(t, mss.LDAPConfig{Address: at, Security: mss.LDAPClear, Dialect: mss.LDAPDialect{Mailbox: "mail"}})
	for _, q := range []mss.DirectoryQuery{{RPPS: rpps}, {Structure: finess}, {Sectors: []string{"SA33"}}, {Qualifications: []string{"21"}}, {Types: []mss.MailboxType{"PER"}},
		{Address: address(t, office), Mailbox: "x"}, {Address: address(t, matricule+"@patient.mssante.fr")}} {
		for _, err := range none.Search(context.Background(), q) {
			require.ErrorIs(t, err, mss.ErrDirectoryQuery)
			require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
		}
	}
	require.Equal(t, asked, s.pages)
}

func TestLDAPFailures(t *testing.T) {
	t.Parallel()
	only := func(d *mss.LDAPDirectory, ctx context.Context) (n int, err error) {
		for _, e := range d.Search(ctx, mss.DirectoryQuery{}) {
			if e != nil {
				return n, e
			}
			n++
		}
		return n, nil
	}
	for code, want := range map[int64]error{50: mss.ErrDirectoryKey, 51: mss.ErrDirectoryBusy, 4: mss.ErrDirectoryQuery, 32: mss.ErrDirectoryQuery, 80: mss.ErrDirectoryAnswer} {
		s := &scriptedLDAP{entries: entries()[:2], result: code}
		n, err := only(ldapDirectory(t, mss.LDAPConfig{Address: s.serve(t, false), Security: mss.LDAPClear}), context.Background())
		require.ErrorIs(t, err, want)
		require.Equal(t, code == 51, socle.Retryable(err))
		require.Equal(t, 2, n, "what came before is given")
	}
	s := &scriptedLDAP{noise: true}
	_, err := only(ldapDirectory(t, mss.LDAPConfig{Address: s.serve(t, false), Security: mss.LDAPClear}), context.Background())
	require.ErrorContains(t, err, "PageSize")

	s = &scriptedLDAP{}
	other := mss.LDAPConfig{Address: s.serve(t, true), Security: mss.LDAPImplicitTLS, Roots: x509.NewCertPool()}
	d, err := mss.NewLDAPDirectory(other)
	require.NoError(t, err)
	_, err = only(d, context.Background())
	require.ErrorIs(t, err, mss.ErrUntrusted)

	s = &scriptedLDAP{stuck: make(chan struct{})}
	defer close(s.stuck)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = only(ldapDirectory(t, mss.LDAPConfig{Address: s.serve(t, false), Security: mss.LDAPClear}), ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(start), 5*time.Second)

	_, err = mss.NewLDAPDirectory(mss.LDAPConfig{Security: mss.LDAPClear, Password: "x", PageSize: -1, Dialect: mss.LDAPDialect{Filter: "(", Base: "x"}})
	for _, field := range []string{"Address", "Password", "User", "PageSize", "Filter", "Base"} {
		require.ErrorContains(t, err, field)
	}
	_, err = mss.NewLDAPDirectory(mss.LDAPConfig{Address: "x:1"})
	require.ErrorContains(t, err, "Roots")
}
