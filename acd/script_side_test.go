package acd

import "fmt"

// legs shows what another node would need of a call.
func (x *script) legs() {
	l, _ := x.s.Legs(x.arg("0"))
	fmt.Fprintf(&x.out, "caller %q agent %q\n", l.Caller, l.Agent)
	for _, o := range l.Sides {
		fmt.Fprintf(&x.out, "%s %s %q %s by %s\n", o.Agent, o.Role, o.Leg, o.Mode, o.By)
	}
	for _, o := range l.Others {
		fmt.Fprintf(&x.out, "%s %q %q\n", o.Name, o.Leg, o.About)
	}
}

// sideEvent reads the commands about agents beside the one who serves a call.
func (x *script) sideEvent() (Event, bool) {
	switch x.d.Cmd {
	case "place":
		return CallPlaced{
			Call: x.arg("0"), Node: "n1", Agent: x.arg("1"), To: x.arg("2"), Outside: x.arg("outside") != "",
			Leg: []byte(x.arg("leg")),
		}, true
	case "test":
		return TestPlaced{Call: x.arg("0"), Node: "n1", Trunk: x.arg("1"), To: x.arg("2"), By: "lead"}, true
	case "call":
		by := x.arg("by")
		if by == "" {
			by = "desk"
		}
		return AgentCalled{
			Call: x.arg("0"), Agent: x.arg("1"), Role: named[Role](x, x.arg("2")), By: by, For: x.ms(x.arg("for")),
			Mode: x.arg("mode"),
		}, true
	case "mode":
		return SupervisionChanged{Offer: x.offer(x.arg("0")), Mode: x.arg("1"), By: "desk"}, true
	case "hand-over":
		return CallHandedOver{Call: x.arg("0"), To: x.offer(x.arg("1")), By: SideAgent}, true
	case "requeue": // by whom: the call's latest offer, or the one that is named
		offer := x.arg("offer")
		if offer == "" {
			offer = x.arg("0")
		}
		return CallRequeued{
			Released: AgentReleased{Offer: x.offer(offer), By: SideAgent, Lost: x.arg("lost") != ""}, Queued: x.queued(),
		}, true
	case "join":
		return MemberJoined{Offer: x.offer(x.arg("0")), By: "desk"}, true
	case "talk":
		return TalkChanged{
			Offer: x.offer(x.arg("0")), Held: x.arg("held") != "", Muted: x.arg("muted") != "", By: "desk",
		}, true
	case "outside":
		return OutsideChanged{Call: x.arg("0"), Leg: 1, To: x.arg("1"), Role: RoleConsult, By: "desk", State: x.arg("2")}, true
	}
	return nil, false
}
