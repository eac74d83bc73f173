package soap_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

func request() soap.Message {
	return soap.Message{
		Action:    "urn:example:Do",
		MessageID: soap.NewMessageID(),
		Headers:   [][]byte{[]byte(`<h:Token xmlns:h="urn:h">secret</h:Token>`)},
		Body:      []byte(`<b:Do xmlns:b="urn:b"><b:X>1 &amp; 2</b:X></b:Do>`),
	}
}

func TestMarshalThenParseGivesTheSame(t *testing.T) {
	t.Parallel()
	m := request()
	e, err := soap.Parse(m.Marshal(), xmltree.Limits{})
	require.NoError(t, err)
	require.Equal(t, "1.2", e.Version)
	require.Equal(t, m.Action, e.Action)
	require.Equal(t, m.MessageID, e.MessageID)
	require.Equal(t, soap.Anonymous, e.ReplyTo)
	require.Empty(t, e.To)
	require.NotNil(t, e.Block(soap.NSWSA, "To"))
	require.Equal(t, "secret", e.Block("urn:h", "Token").Text())
	require.Equal(t, string(m.Body), string(e.Bytes(e.Body)))
	require.Nil(t, e.CheckAddressing())
	require.Nil(t, e.Bytes(nil))
}

func TestAnswerHasRelatesToAndNoReplyTo(t *testing.T) {
	t.Parallel()
	m := request()
	m.RelatesTo = "urn:uuid:1"
	e, err := soap.Parse(m.Marshal(), xmltree.Limits{})
	require.NoError(t, err)
	require.Equal(t, "urn:uuid:1", e.RelatesTo)
	require.Equal(t, soap.Anonymous, e.To)
	require.Nil(t, e.Block(soap.NSWSA, "ReplyTo"))
}

func TestMessageIDsAreRandomUUIDs(t *testing.T) {
	t.Parallel()
	a, b := soap.NewMessageID(), soap.NewMessageID()
	require.NotEqual(t, a, b)
	require.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, a)
}

