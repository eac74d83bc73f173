package mss

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/fhir"
	"github.com/soclesante/socle/internal/transport"
)

// DirectoryAddress is the address of the Annuaire Santé in FHIR, version 2
// (documentation of the ANS, "api-basics"). It holds real people: there is no
// test platform.
const DirectoryAddress = "https://gateway.api.esante.gouv.fr/fhir/v2"

var (
	// ErrDirectoryKey: the directory refused the key of the application.
	ErrDirectoryKey = errors.New("key refused by the directory")
	// ErrDirectoryBusy: the directory had more requests than it takes from one
	// application.
	ErrDirectoryBusy = errors.New("too many requests for the directory")
	// ErrDirectoryQuery: the directory, or this client, takes no such query.
	ErrDirectoryQuery = errors.New("query refused")
	// ErrDirectoryAnswer: an answer, or an entry of one, that cannot be read.
	ErrDirectoryAnswer = errors.New("answer of the directory not understood")
)

// DirectoryConfig makes a Directory.
type DirectoryConfig struct {
	// Key is that of the application, from the portal of the ANS: the header
	// ESANTE-API-KEY. Mandatory.
	Key string
	// Roots vouch for the directory's certificate; mandatory without HTTPClient.
	Roots      *x509.CertPool
	HTTPClient *http.Client
	// BaseURL is where it is; empty means DirectoryAddress.
	BaseURL string
	// Rate is how many requests are made in a second, evenly spaced. Zero means
	// 16: the directory takes 17 from one application, all its programs
	// together. Give less to each when there are several.
	Rate float64
	// PageSize is how many entries are asked for at a time, of 1000 at most.
	// Zero leaves it to the directory, which gives 50.
	PageSize int
	// SituationParameter names the search parameter that finds the situations of
	// exercise of an RPPS number. Empty means practitioner.identifier, a chain of
	// FHIR that the directory is assumed to know.
	SituationParameter string

	socle.Watch
}

// String says nothing of the key.
func (c DirectoryConfig) String() string { return "mss.DirectoryConfig" }

// GoString is String.
func (c DirectoryConfig) GoString() string { return c.String() }

// MarshalText is String.
func (c DirectoryConfig) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue is String.
func (c DirectoryConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Directory reads the national directory of MSSanté mailboxes, in the Annuaire
// Santé (ECO.3.1.4). It is safe for concurrent use, and its calls share one
// limit of requests.
type Directory struct {
	cfg     DirectoryConfig // without its key
	key     *string         // package fmt shows what a field holds, but not behind a pointer
	base    *url.URL
	http    *transport.Client
	limiter *rate.Limiter
}

// NewDirectory checks cfg and reports every problem of it at once.
func NewDirectory(cfg DirectoryConfig) (*Directory, error) {
	var errs []error
	if cfg.BaseURL == "" {
		cfg.BaseURL = DirectoryAddress
	}
	base, err := url.Parse(strings.TrimSuffix(cfg.BaseURL, "/"))
	if err != nil || base.Scheme != "https" || base.Host == "" || base.RawQuery != "" || base.User != nil {
		errs = append(errs, errors.New("DirectoryConfig.BaseURL: https address without query expected"))
	}
	if cfg.Key == "" || strings.ContainsFunc(cfg.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, errors.New("DirectoryConfig.Key: the key of the application is mandatory, in ASCII"))
	}
	if cfg.Rate < 0 || cfg.Rate > 17 {
		errs = append(errs, errors.New("DirectoryConfig.Rate: at most 17 requests in a second"))
	}
	if cfg.PageSize < 0 || cfg.PageSize > 1000 {
		errs = append(errs, errors.New("DirectoryConfig.PageSize: at most 1000"))
	}
	if cfg.Rate == 0 {
		cfg.Rate = 16
	}
	if cfg.SituationParameter == "" {
		cfg.SituationParameter = "practitioner.identifier"
	}
	c, err := transport.New(transport.Config{Service: socle.ServiceMSS, Roots: cfg.Roots, HTTPClient: cfg.HTTPClient, Watch: cfg.Watch})
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("mss: directory: %w", errors.Join(errs...))
	}
	key := cfg.Key
	cfg.Key = ""
	return &Directory{cfg, &key, base, c, rate.NewLimiter(rate.Limit(cfg.Rate), 1)}, nil
}

// Close closes the connections that no call uses.
func (d *Directory) Close() { d.http.CloseIdleConnections() }

