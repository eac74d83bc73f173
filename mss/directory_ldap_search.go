package mss

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/soclesante/socle"
)

// filter makes the filter of a query (RFC 4515).
func (d *LDAPDirectory) filter(q DirectoryQuery) (string, error) {
	refused := func(text string) (string, error) {
		return "", &Error{Op: "directory", kind: ErrDirectoryQuery, Text: text, outcome: notSent}
	}
	switch {
	case !q.Address.IsZero() && q.Mailbox != "":
		return refused("Address or Mailbox, not both")
	case q.Address.IsPatient():
		return refused("Address: patients are not in the directory")
	case len(q.Qualifications) > 0:
		return refused("Qualifications: of the Annuaire Santé in FHIR alone")
	}
	a := d.cfg.Dialect
	var b strings.Builder
	b.WriteString("(&" + a.Filter)
	for _, c := range []struct {
		name, attribute string
		values          []string // one of which is looked for
		before, after   string   // what is said around them
	}{
		{"Mailbox", a.Mailbox, given(q.Address.Wire()), "", ""},
		{"Mailbox", a.Mailbox, given(q.Mailbox), "*", "*"},
		{"RPPS", a.RPPS, given(q.RPPS.String(), "8"), "", ""},
		{"Family", a.Family, given(q.Family), "", "*"},
		{"Given", a.Given, given(q.Given), "", "*"},
		{"StructureName", a.StructureName, given(q.Name), "", "*"},
		{"Structure", a.Structure, given(q.Structure.String(), "1"), "", ""},
		{"Sector", a.Sector, q.Sectors, "", ""},
	} {
		if len(c.values) == 0 {
			continue
		}
		if c.attribute == "" {
			return refused("LDAPDialect." + c.name + " is empty: there is no attribute to look for it in")
		}
		b.WriteString("(|")
		for _, v := range c.values {
			b.WriteString("(" + c.attribute + "=" + c.before + ldap.EscapeFilter(v) + c.after + ")")
		}
		b.WriteString(")")
	}
	if len(q.Types) > 0 && a.Type == "" {
		return refused("LDAPDialect.Type is empty: the types of mailboxes are not known")
	}
	b.WriteString(")")
	return b.String(), nil
}

// given is nothing for nothing, else the value and the same after each prefix.
func given(value string, prefixes ...string) []string {
	if value == "" {
		return nil
	}
	out := []string{value}
	for _, p := range prefixes {
		out = append(out, p+value)
	}
	return out
}

const ldapTimeout = 30 * time.Second // of one answer

// search reads page after page, on a connection of its own, until each says no.
func (d *LDAPDirectory) search(ctx context.Context, filter string, each func(*ldap.Entry) bool) error {
	raw, err := d.cfg.DialContext(ctx, "tcp", d.cfg.Address)
	if err != nil {
		return ldapError(ctx, err)
	}
	pages := &pageConn{Conn: raw}
	pages.left.Store(maxPageBytes)
	host, _, _ := net.SplitHostPort(d.cfg.Address)
	config := &tls.Config{ServerName: host, RootCAs: d.cfg.Roots, MinVersion: tls.VersionTLS12, Time: d.cfg.Now}
	var under net.Conn = pages
	if d.cfg.Security == LDAPImplicitTLS {
		t := tls.Client(pages, config)
		if err := whileOpen(ctx, raw, func() error { return t.HandshakeContext(ctx) }); err != nil {
			_ = raw.Close()
			return ldapError(ctx, err)
		}
		under = t
	}
	c := ldap.NewConn(under, d.cfg.Security == LDAPImplicitTLS)
	c.SetTimeout(ldapTimeout)
	c.Start()
	defer c.Close()
	defer raw.Close() // before: then Close waits for nothing
	err = whileOpen(ctx, raw, func() error {
		if d.cfg.Security == LDAPStartTLS {
			if err := c.StartTLS(config); err != nil {
				return err
			}
		}
		if d.cfg.User == "" {
			return nil
		}
		return c.Bind(d.cfg.User, *d.password)
	})
	if err != nil {
		return ldapError(ctx, err)
	}
	paging := ldap.NewControlPaging(uint32(d.cfg.PageSize))
	for range maxPages {
		pages.left.Store(maxPageBytes)
		var result *ldap.SearchResult
		err := whileOpen(ctx, raw, func() (err error) {
			result, err = c.Search(ldap.NewSearchRequest(d.cfg.Dialect.Base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false,
				filter, d.cfg.Dialect.attributes(), []ldap.Control{paging}))
			return err
		})
		if result != nil { // with an error too: what came before it
			for _, e := range result.Entries {
				if !each(e) {
					return nil
				}
			}
		}
		if err != nil {
			return ldapError(ctx, err)
		}
		next, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok || len(next.Cookie) == 0 {
			return nil
		}
		paging.SetCookie(next.Cookie)
	}
	return &Error{Op: "directory", kind: ErrDirectoryAnswer, outcome: socle.OutcomeRefused, Text: fmt.Sprintf("more than %d pages", maxPages)}
}

