package config

import "strings"

// Account is what a carrier knows us by. The password itself stands in a file
// or a variable, never in the settings.
type Account struct {
	Realm        string `mapstructure:"realm"`
	Username     string `mapstructure:"username"`
	PasswordFile string `mapstructure:"password_file"`
	PasswordEnv  string `mapstructure:"password_env"`
}

func (a Account) validate(c *checker, path string) {
	name := strings.TrimPrefix(path, "accounts.")
	c.check(isSourceName(name), path, "%q is no name: lower-case letters, digits, - and _, at most 64", name)
	c.check(isQuotable(a.Realm), path+".realm", "must be the text that the carrier's challenge names")
	c.check(isQuotable(a.Username), path+".username", "must be a name, without quotes")
	c.check((a.PasswordFile == "") != (a.PasswordEnv == ""), path, "needs either password_file or password_env")
}

// isQuotable tells what may stand between quotes in a SIP header as it is.
func isQuotable(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r > '~' || r == '"' || r == '\\'
	})
}

// accountReference is the part of the reference about accounts.
func accountReference() string {
	var b strings.Builder
	b.WriteString("\n## Accounts\n\nWhat a carrier that asks for a digest (401, 407) knows us by, by the name that " +
		"`account` of a trunk gives. Challenges of the realm are\nanswered, those of any other are not. They stand in " +
		"the file only.\n\n| Setting | Meaning |\n|---|---|\n")
	for _, row := range [][2]string{
		{"realm", "The realm of the carrier's challenges, exactly"},
		{"username", "Who we are"},
		{"password_file", "File with the password. Nobody but the owner may read it"},
		{"password_env", "Environment variable with the password, in place of a file"},
	} {
		b.WriteString("| `accounts.NAME." + row[0] + "` | " + row[1] + " |\n")
	}
	b.WriteString("\n```yaml\n# tierline.yaml\naccounts:\n" +
		"  carrier: {realm: ims.example.net, username: \"057187650000\", " +
		"password_file: /etc/tierline/carrier.password}\n```\n")
	return b.String()
}
