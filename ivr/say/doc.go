// Package say reads values out: numbers, money, dates, times, telephone
// numbers, in Chinese (mainland) and English.
//
// # What it owns
//
// The grammar of a reading: the text as people write it, and the sounds it is
// made of. Where zeros are spoken, 两 or 二, 幺 or 一, which tone 一 takes,
// "oh five", singular and plural. The list of all fragments a language has.
//
// # What it does not own
//
// The sounds (the prompt pack), playing them (call), which value is read when
// (ivr).
//
// # The rule
//
// A value is text in its canonical form and is parsed strictly: what can't be
// read for certain is an error, never a guess. No floats: an amount is read
// digit by digit as it stands. A reading parses back to the value it was made
// of.
//
// # Concurrency
//
// Everything is a pure function.
//
// # Words
//
// Reading: a value in words. Fragment: one recorded piece of a reading, in
// Chinese named by its syllables and tones (yi4, xiao3shi2), in English by its
// word. Section: four digits of a Chinese number (个, 万, 亿). Unit: the measure
// word of a count.
package say
