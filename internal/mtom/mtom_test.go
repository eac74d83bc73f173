package mtom_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/soclesante/socle/internal/mtom"
	"github.com/soclesante/socle/internal/xmltree"
)

func part(id string, content []byte) mtom.Part {
	return mtom.Part{ContentID: id, ContentType: "text/xml", Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

func including(ids ...string) []byte {
	var w xmltree.Writer
	w.Start("r", "xmlns:xop", mtom.NSXOP)
	for _, id := range ids {
		w.Empty("xop:Include", "href", mtom.Href(id))
	}
	return w.End().Bytes()
}

func written(t *testing.T, p *mtom.Package) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := p.WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, p.Length(), n)
	require.Equal(t, p.Length(), int64(b.Len()))
	return b.Bytes()
}

func TestPackageIsReadByTheStandardLibrary(t *testing.T) {
	t.Parallel()
	root := including("doc@urn:ihe:iti", "sig@x")
	doc := bytes.Repeat([]byte("\r\n--socle"), 50_000)
	p, err := mtom.New(root, "urn:act", part("doc@urn:ihe:iti", doc), part("sig@x", nil))
	require.NoError(t, err)
	media, params, err := mime.ParseMediaType(p.ContentType())
	require.NoError(t, err)
	require.Equal(t, "multipart/related", media)
	require.Equal(t, "application/xop+xml", params["type"])
	require.Equal(t, "application/soap+xml", params["start-info"])
	require.Equal(t, "urn:act", params["action"])

	mr := multipart.NewReader(bytes.NewReader(written(t, p)), params["boundary"])
	for i, want := range []struct {
		id      string
		content []byte
	}{{params["start"], root}, {"<doc@urn:ihe:iti>", doc}, {"<sig@x>", nil}} {
		got, err := mr.NextRawPart()
		require.NoError(t, err, i)
		require.Equal(t, want.id, got.Header.Get("Content-ID"))
		require.Equal(t, "binary", got.Header.Get("Content-Transfer-Encoding"))
		b, err := io.ReadAll(got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want.content, b))
	}
	_, err = mr.NextRawPart()
	require.Equal(t, io.EOF, err)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zA-Z0-9@:._-]{1,20}`), 0, 5, rapid.ID).Draw(t, "ids")
		var parts []mtom.Part
		contents := map[string][]byte{}
		for _, id := range ids {
			contents[id] = rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "content")
			parts = append(parts, part(id, contents[id]))
		}
		p, err := mtom.New(including(ids...), "urn:a", parts...)
		require.NoError(t, err)
		// Small reads on both sides must not change anything.
		stream := p.Open()
		defer stream.Close()
		r, err := mtom.Read(p.ContentType(), iotest.OneByteReader(stream), mtom.Limits{})
		require.NoError(t, err)
		require.True(t, r.Multipart)
		require.Equal(t, "urn:a", r.Action)
		doc, err := xmltree.Parse(r.Root, xmltree.Limits{})
		require.NoError(t, err)
		got, err := r.Resolve(doc.Root)
		require.NoError(t, err)
		require.Len(t, got, len(ids))
		for _, id := range ids {
			in, err := r.NextPart()
			require.NoError(t, err)
			require.Equal(t, id, in.ContentID)
			b, err := io.ReadAll(in)
			require.NoError(t, err)
			require.True(t, bytes.Equal(contents[id], b))
		}
		_, err = r.NextPart()
		require.Equal(t, io.EOF, err)
	})
}

func TestRequestHasItsLengthAndCanBeSentAgain(t *testing.T) {
	t.Parallel()
	var bodies [][]byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength != int64(len(b)) || len(r.TransferEncoding) > 0 {
			w.WriteHeader(http.StatusBadRequest)
		}
		bodies = append(bodies, b)
		if len(bodies) == 1 {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect) // asks for GetBody
		}
	}))
	defer srv.Close()
	p, err := mtom.New(including("a"), "", part("a", bytes.Repeat([]byte("x"), 200_000)))
	require.NoError(t, err)
	req, err := p.Request(context.Background(), srv.URL)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Len(t, bodies, 2)
	require.Equal(t, bodies[0], bodies[1])
	_, err = p.Request(context.Background(), "http://[")
	require.Error(t, err)
}

type closing struct {
	io.Reader
	closed *int
}

func (c closing) Close() error { *c.closed++; return nil }

func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parts []mtom.Part
		want  error
	}{
		"no id":         {[]mtom.Part{part("", nil)}, mtom.ErrMalformed},
		"header inside": {[]mtom.Part{part("a>\r\nX: y", nil)}, mtom.ErrMalformed},
		"no opener":     {[]mtom.Part{{ContentID: "a"}}, mtom.ErrMalformed},
		"same id twice": {[]mtom.Part{part("a%40b", nil), part("a@b", nil)}, mtom.ErrDuplicate},
		"negative size": {[]mtom.Part{{ContentID: "a", Size: -1, Open: part("a", nil).Open}}, mtom.ErrSize},
	} {
		_, err := mtom.New(nil, "", c.parts...)
		require.ErrorIs(t, err, c.want, name)
	}
	_, err := mtom.New(nil, "a\"b")
	require.ErrorIs(t, err, mtom.ErrMalformed)

	for name, c := range map[string]struct {
		size int64
		from io.Reader
		err  error
		want error
	}{
		"shorter":     {10, strings.NewReader("123"), nil, mtom.ErrSize},
		"longer":      {2, strings.NewReader("123"), nil, mtom.ErrSize},
		"failing":     {10, iotest.ErrReader(io.ErrNoProgress), nil, io.ErrNoProgress},
		"not opening": {10, nil, io.ErrClosedPipe, io.ErrClosedPipe},
	} {
		var closed int
		p, err := mtom.New([]byte("<r/>"), "", mtom.Part{ContentID: "a", Size: c.size, Open: func() (io.ReadCloser, error) {
			return closing{c.from, &closed}, c.err
		}})
		require.NoError(t, err)
		_, err = p.WriteTo(io.Discard)
		require.ErrorIs(t, err, c.want, name)
		if c.err == nil {
			require.Equal(t, 1, closed, name)
		}
	}
}

// stuck is a part whose Read waits for its Close, and gives all it has then.
type stuck struct{ reading, closed chan struct{} }

func (s stuck) Read(b []byte) (int, error) {
	close(s.reading)
	<-s.closed
	return copy(b, "hello"), nil
}

func (s stuck) Close() error { close(s.closed); return nil }

// With HTTP/2 net/http closes the body of a cancelled request while it reads it.
func TestAStreamIsClosedWhileItIsRead(t *testing.T) {
	t.Parallel()
	s := stuck{make(chan struct{}), make(chan struct{})}
	p, err := mtom.New([]byte("<r></r>"), "", mtom.Part{ContentID: "a", ContentType: "text/xml", Size: 5, Open: func() (io.ReadCloser, error) { return s, nil }})
	require.NoError(t, err)
	stream := p.Open()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, stream)
		ended <- err
	}()
	<-s.reading
	require.NoError(t, stream.Close())
	require.ErrorIs(t, <-ended, io.ErrClosedPipe)
	require.NoError(t, stream.Close())
}

func TestClosingAStreamClosesThePart(t *testing.T) {
	t.Parallel()
	var closed int
	p, err := mtom.New([]byte("<r/>"), "", mtom.Part{ContentID: "a", Size: 1 << 20, Open: func() (io.ReadCloser, error) {
		return closing{strings.NewReader(strings.Repeat("x", 1<<20)), &closed}, nil
	}})
	require.NoError(t, err)
	s := p.Open()
	_, err = io.CopyN(io.Discard, s, 5000)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.Equal(t, 1, closed)
	_, err = s.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

const related = `multipart/related; boundary=b; type="application/xop+xml"; start="<root>"`

func raw(parts ...string) string {
	s := "--b\r\nContent-ID: <root>\r\nContent-Type: application/xop+xml; action=\"urn:root\"\r\n\r\n" + parts[0]
	for _, p := range parts[1:] {
		id, content, _ := strings.Cut(p, "=")
		s += "\r\n--b\r\nContent-ID: <" + id + ">\r\n\r\n" + content
	}
	return s + "\r\n--b--\r\n"
}

func readAll(contentType, body string, limits mtom.Limits) (map[string]string, error) {
	r, err := mtom.Read(contentType, strings.NewReader(body), limits)
	if err != nil {
		return nil, err
	}
	doc, err := xmltree.Parse(r.Root, xmltree.Limits{})
	if err != nil {
		return nil, err
	}
	if _, err := r.Resolve(doc.Root); err != nil {
		return nil, err
	}
	got := map[string]string{}
	for {
		in, err := r.NextPart()
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		b, err := io.ReadAll(in)
		if err != nil {
			return got, err
		}
		got[in.ContentID] = string(b)
	}
}

func TestContentIDsAreComparedDecoded(t *testing.T) {
	t.Parallel()
	root := `<r xmlns:i="` + mtom.NSXOP + `"><i:Include href="cid:1@urn%3Aihe%3Aiti%3Axds-b%3A2007"/><i:Include href="CID:a%25b"/><i:Include href="cid:x%2"/></r>`
	got, err := readAll(related, raw(root, "1@urn:ihe:iti:xds-b:2007=one", "a%25b=two", "x%2=three"), mtom.Limits{})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"1@urn:ihe:iti:xds-b:2007": "one", "a%b": "two", "x%2": "three"}, got)
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	a, ab := string(including("a")), string(including("a", "b"))
	for name, c := range map[string]struct {
		contentType, body string
		limits            mtom.Limits
		want              error
	}{
		"part missing":          {related, raw(ab, "a=1"), mtom.Limits{}, mtom.ErrMissing},
		"part missing, no MIME": {"text/xml", a, mtom.Limits{}, mtom.ErrMissing},
		"same part twice":       {related, raw(a, "a=1", "a=2"), mtom.Limits{}, mtom.ErrDuplicate},
		"root's id again":       {related, raw(a, "root=1"), mtom.Limits{}, mtom.ErrDuplicate},
		"unreferenced":          {related, raw(a, "a=1", "b=2"), mtom.Limits{}, mtom.ErrUnreferenced},
		"referenced twice":      {related, raw(string(including("a", "a")), "a=1"), mtom.Limits{}, mtom.ErrDuplicate},
		"not a cid":             {related, raw(`<r xmlns:i="`+mtom.NSXOP+`"><i:Include href="http://x"/></r>`, "a=1"), mtom.Limits{}, mtom.ErrMalformed},
		"too many parts":        {related, raw(ab, "a=1", "b=2"), mtom.Limits{Parts: 1}, mtom.ErrLimit},
		"root too large":        {related, raw(a, "a=1"), mtom.Limits{Root: 10}, mtom.ErrLimit},
		"root too large, alone": {"text/xml", a, mtom.Limits{Root: 10}, mtom.ErrLimit},
		"body too large":        {related, raw(a, "a="+strings.Repeat("x", 1000)), mtom.Limits{Bytes: 500}, mtom.ErrLimit},
		"cut in a part":         {related, raw(a, "a=12345")[:180], mtom.Limits{}, io.ErrUnexpectedEOF},
		"empty":                 {related, "", mtom.Limits{}, io.ErrUnexpectedEOF},
		"no boundary":           {`multipart/related`, raw(a, "a=1"), mtom.Limits{}, mtom.ErrMalformed},
		"other multipart":       {`multipart/mixed; boundary=b`, raw(a, "a=1"), mtom.Limits{}, mtom.ErrMalformed},
		"HTML":                  {"text/html", "<p>", mtom.Limits{}, mtom.ErrMalformed},
		"no type":               {"", "", mtom.Limits{}, mtom.ErrMalformed},
		"start elsewhere":       {strings.ReplaceAll(related, "<root>", "<a>"), raw(a, "a=1"), mtom.Limits{}, mtom.ErrMalformed},
		"broken headers":        {related, "--b\r\nnonsense of 279035121518989\r\n\r\n<r/>\r\n--b--\r\n", mtom.Limits{}, mtom.ErrMalformed},
		"unknown encoding":      {related, strings.Replace(raw(a, "a=1"), "Content-ID: <a>", "Content-ID: <a>\r\nContent-Transfer-Encoding: zip", 1), mtom.Limits{}, mtom.ErrMalformed},
	} {
		_, err := readAll(c.contentType, c.body, c.limits)
		require.ErrorIs(t, err, c.want, name)
		require.True(t, strings.HasPrefix(err.Error(), "mtom: "), "%s: %v", name, err)
		require.NotContains(t, err.Error(), "279035121518989")
	}
}

func TestOneXMLDocumentIsARootAlone(t *testing.T) {
	t.Parallel()
	for _, ct := range []string{`application/soap+xml; charset=UTF-8; action="urn:x"`, "text/xml", "application/xop+xml"} {
		r, err := mtom.Read(ct, strings.NewReader(" <r/>\n"), mtom.Limits{})
		require.NoError(t, err)
		require.False(t, r.Multipart)
		require.Equal(t, "<r/>", string(r.Root))
		_, err = r.NextPart()
		require.Equal(t, io.EOF, err)
	}
}

func TestTransferEncodingsAreDecoded(t *testing.T) {
	t.Parallel()
	body := "--b\r\nContent-ID: <root>\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		strings.NewReplacer("=", "=3D").Replace(string(including("a"))) +
		"\r\n--b\r\nContent-ID: <a>\r\nContent-Transfer-Encoding: Base64\r\n\r\naGVs\r\nbG8=\r\n--b--\r\n"
	got, err := readAll(related, body, mtom.Limits{})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "hello"}, got)
}

func TestErrorOfTheBodyStaysItself(t *testing.T) {
	t.Parallel()
	cause := errors.New("reset")
	_, err := mtom.Read(related, io.MultiReader(strings.NewReader("--b\r\nContent-ID: <root>\r\n\r\n<r"), iotest.ErrReader(cause)), mtom.Limits{})
	require.ErrorIs(t, err, cause)
}

func FuzzRead(f *testing.F) {
	f.Add(related, []byte(raw(string(including("a")), "a=1")))
	f.Add("text/xml", []byte("<r/>"))
	f.Add(`multipart/related; boundary="x y"`, []byte("--x y\r\n\r\n<r/>\r\n--x y--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		limits := mtom.Limits{Bytes: 1 << 16, Root: 1 << 12, Parts: 4}
		r, err := mtom.Read(contentType, bytes.NewReader(body), limits)
		if err != nil {
			return
		}
		if len(r.Root) > limits.Root {
			t.Fatal("root over the limit")
		}
		if doc, err := xmltree.Parse(r.Root, xmltree.Limits{}); err == nil {
			_, _ = r.Resolve(doc.Root)
		}
		for n := 0; ; n++ {
			in, err := r.NextPart()
			if err != nil {
				return
			}
			if n >= limits.Parts {
				t.Fatal("parts over the limit")
			}
			if _, err := io.Copy(io.Discard, in); err != nil {
				return
			}
		}
	})
}

func Example() {
	root := []byte(`<r xmlns:xop="` + mtom.NSXOP + `"><xop:Include href="` + mtom.Href("doc@example") + `"/></r>`)
	p, err := mtom.New(root, "urn:example", part("doc@example", []byte("hello")))
	if err != nil {
		panic(err)
	}
	r, err := mtom.Read(p.ContentType(), p.Open(), mtom.Limits{})
	if err != nil {
		panic(err)
	}
	in, err := r.NextPart()
	if err != nil {
		panic(err)
	}
	content, _ := io.ReadAll(in)
	fmt.Println(r.Action, in.ContentID, string(content))
	// Output: urn:example doc@example hello
}
