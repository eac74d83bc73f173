package mss_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/pki"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
	"github.com/soclesante/socle/psc"
	"github.com/soclesante/socle/psc/psctest"
)

// house is an operator under test: the emulator, or real servers. The same
// bodies run against each (testOperator).
type house struct {
	environment mss.Environment
	deliver     func(t testing.TB, mailbox string, raw []byte)
	// receipts says that receipts of delivery are offered (RFC 3461).
	receipts bool
	// limit is the size of message that is announced.
	limit int
	// short says that a token is too long for the command line of SMTP.
	short bool
	// knows says that an unknown recipient is refused at once.
	knows bool
	*connected
}

// connected is Pro Santé Connect with two people who have logged in: the
// pharmacist, who opens the mailbox pharmacy, and the doctor, who opens office.
type connected struct {
	authority          *pki.Authority
	psc                *psctest.Server
	certificate        tls.Certificate
	pharmacist, doctor *psc.Session
}

func connect(t testing.TB) *connected {
	t.Helper()
	a, err := authority()
	require.NoError(t, err)
	c := &connected{authority: a}
	c.psc, err = psctest.NewServer(psctest.Options{Authority: a})
	require.NoError(t, err)
	t.Cleanup(c.psc.Close)
	c.certificate, err = c.psc.ClientCertificate(psctest.Pharmacy)
	require.NoError(t, err)
	client, err := psc.New(psc.Config{Environment: c.psc.Environment(), ClientID: psctest.ClientID, Certificate: c.certificate,
		Roots: c.psc.Roots(), Wait: c.psc.Wait, Watch: socle.Watch{Clock: c.psc.Clock().Now}})
	require.NoError(t, err)
	for id, s := range map[string]**psc.Session{psctest.Titulaire: &c.pharmacist, psctest.Doctor: &c.doctor} {
		who, err := socle.ParsePersonID(id)
		require.NoError(t, err)
		*s, err = client.Login(context.Background(), psc.LoginRequest{Person: who, Show: func(string) {}})
		require.NoError(t, err)
	}
	return c
}

// openers says who opens which mailbox.
var openers = map[string]string{psctest.Titulaire: pharmacy, psctest.Doctor: office}

