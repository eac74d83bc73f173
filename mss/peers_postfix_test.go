//go:build peers && unix

package mss_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/oracle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/mss"
)

const postfixMain = `
compatibility_level = 3.6
queue_directory = {{.Dir}}/queue
data_directory = {{.Dir}}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = {{.Dir}}/etc
shlib_directory = /usr/lib/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {{.Dir}}/postfix.log
maillog_file_prefixes = {{.Dir}}
import_environment = MAIL_CONFIG={{.Dir}}/etc
myhostname = relay.formation.mssante.fr
myorigin = relay.formation.mssante.fr
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
default_transport = error:no other operator here
virtual_mailbox_domains = pharmacie.formation.mssante.fr medecin.formation.mssante.fr
virtual_mailbox_maps = texthash:{{.Dir}}/etc/mailboxes
virtual_mailbox_base = {{.Dir}}/mail
virtual_mailbox_limit = 0
virtual_uid_maps = static:{{.UID}}
virtual_gid_maps = static:{{.GID}}
message_size_limit = {{.Limit}}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {{.Dir}}/run/postfix-auth
smtpd_sasl_security_options = noanonymous
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {{.Dir}}/cert.pem
smtpd_tls_key_file = {{.Dir}}/key.pem
smtpd_tls_protocols = >=TLSv1.2
smtpd_peername_lookup = no
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
smtpd_discard_ehlo_keywords =
`