// pageConn bounds what is received for one page: the library does not.
type pageConn struct {
	net.Conn
	left atomic.Int64
}

var errPage = fmt.Errorf("a page of more than %d bytes: ask for smaller ones with LDAPConfig.PageSize", maxPageBytes)

// Read fails once the page is too large.
func (p *pageConn) Read(b []byte) (int, error) {
	if p.left.Load() <= 0 {
		return 0, errPage
	}
	n, err := p.Conn.Read(b)
	p.left.Add(-int64(n))
	return n, err
}

// ldapError makes the error of a search, by its result code (RFC 4511 appendix A).
func ldapError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return lost(ctx, "directory", err)
	}
	var ours *Error
	var result *ldap.Error
	switch {
	case errors.As(err, &ours):
		return err
	case !errors.As(err, &result), result.ResultCode == ldap.ErrorNetwork:
		e := lost(ctx, "directory", err)
		if e.kind == nil && strings.Contains(err.Error(), "x509: ") { // its type is lost in the library
			e.kind, e.retryable = ErrUntrusted, false
		}
		return e
	}
	e := &Error{Op: "directory", Code: fmt.Sprint(result.ResultCode), Text: scrub(ldap.LDAPResultCodeMap[result.ResultCode]), outcome: socle.OutcomeRefused}
	switch result.ResultCode {
	case ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultInappropriateAuthentication,
		ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired:
		e.kind = ErrDirectoryKey
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultAdminLimitExceeded:
		e.kind, e.retryable = ErrDirectoryBusy, true
	case ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultUnwillingToPerform,
		ldap.LDAPResultUndefinedAttributeType, ldap.LDAPResultInappropriateMatching:
		e.kind = ErrDirectoryQuery
	default:
		e.kind = ErrDirectoryAnswer
	}
	return e
}

// listing reads an entry.
func (d *LDAPDirectory) listing(e *ldap.Entry) (Listing, error) {
	a := d.cfg.Dialect
	value := func(attribute string) string {
		if attribute == "" {
			return ""
		}
		return strings.TrimSpace(e.GetEqualFoldAttributeValue(attribute))
	}
	address, err := ParseAddress(value(a.Mailbox))
	if err != nil {
		return Listing{}, &Error{Op: "directory", kind: ErrDirectoryAnswer, Code: a.Mailbox, Err: err, outcome: socle.OutcomeRefused,
			Text: "an entry without an address that can be read"}
	}
	l := Listing{Address: address, Type: MailboxType(strings.ToUpper(value(a.Type))), Description: value(a.Description), Service: value(a.Service),
		Responsible: value(a.Responsible), FamilyName: value(a.Family), GivenName: value(a.Given), StructureName: value(a.StructureName)}
	switch strings.ToUpper(value(a.Unlisted)) {
	case "TRUE":
		l.Unlisted = new(true)
	case "FALSE":
		l.Unlisted = new(false)
	}
	rpps := value(a.RPPS)
	if len(rpps) == len("8")+11 {
		rpps = strings.TrimPrefix(rpps, "8")
	}
	l.RPPS, _ = socle.ParseRPPS(rpps) // zero for what is no number
	structure := value(a.Structure)
	if f, err := socle.ParseFINESS(structure); err == nil {
		l.Structure = socle.FromFINESS(f)
	} else if s, err := socle.ParseStructureID(structure); err == nil {
		l.Structure = s
	}
	if s := value(a.Sector); s != "" {
		l.Sector = socle.Code{Code: s, System: socle.OIDSector}
	}
	return l, nil
}
