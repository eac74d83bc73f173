package mss

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

const maxRecords = 64

// bySRV reads the SRV records of a domain: STARTTLS services, or else both
// services under TLS from the start (RFC 6186 section 3.4, RFC 8314 section 5.1).
func (d *Discoverer) bySRV(ctx context.Context, domain string) (Discovery, error) {
	l := d.cfg.Labels
	var errs []error
	for _, pair := range []struct {
		imap, submission string
		implicit         bool
	}{{l.IMAP, l.Submission, false}, {l.IMAPS, l.Submissions, true}} {
		imap, err := d.records(ctx, pair.imap, domain)
		if err == nil {
			var submission []string
			if submission, err = d.records(ctx, pair.submission, domain); err == nil {
				return Discovery{Environment: Environment{IMAP: imap[0], Submission: submission[0], ImplicitTLS: pair.implicit},
					IMAP: imap, Submission: submission}, nil
			}
		}
		if errs = append(errs, err); ctx.Err() != nil {
			break
		}
	}
	return Discovery{}, errors.Join(errs...)
}

// records gives the hosts and ports of a service that may be connected to, in
// the order of RFC 2782.
func (d *Discoverer) records(ctx context.Context, label, domain string) ([]string, error) {
	_, found, err := d.cfg.Resolver.LookupSRV(ctx, label, "tcp", domain)
	if err != nil && len(found) == 0 {
		return nil, fmt.Errorf("_%s._tcp: %w", label, err)
	}
	var out []string
	var refused error
	for _, r := range ordered(found, d.draw) {
		host := strings.TrimSuffix(r.Target, ".")
		if host == "" { // "." says that the service is not offered
			continue
		}
		name, ok := asciiDomain(host)
		if !ok || !d.cfg.Allow(name) || r.Port == 0 {
			refused = fmt.Errorf("%w: host %.80q is outside the domains of DiscoverConfig.Allow", ErrForbidden, host)
			continue
		}
		out = append(out, net.JoinHostPort(name, strconv.Itoa(int(r.Port))))
	}
	switch {
	case len(out) > 0:
		return out, nil
	case refused != nil:
		return nil, fmt.Errorf("_%s._tcp: %w", label, refused)
	}
	return nil, fmt.Errorf("_%s._tcp: the service is not offered", label)
}

// ordered puts records in the order in which to try them (RFC 2782): by
// priority, and within one drawn by weight, those of weight 0 last but for a
// small chance.
func ordered(records []*net.SRV, draw func(n int) int) []*net.SRV {
	var all []*net.SRV
	for _, r := range records[:min(len(records), maxRecords)] {
		if r != nil {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b *net.SRV) int {
		if a.Priority != b.Priority {
			return int(a.Priority) - int(b.Priority)
		}
		return min(int(a.Weight), 1) - min(int(b.Weight), 1) // weight 0 first, as the drawing wants
	})
	for start := 0; start < len(all); {
		end := start + 1
		for end < len(all) && all[end].Priority == all[start].Priority {
			end++
		}
		for group := all[start:end]; len(group) > 1; group = group[1:] {
			sum := 0
			for _, r := range group {
				sum += int(r.Weight)
			}
			n, chosen := draw(sum+1), 0
			for i, r := range group {
				if n -= int(r.Weight); n <= 0 {
					chosen = i
					break
				}
			}
			r := group[chosen]
			copy(group[1:chosen+1], group[:chosen])
			group[0] = r
		}
		start = end
	}
	return all
}
