package ins

import (
	"bytes"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/saml"
	"github.com/soclesante/socle/internal/soap"
	"github.com/soclesante/socle/internal/xmltree"
)

// Namespaces of the contexts of the Assurance maladie's téléservices.
const (
	nsBAM   = "urn:siram:bam:ctxbam"
	nsLPS   = "urn:siram:lps:ctxlps"
	nsSiram = "urn:siram"
)

// frame is what differs from one message to the next.
type frame struct {
	action    string
	messageID string
	bam, lps  string // ids of the contexts
	at        time.Time
	emitter   string
	coverage  func(*xmltree.Writer) // writes what is in COUVERTURE, with the prefix ctxbam
	security  [][]byte              // assertions
}

// hole is what a frame puts into an envelope.
type hole int

const (
	holeBAM hole = iota
	holeTime
	holeEmitter
	holeCoverage
	holeLPS
	holeAction
	holeMessageID
	holeSecurity
	holeBody
)

// holeMark begins a hole while a template is written: a character of private
// use, which New refuses in the values around it.
const holeMark = "\ue000"

// template is the envelope of all requests of a client, cut at its holes: what
// never changes is written once.
type template struct {
	parts [][]byte
	holes []hole // between the parts
	size  int    // of the parts
}

// newTemplate writes the envelope: the two contexts, the addressing headers that
// the official sample has, the assertions if there are any, and the body.
func newTemplate(sw socle.Software, idam string, d Dialect) template {
	var w xmltree.Writer
	at := func(h hole) string { return holeMark + string(rune('a'+h)) }
	w.Start("soap:Envelope", "xmlns:soap", soap.NS12).Start("soap:Header")
	w.Start("ctxbam:ContexteBAM", "xmlns:ctxbam", nsBAM, "Nature", "CTXBAM", "Version", versionBAM).
		Leaf("ctxbam:Id", at(holeBAM)).
		Leaf("ctxbam:Temps", at(holeTime)).
		Leaf("ctxbam:Emetteur", at(holeEmitter)).
		Leaf("ctxbam:COUVERTURE", at(holeCoverage)).
		End()
	w.Start("ctxlps:ContexteLPS", "xmlns:ctxlps", nsLPS, "Nature", "CTXLPS", "Version", versionLPS).
		Leaf("ctxlps:Id", at(holeLPS)).
		Leaf("ctxlps:Temps", at(holeTime)).
		Leaf("ctxlps:Emetteur", at(holeEmitter)).
		Start("ctxlps:LPS").
		Leaf("ctxlps:IDAM", idam, "R", "4"). // 4: numéro d'autorisation
		Leaf("ctxlps:Version", sw.Version).
		Leaf("ctxlps:Instance", sw.Install).
		Leaf("ctxlps:Nom", d.softwareName(sw.Name, sw.Version)).
		End().
		End()
	w.Leaf("wsa:Action", at(holeAction), "xmlns:wsa", soap.NSWSA)
	w.Leaf("wsa:MessageID", at(holeMessageID), "xmlns:wsa", soap.NSWSA)
	w.Text(at(holeSecurity)).End().Leaf("soap:Body", at(holeBody)).End()

	var t template
	for i, part := range bytes.Split(w.Bytes(), []byte(holeMark)) {
		if i > 0 {
			t.holes = append(t.holes, hole(part[0]-'a'))
			part = part[1:]
		}
		t.parts = append(t.parts, part)
		t.size += len(part)
	}
	return t
}

// fill writes a request.
func (t template) fill(f frame, body []byte) []byte {
	at := instant(f.at)
	var security []byte
	if len(f.security) > 0 {
		security = saml.Security(f.security...)
	}
	b := make([]byte, 0, t.size+320+len(security)+len(body))
	for i, part := range t.parts {
		b = append(b, part...)
		if i == len(t.holes) {
			break
		}
		switch t.holes[i] {
		case holeBAM:
			b = append(b, f.bam...)
		case holeTime:
			b = append(b, at...)
		case holeEmitter:
			b = xmltree.AppendText(b, f.emitter)
		case holeCoverage:
			b = append(b, f.cover()...)
		case holeLPS:
			b = append(b, f.lps...)
		case holeAction:
			b = xmltree.AppendText(b, f.action)
		case holeMessageID:
			b = xmltree.AppendText(b, f.messageID)
		case holeSecurity:
			b = append(b, security...)
		case holeBody:
			b = append(b, body...)
		}
	}
	return b
}

// cover writes the content of COUVERTURE.
func (f frame) cover() []byte {
	if f.coverage == nil {
		return nil
	}
	var w xmltree.Writer // of a ContexteBAM that is cut away
	w.Start("ctxbam:ContexteBAM", "xmlns:ctxbam", nsBAM)
	from := w.Len()
	f.coverage(&w)
	to := w.Len()
	return w.End().Bytes()[from:to]
}