// DirectoryQuery says which mailboxes to look for: those that meet all of its
// criteria. RPPS, Family, Given and Qualifications are of people, Name, Structure
// and Sectors of structures: a query with criteria of both is refused.
type DirectoryQuery struct {
	// RPPS finds the mailboxes of a professional, those that they have in a
	// structure included.
	RPPS          socle.RPPS
	Family, Given string // beginnings of names
	// Qualifications are codes of professions (TRE_G15: 21 is a pharmacist), of
	// specialities or other skills: who has one of them.
	Qualifications []string
	Name           string // beginning of a structure's name
	Structure      socle.FINESS
	// Sectors are codes of TRE_R02: SA33, SA38, SA39 and SA65 are pharmacies.
	Sectors []string
	// Mailbox is a part of the address, such as "@medecin.mssante.fr".
	Mailbox string
	// Address is a whole address, instead of Mailbox.
	Address Address
	// Types keeps the mailboxes of these types; empty keeps all. The directory
	// cannot select by them: it is done here.
	Types []MailboxType
}

const maxPages = 20_000

// Search gives the mailboxes that a query finds, asking for pages as they are
// read. An entry that cannot be read is given as an error (ErrDirectoryAnswer)
// and the next ones follow; an error of the service ends the sequence. Inactive
// holders are left out.
func (d *Directory) Search(ctx context.Context, q DirectoryQuery) iter.Seq2[Listing, error] {
	return func(yield func(Listing, error) bool) {
		requests, err := d.requests(q)
		if err != nil {
			yield(Listing{}, err)
			return
		}
		for _, r := range requests {
			if !d.pages(ctx, r, q, yield) {
				return
			}
		}
	}
}

type directoryRequest struct {
	resource string
	params   url.Values
}

const (
	systemRPPS    = "https://rpps.esante.gouv.fr"
	systemIDNPS   = "urn:oid:1.2.250.1.71.4.2.1"
	systemFINESS  = "https://finess.esante.gouv.fr"
	systemIDNST   = "urn:oid:1.2.250.1.71.4.2.2"
	systemSectors = "https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite"
)

// requests gives the searches of a query, one for each resource that can meet
// its criteria: the gateway searches one at a time.
func (d *Directory) requests(q DirectoryQuery) ([]directoryRequest, error) {
	refused := func(text string) error {
		return &Error{Op: "directory", kind: ErrDirectoryQuery, Text: text, outcome: notSent}
	}
	common := url.Values{}
	switch {
	case !q.Address.IsZero() && q.Mailbox != "":
		return nil, refused("Address or Mailbox, not both")
	case q.Address.IsPatient():
		return nil, refused("Address: patients are not in the directory")
	case !q.Address.IsZero():
		common.Set("mailbox-mss:exact", q.Address.Wire())
	case q.Mailbox != "":
		common.Set("mailbox-mss:contains", q.Mailbox)
	default:
		common.Set("mailbox-mss:contains", "@")
	}
	if d.cfg.PageSize > 0 {
		common.Set("_count", fmt.Sprint(d.cfg.PageSize))
	}
	people, names := q.RPPS != (socle.RPPS{}), q.Family != "" || q.Given != "" || len(q.Qualifications) > 0
	structures := q.Name != "" || q.Structure != (socle.FINESS{}) || len(q.Sectors) > 0
	if (people || names) && structures {
		return nil, refused("criteria of people and of structures in one query")
	}
	with := func(set func(url.Values)) url.Values {
		v := url.Values{}
		for k := range common {
			v[k] = common[k]
		}
		set(v)
		return v
	}
	var out []directoryRequest
	if !structures {
		out = append(out, directoryRequest{"Practitioner", with(func(v url.Values) {
			if people {
				v.Set("identifier", systemRPPS+"|"+q.RPPS.String())
			}
			if q.Family != "" {
				v.Set("family", escaped(q.Family))
			}
			if q.Given != "" {
				v.Set("given", escaped(q.Given))
			}
			if len(q.Qualifications) > 0 {
				var tokens []string
				for _, c := range q.Qualifications {
					tokens = append(tokens, escaped(c))
				}
				v.Set("qualification-code", strings.Join(tokens, ","))
			}
		})})
	}
	if !structures && !names {
		out = append(out, directoryRequest{"PractitionerRole", with(func(v url.Values) {
			v.Set("_include", "PractitionerRole:practitioner")
			if people {
				v.Set(d.cfg.SituationParameter, systemRPPS+"|"+q.RPPS.String())
			}
		})})
	}
	if !people && !names {
		out = append(out, directoryRequest{"Organization", with(func(v url.Values) {
			if q.Name != "" {
				v.Set("name", escaped(q.Name))
			}
			if q.Structure != (socle.FINESS{}) {
				v.Set("identifier", systemFINESS+"|"+q.Structure.String())
			}
			var tokens []string
			for _, s := range q.Sectors {
				tokens = append(tokens, systemSectors+"|"+escaped(s))
			}
			if tokens != nil {
				v.Set("type", strings.Join(tokens, ","))
			}
		})})
	}
	return out, nil
}

// escaped protects what separates values in FHIR searches.
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, ",", `\,`, "$", `\$`, "|", `\|`).Replace(s)
}

