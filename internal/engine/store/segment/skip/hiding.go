package skip

import (
	"encoding/binary"
	"math"
)

// hiding says which needles can hide inside tokens of a unit: be a proper part of
// one. It is kept for each unit.
type hiding struct {
	// Bit min(n, 63): there is a token of n bytes. Bit 0 alone: nothing is known
	// of the unit.
	lengths uint64
	// hexRun is how long a needle of nothing but hexadecimal digits can be to
	// hide: the longest run of them in a token, one less for a token that is one
	// run. Identifiers in hexadecimal are the usual needles, and this keeps long
	// words from hiding them. What is shorter than minHexRun is not looked at, 0;
	// math.MaxUint16 and more are one.
	hexRun uint16
}

const (
	hidingSize = 10
	minHexRun  = 8
)

var withoutEvidence = hiding{lengths: 1}

func (h hiding) append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint64(dst, h.lengths), h.hexRun)
}

func parseHiding(b []byte) hiding {
	h := hiding{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint16(b[8:])}
	if h.lengths&1 != 0 {
		return withoutEvidence
	}
	return h
}

// can reports whether a needle of n token bytes can hide.
func (h hiding) can(n uint, hex bool) bool {
	if hex && n >= minHexRun {
		return uint(h.hexRun) >= min(n, math.MaxUint16)
	}
	return h.lengths>>min(n+1, 63) != 0
}

// floor is the run that a token must pass to change hexRun; it needs more than one
// byte more than that.
func (h *hiding) floor() uint { return max(uint(h.hexRun), minHexRun-1) }

// see raises hexRun to what a token can hide, and returns the new floor.
func (h *hiding) see(token []byte) uint {
	floor := h.floor()
	// A run longer than floor covers a multiple of floor+1.
	for at := floor; at < uint(len(token)); at += floor + 1 {
		if !isHexByte[token[at]] {
			continue
		}
		from, to := at, at+1
		for from > 0 && isHexByte[token[from-1]] {
			from--
		}
		for to < uint(len(token)) && isHexByte[token[to]] {
			to++
		}
		run := to - from
		if run == uint(len(token)) {
			run--
		}
		if run > floor {
			h.hexRun = uint16(min(run, math.MaxUint16))
			floor = h.floor()
		}
		at = to
	}
	return floor
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !isHexByte[c] {
			return false
		}
	}
	return true
}

var isHexByte = func() (t [256]bool) {
	for _, c := range "0123456789abcdefABCDEF" {
		t[c] = true
	}
	return t
}()
