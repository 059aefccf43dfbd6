package exec

import (
	"math"
	"math/big"
	"math/bits"
)

// exactSum adds doubles without rounding, so that the sum does not depend on
// their order. The zero value is 0. It has three parts: integers, which are
// nearly all of the numbers in logs; a fixed-point number of 192 bits; and one
// that holds every double, made when it is needed.
type exactSum struct {
	ints int64     // |ints| < 1<<62
	w    [3]uint64 // two's complement, times 2^-fracBits; w[0] is the lowest
	wide *[wideWords]uint64
}

const (
	fracBits  = 96
	maxShift  = 90 // a number is below 2^(90+53-96): 2^48 of them cannot overflow
	wideWords = 36 // times 2^-1074
)

// add returns by how many bytes s grew.
func (s *exactSum) add(x float64) int {
	if n := int64(x); float64(n) == x && n < 1<<53 && n > -1<<53 {
		s.addInt(n)
		return 0
	}
	return s.addFraction(x)
}

func (s *exactSum) addInt(n int64) {
	if s.ints += n; s.ints >= 1<<61 || s.ints <= -1<<61 {
		s.flush()
	}
}

// flush moves the integers into the fixed-point number.
func (s *exactSum) flush() {
	n := s.ints
	s.ints = 0
	ext := uint64(n >> 63)
	var c uint64
	s.w[1], c = bits.Add64(s.w[1], uint64(n)<<32, 0)
	s.w[2], _ = bits.Add64(s.w[2], uint64(n)>>32|ext<<32, c)
}

func (s *exactSum) addFraction(x float64) int {
	b := math.Float64bits(x)
	exp, m := int(b>>52)&0x7ff, b&(1<<52-1)
	if exp == 0 {
		exp = 1
	} else {
		m |= 1 << 52
	}
	// x is m * 2^(exp-1075).
	shift := exp - 1075 + fracBits
	if shift < 0 && m != 0 {
		if tz := min(bits.TrailingZeros64(m), -shift); tz > 0 {
			m >>= tz
			shift += tz
		}
	}
	if shift < 0 || shift > maxShift {
		return s.addWide(x)
	}
	var v [3]uint64
	at := shift >> 6
	v[at] = m << (shift & 63)
	if shift&63 != 0 {
		v[at+1] = m >> (64 - shift&63)
	}
	var c uint64
	if b>>63 == 0 {
		s.w[0], c = bits.Add64(s.w[0], v[0], 0)
		s.w[1], c = bits.Add64(s.w[1], v[1], c)
		s.w[2], _ = bits.Add64(s.w[2], v[2], c)
		return 0
	}
	s.w[0], c = bits.Sub64(s.w[0], v[0], 0)
	s.w[1], c = bits.Sub64(s.w[1], v[1], c)
	s.w[2], _ = bits.Sub64(s.w[2], v[2], c)
	return 0
}

func (s *exactSum) addWide(x float64) int {
	grown := 0
	if s.wide == nil {
		s.wide, grown = new([wideWords]uint64), 8*wideWords
	}
	b := math.Float64bits(x)
	exp, m := int(b>>52)&0x7ff, b&(1<<52-1)
	if exp == 0 {
		exp = 1
	} else {
		m |= 1 << 52
	}
	shift := exp - 1
	at := shift >> 6
	lo, hi := m<<(shift&63), uint64(0)
	if shift&63 != 0 {
		hi = m >> (64 - shift&63)
	}
	var c uint64
	if b>>63 == 0 {
		s.wide[at], c = bits.Add64(s.wide[at], lo, 0)
		s.wide[at+1], c = bits.Add64(s.wide[at+1], hi, c)
		for i := at + 2; c != 0 && i < wideWords; i++ {
			s.wide[i], c = bits.Add64(s.wide[i], 0, c)
		}
		return grown
	}
	s.wide[at], c = bits.Sub64(s.wide[at], lo, 0)
	s.wide[at+1], c = bits.Sub64(s.wide[at+1], hi, c)
	for i := at + 2; c != 0 && i < wideWords; i++ {
		s.wide[i], c = bits.Sub64(s.wide[i], 0, c)
	}
	return grown
}

// addSquare adds x*x exactly, but for what is below the smallest double.
func (s *exactSum) addSquare(x float64) int {
	hi := x * x
	if math.IsInf(hi, 0) {
		hi = math.MaxFloat64
	}
	grown := s.add(hi)
	if lo := math.FMA(x, x, -hi); lo != 0 && !math.IsInf(lo, 0) {
		grown += s.add(lo)
	}
	return grown
}

func (s *exactSum) merge(o *exactSum) int {
	s.addInt(o.ints)
	var c uint64
	s.w[0], c = bits.Add64(s.w[0], o.w[0], 0)
	s.w[1], c = bits.Add64(s.w[1], o.w[1], c)
	s.w[2], _ = bits.Add64(s.w[2], o.w[2], c)
	if o.wide == nil {
		return 0
	}
	grown := 0
	if s.wide == nil {
		s.wide, grown = new([wideWords]uint64), 8*wideWords
	}
	c = 0
	for i := range s.wide {
		s.wide[i], c = bits.Add64(s.wide[i], o.wide[i], c)
	}
	return grown
}

// exact returns the sum times 2^1074.
func (s *exactSum) exact() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(s.ints), 1074)
	n.Add(n, new(big.Int).Lsh(signed(s.w[:]), 1074-fracBits))
	if s.wide != nil {
		n.Add(n, signed(s.wide[:]))
	}
	return n
}

// signed returns the value of words in two's complement, the lowest first.
func signed(words []uint64) *big.Int {
	n := new(big.Int)
	for i := len(words) - 1; i >= 0; i-- {
		n.Lsh(n, 64)
		n.Or(n, new(big.Int).SetUint64(words[i]))
	}
	if words[len(words)-1]>>63 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(64*len(words))))
	}
	return n
}

// float returns the sum, rounded once; infinite when it is too large.
func (s *exactSum) float() float64 {
	if s.w == [3]uint64{} && s.wide == nil {
		return float64(s.ints)
	}
	n := s.exact()
	f := new(big.Float).SetInt(n)
	x, _ := f.SetMantExp(f, -1074).Float64()
	return x + 0
}

// variance returns the variance of n numbers from their sum and the sum of their
// squares; less is what the population's size is reduced by.
func variance(sum, squares *exactSum, n, less int64) float64 {
	// (n*squares - sum*sum) / (n * (n-less)), the numerator times 2^2148.
	count := big.NewInt(n)
	num := new(big.Int).Mul(squares.exact(), count)
	num.Lsh(num, 1074)
	x := sum.exact()
	num.Sub(num, x.Mul(x, x))
	if num.Sign() <= 0 {
		return 0
	}
	f := new(big.Float).SetInt(num)
	f.SetMantExp(f, -2148)
	f.Quo(f.SetPrec(256), new(big.Float).SetInt(count.Mul(count, big.NewInt(n-less))))
	v, _ := f.Float64()
	return v
}
