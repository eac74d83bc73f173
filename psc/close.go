package psc

// Close closes the connections that no call uses. The client and its sessions
// may still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }
