package msstest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/soclesante/socle/internal/pki"
)

// startAutoconfig serves https://autoconfig.<domain>/mail/config-v1.1.xml for all
// domains, each under a certificate of its name.
func (n *Network) startAutoconfig(authority *pki.Authority) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("msstest: %w", err)
	}
	n.autoconfig = listener.Addr().String()
	certificates := sync.Map{}
	n.http = &http.Server{
		Handler:           http.HandlerFunc(n.serveAutoconfig),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c, ok := certificates.Load(h.ServerName); ok {
				return c.(*tls.Certificate), nil
			}
			if h.ServerName == "" {
				return nil, errors.New("msstest: the name of the server expected in the TLS greeting")
			}
			c, err := authority.Server(h.ServerName)
			certificates.Store(h.ServerName, &c)
			return &c, err
		}},
	}
	n.served.Go(func() { _ = n.http.ServeTLS(listener, "", "") })
	return nil
}

func (n *Network) serveAutoconfig(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	n.mu.Lock()
	n.asked = append(n.asked, "GET https://"+host+r.URL.Path)
	h := n.files[strings.TrimPrefix(host, "autoconfig.")]
	n.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "" || r.URL.RawQuery != "":
		http.Error(w, "autoconfig: a request without credentials and without query expected", http.StatusBadRequest)
	case h == nil || r.URL.Path != "/mail/config-v1.1.xml" || r.Method != http.MethodGet:
		http.NotFound(w, r)
	default:
		h.ServeHTTP(w, r)
	}
}

// SetAutoconfig publishes the configuration file of a domain.
func (n *Network) SetAutoconfig(domain, file string) {
	n.HandleAutoconfig(domain, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, file)
	}))
}

// HandleAutoconfig answers the requests of a domain's configuration file with h.
func (n *Network) HandleAutoconfig(domain string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.files[domain] = h
	n.hosts["autoconfig."+domain] = nil
}

// Autoconfig writes a configuration file with the servers of an environment at
// a host.
func Autoconfig(domain, host, imapPort, submissionPort, socketType string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="%[1]s">
    <domain>%[1]s</domain>
    <incomingServer type="pop3"><hostname>%[2]s</hostname><port>110</port><socketType>plain</socketType></incomingServer>
    <incomingServer type="imap"><hostname>%[2]s</hostname><port>%[3]s</port><socketType>%[5]s</socketType><authentication>OAuth2</authentication><username>%%EMAILADDRESS%%</username></incomingServer>
    <outgoingServer type="smtp"><hostname>%[2]s</hostname><port>%[4]s</port><socketType>%[5]s</socketType><authentication>OAuth2</authentication><username>%%EMAILADDRESS%%</username></outgoingServer>
  </emailProvider>
</clientConfig>`, domain, host, imapPort, submissionPort, socketType)
}
