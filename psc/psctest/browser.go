package psctest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Browser is a person's browser, with its cookies: it goes through the login
// page for tests.
type Browser struct {
	http *http.Client
	// Mode is the means chosen on the login page, CARD if empty.
	Mode string
}

// Browser opens a browser that no person logged in with.
func (s *Server) Browser() *Browser {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &Browser{http: &http.Client{
		Jar: jar,
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: s.Roots(), Time: s.Clock().Now, MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var visitField = regexp.MustCompile(`name="visit" value="([0-9a-f-]+)"`)

// Login follows an authorization address as that person (national identifier),
// or as one who refuses when it is empty, and gives the address that the
// browser is sent back to: it is not followed. A page that does not let them
// through is an error with its text.
func (b *Browser) Login(ctx context.Context, address, person string) (back string, err error) {
	text, back, err := b.open(ctx, http.MethodGet, address, nil)
	if err != nil || back != "" {
		return back, err
	}
	m := visitField.FindStringSubmatch(text)
	if m == nil {
		return "", errors.New("psctest: the page is not the login page: " + plain(text))
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("psctest: %w", err)
	}
	u.Path, u.RawQuery = wallet+"/login", ""
	f := url.Values{"visit": {m[1]}, "person": {person}, "mode": {b.Mode}}
	if b.Mode == "" {
		f.Set("mode", "CARD")
	}
	if person == "" {
		f.Set("decision", "deny")
	}
	text, back, err = b.open(ctx, http.MethodPost, u.String(), f)
	if err == nil && back == "" {
		err = errors.New("psctest: the login page let nobody through: " + plain(text))
	}
	return back, err
}

// Visit opens an address of the emulator, such as that of a logout, and gives
// where it sends the browser, if it does.
func (b *Browser) Visit(ctx context.Context, address string) (back string, err error) {
	_, back, err = b.open(ctx, http.MethodGet, address, nil)
	return back, err
}

func (b *Browser) open(ctx context.Context, method, address string, f url.Values) (text, back string, err error) {
	var body io.Reader
	if f != nil {
		body = strings.NewReader(f.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return "", "", fmt.Errorf("psctest: %w", err)
	}
	if f != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return "", "", fmt.Errorf("psctest: %w", err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", "", fmt.Errorf("psctest: %w", err)
	}
	if resp.StatusCode >= 400 {
		return "", "", fmt.Errorf("psctest: status %d: %s", resp.StatusCode, resp.Header.Get("X-Emulator-Rule")+" "+plain(string(page)))
	}
	return string(page), resp.Header.Get("Location"), nil
}

var tag = regexp.MustCompile(`(?s)<style>.*</style>|<[^>]*>`)

// plain gives the text of a page.
func plain(page string) string {
	return strings.Join(strings.Fields(tag.ReplaceAllString(page, " ")), " ")
}
