package ins

import (
	"time"

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

// envelope writes a request: the two contexts, the addressing headers that the
// official sample has, the assertions if there are any, and the body.
func (c *Client) envelope(f frame, body []byte) []byte {
	var w xmltree.Writer
	at := f.at.UTC().Format("2006-01-02T15:04:05.000Z")
	sw := c.cfg.Software
	w.Start("ctxbam:ContexteBAM", "xmlns:ctxbam", nsBAM, "Nature", "CTXBAM", "Version", versionBAM).
		Leaf("ctxbam:Id", f.bam).
		Leaf("ctxbam:Temps", at).
		Leaf("ctxbam:Emetteur", f.emitter).
		Start("ctxbam:COUVERTURE")
	if f.coverage != nil {
		f.coverage(&w)
	}
	w.End().End()
	w.Start("ctxlps:ContexteLPS", "xmlns:ctxlps", nsLPS, "Nature", "CTXLPS", "Version", versionLPS).
		Leaf("ctxlps:Id", f.lps).
		Leaf("ctxlps:Temps", at).
		Leaf("ctxlps:Emetteur", f.emitter).
		Start("ctxlps:LPS").
		Leaf("ctxlps:IDAM", c.idam, "R", "4"). // 4: numéro d'autorisation
		Leaf("ctxlps:Version", sw.Version).
		Leaf("ctxlps:Instance", sw.Install).
		Leaf("ctxlps:Nom", c.cfg.Dialect.softwareName(sw.Name, sw.Version)).
		End().
		End()
	w.Leaf("wsa:Action", f.action, "xmlns:wsa", soap.NSWSA)
	w.Leaf("wsa:MessageID", f.messageID, "xmlns:wsa", soap.NSWSA)
	headers := [][]byte{w.Bytes()}
	if len(f.security) > 0 {
		headers = append(headers, saml.Security(f.security...))
	}
	return soap.Message{Headers: headers, Body: body}.Marshal()
}
