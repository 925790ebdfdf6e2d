package routing

import (
	"fmt"
	"slices"
	"strings"
)

// Tier is a customer's value class. A greater tier is served with a greater
// head start; the order of the constants is part of the log format.
type Tier uint8

// Customer tiers.
const (
	Standard Tier = iota
	Silver
	Gold
	Diamond
)

// TierCount is the number of tiers.
const TierCount = 4

// Tiers lists every tier from the most to the least valuable.
func Tiers() [TierCount]Tier { return [TierCount]Tier{Diamond, Gold, Silver, Standard} }

// String returns the tier's name as documents, the API and reports spell it.
func (t Tier) String() string {
	switch t {
	case Standard:
		return "standard"
	case Silver:
		return "silver"
	case Gold:
		return "gold"
	case Diamond:
		return "diamond"
	}
	return fmt.Sprintf("tier(%d)", uint8(t))
}

// ParseTier is the inverse of String.
func ParseTier(s string) (Tier, error) {
	for _, t := range Tiers() {
		if s == t.String() {
			return t, nil
		}
	}
	return Standard, fmt.Errorf("%q is no tier (diamond, gold, silver, standard)", s)
}

// MarshalText implements encoding.TextMarshaler.
func (t Tier) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Tier) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTier(string(b))
	return err
}

// Skill names something an agent can do, for example "billing" or "lang.en".
type Skill string

// Level says how well an agent has a skill: 1 (beginner) to 10 (expert);
// 0 means not at all.
type Level uint8

// MaxLevel is the best level.
const MaxLevel Level = 10

// SkillLevel is one skill of one agent. Lists of them are sorted by skill, so
// that replicated code never ranges over a map.
type SkillLevel struct {
	Skill Skill `json:"skill"`
	Level Level `json:"level"`
}

// LevelOf returns the level of a skill in a sorted list, 0 if it is absent.
func LevelOf(skills []SkillLevel, s Skill) Level {
	i, ok := slices.BinarySearchFunc(skills, s, func(a SkillLevel, s Skill) int {
		return strings.Compare(string(a.Skill), string(s))
	})
	if !ok {
		return 0
	}
	return skills[i].Level
}

// Mask hides four digits of a telephone number for logs: 138****5678.
func Mask(number string) string {
	if len(number) < 8 {
		return number
	}
	return number[:len(number)-8] + "****" + number[len(number)-4:]
}
