package mss

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/transport"
	"github.com/soclesante/socle/internal/xmltree"
)

const maxAutoconfig = 256 << 10 // bytes

// autoconfigClient gets the configuration file of a domain. It connects through
// the guard of the Discoverer, and follows no redirect.
type autoconfigClient struct{ http *transport.Client }

func newAutoconfig(cfg DiscoverConfig, dial func(ctx context.Context, network, address string) (net.Conn, error)) *autoconfigClient {
	c, err := transport.New(transport.Config{Service: socle.ServiceMSS, Watch: cfg.Watch, HTTPClient: &http.Client{Transport: &http.Transport{
		DialContext:         dial,
		TLSClientConfig:     &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12, Time: cfg.Now},
		TLSHandshakeTimeout: cfg.Timeout,
		IdleConnTimeout:     10 * time.Second,
		MaxIdleConns:        4,
		DisableCompression:  true,
	}}})
	if err != nil {
		panic(err) // the configuration above has all that it needs
	}
	return &autoconfigClient{c}
}

// byAutoconfig reads the configuration file of a domain, in the form of Mozilla
// (clientConfig 1.1).
func (d *Discoverer) byAutoconfig(ctx context.Context, domain string) (Discovery, error) {
	u := url.URL{Scheme: "https", Host: "autoconfig." + domain, Path: "/mail/config-v1.1.xml"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Discovery{}, err
	}
	var r Discovery
	err = d.auto.http.Do(ctx, transport.Operation{Name: "autoconfig", MaxBytes: maxAutoconfig}, req, func(resp *http.Response) (string, error) {
		if err := transport.CheckStatus("autoconfig", resp); err != nil {
			return "", err
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			return "", err
		}
		r, err = parseAutoconfig(b, domain)
		return "", err
	})
	return r, err
}

// AutoconfigError tells why a configuration file was refused.
type AutoconfigError struct {
	Text string
	Err  error
}

// Error tells the reason.
func (e *AutoconfigError) Error() string {
	if e.Err != nil {
		return "configuration file: " + e.Text + ": " + e.Err.Error()
	}
	return "configuration file: " + e.Text
}

// Unwrap gives the cause.
func (e *AutoconfigError) Unwrap() error { return e.Err }

// parseAutoconfig takes of a file the servers of IMAP and of submission under
// STARTTLS, or else both under TLS from the start; never one in clear.
func parseAutoconfig(b []byte, domain string) (Discovery, error) {
	doc, err := xmltree.Parse(b, xmltree.Limits{Bytes: maxAutoconfig, Depth: 16, Nodes: 10_000})
	if err != nil {
		return Discovery{}, &AutoconfigError{"no XML document", err}
	}
	if doc.Root.Name.Local != "clientConfig" {
		return Discovery{}, &AutoconfigError{Text: "clientConfig expected"}
	}
	imap, submission := map[string][]string{}, map[string][]string{}
	var bad error
	for e := range doc.Root.Descendants() {
		servers := imap
		switch {
		case e.Name.Local == "incomingServer" && strings.EqualFold(e.Attr("type"), "imap"):
		case e.Name.Local == "outgoingServer" && strings.EqualFold(e.Attr("type"), "smtp"):
			servers = submission
		default:
			continue
		}
		address, err := serverAddress(e, domain)
		if err != nil {
			bad = err
			continue
		}
		secured := strings.ToUpper(e.Path("socketType").Trimmed())
		servers[secured] = append(servers[secured], address)
	}
	for _, secured := range []string{"STARTTLS", "SSL"} {
		if i, s := imap[secured], submission[secured]; len(i) > 0 && len(s) > 0 {
			return Discovery{Environment: Environment{IMAP: i[0], Submission: s[0], ImplicitTLS: secured == "SSL"}, IMAP: i, Submission: s}, nil
		}
	}
	if bad != nil {
		return Discovery{}, &AutoconfigError{"no pair of servers", bad}
	}
	return Discovery{}, &AutoconfigError{Text: "servers of IMAP and of submission both under STARTTLS, or both under SSL, expected"}
}

func serverAddress(e *xmltree.Element, domain string) (string, error) {
	host := strings.ReplaceAll(e.Path("hostname").Trimmed(), "%EMAILDOMAIN%", domain)
	name, ok := asciiDomain(host)
	if !ok {
		return "", errors.New("a host name expected in hostname")
	}
	port, err := strconv.ParseUint(e.Path("port").Trimmed(), 10, 16)
	if err != nil || port == 0 {
		return "", fmt.Errorf("a port expected for %.80q", name)
	}
	return net.JoinHostPort(name, strconv.FormatUint(port, 10)), nil
}
