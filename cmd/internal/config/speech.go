package config

import (
	"net/url"
	"strings"
	"time"
)

// Speech is an engine that speaks texts: a program or a server.
type Speech struct {
	Command   []string      `mapstructure:"command"`
	URL       string        `mapstructure:"url"`
	JSON      bool          `mapstructure:"json"`
	TokenFile string        `mapstructure:"token_file"`
	Pinyin    bool          `mapstructure:"pinyin"`
	Version   string        `mapstructure:"version"`
	Timeout   time.Duration `mapstructure:"timeout"`
}

func (s Speech) validate(c *checker, path string) {
	language := strings.TrimPrefix(path, "speech.")
	c.check(isSourceName(language), path, "%q is no language such as zh", language)
	c.check((len(s.Command) > 0) != (s.URL != ""), path, "needs either command or url")
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		isWeb := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
		c.check(isWeb, path+".url", "is no address such as http://127.0.0.1:5500/speak; a secret goes into token_file")
	}
	c.check(s.TokenFile == "" || s.URL != "", path+".token_file", "is for an engine with url")
	c.check(!s.JSON || s.URL != "", path+".json", "is for an engine with url")
	c.check(s.Timeout >= 0, path+".timeout", "%s is negative", s.Timeout)
}

// speechReference is the part of the reference about engines.
func speechReference() string {
	var b strings.Builder
	b.WriteString("\n## Speech\n\nWhat speaks texts that nobody has recorded (`tts` in a prompt; `tierline prompts " +
		"build --config`), by language. An engine that takes longer than 300 ms\ngoes on for the next caller; this one " +
		"hears the prompt that stands in for the text. It stands in the file only; without\nan engine the " +
		"stand-in is always heard.\n\n" +
		"| Setting | Meaning |\n|---|---|\n")
	for _, row := range [][2]string{
		{"command", "Program and arguments; it gets the text on standard input and writes a WAV file to standard output"},
		{"url", "Server that the text is posted to and that answers with a WAV file; `{language}` is replaced"},
		{"json", "`true`: posts `{\"text\": …, \"language\": …}` in place of plain text"},
		{"token_file", "File with a bearer token for `url`. Nobody but the owner may read it"},
		{"pinyin", "`true`: `tierline prompts build` gives it the pinyin of Chinese prompts that have one"},
		{"version", "Changes when the voice does, so that no old sound is played"},
		{"timeout", "How long the engine may take in the background; 10s if not given"},
	} {
		b.WriteString("| `speech.LANGUAGE." + row[0] + "` | " + row[1] + " |\n")
	}
	b.WriteString("\n```yaml\n# tierline.yaml\nspeech:\n" +
		"  zh: {command: [espeak-ng, -v, cmn-latn-pinyin+f3, --stdin, --stdout], pinyin: true}\n" +
		"  en: {url: \"http://127.0.0.1:5500/speak?voice={language}\", version: \"2026-11\"}\n```\n")
	return b.String()
}
