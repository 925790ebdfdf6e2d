package keying

import "testing"

// Names and lengths stand in RFC 4568 §6.2, RFC 6188 §3 and RFC 7714 §14.
func TestSuitesHaveTheirRegisteredNamesAndSizes(t *testing.T) {
	for name, want := range map[string]int{
		"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30,
		"AES_256_CM_HMAC_SHA1_80": 46, "AES_256_CM_HMAC_SHA1_32": 46,
		"AEAD_AES_128_GCM": 28, "aead_aes_256_gcm": 44,
	} {
		s := Parse(name)
		if s == None || s.Size() != want {
			t.Errorf("%s is %v with %d bytes, want %d", name, s, s.Size(), want)
		}
	}
	for _, name := range []string{"", "none", "F8_128_HMAC_SHA1_80"} {
		if s := Parse(name); s != None {
			t.Errorf("%q is %v", name, s)
		}
	}
	if None.Size() != 0 || suites.Size() != 0 {
		t.Error("what is no suite has a size")
	}
}
