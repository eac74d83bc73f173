package proxy

import (
	"context"
	"net/http"
)

// disconnect ends the session of the cookie. What Pro Santé Connect or an
// authorization server did not do is logged: the session is over here.
func (h *Handler) disconnect(w http.ResponseWriter, r *http.Request) {
	s := h.live(r)
	if s == nil || !h.take(s) {
		h.refuse(w, http.StatusUnauthorized, textNoSessionID, nil)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), endLimit)
	defer cancel()
	_ = h.end(ctx, s, from(r, h.cfg.TrustedProxies))
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
	w.WriteHeader(http.StatusOK)
}
