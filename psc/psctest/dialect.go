package psctest

import "regexp"

// What no public text confirms of the service's refusals, each *assumed*.

// *assumed*: the service refuses a binding message that is not the two digits
// that its documentation asks for; the engine takes any short plain text.
var assumedBinding = regexp.MustCompile(`^[0-9]{2}$`)

// *assumed*: the service refuses another channel than those of the ANS's proxy.
var assumedChannels = map[string]bool{"": true, "CARD": true, "MOBILE": true}

// *assumed*: texts of the engine that the service was not seen to send. Its
// code and status are those of RFC 6749, 6750, 7009 and 7662.
const (
	assumedBadClient       = "Invalid client or Invalid client credentials"
	assumedMissingClient   = "Missing client_id parameter"
	assumedRefreshInvalid  = "Invalid refresh token"
	assumedRefreshClient   = "Invalid refresh token. Token client and authorized client don't match"
	assumedRefreshInactive = "Token is not active"
	assumedSessionInactive = "Session not active"
	assumedTokenRefused    = "Token verification failed"
	assumedNotAuthorized   = "Authentication failed."
	assumedNoClient        = "Client not found."
	assumedBadRedirect     = "Invalid parameter: redirect_uri"
	assumedBadCode         = "Code not valid"
	assumedOtherRedirect   = "Incorrect redirect_uri"
	assumedBadVerifier     = "PKCE verification failed"
)

// *assumed*: logout tokens have no exp, as those of older versions of the
// engine: a client that wants one would not hear of logouts.
const assumedLogoutWithoutExpiry = true
