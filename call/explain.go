package call

import "fmt"

// explainTry says in words why a call outward came to nothing, and what to look
// at.
func explainTry(t Try, r *TrialResult) string {
	if t.Trouble != "" {
		return fmt.Sprintf("%s: %s", t.Target, t.Trouble)
	}
	said := fmt.Sprintf("%s says %d %s: ", t.Target, t.Status, t.Reason)
	switch {
	case t.Status >= 300 && t.Status < 400:
		return said + "calls are sent elsewhere, which we don't follow"
	case t.Status == 401, t.Status == 407:
		return said + "it wants a password. Does the trunk have an account, with the realm of the challenge?"
	case t.Status == 403, t.Status == 603, t.Status == 606:
		return said + "it won't take this call. Does it know our address? May the trunk show " + shownAs(r.Shown) +
			", and call this number?"
	case t.Status == 404, t.Status == 484, t.Status == 604, t.Status == 410, t.Status == 416:
		return said + "it doesn't know the number as we write it, " + r.Called + ". See numbering.outward"
	case t.Status == 408, t.Status == 480, t.Status == 487:
		return said + "nobody answered in time; the trunk works as far as that"
	case t.Status == 486, t.Status == 600:
		return said + "the line is busy; the trunk works"
	case t.Status == 415, t.Status == 488:
		return said + "it takes none of our codecs, or wants another srtp"
	case t.Status == 422:
		return said + "it wants longer sessions: see session_timer"
	case t.Status == 503:
		return said + "it is out of service, or more calls than it sells us"
	}
	return said + "ask the carrier, with the time and the Call-ID of the log"
}

// shownAs is the number that a call shows.
func shownAs(from string) string {
	if from == anonymous || from == noCaller {
		return "no number"
	}
	return from
}
