package say

import (
	"fmt"
	"slices"
	"strings"
)

// zhUnits are the measure words of counts with their syllables.
func zhUnits() []word {
	return []word{
		{"个", "ge4"},
		{"位", "wei4"},
		{"条", "tiao2"},
		{"分", "fen1"},
		{"次", "ci4"},
		{"元", "yuan2"},
		{"天", "tian1"},
		{"小时", "xiao3shi2"},
		{"分钟", "fen1zhong1"},
		{"秒", "miao3"},
		{"年", "nian2"},
		{"个月", "ge4yue4"},
		{"月", "yue4"},
		{"周", "zhou1"},
		{"项", "xiang4"},
		{"张", "zhang1"},
		{"件", "jian4"},
		{"台", "tai2"},
		{"部", "bu4"},
		{"名", "ming2"},
		{"人", "ren2"},
		{"户", "hu4"},
		{"份", "fen4"},
		{"笔", "bi3"},
		{"封", "feng1"},
		{"家", "jia1"},
		{"级", "ji2"},
		{"期", "qi1"},
		{"点", "dian3"},
		{"页", "ye4"},
		{"本", "ben3"},
		{"套", "tao4"},
		{"种", "zhong3"},
		{"门", "men2"},
		{"只", "zhi1"},
		{"倍", "bei4"},
		{"度", "du4"},
		{"米", "mi3"},
		{"公里", "gong1li3"},
		{"公斤", "gong1jin1"},
		{"兆", "zhao4"},
		{"通", "tong1"},
		{"号", "hao4"},
		{"楼", "lou2"},
		{"岁", "sui4"},
		{"块", "kuai4"},
		{"路", "lu4"},
		{"单", "dan1"},
		{"起", "qi3"},
		{"把", "ba3"},
		{"层", "ceng2"},
		{"角", "jiao3"},
		{"两", "liang3"},
	}
}

func zhUnit(unit string) word {
	i := slices.IndexFunc(zhUnits(), func(w word) bool { return w.text == unit })
	return zhUnits()[i]
}

// ordinalUnit tells whether 2 before a unit stays 二: it numbers rather than
// counts, or would sound doubled.
func ordinalUnit(unit string) bool {
	return slices.Contains([]string{"月", "号", "楼", "两"}, unit)
}

// enUnits are what counts can be of: one, more.
func enUnits() [][2]string {
	units := [][2]string{{"person", "people"}, {"yuan", "yuan"}, {"fen", "fen"}, {"entry", "entries"}, {"copy", "copies"}}
	for _, regular := range []string{
		"account", "agent", "bill", "call", "caller", "card", "coupon", "customer", "day", "degree", "device", "floor",
		"gigabyte", "hour", "item", "kilometre", "level", "line", "megabyte", "message", "minute", "month", "number",
		"order", "package", "page", "payment", "period", "piece", "plan", "point", "second", "text message", "ticket",
		"time", "transaction", "unit", "user", "voucher", "week", "year",
	} {
		units = append(units, [2]string{regular, regular + "s"})
	}
	return units
}

// enUnit finds a unit by either of its forms.
func enUnit(unit string) (one, more string, ok bool) {
	for _, u := range enUnits() {
		if unit == u[0] || unit == u[1] {
			return u[0], u[1], true
		}
	}
	return "", "", false
}

// enFragment names the sound of an English word or two.
func enFragment(text string) string { return strings.ReplaceAll(text, " ", "-") }

// checkUnit refuses a unit that no sound is there for.
func checkUnit(lang, unit string) error {
	var known []string
	if lang == English {
		if _, _, ok := enUnit(unit); ok {
			return nil
		}
		for _, u := range enUnits() {
			known = append(known, u[1])
		}
	} else {
		for _, u := range zhUnits() {
			known = append(known, u.text)
		}
	}
	switch {
	case slices.Contains(known, unit):
		return nil
	case unit == "":
		return fmt.Errorf("a count needs a unit: %w", ErrUnknown)
	}
	return fmt.Errorf("unit %.60q: %w in %s (there are %s)", unit, ErrUnknown, lang, strings.Join(known, ", "))
}
