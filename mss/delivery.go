package mss

import "github.com/emersion/go-smtp"

// delivery is the request for receipts of delivery (RFC 3461).
type delivery struct {
	asked    bool
	envelope string // what the receipts repeat: the Message-ID
	missing  *bool  // set when the operator takes no such request
}

// options gives the parameters of MAIL and RCPT. The library leaves them out in
// silence when the operator does not announce DSN once authenticated.
func (d delivery) options(c *smtp.Client) (*smtp.MailOptions, func(to string) *smtp.RcptOptions) {
	none := func(string) *smtp.RcptOptions { return nil }
	if !d.asked {
		return &smtp.MailOptions{}, none
	}
	if ok, _ := c.Extension("DSN"); !ok {
		*d.missing = true
		return &smtp.MailOptions{}, none
	}
	return &smtp.MailOptions{Return: smtp.DSNReturnHeaders, EnvelopeID: d.envelope}, func(to string) *smtp.RcptOptions {
		return &smtp.RcptOptions{
			Notify:                []smtp.DSNNotify{smtp.DSNNotifySuccess, smtp.DSNNotifyFailure},
			OriginalRecipientType: smtp.DSNAddressTypeRFC822, OriginalRecipient: to,
		}
	}
}