func TestParseIgnoresPrefixes(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]string{
		"default namespace": `<Envelope xmlns="NS"><Body><x xmlns="urn:b"/></Body></Envelope>`,
		"body re-prefixed":  `<a:Envelope xmlns:a="NS"><env:Header xmlns:env="NS"/><S:Body xmlns:S="NS"><ns2:x xmlns:ns2="urn:b"/></S:Body></a:Envelope>`,
		"comments around":   `<?xml version="1.0"?><!-- c --><a:Envelope xmlns:a="NS"> <a:Body><!-- c --> <x xmlns="urn:b"/></a:Body></a:Envelope>`,
	} {
		for version, ns := range map[string]string{"1.2": soap.NS12, "1.1": soap.NS11} {
			e, err := soap.Parse([]byte(strings.ReplaceAll(doc, "NS", ns)), xmltree.Limits{})
			require.NoError(t, err, name)
			require.Equal(t, version, e.Version, name)
			require.True(t, e.Body.Is("urn:b", "x"), name)
			require.Nil(t, e.Fault)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	env := func(s string) string { return `<e:Envelope xmlns:e="` + soap.NS12 + `">` + s + `</e:Envelope>` }
	for name, c := range map[string]struct {
		doc    string
		limits xmltree.Limits
		want   error
	}{
		"another root":      {`<x/>`, xmltree.Limits{}, soap.ErrNotEnvelope},
		"another namespace": {`<Envelope xmlns="urn:x"><Body/></Envelope>`, xmltree.Limits{}, soap.ErrNotEnvelope},
		"no body":           {env(`<e:Header/>`), xmltree.Limits{}, soap.ErrNoBody},
		"doctype":           {`<!DOCTYPE x>` + env(`<e:Body/>`), xmltree.Limits{}, xmltree.ErrDoctype},
		"undeclared prefix": {env(`<e:Body><y:x/></e:Body>`), xmltree.Limits{}, xmltree.ErrPrefix},
		"too large":         {env(`<e:Body/>`), xmltree.Limits{Bytes: 20}, xmltree.ErrLimit},
		"too deep":          {env(`<e:Body>` + strings.Repeat("<a>", 80) + strings.Repeat("</a>", 80) + `</e:Body>`), xmltree.Limits{}, xmltree.ErrLimit},
		"truncated":         {env(`<e:Body>`)[:70], xmltree.Limits{}, io.ErrUnexpectedEOF},
	} {
		_, err := soap.Parse([]byte(c.doc), c.limits)
		require.ErrorIs(t, err, c.want, name)
	}
}

func fault12(code, sub, rest string) string {
	return `<s:Envelope xmlns:s="` + soap.NS12 + `"><s:Body><s:Fault><s:Code><s:Value>s:` + code + `</s:Value>` + sub +
		`</s:Code>` + rest + `</s:Fault></s:Body></s:Envelope>`
}

func TestFaultsAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		doc  string
		want soap.Fault
	}{
		"1.2 with nested subcodes and detail": {
			fault12("Sender", `<s:Subcode><s:Value xmlns:d="urn:d">d:siram_40</s:Value><s:Subcode><s:Value>s:Inner</s:Value></s:Subcode></s:Subcode>`,
				`<s:Reason><s:Text xml:lang="en">no way</s:Text></s:Reason><s:Detail a=">"><d xmlns="urn:d" code="x">t</d></s:Detail>`),
			soap.Fault{Code: "Sender", Subcodes: []string{"siram_40", "Inner"}, Space: "urn:d", Reason: "no way", Lang: "en", Detail: []byte(`<d xmlns="urn:d" code="x">t</d>`)},
		},
		"1.2 bare": {fault12("Receiver", "", ""), soap.Fault{Code: "Receiver"}},
		"1.1 with a dotted code": {
			`<s:Envelope xmlns:s="` + soap.NS11 + `"><s:Body><s:Fault><faultcode>s:Client.Auth</faultcode><faultstring>no</faultstring><detail><a/></detail></s:Fault></s:Body></s:Envelope>`,
			soap.Fault{Code: "Sender", Subcodes: []string{"Auth"}, Space: soap.NS11, Reason: "no", Detail: []byte("<a/>")},
		},
		"1.1 with the service's own code": {
			`<s:Envelope xmlns:s="` + soap.NS11 + `"><s:Body><s:Fault><faultcode xmlns:d="urn:d">d:Gone</faultcode><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>`,
			soap.Fault{Code: "Sender", Subcodes: []string{"Gone"}, Space: "urn:d", Reason: "no"},
		},
		"1.1 server": {
			`<s:Envelope xmlns:s="` + soap.NS11 + `"><s:Body><s:Fault><faultcode>s:Server</faultcode><faultstring>down</faultstring></s:Fault></s:Body></s:Envelope>`,
			soap.Fault{Code: "Receiver", Reason: "down"},
		},
	} {
		e, err := soap.Parse([]byte(c.doc), xmltree.Limits{})
		require.NoError(t, err, name)
		require.NotNil(t, e.Fault, name)
		got := *e.Fault
		got.DetailElement = nil
		require.Equal(t, c.want, got, name)
	}
}