// caller gives an HTTP client of Pro Santé Connect, with its certificate.
func (c *connected) caller(t testing.TB) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.psc.Roots(), Certificates: []tls.Certificate{c.certificate}}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// kill revokes the access token of a session, which does not know.
func (c *connected) kill(t testing.TB, s *psc.Session) {
	t.Helper()
	token, err := s.AccessToken(context.Background())
	require.NoError(t, err)
	resp, err := c.caller(t).PostForm(c.psc.Environment().Revocation, url.Values{"client_id": {psctest.ClientID}, "token": {token}})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func (o *house) client(t testing.TB, change ...func(*mss.Config)) *mss.Client {
	t.Helper()
	cfg := mss.Config{Environment: o.environment, Roots: o.authority.Roots(), Software: software()}
	for _, f := range change {
		f(&cfg)
	}
	c, err := mss.New(cfg)
	require.NoError(t, err)
	return c
}

func (o *house) access(t testing.TB, mailbox string) mss.Access {
	t.Helper()
	s := o.pharmacist
	if mailbox == office {
		s = o.doctor
	}
	p, err := s.Professional(s.UserInfo().Situations()[0].Key)
	require.NoError(t, err)
	return mss.Access{Address: address(t, mailbox), Actor: socle.Actor{Professional: p, Tokens: s}}
}

func (o *house) open(t testing.TB, mailbox string, change ...func(*mss.Config)) *mss.Mailbox {
	t.Helper()
	m, err := o.client(t, change...).Open(context.Background(), o.access(t, mailbox))
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// arrived waits for the message of an identifier: mail takes its time.
func arrived(t testing.TB, m *mss.Mailbox, what func(mss.Summary) bool) mss.Summary {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for _, s := range list(t, m, mss.UID{}) {
			if what(s) {
				return s
			}
		}
	}
	require.FailNow(t, "the message did not arrive")
	return mss.Summary{}
}

func byID(id string) func(mss.Summary) bool {
	return func(s mss.Summary) bool { return s.MessageID == id }
}

var uniques atomic.Int64

// unique gives a message of simple an identifier of its own.
func unique(raw []byte) ([]byte, string) {
	id := fmt.Sprintf("%d.%d@medecin.formation.mssante.fr", time.Now().UnixNano(), uniques.Add(1))
	return bytes.Replace(raw, []byte("<1@medecin.formation.mssante.fr>"), []byte("<"+id+">"), 1), id
}

// testOperator is what a mailbox of any operator must do.
func testOperator(t *testing.T, o *house) {
	for _, body := range []struct {
		name string
		run  func(*testing.T, *house)
	}{
		{"reads", operatorReads},
		{"reads what is broken", operatorReadsBroken},
		{"sends", operatorSends},
		{"sends with the initial response", operatorSendsAtOnce},
		{"keeps bytes", operatorKeepsBytes},
		{"answers", operatorAnswers},
		{"receipts of delivery", operatorReceipts},
		{"refuses recipients", operatorRefusesRecipients},
		{"refuses what is too large", operatorRefusesTooLarge},
		{"replaces a dead token", operatorReplacesToken},
		{"refuses a stranger", operatorRefusesStranger},
		{"folders", operatorFolders},
		{"marks", operatorMarks},
		{"searches", operatorSearches},
		{"moves", operatorMoves},
		{"follows", operatorFollows},
		{"watches", operatorWatches},
		{"converses", operatorConverses},
		{"streams", operatorStreams},
	} {
		t.Run(body.name, func(t *testing.T) { body.run(t, o) })
	}
}

func operatorReads(t *testing.T, o *house) {
	raw, id := unique(simple("Dr_Paul_MEDECIN_Cabinet <"+office+">", "Renouvellement", "Bonjour"))
	o.deliver(t, pharmacy, raw)
	m := o.open(t, pharmacy)
	s := arrived(t, m, byID(id))
	require.Equal(t, "Renouvellement", s.Subject)
	require.Equal(t, mss.SenderProfessional, s.Sender.Kind)
	require.False(t, s.Seen)
	msg, err := m.Read(context.Background(), s.UID)
	require.NoError(t, err)
	require.Equal(t, "Bonjour", msg.Text)
	require.Empty(t, msg.Faults)
	require.Empty(t, list(t, m, s.UID), "nothing comes after the last one")
	again := arrived(t, o.open(t, pharmacy), byID(id))
	require.Equal(t, s.UID, again.UID)
	require.False(t, again.Seen, "reading leaves it unread")
	_, err = m.Read(context.Background(), mss.UID{Validity: s.UID.Validity, Number: s.UID.Number + 1000})
	require.ErrorIs(t, err, mss.ErrNoMessage)
	_, err = m.Read(context.Background(), mss.UID{Validity: s.UID.Validity + 1, Number: s.UID.Number})
	require.ErrorIs(t, err, mss.ErrNoMessage)
}

func operatorReadsBroken(t *testing.T, o *house) {
	raw := "From: \"Zo\xe9\" <" + office + ">\r\nSubject: caf\xe9\r\nMessage-ID: <broken@medecin.formation.mssante.fr>\r\n" +
		"Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nreste\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n@@@\r\n"
	o.deliver(t, pharmacy, []byte(raw))
	m := o.open(t, pharmacy)
	s := arrived(t, m, byID("broken@medecin.formation.mssante.fr"))
	msg, err := m.Read(context.Background(), s.UID)
	require.NoError(t, err)
	require.Contains(t, msg.Text, "reste")
	require.NotEmpty(t, msg.Faults)
}

func letter(t testing.TB, subject string) mss.Draft {
	return mss.Draft{To: []mss.Address{address(t, office)}, Subject: subject, Text: "Bonjour,\nà demain ?\n.\n..point\n"}
}

func operatorSends(t *testing.T, o *house) {
	m := o.open(t, pharmacy)
	r, err := m.Send(context.Background(), letter(t, "Question à l'officine"))
	require.NoError(t, err)
	require.True(t, r.Submitted)
	require.True(t, r.SentCopy, "%v", r.Degraded)
	require.Empty(t, r.Degraded)
	other := o.open(t, office)
	s := arrived(t, other, byID(r.MessageID))
	require.Equal(t, "Question à l'officine", s.Subject)
	require.Equal(t, pharmacy, s.Sender.Address.Wire())
	msg, err := other.Read(context.Background(), s.UID)
	require.NoError(t, err)
	require.Equal(t, "Bonjour,\nà demain ?\n.\n..point", strings.TrimRight(msg.Text, "\n"))
	require.Equal(t, "3734", msg.Product)
	require.Empty(t, msg.Faults)
}

func operatorSendsAtOnce(t *testing.T, o *house) {
	m := o.open(t, pharmacy, func(c *mss.Config) { c.Dialect.SubmissionInitialResponse = true })
	r, err := m.Send(context.Background(), letter(t, "Avec la commande"))
	if o.short {
		require.ErrorContains(t, err, "SubmissionInitialResponse")
		require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
		require.False(t, socle.Retryable(err))
		return
	}
	require.NoError(t, err)
	arrived(t, o.open(t, office), byID(r.MessageID))
}

func operatorKeepsBytes(t *testing.T, o *house) {
	content := make([]byte, 3<<20)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		content[i] = byte(source.Uint32())
	}
	d := letter(t, "Avec une photo")
	d.Files = []mss.File{{Name: "boîte.jpg", MediaType: "image/jpeg", Content: content}}
	r, err := o.open(t, pharmacy).Send(context.Background(), d)
	require.NoError(t, err)
	require.True(t, r.SentCopy, "%v", r.Degraded)
	other := o.open(t, office)
	msg, err := other.Read(context.Background(), arrived(t, other, byID(r.MessageID)).UID)
	require.NoError(t, err)
	require.Len(t, msg.Attachments, 1)
	require.Equal(t, "boîte.jpg", msg.Attachments[0].Name)
	got, err := io.ReadAll(msg.Attachments[0].Open())
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))
}

