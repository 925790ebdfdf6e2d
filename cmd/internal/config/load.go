package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"
)

// prefix begins the names of environment variables.
const prefix = "TIERLINE"

// Register adds the flags of all settings, and --config, to a command.
func Register(cmd *cobra.Command) {
	cmd.Flags().String("config", "", "settings file (YAML); environment "+prefix+"_CONFIG")
	for _, l := range leaves() {
		cmd.Flags().String(l.flag, "", l.doc+" (default "+quoted(l.value)+")")
	}
}

// Load returns the settings of a command whose flags were registered and
// parsed. All mistakes come at once, as a MistakesError. Warnings name
// environment variables that look like settings and are none: they may belong
// to something else (Kubernetes makes such names for a service called
// tierline), so they stop nothing.
func Load(cmd *cobra.Command) (s Settings, warnings []string, err error) {
	v := viper.New()
	v.SetEnvPrefix(prefix)
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	for _, l := range leaves() {
		v.SetDefault(l.path, l.value)
		if err = v.BindPFlag(l.path, cmd.Flags().Lookup(l.flag)); err != nil {
			return Settings{}, nil, fmt.Errorf("bind the flag %s: %w", l.flag, err)
		}
	}
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return Settings{}, nil, fmt.Errorf("read the flag config: %w", err)
	}
	if file == "" {
		file = os.Getenv(prefix + "_CONFIG")
	}
	if file != "" {
		v.SetConfigFile(file)
		v.SetConfigType("yaml")
		if err = v.ReadInConfig(); err != nil {
			return Settings{}, nil, fmt.Errorf("read the settings %s: %w", file, err)
		}
	}
	s, err = decode(v)
	if err != nil && file != "" {
		err = fmt.Errorf("settings %s:\n%w", file, err)
	}
	return s, strangers(os.Environ()), err
}

// File returns the settings that stand in a file; with an empty name those of
// the environment.
func File(name string) (Settings, error) {
	cmd := &cobra.Command{}
	Register(cmd)
	if err := cmd.Flags().Set("config", name); err != nil {
		return Settings{}, fmt.Errorf("set the flag config: %w", err)
	}
	s, _, err := Load(cmd)
	return s, err
}

// decode reports what can't be decoded together with what Validate finds in
// the rest.
func decode(v *viper.Viper) (Settings, error) {
	var s Settings
	var found MistakesError
	if err := v.UnmarshalExact(&s, viper.DecodeHook(convert)); err != nil {
		found = mistakes(err)
	}
	var more MistakesError
	errors.As(s.Validate(), &more)
	undecoded := found
	for _, m := range more { // what was not decoded is empty, which is no second mistake
		if !slices.ContainsFunc(undecoded, func(f Mistake) bool { return strings.HasPrefix(m.Path, f.Path) }) {
			found = append(found, m)
		}
	}
	if len(found) > 0 {
		return Settings{}, found
	}
	return s, nil
}

// convert turns values into the types that settings have, and says in plain
// words why it can't. Its signature is what the decoder behind viper expects.
func convert(from, to reflect.Type, value any) (any, error) {
	if from == to {
		return value, nil
	}
	text := fmt.Sprint(value)
	switch to {
	case reflect.TypeFor[time.Duration]():
		return parsed(text, "duration (30s, 5m, 1h)", time.ParseDuration)
	case reflect.TypeFor[netip.Addr]():
		return parsed(text, "IP address", netip.ParseAddr)
	case reflect.TypeFor[netip.AddrPort]():
		return address(text)
	case reflect.TypeFor[int]():
		return parsed(text, "whole number", strconv.Atoi)
	case reflect.TypeFor[bool]():
		return parsed(text, "yes or no (true, false)", strconv.ParseBool)
	}
	if from.Kind() == reflect.String {
		switch to {
		case reflect.TypeFor[[]Listen]():
			return listeners(text)
		case reflect.TypeFor[Listen]():
			return listen(text)
		case reflect.TypeFor[[]netip.AddrPort]():
			return servers(text)
		case reflect.TypeFor[[]string]():
			return words(text), nil
		}
	}
	if to.Kind() == reflect.Struct && from.Kind() != reflect.Map {
		return nil, fmt.Errorf("%q stands where settings with names should be", text)
	}
	return value, nil
}