// The submission service wants an authentication; the relay, that of Dovecot's
// submission server, takes messages of the machine.
const postfixMaster = `
{{.Relay}} inet n - n - - smtpd
  -o syslog_name=postfix/submission -o smtpd_sasl_auth_enable=yes -o smtpd_tls_security_level=encrypt
{{.Inside}} inet n - n - - smtpd
  -o syslog_name=postfix/relay -o smtpd_recipient_restrictions=permit_mynetworks,reject -o smtpd_tls_security_level=none
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix starts a Postfix in the folder of a Dovecot, whose mailboxes it
// delivers into and whose authentication it asks.
func startPostfix(t testing.TB, d *dovecot, submission, inside int) {
	t.Helper()
	peerRoot(t, "Postfix")
	program := peerProgram(t, "master")
	number := func(name string) int {
		u, err := user.Lookup(name)
		require.NoError(t, err)
		n, err := strconv.Atoi(u.Uid)
		require.NoError(t, err)
		return n
	}
	postfix := number("postfix")
	group, err := user.LookupGroup("postdrop")
	require.NoError(t, err)
	postdrop, err := strconv.Atoi(group.Gid)
	require.NoError(t, err)
	queue := filepath.Join(d.Dir, "queue")
	require.NoError(t, os.MkdirAll(filepath.Join(queue, "pid"), 0o755))
	folder := func(path string, mode os.FileMode, gid int) {
		require.NoError(t, os.MkdirAll(path, 0o700))
		require.NoError(t, os.Chown(path, postfix, gid))
		require.NoError(t, os.Chmod(path, mode))
	}
	folder(filepath.Join(d.Dir, "data"), 0o700, 0)
	for _, sub := range []string{"active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"} {
		folder(filepath.Join(queue, sub), 0o700, 0)
	}
	folder(filepath.Join(queue, "maildrop"), 0o730|os.ModeSticky, postdrop)
	folder(filepath.Join(queue, "public"), 0o710|os.ModeSetgid, postdrop)
	etc := filepath.Join(d.Dir, "etc")
	data := map[string]any{"Dir": d.Dir, "UID": d.UID, "GID": d.GID, "Limit": d.Limit, "Relay": loopback(submission), "Inside": loopback(inside)}
	peerFile(t, filepath.Join(etc, "main.cf"), postfixMain, data)
	peerFile(t, filepath.Join(etc, "master.cf"), postfixMaster, data)
	peerFile(t, filepath.Join(etc, "mailboxes"), pharmacy+" "+pharmacy+"/\n"+office+" "+office+"/\n"+application+" "+application+"/\n", nil)
	peerProcess(t, filepath.Join(d.Dir, "postfix.log"), []string{loopback(submission), loopback(inside)}, program, "-c", etc, "-d")
}

// An automaton opens its applicative mailbox by its certificate, at both servers.
func peerCertificates(t *testing.T, d *dovecot) {
	id, err := socle.ParseStructureID(structure)
	require.NoError(t, err)
	other, err := pki.NewAuthority()
	require.NoError(t, err)
	for _, e := range []mss.Environment{
		{IMAP: loopback(d.IMAP), Submission: loopback(d.Submission)},
		{IMAP: loopback(d.IMAPS), Submission: loopback(d.Submissions), ImplicitTLS: true},
	} {
		o := &house{connected: d.connected, environment: e}
		access := mss.Access{Address: address(t, application), Auth: mss.External(organisation(t, d.authority, automaton, pki.AuthClient), ""),
			Actor: socle.Actor{Professional: socle.Professional{Structure: socle.Structure{ID: id, Name: "Pharmacie du Marché"}}}}
		d.put(t, application, simple("<"+office+">", "Résultat", "Bonjour"))
		m, err := o.client(t).Open(context.Background(), access)
		require.NoError(t, err)
		t.Cleanup(func() { _ = m.Close() })
		arrived(t, m, byID("1@medecin.formation.mssante.fr"))
		r, err := m.Send(context.Background(), letter(t, "De l'automate"))
		require.NoError(t, err)
		require.True(t, r.SentCopy)
		require.Equal(t, "Pharmacie du Marché", arrived(t, o.open(t, office), byID(r.MessageID)).Sender.Name)
		plain := access
		plain.Auth = mss.Plain(organisation(t, d.authority, automaton, pki.AuthClient), "", "factice")
		p, err := o.client(t).Open(context.Background(), plain)
		require.NoError(t, err)
		t.Cleanup(func() { _ = p.Close() })
		_, err = p.Send(context.Background(), letter(t, "De l'automate, par PLAIN"))
		require.NoError(t, err)
		for name, auth := range map[string]mss.Auth{
			"another password":    mss.Plain(organisation(t, d.authority, automaton, pki.AuthClient), "", "autre"),
			"another common name": mss.External(organisation(t, d.authority, "inconnu", pki.AuthClient), ""),
			"another authority":   mss.External(organisation(t, other, automaton, pki.AuthClient), ""),
			"another mailbox":     mss.External(organisation(t, d.authority, automaton, pki.AuthClient), pharmacy),
		} {
			access.Auth = auth
			_, err := o.client(t).Open(context.Background(), access)
			require.ErrorIs(t, err, mss.ErrAuthRefused, name)
			require.False(t, socle.Retryable(err), name)
		}
	}
}

// The operator ends the connection that waits for a push: it is opened again by
// itself, with a token that lives (ECO.1.2.7), and nothing is missed.
func peerKicked(t *testing.T, d *dovecot) {
	doveadm := oracle.Program(t, "doveadm")
	o := &house{connected: d.connected, environment: mss.Environment{IMAP: loopback(d.IMAP), Submission: loopback(d.Submission)}}
	now, err := o.open(t, pharmacy).Now(context.Background(), "")
	require.NoError(t, err)
	h := newHandled()
	states := make(chan mss.WatchState, 1000)
	w, err := o.client(t).Watch(context.Background(), mss.WatchConfig{Handle: h.handle, Poll: time.Hour, Retry: 50 * time.Millisecond,
		Changed: func(s mss.WatchStatus) { states <- s.State }})
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Add(o.access(t, pharmacy), now))
	pushed := func() {
		for end := time.After(20 * time.Second); ; {
			select {
			case s := <-states:
				if s == mss.WatchPushed {
					return
				}
			case <-end:
				require.FailNow(t, "not connected")
			}
		}
	}
	pushed()
	o.kill(t, o.pharmacist) // the token of the connection is dead, too
	out, err := exec.Command(doveadm, "-c", filepath.Join(d.Dir, "dovecot.conf"), "kick", pharmacy).CombinedOutput()
	require.NoError(t, err, "%s", out)
	raw, id := unique(simple("<"+office+">", "Pendant l'absence", "Bonjour"))
	d.put(t, pharmacy, raw)
	pushed()
	select {
	case a := <-h.came:
		require.Equal(t, id, a.Summary.MessageID)
	case <-time.After(20 * time.Second):
		require.FailNow(t, "missed")
	}
}

// A validator that fails hides whether the token is good: Dovecot then refuses
// for now, and the client asks for another token before it says so.
func peerValidator(t *testing.T, d *dovecot) {
	o := &house{connected: d.connected, deliver: d.put, environment: mss.Environment{IMAP: loopback(d.IMAP), Submission: loopback(d.Submission)}}
	m := o.open(t, pharmacy)
	defer d.status.Store(0)
	for _, status := range []int32{http.StatusUnauthorized, http.StatusServiceUnavailable} {
		d.status.Store(status)
		_, err := o.client(t).Open(context.Background(), o.access(t, pharmacy))
		require.ErrorIs(t, err, mss.ErrTokenRefused)
		require.True(t, socle.Retryable(err))
		require.ErrorContains(t, err, "UNAVAILABLE")
		_, err = m.Send(context.Background(), letter(t, "Plus tard"))
		require.ErrorIs(t, err, mss.ErrTokenRefused)
		require.ErrorContains(t, err, "454")
		require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
	}
	d.status.Store(0)
	_, err := m.Send(context.Background(), letter(t, "Maintenant"))
	require.NoError(t, err)
}

// A real operator: Dovecot reads, Postfix sends, asks Dovecot who it is, and
// returns receipts.
func TestPeerPostfix(t *testing.T) {
	peerRoot(t, "Postfix")
	c := connect(t)
	const limit = 10_000_000
	ports := peerPorts(t, 2)
	d := startDovecot(t, peerFolder(t), c, ports[1], limit)
	startPostfix(t, d, ports[0], ports[1])
	t.Run("Postfix", func(t *testing.T) {
		testOperator(t, &house{connected: c, deliver: d.put, receipts: true, limit: limit, knows: true,
			environment: mss.Environment{IMAP: loopback(d.IMAP), Submission: loopback(ports[0])}})
	})
	t.Run("Dovecot", func(t *testing.T) {
		testOperator(t, &house{connected: c, deliver: d.put, limit: limit, knows: true, short: true,
			environment: mss.Environment{IMAP: loopback(d.IMAP), Submission: loopback(d.Submission)}})
	})
	t.Run("implicit TLS", func(t *testing.T) {
		o := &house{connected: c, deliver: d.put,
			environment: mss.Environment{IMAP: loopback(d.IMAPS), Submission: loopback(d.Submissions), ImplicitTLS: true}}
		operatorReads(t, o)
		operatorSends(t, o)
		operatorReplacesToken(t, &house{connected: c, short: true, environment: o.environment})
	})
	t.Run("certificate", func(t *testing.T) { peerCertificates(t, d) })
	t.Run("watch", func(t *testing.T) { peerKicked(t, d) })
	t.Run("validator", func(t *testing.T) { peerValidator(t, d) })
}