func TestFaultSaysWhetherToRetryAndWhatIsKnown(t *testing.T) {
	t.Parallel()
	sender := &soap.Fault{Code: soap.Sender, Subcodes: []string{"A", "B"}, Reason: "MME ORTIE inconnue"}
	require.Equal(t, "soap: fault Sender/A/B", sender.Error(), "the reason may quote anything")
	require.Equal(t, "B", sender.Subcode())
	require.True(t, sender.Has("A") && sender.Has("Sender") && !sender.Has("C"))
	require.Equal(t, socle.OutcomeRefused, socle.OutcomeOf(sender))
	require.False(t, socle.Retryable(sender))
	receiver := &soap.Fault{Code: soap.Receiver, Status: 503}
	require.Equal(t, "soap: fault Receiver (HTTP 503)", receiver.Error())
	require.Equal(t, socle.OutcomeUnknown, socle.OutcomeOf(receiver))
	require.True(t, socle.Retryable(receiver))
	require.Empty(t, receiver.Subcode())
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

func post(t *testing.T, url, contentType, body string) *http.Response {
	t.Helper()
	resp, err := http.Post(url, contentType, strings.NewReader(body))
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestServerAnswersAndFaults(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		e, f := soap.ReadRequest(r, xmltree.Limits{Bytes: 4096})
		if f == nil {
			f = e.CheckAddressing()
		}
		if f != nil {
			soap.WriteFault(w, e, f)
			return
		}
		soap.WriteResponse(w, e, soap.Message{Action: "urn:example:Done", Body: []byte(`<ok xmlns="urn:b"></ok>`)})
	})
	m := request()
	good := string(m.Marshal())
	e, err := soap.ReadResponse(post(t, srv.URL, m.ContentType(), good), xmltree.Limits{})
	require.NoError(t, err)
	require.Equal(t, m.MessageID, e.RelatesTo)
	require.True(t, e.Body.Is("urn:b", "ok"))

	for name, c := range map[string]struct {
		contentType, body string
		status            int
		subcode, reason   string
	}{
		"media type":       {"application/json", "{}", 415, "", "Content-Type application/soap+xml expected"},
		"not XML":          {m.ContentType(), "{}", 400, "", "xml:"},
		"too large":        {m.ContentType(), good + strings.Repeat(" ", 5000), 413, "", "limit"},
		"other action":     {`application/soap+xml; action="urn:other"`, good, 500, "ActionMismatch", "urn:other"},
		"no MessageID":     {m.ContentType(), strings.ReplaceAll(good, "MessageID", "Message"), 500, "MessageAddressingHeaderRequired", "A required header representing a Message Addressing Property is not present: wsa:MessageID"},
		"no To":            {m.ContentType(), strings.ReplaceAll(good, "wsa:To", "wsa:From"), 500, "MessageAddressingHeaderRequired", "wsa:To"},
		"MessageID twice":  {m.ContentType(), strings.Replace(good, "<wsa:To ", `<wsa:MessageID xmlns:wsa="`+soap.NSWSA+`">x</wsa:MessageID><wsa:To `, 1), 500, "InvalidCardinality", "wsa:MessageID comes twice"},
		"answer elsewhere": {m.ContentType(), strings.ReplaceAll(good, soap.Anonymous, "https://elsewhere.example"), 500, "OnlyAnonymousAddressSupported", "anonymous"},
	} {
		e, err := soap.ReadResponse(post(t, srv.URL, c.contentType, c.body), xmltree.Limits{})
		var f *soap.Fault
		require.ErrorAs(t, err, &f, name)
		require.Same(t, e.Fault, f, name)
		require.Equal(t, c.status, f.Status, name)
		require.Equal(t, c.subcode, f.Subcode(), name)
		require.Contains(t, f.Reason, c.reason, name)
		require.Equal(t, "en", f.Lang, name)
	}
	resp, err := http.Get(srv.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}

func TestFaultIsWrittenAsItIsRead(t *testing.T) {
	t.Parallel()
	want := &soap.Fault{Code: soap.Receiver, Subcodes: []string{"siram_40", "deep"}, Space: "urn:siram", Reason: "le service est < là", Lang: "fr",
		Detail: []byte(`<e:Erreur xmlns:e="urn:siram" code="insi_102">x</e:Erreur>`)}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { soap.WriteFault(w, nil, want) })
	e, err := soap.ReadResponse(post(t, srv.URL, "text/xml", ""), xmltree.Limits{})
	var got *soap.Fault
	require.ErrorAs(t, err, &got)
	require.Equal(t, 500, got.Status)
	require.Equal(t, want.Subcodes, got.Subcodes)
	require.Equal(t, want.Space, got.Space)
	require.Equal(t, want.Reason, got.Reason)
	require.Equal(t, want.Detail, got.Detail)
	require.Equal(t, "insi_102", got.DetailElement.First("urn:siram", "Erreur").Attr("code"))
	require.Equal(t, soap.ActionSOAPFault, e.Action)
	require.NotEmpty(t, got.MessageID)
}