func parsed[T any](text, what string, parse func(string) (T, error)) (any, error) {
	v, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no %s", text, what)
	}
	return v, nil
}

func listeners(text string) ([]Listen, error) {
	var all []Listen
	for part := range strings.SplitSeq(text, ",") {
		l, err := listen(part)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func servers(text string) ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		a, err := address(part)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// words splits a list as it is written in flags.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func listen(text string) (Listen, error) {
	transport, addr, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok {
		return Listen{}, fmt.Errorf("%q is no listener (udp:127.0.0.1:5060)", text)
	}
	a, err := address(addr)
	return Listen{Transport: transport, Address: a}, err
}

func address(text string) (a netip.AddrPort, err error) {
	if a, err = netip.ParseAddrPort(text); err != nil {
		err = fmt.Errorf("%q is no address with a port (127.0.0.1:5060)", text)
	}
	return a, err
}

// mistakes takes the decoder's error apart.
func mistakes(err error) (found MistakesError) {
	var list interface{ Unwrap() []error }
	if errors.As(err, &list) {
		for _, e := range list.Unwrap() {
			found = append(found, mistakes(e)...)
		}
		return found
	}
	var named interface {
		error
		Name() string
		Unwrap() error
	}
	if !errors.As(err, &named) {
		return MistakesError{{Path: "settings", Text: err.Error()}}
	}
	text := named.Unwrap().Error()
	at := regexp.MustCompile(`\[([a-z][a-z0-9_-]*)\]`).ReplaceAllString(named.Name(), ".$1") // of a map
	keys, unknown := strings.CutPrefix(text, "has invalid keys: ")
	if !unknown {
		return MistakesError{{Path: at, Text: text}}
	}
	for key := range strings.SplitSeq(keys, ", ") {
		path := strings.TrimPrefix(at+"."+key, ".")
		found = append(found, Mistake{Path: path, Text: "there is no such setting" + similar(path)})
	}
	return found
}

// similar suggests the setting that was perhaps meant.
func similar(path string) string {
	best, least := "", 4
	for _, l := range leaves() {
		if d := distance(path, l.path); d < least {
			best, least = l.path, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance counts the letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			step := corner
			if a[i] != b[j] {
				step++
			}
			corner = row[j+1]
			row[j+1] = min(step, corner+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// strangers returns the variables that begin like a setting and are none.
func strangers(environ []string) (warnings []string) {
	known := map[string]bool{
		prefix + "_CONFIG": true, prefix + "_SERVER": true, prefix + "_CA": true, prefix + "_TOKEN": true,
	}
	for _, l := range leaves() {
		known[l.env()] = true
	}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, prefix+"_") && !known[name] {
			warnings = append(warnings, "the environment variable "+name+" is no setting")
		}
	}
	slices.Sort(warnings)
	return warnings
}

// leaf is one setting.
type leaf struct {
	path, flag, doc string
	value           any // default
}

func (l leaf) env() string {
	return prefix + "_" + strings.ToUpper(strings.ReplaceAll(l.path, ".", "_"))
}

func leaves() []leaf { return walk("", reflect.ValueOf(Defaults())) }

func walk(path string, v reflect.Value) (found []leaf) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		p := strings.TrimPrefix(path+"."+f.Tag.Get("mapstructure"), ".")
		if v.Field(i).Kind() == reflect.Struct && f.Type.PkgPath() == v.Type().PkgPath() { // one of our sections
			found = append(found, walk(p, v.Field(i))...)
			continue
		}
		if f.Type.Kind() == reflect.Map { // its names are the operator's: no flags
			continue
		}
		flag := f.Tag.Get("flag")
		if flag == "" {
			flag = strings.NewReplacer(".", "-", "_", "-").Replace(p)
		}
		found = append(found, leaf{path: p, flag: flag, doc: meanings()[p], value: v.Field(i).Interface()})
	}
	return found
}

// quoted writes a default as one would write it in a flag.
func quoted(value any) string {
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case []netip.AddrPort:
		parts := make([]string, len(v))
		for i, a := range v {
			parts[i] = a.String()
		}
		return strings.Join(parts, ",")
	case []string:
		return strings.Join(v, ",")
	case []Listen:
		parts := make([]string, len(v))
		for i, l := range v {
			parts[i] = l.String()
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(value)
}
