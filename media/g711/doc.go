// Package g711 converts between linear samples and the two codecs of the
// telephone network.
//
// # What it owns
//
// ITU-T G.711 A-law (PCMA) and µ-law (PCMU): encoding, decoding and the direct
// conversion between the two by tables 3 and 4 of the recommendation.
//
// # What it does not own
//
// Files (wav), packets (rtp), or the choice of a codec (SDP negotiation).
//
// # The rule
//
// Linear samples are 16 bits, as sound files have them; the algorithms are
// those of ITU-T G.191, so results equal the reference software bit by bit.
// Where the recommendation's conversion table and decode-then-encode differ
// (ties between two neighbours), the table wins.
//
// # Concurrency
//
// Pure functions and constants.
package g711
