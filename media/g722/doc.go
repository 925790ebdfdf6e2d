// Package g722 is the wideband codec of many desk phones, as far as a switch
// of 8 kHz needs it: ITU-T G.722 at 64 kbit/s.
//
// # What it owns
//
// Between G.722 and sound sampled at 8 kHz. G.722 splits its 16 kHz into two
// bands and codes each at 8 kHz: the lower one is telephone sound, made and
// taken here without the filters; what is made has nothing in the upper band.
//
// # What it does not own
//
// Wideband sound: two phones that both speak G.722 hear it because their
// packets pass through untouched.
//
// # The rule
//
// A byte of G.722 is 125 µs, as one of G.711 is: a packet is converted in its
// place. Both sides of a stream adapt by what was sent, so there is one Encoder
// or Decoder for a stream; after a gap they find each other within
// milliseconds.
//
// # Concurrency
//
// None: an Encoder or Decoder belongs to one stream.
package g722
