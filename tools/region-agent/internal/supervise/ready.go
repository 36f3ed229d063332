package supervise

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const probeInterval = 100 * time.Millisecond

// untilReady returns when the daemon says it is ready, or when ctx ends.
func (p Plan) untilReady(ctx context.Context, daemon Daemon) error {
	for !p.isReady(ctx, daemon.Ready) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(probeInterval):
		}
	}
	return nil
}

func (p Plan) isReady(ctx context.Context, ready string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	kind, address, _ := strings.Cut(ready, ":")
	switch kind {
	case "":
		return true
	case "unix", "tcp":
		connection, err := (&net.Dialer{}).DialContext(ctx, kind, address)
		if err != nil {
			return false
		}
		return connection.Close() == nil
	default:
		return p.answers(ctx, ready)
	}
}

func (p Plan) answers(ctx context.Context, url string) bool {
	authority, err := os.ReadFile(p.Authority)
	if err != nil {
		return false
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}
