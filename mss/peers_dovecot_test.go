//go:build peers && unix

package mss_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/psc/psctest"
)

// validator is what an operator puts between its servers and Pro Santé Connect:
// it asks the introspection endpoint, with the operator's certificate, and adds
// which mailbox the person opens.
type validator struct {
	url    string
	status atomic.Int32 // of the answer, when it is not to be the right one
}

func validate(t testing.TB, c *connected) *validator {
	t.Helper()
	v := &validator{}
	caller := c.caller(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := v.status.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		resp, err := caller.PostForm(c.psc.Environment().Introspection, url.Values{"client_id": {psctest.ClientID}, "token": {token}})
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		var said struct {
			Active        bool
			SubjectNameID string
		}
		_ = json.NewDecoder(resp.Body).Decode(&said)
		answer := map[string]any{"active": strconv.FormatBool(said.Active)}
		if said.Active {
			answer["mailbox"], answer["scope"] = openers[said.SubjectNameID], "mail"
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	v.url = server.URL + "/introspect"
	return v
}

const dovecotConf = `
base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/state
log_path = {{.Dir}}/dovecot.log
protocols = imap{{if .Submission}} submission{{end}}
listen = 127.0.0.1
{{if .User}}default_internal_user = {{.User}}
default_login_user = {{.User}}
default_internal_group = {{.Group}}
{{end}}
ssl = required
ssl_cert = <{{.Dir}}/cert.pem
ssl_key = <{{.Dir}}/key.pem
ssl_ca = <{{.Dir}}/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
ssl_cert_username_field = commonName
auth_mechanisms = xoauth2 oauthbearer external plain
auth_failure_delay = 0
auth_worker_max_count = 2
auth_verbose = yes
mail_location = maildir:{{.Dir}}/mail/%u
maildir_stat_dirs = no
mailbox_list_index = yes
first_valid_uid = 1
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = create
    special_use = \Sent
  }
  mailbox Trash {
    auto = create
    special_use = \Trash
  }
  mailbox Archive {
    auto = create
    special_use = \Archive
  }
}
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {{.Dir}}/oauth2.conf
}
passdb {
  driver = passwd-file
  mechanisms = external
  args = {{.Dir}}/certificates
}
passdb {
  driver = passwd-file
  mechanisms = plain
  args = {{.Dir}}/passwords
}
userdb {
  driver = static
  args = uid={{.UID}} gid={{.GID}} home={{.Dir}}/home/%u
}
service imap-login {
  chroot =
  inet_listener imap {
    port = {{.IMAP}}
  }
  inet_listener imaps {
    port = {{.IMAPS}}
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener {{.Dir}}/run/postfix-auth {
    mode = 0666
  }
}
{{if .Submission}}
hostname = relay.formation.mssante.fr
submission_relay_host = 127.0.0.1
submission_relay_port = {{.Relay}}
submission_relay_ssl = no
submission_max_mail_size = {{.Limit}}
service submission-login {
  chroot =
  inet_listener submission {
    port = {{.Submission}}
  }
  inet_listener submissions {
    port = {{.Submissions}}
    ssl = yes
  }
}
{{end}}
`

const dovecotOAuth2 = `
introspection_mode = auth
introspection_url = {{.Validator}}
username_attribute = mailbox
active_attribute = active
active_value = true
scope = mail
`

// dovecot is a running Dovecot.
type dovecot struct {
	Dir                                                string
	UID, GID                                           int
	User, Group                                        string // when the test is not run as root
	IMAP, IMAPS, Submission, Submissions, Relay, Limit int
	Validator                                          string

	*connected
	*validator
}

// startDovecot starts a Dovecot in dir; relay is the port of the MTA that its
// submission server hands messages to, 0 for no submission.
func startDovecot(t testing.TB, dir string, c *connected, relay, limit int) *dovecot {
	t.Helper()
	program := peerProgram(t, "dovecot")
	ports := peerPorts(t, 4)
	d := &dovecot{Dir: dir, IMAP: ports[0], IMAPS: ports[1], Relay: relay, Limit: limit, connected: c, validator: validate(t, c)}
	d.Validator = d.url
	d.UID, d.GID = owner(t)
	if os.Getuid() != 0 {
		me, err := user.Current()
		require.NoError(t, err)
		mine, err := user.LookupGroupId(me.Gid)
		require.NoError(t, err)
		d.User, d.Group = me.Username, mine.Name
	}
	addresses := []string{loopback(d.IMAP), loopback(d.IMAPS)}
	if relay != 0 {
		d.Submission, d.Submissions = ports[2], ports[3]
		addresses = append(addresses, loopback(d.Submission), loopback(d.Submissions))
	}
	for _, sub := range []string{"run", "state", "mail", "home"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	for _, sub := range []string{"mail", "home"} {
		require.NoError(t, os.Chown(filepath.Join(dir, sub), d.UID, d.GID))
	}
	peerCertificate(t, dir, c.authority)
	peerFile(t, filepath.Join(dir, "dovecot.conf"), dovecotConf, d)
	peerFile(t, filepath.Join(dir, "oauth2.conf"), dovecotOAuth2, d)
	peerFile(t, filepath.Join(dir, "certificates"), automaton+":{PLAIN}::::::user="+application+" nopassword=y\n", nil)
	peerFile(t, filepath.Join(dir, "passwords"), automaton+":{PLAIN}factice::::::user="+application+"\n", nil) // the name of the certificate is the user, whatever the client says
	peerProcess(t, filepath.Join(dir, "dovecot.log"), addresses, program, "-F", "-c", filepath.Join(dir, "dovecot.conf"))
	return d
}

// put delivers a message as an MDA does: into the Maildir.
func (d *dovecot) put(t testing.TB, mailbox string, raw []byte) {
	t.Helper()
	box := filepath.Join(d.Dir, "mail", mailbox)
	for _, sub := range []string{"", "tmp", "new", "cur"} {
		dir := filepath.Join(box, sub)
		if err := os.Mkdir(dir, 0o700); err == nil {
			require.NoError(t, os.Chown(dir, d.UID, d.GID))
		} else {
			require.ErrorIs(t, err, os.ErrExist)
		}
	}
	name := strconv.FormatInt(time.Now().UnixNano(), 10) + ".peer.localhost"
	from := filepath.Join(box, "tmp", name)
	require.NoError(t, os.WriteFile(from, raw, 0o600))
	require.NoError(t, os.Chown(from, d.UID, d.GID))
	require.NoError(t, os.Rename(from, filepath.Join(box, "new", name)))
}

func TestPeerDovecotIMAP(t *testing.T) {
	c := connect(t)
	d := startDovecot(t, peerFolder(t), c, 0, 0)
	o := &house{connected: c, deliver: d.put, environment: mss.Environment{IMAP: loopback(d.IMAP), Submission: loopback(d.IMAP)}}
	t.Run("reads", func(t *testing.T) { operatorReads(t, o) })
	t.Run("reads what is broken", func(t *testing.T) { operatorReadsBroken(t, o) })
	t.Run("refuses a stranger", func(t *testing.T) { operatorRefusesStranger(t, o) })
	t.Run("marks", func(t *testing.T) { operatorMarks(t, o) })
	t.Run("searches", func(t *testing.T) { operatorSearches(t, o) })
	t.Run("moves", func(t *testing.T) { operatorMoves(t, o) })
	t.Run("follows", func(t *testing.T) { operatorFollows(t, o) })
	t.Run("watches", func(t *testing.T) { operatorWatches(t, o) })
}