// pages reads the pages of one search. It gives false when the sequence is over.
func (d *Directory) pages(ctx context.Context, r directoryRequest, q DirectoryQuery, yield func(Listing, error) bool) bool {
	next, form := d.base.JoinPath(r.resource), r.params
	seen := map[string]bool{}
	for range maxPages {
		body, err := d.get(ctx, r.resource, next, form)
		if err != nil {
			yield(Listing{}, err)
			return false
		}
		page, err := parsePage(body)
		if err != nil {
			yield(Listing{}, err)
			return false
		}
		for l, err := range page.listings(r.resource) {
			if err == nil && !q.keeps(l) {
				continue
			}
			if !yield(l, err) {
				return false
			}
		}
		if page.next == "" {
			return true
		}
		if next, err = d.follow(page.next); err != nil || seen[page.next] {
			yield(Listing{}, &Error{Op: "directory", kind: ErrDirectoryAnswer, Code: "next", Err: err, outcome: socle.OutcomeRefused,
				Text: "the address of the next page is of another service, or was read already"})
			return false
		}
		seen[page.next], form = true, nil
	}
	yield(Listing{}, &Error{Op: "directory", kind: ErrDirectoryAnswer, outcome: socle.OutcomeRefused, Text: fmt.Sprintf("more than %d pages", maxPages)})
	return false
}

func (q DirectoryQuery) keeps(l Listing) bool {
	if len(q.Types) == 0 {
		return true
	}
	for _, t := range q.Types {
		if l.Type == t {
			return true
		}
	}
	return false
}

// follow reads the address of a page. It must be of the same service, because
// the key goes with the request.
func (d *Directory) follow(next string) (*url.URL, error) {
	u, err := d.base.Parse(next)
	if err != nil {
		return nil, errors.New("no address")
	}
	port := func(u *url.URL) string {
		if u.Port() == "" {
			return "443"
		}
		return u.Port()
	}
	if u.Scheme != "https" || !strings.EqualFold(u.Hostname(), d.base.Hostname()) || port(u) != port(d.base) || u.User != nil {
		return nil, errors.New("address of another service")
	}
	return u, nil
}

// Bounds of a request and of an answer.
const (
	maxQuery        = 1800 // characters; longer ones are posted
	maxPageBytes    = 32 << 20
	requestDuration = 35 * time.Second // the directory gives up after 30
)

// get makes a request, within the limit of requests, and again when the
// service is busy or lost.
func (d *Directory) get(ctx context.Context, resource string, at *url.URL, form url.Values) ([]byte, error) {
	var body []byte
	err := transport.Retry(ctx, 3, true, func(attempt int) error {
		if err := d.limiter.Wait(ctx); err != nil {
			return &transport.Error{Op: "search " + resource, Err: errors.Join(ctx.Err(), err)}
		}
		ctx, cancel := context.WithTimeout(ctx, requestDuration)
		defer cancel()
		req, err := d.request(ctx, at, form)
		if err != nil {
			return err
		}
		return d.http.Do(ctx, transport.Operation{Name: "directory." + resource, MaxBytes: maxPageBytes, Attempt: attempt, InMemory: true}, req,
			func(resp *http.Response) (string, error) {
				b, err := io.ReadAll(resp.Body)
				if err != nil {
					return "", err
				}
				if err := transport.CheckStatus("directory."+resource, resp); err != nil {
					r := parseRefused(resp.StatusCode, b)
					return r.Code(), errors.Join(err, r)
				}
				body = b
				return "", nil
			})
	})
	if err == nil {
		return body, nil
	}
	e := &Error{Op: "directory", Err: err, outcome: socle.OutcomeOf(err), retryable: socle.Retryable(err)}
	var r *DirectoryRefusal
	if !errors.As(err, &r) {
		return nil, e
	}
	e.Err, e.Code, e.Text = r, r.Code(), ""
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.kind = ErrDirectoryKey
	case http.StatusTooManyRequests:
		e.kind = ErrDirectoryBusy
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusPreconditionFailed:
		e.kind = ErrDirectoryQuery
	}
	return nil, e
}

func (d *Directory) request(ctx context.Context, at *url.URL, form url.Values) (*http.Request, error) {
	u, method, content := *at, http.MethodGet, ""
	if encoded := form.Encode(); len(encoded) > maxQuery {
		u.Path, method, content = u.Path+"/_search", http.MethodPost, encoded
	} else if form != nil {
		u.RawQuery = encoded
	}
	var body io.Reader
	if content != "" {
		body = strings.NewReader(content)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, &Error{Op: "directory", kind: ErrDirectoryQuery, outcome: notSent, Text: "no address can be made of it"}
	}
	req.Header.Set("ESANTE-API-KEY", *d.key)
	req.Header.Set("Accept", fhir.MediaType)
	if content != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, nil
}
