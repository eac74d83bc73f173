package msstest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/internal/cda"
	"github.com/soclesante/socle/internal/xdm"
	"github.com/soclesante/socle/internal/xds"
	"github.com/soclesante/socle/internal/xmltree"
	"github.com/soclesante/socle/mss"
)

// patient is someone with an account of Mon espace santé.
type patient struct {
	address  string
	received [][]byte
	final    map[string]bool // mailboxes that have closed the exchange
}

// PatientMessage is a message that a patient writes from Mon espace santé.
type PatientMessage struct {
	Matricule string // whose account it is
	Name      string // display name: "Leo Dupond"
	Subject   string
	Text      string
	// Documents are CDA documents, which travel in IHE_XDM.ZIP.
	Documents [][]byte
	// Files are photos, PDF … by name.
	Files map[string][]byte
	// InReplyTo is the Message-ID that it answers, without brackets.
	InReplyTo string
}

// DeliverFromPatient writes a message as Mon espace santé does and puts it into
// the inbox of a mailbox. It refuses when the mailbox has closed the exchange
// (X-MSS-MES: FIN) and when the message is over 25 MB. It gives the Message-ID.
func (s *Server) DeliverFromPatient(mailbox string, m PatientMessage) (string, error) {
	from, err := s.AddPatient(m.Matricule)
	if err != nil {
		return "", err
	}
	if s.Closed(from, mailbox) {
		return "", errors.New("msstest: ECO.2.2.8: the professional has closed the exchange, the patient cannot answer")
	}
	s.mu.Lock()
	s.serial++
	id := fmt.Sprintf("mes.%d@patient.mssante.fr", s.serial)
	s.mu.Unlock()
	raw, err := m.compose(from, mailbox, id, s.clock.Now())
	if err != nil {
		return "", err
	}
	if len(raw) > patientLimit {
		return "", fmt.Errorf("msstest: Mon espace santé: 25 MB at most expected, %d bytes came", len(raw))
	}
	return id, s.Deliver(mailbox, raw)
}

func (m PatientMessage) compose(from, to, id string, at time.Time) ([]byte, error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part := func(contentType, disposition string, content []byte) error {
		h := textproto.MIMEHeader{"Content-Type": {contentType}, "Content-Transfer-Encoding": {"base64"}}
		if disposition != "" {
			h.Set("Content-Disposition", disposition)
		}
		p, err := w.CreatePart(h)
		if err != nil {
			return err
		}
		encoded := base64.StdEncoding.EncodeToString(content)
		for len(encoded) > 76 {
			fmt.Fprint(p, encoded[:76], "\r\n")
			encoded = encoded[76:]
		}
		_, err = fmt.Fprint(p, encoded, "\r\n")
		return err
	}
	if err := part("text/plain; charset=utf-8", "", []byte(m.Text)); err != nil {
		return nil, err
	}
	var codes []string
	ins := "N"
	if len(m.Documents) > 0 {
		archive, filed, err := pack(m.Documents, m.Name, at)
		if err != nil {
			return nil, err
		}
		for _, f := range filed {
			codes = append(codes, f.code)
			if f.qualified {
				ins = "O"
			}
		}
		if err := part(`application/zip; name="IHE_XDM.zip"`, `attachment; filename="IHE_XDM.zip"`, archive); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		media := mime.TypeByExtension(path.Ext(name))
		if media == "" {
			media = "application/octet-stream"
		}
		if err := part(media, mime.FormatMediaType("attachment", map[string]string{"filename": name}), m.Files[name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	field := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	field("Date", at.Format(time.RFC1123Z))
	field("From", (&mail.Address{Name: m.Name, Address: from}).String())
	field("To", "<"+to+">")
	subject := m.Subject
	if len(codes) > 0 {
		subject = "XDM/1.0/DDM+" + subject
		field("X-MSS-CODECDA", strings.Join(codes, ","))
		field("X-MSS-INS", ins)
	}
	field("Subject", mime.QEncoding.Encode("utf-8", subject))
	field("Message-ID", "<"+id+">")
	if m.InReplyTo != "" {
		field("In-Reply-To", "<"+m.InReplyTo+">")
		field("References", "<"+m.InReplyTo+">")
	}
	field("MIME-Version", "1.0")
	field("Content-Type", mime.FormatMediaType("multipart/mixed", map[string]string{"boundary": w.Boundary()}))
	b.WriteString("\r\n")
	b.Write(body.Bytes())
	return b.Bytes(), nil
}

// pack puts documents into an IHE_XDM.ZIP, those of each patient in a subset.
func pack(documents [][]byte, sender string, at time.Time) ([]byte, []filed, error) {
	const oid = "1.2.250.1.999.1" // of nobody
	var all []filed
	var sets []xdm.Subset
	for _, content := range documents {
		f, err := openCDA(content)
		if err != nil {
			return nil, nil, err
		}
		doc, err := cda.Parse(content, xmltree.Limits{})
		if err != nil {
			return nil, nil, err
		}
		entry := xds.FromCDA(doc, "", 0)
		i := slices.IndexFunc(sets, func(s xdm.Subset) bool { return s.Submission.Set.PatientID == entry.PatientID })
		if i < 0 {
			i = len(sets)
			sets = append(sets, xdm.Subset{Submission: &xds.Submission{Set: xds.SubmissionSet{
				ID: "SubmissionSet01", Title: "Documents du patient", SourceID: oid, UniqueID: fmt.Sprintf("%s.%d.%d", oid, at.UnixNano(), i),
				ContentType: socle.Code{Code: "SA33", System: socle.OIDSector, Display: "Pharmacie d'officine"},
				Time:        at.UTC().Format("20060102150405"), PatientID: entry.PatientID, Authors: entry.Authors,
			}}})
		}
		sets[i].Documents = append(sets[i].Documents, xdm.Document{Entry: entry, Data: content})
		all = append(all, f)
	}
	var b bytes.Buffer
	err := xdm.Write(&b, &xdm.Archive{Subsets: sets}, xdm.About{Sender: sender, Organisation: "Mon espace santé", At: at})
	return b.Bytes(), all, err
}

// AddPatient opens the mailbox of Mon espace santé of a matricule and gives
// its address.
func (s *Server) AddPatient(matricule string) (string, error) {
	a, err := mss.ParseAddress(matricule + "@patient.mssante.fr")
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := fold(a.Wire()); s.patients[key] == nil {
		s.patients[key] = &patient{address: a.Wire(), final: map[string]bool{}}
	}
	return a.Wire(), nil
}

func (s *Server) patient(address string) *patient {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.patients[fold(address)]
}

// receive puts a message into the mailbox of a patient, who may not answer any
// more when it says X-MSS-MES: FIN (ECO.2.2.8).
func (s *Server) receive(p *patient, from string, raw []byte) {
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	final := slices.ContainsFunc(strings.Split(string(header), "\r\n"), func(line string) bool {
		name, value, _ := strings.Cut(line, ":")
		return strings.EqualFold(name, "X-MSS-MES") && strings.TrimSpace(value) == "FIN"
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	p.received = append(p.received, bytes.Clone(raw))
	p.final[fold(from)] = final
}

// Received gives the messages that a patient received, the oldest first.
func (s *Server) Received(address string) [][]byte {
	p := s.patient(address)
	if p == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(p.received)
}

// Closed reports whether the last message of a mailbox to a patient closed the
// exchange with X-MSS-MES: FIN.
func (s *Server) Closed(patientAddress, mailbox string) bool {
	p := s.patient(patientAddress)
	if p == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.final[fold(mailbox)]
}