func operatorAnswers(t *testing.T, o *house) {
	first, err := o.open(t, pharmacy).Send(context.Background(), letter(t, "Posologie"))
	require.NoError(t, err)
	other := o.open(t, office)
	msg, err := other.Read(context.Background(), arrived(t, other, byID(first.MessageID)).UID)
	require.NoError(t, err)
	second, err := other.Reply(context.Background(), msg, mss.Draft{Text: "Trois par jour."})
	require.NoError(t, err)
	m := o.open(t, pharmacy)
	answer, err := m.Read(context.Background(), arrived(t, m, byID(second.MessageID)).UID)
	require.NoError(t, err)
	require.Equal(t, first.MessageID, answer.InReplyTo)
	require.Equal(t, "Re: Posologie", answer.Subject)
}

func operatorReceipts(t *testing.T, o *house) {
	m := o.open(t, pharmacy)
	d := letter(t, "Avec accusé")
	d.DeliveryReceipt = true
	r, err := m.Send(context.Background(), d)
	require.NoError(t, err)
	if !o.receipts {
		require.Len(t, r.Degraded, 1, "what cannot be asked is told")
		require.Equal(t, "ECO.2.3.1", r.Degraded[0].Rule)
		return
	}
	require.Empty(t, r.Degraded)
	var found []mss.Receipt
	arrived(t, m, func(s mss.Summary) bool {
		msg, err := m.Read(context.Background(), s.UID)
		require.NoError(t, err)
		for _, receipt := range msg.Receipts() {
			if receipt.MessageID == r.MessageID {
				found = append(found, receipt)
			}
		}
		return len(found) > 0
	})
	sent := mss.NewSent(r.MessageID, time.Now(), d.To...)
	require.True(t, sent.Submitting(time.Now()))
	sent.Submitted(nil, time.Now())
	changed, err := sent.Receive(found[0])
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, mss.StatusDelivered, sent.Status())
}