func TestAnswersThatAreNotEnvelopes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status            int
		contentType, body string
		want              error
		outcome           socle.Outcome
		retry             bool
	}{
		"HTML page of a proxy":     {502, "text/html", "<html><body>Bad gateway</body></html>", soap.ErrHTML, socle.OutcomeUnknown, true},
		"HTML under another type":  {200, "application/soap+xml", "\n<!DOCTYPE html><p>", soap.ErrHTML, socle.OutcomeUnknown, false},
		"empty body":               {200, "application/soap+xml", "", soap.ErrEmpty, socle.OutcomeUnknown, false},
		"empty 404":                {404, "", "", soap.ErrEmpty, socle.OutcomeRefused, false},
		"other XML":                {200, "text/xml", "<x/>", soap.ErrNotEnvelope, socle.OutcomeUnknown, false},
		"truncated":                {200, "text/xml", `<e:Envelope xmlns:e="` + soap.NS12 + `"><e:Body>`, io.ErrUnexpectedEOF, socle.OutcomeUnknown, true},
		"failure without a fault":  {500, "text/xml", `<e:Envelope xmlns:e="` + soap.NS12 + `"><e:Body/></e:Envelope>`, soap.ErrNoFault, socle.OutcomeUnknown, false},
		"over the limit":           {200, "text/xml", strings.Repeat("x", 2000), soap.ErrTooLarge, socle.OutcomeUnknown, false},
		"asked to come back later": {429, "text/plain", "later", nil, socle.OutcomeRefused, true},
	} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.contentType)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		e, err := soap.ReadResponse(post(t, srv.URL, "text/xml", ""), xmltree.Limits{Bytes: 1000})
		require.Nil(t, e, name)
		var re *soap.ResponseError
		require.ErrorAs(t, err, &re, name)
		require.Equal(t, c.status, re.Status, name)
		if c.want != nil {
			require.ErrorIs(t, err, c.want, name)
		}
		require.Equal(t, c.outcome, socle.OutcomeOf(err), name)
		require.Equal(t, c.retry, socle.Retryable(err), name)
		require.True(t, strings.HasPrefix(err.Error(), "soap: HTTP "), name)
	}
}

func TestMTOMAnswerIsReadByItsRoot(t *testing.T) {
	t.Parallel()
	m := request()
	p, err := mtom.New(m.Marshal(), m.Action)
	require.NoError(t, err)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", p.ContentType())
		_, _ = p.WriteTo(w)
	})
	e, err := soap.ReadResponse(post(t, srv.URL, "text/xml", ""), xmltree.Limits{})
	require.NoError(t, err)
	require.Equal(t, m.MessageID, e.MessageID)
	_, err = soap.ReadResponse(post(t, srv.URL, "text/xml", ""), xmltree.Limits{Bytes: 100})
	require.ErrorIs(t, err, mtom.ErrLimit)
}

func TestFaultUnderStatus200IsAnError(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		soap.WriteFault(w, nil, &soap.Fault{Code: soap.Sender, Reason: "non", Status: 200})
	})
	_, err := soap.ReadResponse(post(t, srv.URL, "text/xml", ""), xmltree.Limits{})
	var f *soap.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, 200, f.Status)
	require.Equal(t, "soap: fault Sender (HTTP 200)", f.Error())
}

func FuzzParse(f *testing.F) {
	m := request()
	f.Add(m.Marshal())
	f.Add([]byte(fault12("Sender", `<s:Subcode><s:Value>s:A</s:Value></s:Subcode>`, `<s:Reason><s:Text xml:lang="fr">x</s:Text></s:Reason><s:Detail><a/></s:Detail>`)))
	f.Add([]byte(`<s:Envelope xmlns:s="` + soap.NS11 + `"><s:Body><s:Fault><faultcode>s:Client.A</faultcode><detail/></s:Fault></s:Body></s:Envelope>`))
	f.Add([]byte("\xef\xbb\xbf<Envelope/>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := soap.Parse(b, xmltree.Limits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		_ = e.CheckAddressing()
		_ = e.Bytes(e.Body)
		if e.Fault != nil {
			_ = e.Fault.Error()
			// What was read as a fault can be written and read again.
			rec := httptest.NewRecorder()
			soap.WriteFault(rec, e, &soap.Fault{Code: soap.Sender, Reason: e.Fault.Reason})
			if _, err := soap.Parse(rec.Body.Bytes(), xmltree.Limits{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
