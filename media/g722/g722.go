package g722

import "math"

// tables are those of the recommendation (§6.2), by its names. Each begins where
// its index does.
type tables struct {
	q6  [30]int32
	qm6 [64]int32
	qm4 [16]int32
	qm2 [4]int32
	ilb [32]int32
	wl  [16]int32 // how the scale follows, by the four upper bits of a lower code
	wh  [4]int32  // the same by an upper code
}

func newTables() *tables {
	return &tables{
		q6: [...]int32{
			0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023,
			1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
		},
		qm6: [...]int32{
			-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192,
			-10232, -9360, -8576, -7856, -7192, -6576,
			-6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
			24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
			4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
		},
		qm4: [...]int32{
			0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
		},
		qm2: [...]int32{-7408, -1616, 7408, 1616},
		ilb: [...]int32{
			2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
			2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
		},
		wl: [...]int32{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60},
		wh: [...]int32{798, -214, 798, -214},
	}
}

const (
	lowest, highest = -16384, 16383 // of the lower band
	maxScaleLow     = 18432
	maxScaleHigh    = 22528
	decideHigh      = 564 // the only decision of the upper band
)

// band is the adaptive predictor and scale of a band.
type band struct {
	*tables
	s, sz  int32 // predicted sample, and the part of the zeros
	r, p   [3]int32
	a      [3]int32
	d, b   [7]int32
	scale  int32 // logarithmic
	det    int32 // linear
	offset int32 // of the linear scale
	limit  int32
}

func low(t *tables) band  { return band{tables: t, det: 32, offset: 8, limit: maxScaleLow} }
func high(t *tables) band { return band{tables: t, det: 8, offset: 10, limit: maxScaleHigh} }

func saturate(v int32) int32 { return max(math.MinInt16, min(v, math.MaxInt16)) }

// adapt follows a quantised difference: the scale by its weight, the predictor
// by its signs.
func (k *band) adapt(d, weight int32) {
	k.scale = max(0, min(k.scale*127>>7+weight, k.limit))
	mantissa := k.ilb[k.scale>>6&31]
	if shift := k.offset - k.scale>>11; shift < 0 {
		k.det = mantissa << -shift << 2
	} else {
		k.det = mantissa >> shift << 2
	}
	k.d[0] = d
	k.r[0], k.p[0] = saturate(k.s+d), saturate(k.sz+d)
	k.poles()
	k.zeros()
	k.predict()
}

// same returns v with its sign by whether two numbers have the same one.
func same(x, y, v int32) int32 {
	if x>>15 == y>>15 {
		return v
	}
	return -v
}

// poles moves the two coefficients of the poles (UPPOL2, UPPOL1).
func (k *band) poles() {
	towards := min(same(k.p[0], k.p[1], -saturate(k.a[1]<<2)), math.MaxInt16)
	second := towards>>7 + same(k.p[0], k.p[2], 128) + k.a[2]*32512>>15
	second = max(-12288, min(second, 12288))
	first := saturate(same(k.p[0], k.p[1], 192) + k.a[1]*32640>>15)
	bound := saturate(15360 - second)
	k.a[1], k.a[2] = max(-bound, min(first, bound)), second
}

// zeros moves the six coefficients of the zeros (UPZERO) and the delay line.
func (k *band) zeros() {
	step := int32(128)
	if k.d[0] == 0 {
		step = 0
	}
	for i := 6; i > 0; i-- {
		k.b[i] = saturate(same(k.d[i], k.d[0], step) + k.b[i]*32640>>15)
	}
	copy(k.d[1:], k.d[:6])
	k.r[2], k.r[1] = k.r[1], k.r[0]
	k.p[2], k.p[1] = k.p[1], k.p[0]
}

// predict works out the next sample (FILTEP, FILTEZ, PREDIC).
func (k *band) predict() {
	sp := saturate(k.a[1]*saturate(2*k.r[1])>>15 + k.a[2]*saturate(2*k.r[2])>>15)
	sz := int32(0)
	for i := 6; i > 0; i-- {
		sz += k.b[i] * saturate(2*k.d[i]) >> 15
	}
	k.sz = saturate(sz)
	k.s = saturate(sp + k.sz)
}

// Encoder makes a stream of G.722 out of telephone sound.
type Encoder struct{ low, high band }

// NewEncoder returns an encoder at the beginning of a stream.
func NewEncoder() *Encoder {
	t := newTables()
	return &Encoder{low: low(t), high: high(t)}
}

// Encode returns the code of one sample.
func (e *Encoder) Encode(sample int16) byte {
	return e.quietHigh()<<6 | e.quantise(int32(sample)>>1)
}

// quantise codes a sample of the lower band.
func (e *Encoder) quantise(x int32) byte {
	k := &e.low
	difference := saturate(x - k.s)
	size := difference
	if size < 0 {
		size = ^size
	}
	levels, i := &k.q6, int32(1)
	for i < 30 && size >= levels[i]*k.det>>12 {
		i++
	}
	code := 62 - i // 61 … 32
	if difference < 0 {
		// 63, 62, then 31 … 4
		if code = 34 - i; i == 1 || i == 2 {
			code = 64 - i
		}
	}
	k.adapt(k.det*k.qm4[code>>2]>>15, k.wl[code>>2])
	return byte(code)
}

// quietHigh codes silence of the upper band, whose coder must go along.
func (e *Encoder) quietHigh() byte {
	k := &e.high
	difference := saturate(-k.s)
	size, sign := difference, byte(2)
	if size < 0 {
		size, sign = ^size, 0
	}
	code := sign | 1
	if size >= decideHigh*k.det>>12 {
		code = sign
	}
	k.adapt(k.det*k.qm2[code]>>15, k.wh[code])
	return code
}

// Decoder takes telephone sound out of a stream of G.722.
type Decoder struct{ low band }

// NewDecoder returns a decoder at the beginning of a stream.
func NewDecoder() *Decoder { return &Decoder{low: low(newTables())} }

// Decode returns the sample of a code; the upper band is left out.
func (d *Decoder) Decode(code byte) int16 {
	k := &d.low
	c := code & 0x3f
	sample := max(lowest, min(k.s+k.det*k.qm6[c]>>15, highest))
	k.adapt(k.det*k.qm4[c>>2]>>15, k.wl[c>>2])
	return int16(sample << 1)
}
