package dmp

import (
	"crypto/rand"
	"math/big"
)

// Arms of the vendor's OID root. Messages are under .1 and queries under .2, as
// in the official samples.
const (
	armDocument = ".3."
	armLot      = ".4."
)

// newOID draws an identifier under the vendor's root, of up to 64 characters;
// with a root too long to leave room for 20 digits, under 2.25 (X.667).
func (c *Client) newOID(arm string) string {
	prefix := c.cfg.Software.OID + arm
	digits := min(64-len(prefix), 30)
	if digits < 20 {
		prefix, digits = "2.25.", 38
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	n, _ := rand.Int(rand.Reader, limit) // never fails (Go 1.24)
	return prefix + n.String()
}
