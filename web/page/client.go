package page

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// Client is the address that a request comes from; the zero Addr when it comes from none.
//
// It is the peer's, unless the peer is a trusted proxy: then it is the last X-Forwarded-For entry that
// is no trusted proxy. What stands before that entry was written by the client and says nothing.
func (r *Renderer) Client(c echo.Context) netip.Addr {
	peer := address(c.Request().RemoteAddr)
	if !r.trusts(peer) {
		return peer
	}
	entries := strings.Split(strings.Join(c.Request().Header.Values("X-Forwarded-For"), ","), ",")
	for _, entry := range slices.Backward(entries) {
		at := address(strings.TrimSpace(entry))
		switch {
		case !at.IsValid():
			return peer
		case !r.trusts(at):
			return at
		}
	}
	return peer
}

// Place is what limits count a client by: its address, or of IPv6 the network of 64 bits that one
// customer has. Who has no address shares a place with all others who have none.
func (r *Renderer) Place(c echo.Context) string {
	at := r.Client(c)
	switch {
	case !at.IsValid():
		return "unknown"
	case at.Is6():
		return netip.PrefixFrom(at, 64).Masked().String()
	}
	return at.String()
}

func (r *Renderer) trusts(at netip.Addr) bool {
	return slices.ContainsFunc(r.o.TrustedProxies, func(network netip.Prefix) bool { return network.Contains(at) })
}

// address reads an address with or without a port, each in one form: 192.0.2.1, not ::ffff:192.0.2.1.
func address(text string) netip.Addr {
	at, err := netip.ParseAddr(text)
	if err != nil {
		withPort, _ := netip.ParseAddrPort(text) // zero if it is neither
		at = withPort.Addr()
	}
	return at.Unmap().WithZone("")
}
