package mss

// parcel is the documents of a message, packed.
type parcel struct {
	archive   []byte
	pdfs      []File
	codes     []string // X-MSS-CODECDA
	qualified bool     // X-MSS-INS: O
	title     string   // of the first document
	patient   string   // NOM prénom date, for the subject
}

func (m *Mailbox) pack(d Draft, r *SendReport) (*parcel, error) {
	if len(d.Documents) == 0 {
		return nil, nil
	}
	return nil, notConform("", "")
}
