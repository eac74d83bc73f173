package mss

import "bytes"

// longestLine is what a line of mail may hold (RFC 5322 section 2.1.1).
const longestLine = 998

// mailable reports whether bytes can be sent as they are.
func mailable(raw []byte) bool {
	for len(raw) > 0 {
		line, rest, found := bytes.Cut(raw, []byte("\r\n"))
		if len(line) > longestLine || bytes.ContainsAny(line, "\r\n\x00") {
			return false
		}
		if raw = rest; !found {
			break
		}
	}
	return true
}

// givenBack gives a message as a receipt returns it. In message/rfc822, which may
// not be encoded (RFC 2046 section 5.2.1), a CR or an LF alone, a NUL or a line
// too long would be read by a server on the way as something else, even as
// another message: lines end with CRLF there, and longer ones are cut.
func givenBack(raw []byte) (b []byte, changed bool) {
	if mailable(raw) {
		return raw, false
	}
	end := len(raw)
	if at := endOfHeader.FindIndex(raw); at != nil {
		end = at[0]
	}
	b = lines(make([]byte, 0, len(raw)+len(raw)/50), raw[:end], "\r\n ")
	if end == len(raw) {
		return b, true
	}
	body := raw[end+len(endOfHeader.Find(raw[end:])):]
	return lines(append(b, "\r\n"...), body, "\r\n"), true
}

// headerBack gives the header of a message as a receipt returns it.
func headerBack(raw []byte) []byte {
	if at := endOfHeader.FindIndex(raw); at != nil {
		raw = raw[:at[0]]
	}
	return lines(nil, raw[:min(len(raw), maxHeader)], "\r\n ")
}

// lines adds text in lines of mail to out, those too long cut by fold. A CR alone
// is a space in a header, where it would begin a field, and ends a line elsewhere.
func lines(out, text []byte, fold string) []byte {
	ends := "\r"
	if fold != "\r\n" {
		ends = "\n" // of which there is none left
	}
	for whole := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		for line := range bytes.SplitSeq(bytes.TrimSuffix(whole, []byte("\r")), []byte(ends)) {
			for len(line) > longestLine {
				out = append(append(out, clean(line[:longestLine-1])...), fold...)
				line = line[longestLine-1:]
			}
			out = append(append(out, clean(line)...), "\r\n"...)
		}
	}
	return out
}

// clean makes CR and NUL spaces.
func clean(line []byte) []byte {
	if !bytes.ContainsAny(line, "\r\x00") {
		return line
	}
	line = bytes.ReplaceAll(line, []byte("\r"), []byte(" "))
	return bytes.ReplaceAll(line, []byte("\x00"), []byte(" "))
}
