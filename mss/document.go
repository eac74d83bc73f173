package mss

// Document is a document of a received IHE_XDM.ZIP.
type Document struct{}

func (m *Message) documents(t *treeReader) {}
