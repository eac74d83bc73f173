package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"

	"github.com/soclesante/socle"
)

// log writes what happened, and nothing that identifies anyone: the host
// without path or query, and no text of the service nor of the caller.
func (c *Client) log(ctx context.Context, req *http.Request, x socle.Exchange) {
	l := c.watch.Log()
	if !l.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("service", string(x.Service)), slog.String("operation", x.Operation), slog.String("message_id", x.MessageID),
		slog.String("host", req.URL.Host), slog.Int("attempt", x.Attempt), slog.Int("status", x.Status), slog.String("code", x.Code),
		slog.String("outcome", x.Outcome.String()), slog.Duration("duration", x.Duration),
	}
	if cause := known(x.Err); cause != "" {
		attrs = append(attrs, slog.String("cause", cause))
	}
	l.LogAttrs(ctx, slog.LevelDebug, "exchange", attrs...)
}

// known gives the cause of a failure if its words are ours or the network's.
// Others, such as the path of a file that could not be read, may name a patient.
func known(err error) string {
	for _, cause := range []error{
		context.Canceled, context.DeadlineExceeded, ErrClientCertificate, ErrServerCertificate, ErrTooLarge, ErrRedirect, io.ErrUnexpectedEOF, io.EOF,
	} {
		if errors.Is(err, cause) {
			return cause.Error()
		}
	}
	var network *net.OpError // names addresses only
	if errors.As(err, &network) {
		return network.Error()
	}
	return ""
}
