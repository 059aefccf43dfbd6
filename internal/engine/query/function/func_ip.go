package function

import (
	"fmt"
	"net/netip"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// family is the kind of addresses that a function looks at.
type family uint8

const (
	anyFamily family = iota
	ipv4
	ipv6
)

var addresses = []*plan.Function{
	predicate("isvalidip", 1, validIP(anyFamily)),
	predicate("isvalidipv4", 1, validIP(ipv4)),
	predicate("isvalidipv6", 1, validIP(ipv6)),
	asPredicate(binding("isipinsubnet", 2, 2, inSubnet(anyFamily))),
	asPredicate(binding("isipv4insubnet", 2, 2, inSubnet(ipv4))),
	asPredicate(binding("isipv6insubnet", 2, 2, inSubnet(ipv6))),
	fixed("ipv4tonumber", 1, ipv4Number),
	predicate("isprivateip", 1, addressIs(private)),
	predicate("ispublicip", 1, addressIs(public)),
	predicate("isreservedip", 1, addressIs(reserved)),
}

// address returns the IP address that a value is. Zones are none (ours).
func address(v *plan.Value) (ip netip.Addr, ok bool) {
	if v.Kind != plan.Text {
		return ip, false
	}
	return parseAddress(v.Text)
}

func parseAddress(t []byte) (ip netip.Addr, ok bool) {
	if len(t) < 2 || len(t) > 45 {
		return ip, false
	}
	colon := false
	for _, c := range t {
		switch {
		case c == ':':
			colon = true
		case c == '.', c-'0' <= 9, c|0x20 >= 'a' && c|0x20 <= 'f':
		default:
			return ip, false
		}
	}
	if colon {
		ip, err := netip.ParseAddr(view(t))
		return ip, err == nil
	}
	b, ok := dotted(t)
	return netip.AddrFrom4(b), ok
}

// dotted reads an IPv4 address: four numbers up to 255 without leading zeros.
func dotted(t []byte) (b [4]byte, ok bool) {
	n, digits, part := 0, 0, 0
	for i := 0; ; i++ {
		if i == len(t) || t[i] == '.' {
			if digits == 0 || part == 4 {
				return b, false
			}
			b[part] = byte(n)
			part++
			if i == len(t) {
				return b, part == 4
			}
			n, digits = 0, 0
			continue
		}
		if t[i]-'0' > 9 || digits > 0 && n == 0 {
			return b, false
		}
		n = n*10 + int(t[i]-'0')
		if digits++; n > 255 {
			return b, false
		}
	}
}

func (f family) has(ip netip.Addr) bool {
	return f == anyFamily || ip.Is4() == (f == ipv4)
}

func validIP(f family) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		ip, ok := address(&args[0])
		return plan.BoolValue(ok && f.has(ip))
	}
}

// inSubnet holds where an address is in a subnet of the same family. A constant
// that is no subnet is an error, any other one has no addresses.
func inSubnet(f family) func([]*plan.Value) (plan.Eval, error) {
	return func(consts []*plan.Value) (plan.Eval, error) {
		var subnet netip.Prefix
		known := consts[1] != nil
		if known {
			var ok bool
			if subnet, ok = prefix(consts[1]); !ok {
				return nil, fmt.Errorf("%q is no subnet", consts[1].AppendText(nil))
			}
			if !f.has(subnet.Addr()) {
				return nil, fmt.Errorf("%q is no subnet of IPv%d", consts[1].AppendText(nil), 4+2*(f-ipv4))
			}
		}
		return func(args []plan.Value, _ *plan.Arena) plan.Value {
			ip, ok := address(&args[0])
			if !ok || !f.has(ip) {
				return plan.BoolValue(false)
			}
			in := subnet
			if !known {
				if in, ok = prefix(&args[1]); !ok {
					return plan.BoolValue(false)
				}
			}
			return plan.BoolValue(in.Contains(ip))
		}, nil
	}
}

// cidrMatch is whether an address is in a subnet; Null when one of them is.
func cidrMatch(consts []*plan.Value) (plan.Eval, error) {
	if c := consts[1]; c != nil && c.Kind == plan.Null {
		return func([]plan.Value, *plan.Arena) plan.Value { return plan.Value{} }, nil
	}
	in, err := inSubnet(anyFamily)(consts)
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		if args[0].Kind == plan.Null || args[1].Kind == plan.Null {
			return plan.Value{}
		}
		v := in(args, a)
		return truth(v.Num != 0)
	}, nil
}

// prefix returns the subnet that a value is, written as address/bits.
func prefix(v *plan.Value) (p netip.Prefix, ok bool) {
	if v.Kind != plan.Text {
		return p, false
	}
	t := v.Text
	at := len(t) - 1
	for at >= 0 && t[at] != '/' {
		at--
	}
	if at < 0 || len(t)-at < 2 || len(t)-at > 4 {
		return p, false
	}
	bits := 0
	for _, c := range t[at+1:] {
		if c-'0' > 9 {
			return p, false
		}
		bits = bits*10 + int(c-'0')
	}
	ip, ok := parseAddress(t[:at])
	if !ok {
		return p, false
	}
	p, err := ip.Prefix(bits)
	return p, err == nil
}

func ipv4Number(args []plan.Value, _ *plan.Arena) plan.Value {
	if args[0].Kind != plan.Text {
		return plan.Value{}
	}
	b, ok := dotted(args[0].Text)
	if !ok {
		return plan.Value{}
	}
	return plan.NumberValue(float64(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])))
}

func addressIs(is func(netip.Addr) bool) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		ip, ok := address(&args[0])
		return plan.BoolValue(ok && is(ip))
	}
}

// private are the addresses of RFC 1918 and RFC 4193.
func private(ip netip.Addr) bool { return ip.IsPrivate() }

// public are the addresses that are neither private nor reserved.
func public(ip netip.Addr) bool { return !private(ip) && !reserved(ip) }

// reserved are the addresses of IANA's special-purpose registries that are not
// private (ours).
func reserved(ip netip.Addr) bool {
	for _, p := range special {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

var special = func() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
		"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/127", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fe80::/10", "ff00::/8",
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}()