func operatorRefusesRecipients(t *testing.T, o *house) {
	if !o.knows {
		t.Skip("SKIPPED: this server takes any recipient and bounces later")
	}
	m := o.open(t, pharmacy)
	d := letter(t, "À personne")
	d.To = append(d.To, address(t, "personne@medecin.formation.mssante.fr"))
	_, err := m.Send(context.Background(), d)
	require.ErrorIs(t, err, mss.ErrNoRecipient)
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(err))
	require.NotContains(t, err.Error(), "personne@")
}

func operatorRefusesTooLarge(t *testing.T, o *house) {
	d := letter(t, "Trop grand")
	d.Files = []mss.File{{Name: "a.bin", Content: make([]byte, o.limit)}}
	_, err := o.open(t, pharmacy).Send(context.Background(), d)
	require.ErrorIs(t, err, mss.ErrTooLarge)
	require.Equal(t, socle.OutcomeNotSent, socle.OutcomeOf(err))
}

// A token dies before its time: the source is told, gives another, and nobody
// sees it (ECO.1.2.7).
func operatorReplacesToken(t *testing.T, o *house) {
	for _, initial := range []bool{false, true} {
		o.kill(t, o.pharmacist)
		m := o.open(t, pharmacy, func(c *mss.Config) { c.Dialect.SubmissionInitialResponse = initial && !o.short })
		o.kill(t, o.pharmacist)
		r, err := m.Send(context.Background(), letter(t, fmt.Sprint("Jeton ", initial)))
		require.NoError(t, err)
		require.True(t, r.SentCopy)
		arrived(t, o.open(t, office), byID(r.MessageID))
	}
}

func operatorRefusesStranger(t *testing.T, o *house) {
	a := o.access(t, pharmacy)
	a.Address = address(t, office)
	for _, auth := range []mss.Auth{{}, mss.OAuthBearer()} {
		a.Auth = auth
		_, err := o.client(t).Open(context.Background(), a)
		require.ErrorIs(t, err, mss.ErrTokenRefused, auth.String())
		require.ErrorContains(t, err, "AUTHENTICATIONFAILED")
		var refusal *mss.Refusal
		require.ErrorAs(t, err, &refusal)
		if auth == (mss.Auth{}) {
			require.Equal(t, mss.Refusal{Status: "401", Schemes: "bearer", Scope: "mail"}, *refusal)
		} else {
			require.Equal(t, "invalid_token", refusal.Status)
		}
	}
	_, err := o.client(t, func(c *mss.Config) { c.Roots = x509.NewCertPool() }).Open(context.Background(), o.access(t, pharmacy))
	require.ErrorIs(t, err, mss.ErrUntrusted)
}

func TestOperatorEmulated(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]msstest.Options{"STARTTLS": {DSN: true}, "implicit TLS, no receipts": {ImplicitTLS: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &house{connected: connect(t), receipts: options.DSN, limit: 10_000_000, knows: true}
			options.Authority, options.SizeLimit = o.authority, int64(o.limit)
			options.Mechanisms = []string{msstest.XOAUTH2, msstest.OAuthBearer}
			options.Introspect = func(ctx context.Context, token string) (string, bool, error) {
				i, err := o.psc.Introspect(ctx, token)
				return i.Person, i.Active, err
			}
			for who, mailbox := range openers {
				options.Mailboxes = append(options.Mailboxes, msstest.Mailbox{Address: mailbox, Openers: []string{who}})
			}
			server, err := msstest.NewServer(options)
			require.NoError(t, err)
			t.Cleanup(server.Close)
			o.environment = server.Environment()
			o.deliver = func(t testing.TB, mailbox string, raw []byte) { require.NoError(t, server.Deliver(mailbox, raw)) }
			testOperator(t, o)
		})
	}
}
