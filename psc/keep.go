package psc

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/soclesante/socle"
)

// kept is where a session is stored.
type kept struct {
	store   SessionStore
	key     string
	version int64 // last one seen
}

// snapshot is what is stored of a session: what it needs to go on.
type snapshot struct {
	Issuer, ClientID                         string
	Asked, Subject, ServiceID, State, Nonce  string
	ACR                                      string
	AuthTime, Used                           time.Time
	Info, Access, Refresh, ID                []byte
	Issued, AccessUntil, RefreshAt, IdleTill time.Time
}

// Keep stores the session under a key of the caller's choice, that no other
// session has, now and after each refresh, until it is over: a restart loses
// nothing (see [Client.Restore]), and machines that share the store share the
// session. A session that is deleted from the store is logged out at its next
// refresh.
func (s *Session) Keep(ctx context.Context, store SessionStore, key string) error {
	if len(key) == 0 || len(key) > 256 {
		return notSent(opStore, errors.New("a key of 1 to 256 bytes expected"))
	}
	s.mu.Lock()
	if s.kept != nil || s.ended != nil {
		defer s.mu.Unlock()
		if s.ended != nil {
			return s.ended
		}
		return notSent(opStore, errors.New("the session is kept already"))
	}
	k := &kept{store: store, key: key}
	record, err := s.record(k)
	s.mu.Unlock()
	if err == nil {
		err = store.Save(ctx, record)
	}
	if err != nil {
		return notSent(opStore, err)
	}
	k.version = record.Version
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = k
	return nil
}

// record gives the next version of the session. s.mu is held and there are tokens.
func (s *Session) record(k *kept) (StoredSession, error) {
	w, t := s.who, s.tokens
	data, err := json.Marshal(snapshot{
		Issuer: s.client.cfg.Environment.Issuer, ClientID: s.client.cfg.ClientID,
		Asked: w.asked.String(), Subject: w.subject, ServiceID: w.serviceID, State: t.state, Nonce: w.nonce, ACR: w.acr, AuthTime: w.authTime, Used: s.used,
		Info: w.raw.unpack(), Access: t.access, Refresh: t.refresh, ID: t.id,
		Issued: t.issued, AccessUntil: t.accessUntil, RefreshAt: t.refreshAt, IdleTill: t.idleUntil,
	})
	return StoredSession{
		Key: k.key, Version: k.version + 1, ServiceID: w.serviceID, Subject: w.subject,
		Until: w.authTime.Add(s.client.cfg.SessionLimit), Data: data,
	}, err
}

// Restore goes on with a session that was kept. Errors: [ErrNoSession], and
// [ErrSessionExpired] for one that was idle for too long.
func (c *Client) Restore(ctx context.Context, store SessionStore, key string) (*Session, error) {
	record, err := store.Load(ctx, key)
	if err != nil {
		return nil, notSent(opStore, err)
	}
	who, t, used, err := c.read(record.Data)
	if err != nil {
		return nil, notSent(opStore, err)
	}
	s := &Session{client: c, flight: c.flight(), who: who, tokens: t, used: used, kept: &kept{store: store, key: key, version: record.Version}}
	s.mu.Lock()
	over := !c.cfg.Now().Before(s.idleAt()) || !c.cfg.Now().Before(who.authTime.Add(c.cfg.SessionLimit))
	s.mu.Unlock()
	if over && c.cfg.Reauthenticate == nil {
		s.Forget(ctx)
		return nil, &Error{Op: opStore, kind: ErrSessionExpired, outcome: socle.OutcomeNotSent, Fix: "the person logs in again"}
	}
	return s, nil
}

// read checks what was stored.
func (c *Client) read(data []byte) (*identity, *tokens, time.Time, error) {
	var n snapshot
	if err := json.Unmarshal(data, &n); err != nil || n.Subject == "" || len(n.Access) == 0 {
		return nil, nil, time.Time{}, errors.New("what was stored is not a session")
	}
	if n.Issuer != c.cfg.Environment.Issuer || n.ClientID != c.cfg.ClientID {
		return nil, nil, time.Time{}, errors.New("the session is of another environment or client id: give each its own store")
	}
	info, err := ParseUserInfo(n.Info)
	if err != nil {
		return nil, nil, time.Time{}, err
	}
	asked, _ := socle.ParsePersonID(n.Asked) // zero when nobody in particular was
	who := &identity{asked: asked, raw: pack(info.Raw), subject: n.Subject, serviceID: n.ServiceID, nonce: n.Nonce, acr: n.ACR, authTime: n.AuthTime}
	t := &tokens{
		access: n.Access, refresh: n.Refresh, id: n.ID, state: n.State,
		issued: n.Issued, accessUntil: n.AccessUntil, refreshAt: n.RefreshAt, idleUntil: n.IdleTill,
	}
	return who, t, n.Used, nil
}

// elsewhere looks whether another machine refreshed the session or ended it,
// and gives the access token of the former if it still serves.
func (s *Session) elsewhere(ctx context.Context) (string, error) {
	s.mu.Lock()
	k := s.kept
	s.mu.Unlock()
	if k == nil {
		return "", nil
	}
	record, err := k.store.Load(ctx, k.key)
	if errors.Is(err, ErrNoSession) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ended == nil {
			s.stop(loggedOut("it was deleted from its store"))
		}
		return "", s.ended
	}
	var who *identity
	var t *tokens
	if err == nil && record.Version != k.version {
		who, t, _, err = s.client.read(record.Data)
	}
	if err != nil {
		s.client.cfg.Log().WarnContext(ctx, "psc: a stored session cannot be read", "err", err)
		return "", nil
	}
	if t == nil || who.subject != s.identity().subject {
		return "", nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return "", s.ended
	}
	s.tokens.wipe()
	s.who, s.tokens, k.version = who, t, record.Version
	if s.client.cfg.Now().Before(t.refreshAt) {
		return string(t.access), nil
	}
	return "", nil
}

// save stores the new tokens and gives the access token. A store that fails
// does not end the session: the next refresh tries again.
func (s *Session) save(ctx context.Context) (string, error) {
	s.mu.Lock()
	if s.ended != nil {
		defer s.mu.Unlock()
		return "", s.ended
	}
	access, k := string(s.tokens.access), s.kept
	if k == nil {
		s.mu.Unlock()
		return access, nil
	}
	record, err := s.record(k)
	s.mu.Unlock()
	if err == nil {
		err = k.store.Save(ctx, record)
	}
	switch {
	case err == nil:
		s.mu.Lock()
		k.version = record.Version
		s.mu.Unlock()
	case errors.Is(err, ErrNoSession): // logged out elsewhere while it was being refreshed
		why := loggedOut("it was deleted from its store")
		_ = s.end(ctx, why)
		return "", why
	case errors.Is(err, ErrStaleSession):
		if theirs, err := s.elsewhere(ctx); theirs != "" || err != nil {
			return theirs, err
		}
	default:
		s.client.cfg.Log().WarnContext(ctx, "psc: a session cannot be stored", "err", err)
	}
	return access, nil
}

func loggedOut(why string) *Error {
	return &Error{Op: opSession, kind: ErrLoggedOut, outcome: socle.OutcomeNotSent, Fix: why}
}
