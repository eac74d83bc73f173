package mss

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/soclesante/socle"
)

// LDAPSecurity says how the connection to an LDAP directory is secured.
type LDAPSecurity int

// Forms of security.
const (
	LDAPStartTLS LDAPSecurity = iota // LDAP, then TLS (RFC 4511 section 4.14)
	LDAPImplicitTLS
	LDAPClear // no TLS: anonymous only
)

// LDAPConfig makes an LDAPDirectory.
type LDAPConfig struct {
	// Address is the host and port of the directory, mandatory: none is public.
	Address string
	// Security is how the connection is secured, and Roots vouch for the
	// directory's certificate: mandatory unless LDAPClear.
	Security LDAPSecurity
	Roots    *x509.CertPool
	// User (a DN) and Password bind; empty reads anonymously.
	User, Password string
	// PageSize is how many entries are asked for at a time (RFC 2696), of 1000 at
	// most. Zero means 200.
	PageSize int
	// Dialect names what is not public.
	Dialect LDAPDialect
	// DialContext replaces the net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	socle.Watch
}

// String says nothing of the password.
func (c LDAPConfig) String() string { return "mss.LDAPConfig" }

// GoString is String.
func (c LDAPConfig) GoString() string { return c.String() }

// MarshalText is String.
func (c LDAPConfig) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue is String.
func (c LDAPConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

// LDAPDialect holds the base and the attributes of an LDAP directory of
// mailboxes. None of them is public: every default is assumed, and those of the
// attributes are the ones of RFC 4519, RFC 4524 and RFC 2798. An attribute
// without default is not read, and a query that needs it is refused.
type LDAPDialect struct {
	Base    string // default ou=bal,o=mssante,c=fr
	Filter  string // that all entries meet; default (mail=*)
	Mailbox string // default mail

	Family, Given         string // default sn, givenName
	StructureName         string // default o
	Service, Description  string // default ou, description
	RPPS, Structure       string // no default; the values may have the prefix of the national identifier
	Sector                string // code of TRE_R02; no default
	Type                  string // code of TRE_R257; no default
	Responsible, Unlisted string // no default; Unlisted is TRUE or FALSE
}

func (d LDAPDialect) defaults() LDAPDialect {
	for _, f := range []struct {
		field *string
		value string
	}{
		{&d.Base, "ou=bal,o=mssante,c=fr"}, {&d.Filter, "(mail=*)"}, {&d.Mailbox, "mail"}, {&d.Family, "sn"}, {&d.Given, "givenName"},
		{&d.StructureName, "o"}, {&d.Service, "ou"}, {&d.Description, "description"},
	} {
		if *f.field == "" {
			*f.field = f.value
		}
	}
	return d
}

func (d LDAPDialect) attributes() []string {
	return slices.DeleteFunc([]string{d.Mailbox, d.Family, d.Given, d.StructureName, d.Service, d.Description, d.RPPS, d.Structure,
		d.Sector, d.Type, d.Responsible, d.Unlisted}, func(s string) bool { return s == "" })
}

// LDAPDirectory reads a directory of mailboxes over LDAP, as the older one of
// the MSSanté: prefer [Directory]. It is safe for concurrent use, and each
// search has a connection of its own.
type LDAPDirectory struct {
	cfg      LDAPConfig // without its password
	password *string    // package fmt shows what a field holds, but not behind a pointer
}

// NewLDAPDirectory checks cfg and reports every problem of it at once.
func NewLDAPDirectory(cfg LDAPConfig) (*LDAPDirectory, error) {
	var errs []error
	if host, port, err := net.SplitHostPort(cfg.Address); err != nil || host == "" || port == "" {
		errs = append(errs, errors.New("LDAPConfig.Address: host and port expected"))
	}
	switch {
	case cfg.Security < LDAPStartTLS || cfg.Security > LDAPClear:
		errs = append(errs, errors.New("LDAPConfig.Security: unknown"))
	case cfg.Security != LDAPClear && cfg.Roots == nil:
		errs = append(errs, errors.New("LDAPConfig.Roots: mandatory with TLS"))
	case cfg.Security == LDAPClear && cfg.Password != "":
		errs = append(errs, errors.New("LDAPConfig.Password: never sent without TLS"))
	}
	if (cfg.User == "") != (cfg.Password == "") {
		errs = append(errs, errors.New("LDAPConfig.User, Password: both or none: a bind without password would be anonymous"))
	}
	if cfg.PageSize < 0 || cfg.PageSize > 1000 {
		errs = append(errs, errors.New("LDAPConfig.PageSize: at most 1000"))
	}
	if cfg.PageSize == 0 {
		cfg.PageSize = 200
	}
	cfg.Dialect = cfg.Dialect.defaults()
	if _, err := ldap.CompileFilter(cfg.Dialect.Filter); err != nil {
		errs = append(errs, errors.New("LDAPConfig.Dialect.Filter: a filter of RFC 4515 expected"))
	}
	if _, err := ldap.ParseDN(cfg.Dialect.Base); err != nil {
		errs = append(errs, errors.New("LDAPConfig.Dialect.Base: a distinguished name expected"))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("mss: ldap directory: %w", errors.Join(errs...))
	}
	if cfg.DialContext == nil {
		cfg.DialContext = new(net.Dialer).DialContext
	}
	password := cfg.Password
	cfg.Password = ""
	return &LDAPDirectory{cfg, &password}, nil
}

// Search gives the mailboxes that a query finds, page by page. An entry that
// cannot be read is given as an error (ErrDirectoryAnswer) and the next ones
// follow; an error of the service ends the sequence, ErrDirectoryKey when it
// refuses who asks, ErrDirectoryBusy when it can do no more now. A criterion
// whose attribute the dialect does not name is ErrDirectoryQuery.
func (d *LDAPDirectory) Search(ctx context.Context, q DirectoryQuery) iter.Seq2[Listing, error] {
	return func(yield func(Listing, error) bool) {
		filter, err := d.filter(q)
		if err != nil {
			yield(Listing{}, err)
			return
		}
		start, found := d.cfg.Now(), 0
		err = d.search(ctx, filter, func(e *ldap.Entry) bool {
			l, err := d.listing(e)
			if err == nil && !q.keeps(l) {
				return true
			}
			found++
			return yield(l, err)
		})
		d.cfg.Log().DebugContext(ctx, "mss: ldap directory", "found", found, "duration", d.cfg.Now().Sub(start), "failed", err != nil)
		if err != nil {
			yield(Listing{}, err)
		}
	}
}
