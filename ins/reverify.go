package ins

// Claim gives the INS and the traits of an identity that is récupérée or
// qualifiée, to have INSi verify them ([Client.Verify] and the batches) and for
// nothing else: what may be sent to others is [Identity.Sendable]. The error is
// [ErrTransition] when there is no INS.
func (id Identity) Claim() (Claim, error) {
	s := id.get()
	if !s.status.KeepsINS() {
		return Claim{}, refuse("there is no INS to verify: the identity is "+s.status.String(), "SC.INS/va1.08")
	}
	return Claim{INS: s.ins, Traits: s.traits}, nil
}

// Verified records that INSi confirmed the INS that the identity holds, which
// begins the years of [Reverification] anew. Its status stays. by is who asked,
// as the vendor's traces name them.
//
// A KO is refused with [ErrNotConfirmed]: the identity must lose its INS, see
// [Identity.Downgrade]. A verification of another INS or of other traits is
// refused with [ErrTransition].
func (id Identity) Verified(v Verification, by string) (Identity, error) {
	s := id.get()
	claim, err := id.Claim()
	if err != nil {
		return id, err
	}
	if _, err := v.Result(); err != nil {
		return id, err
	}
	asked, err := v.Claim.Traits.Normalize()
	if err != nil {
		return id, err
	}
	held, err := claim.Traits.Normalize()
	if err != nil {
		return id, err
	}
	held.FirstGivenName, asked.FirstGivenName = "", ""
	switch {
	case v.At.IsZero():
		return id, undated()
	case v.Claim.INS != claim.INS || asked != held:
		return id, refuse("the verification is of another INS or of other traits", "SC.INS/va1.08")
	}
	next := s
	if v.At.After(next.verifiedAt) {
		next.verifiedAt = v.At
	}
	return s.to(next, Change{At: v.At, By: by, Event: "verified", Reason: "INSi confirmed the INS again", Requirement: "SC.INS/va1.08"}), nil
}
