// Package emodel estimates how a telephone call sounds from what RTP and RTCP
// tell of its network.
//
// # What it owns
//
// The E-model of ITU-T G.107, reduced to what a switch can know: the rating
// factor R from packet loss and delay, and the mean opinion score (MOS) that
// listeners would give.
//
// # What it does not own
//
// Counting packets (rtp.Reception), round-trip times (rtcp), and who is told of
// a bad call.
//
// # The rule
//
// All that the E-model has and we don't measure (loudness, room noise, echo,
// what the far telephone's circuits do) has its default, for which G.107 gives
// R = 93.2. From that are taken
//
//	Id     = 0.024 d + 0.11 (d - 177.3) for d > 177.3, else 0.024 d
//	Ie,eff = Ie + (95 - Ie) · Ppl / (Ppl/BurstR + Bpl)
//
// where d is the delay in ms from mouth to ear, Ppl the packets lost in per
// cent, BurstR = 1 (losses at random), and Ie and Bpl are the codec's of ITU-T
// G.113 Appendix I: 0 and 25.1 for G.711 with concealment of losses, which any
// telephone of today has. Id is the usual straight-line form of the curve in
// G.107 (R. Cole and J. Rosenbluth, Voice over IP performance monitoring, 2001).
// MOS follows from R by G.107 Annex B:
//
//	MOS = 1 + 0.035 R + R (R - 60) (100 - R) · 7·10⁻⁶
//
// G.722 and Opus are taken like G.711: the figure says what the network does to
// a call, not how good its codec is, and legs can be compared.
//
// # Concurrency
//
// Pure functions.
package emodel
