package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tierline/acd"
)

//nolint:cyclop,funlen // a table: one line for each kind
func kindOf(ev acd.Event) kind {
	switch ev.(type) {
	case acd.ConfigPublished:
		return kindConfigPublished
	case acd.AgentCommanded:
		return kindAgentCommanded
	case acd.PhoneRegistered:
		return kindPhoneRegistered
	case acd.PhoneUnregistered:
		return kindPhoneUnregistered
	case acd.CallArrived:
		return kindCallArrived
	case acd.CallStepped:
		return kindCallStepped
	case acd.CallQueued:
		return kindCallQueued
	case acd.QueueLeft:
		return kindQueueLeft
	case acd.CallOffered:
		return kindCallOffered
	case acd.OfferRang:
		return kindOfferRang
	case acd.OfferAnswered:
		return kindOfferAnswered
	case acd.OfferFailed:
		return kindOfferFailed
	case acd.AgentReleased:
		return kindAgentReleased
	case acd.CallEnded:
		return kindCallEnded
	case acd.NodeRestarted:
		return kindNodeRestarted
	case acd.TimePassed:
		return kindTimePassed
	case acd.CallMoved:
		return kindCallMoved
	case acd.AgentDisposed:
		return kindAgentDisposed
	case acd.CallbackRequested:
		return kindCallbackRequested
	case acd.CallbackReached:
		return kindCallbackReached
	case acd.CallbackMissed:
		return kindCallbackMissed
	case acd.CallbackCancelled:
		return kindCallbackCancelled
	case acd.AuthTried:
		return kindAuthTried
	case acd.AuthEnded:
		return kindAuthEnded
	case acd.AuthCleared:
		return kindAuthCleared
	case acd.CallSurveyed:
		return kindCallSurveyed
	case acd.CallRecorded:
		return kindCallRecorded
	case acd.CallTransferred:
		return kindCallTransferred
	case acd.RecordingMarked:
		return kindRecordingMarked
	case acd.RecordingUsed:
		return kindRecordingUsed
	case acd.CallPlaced:
		return kindCallPlaced
	case acd.AgentCalled:
		return kindAgentCalled
	case acd.CallHandedOver:
		return kindCallHandedOver
	case acd.MemberJoined:
		return kindMemberJoined
	case acd.TalkChanged:
		return kindTalkChanged
	case acd.OutsideChanged:
		return kindOutsideChanged
	case acd.CallRerouted:
		return kindCallRerouted
	case acd.SupervisionChanged:
		return kindSupervisionChanged
	case acd.NodeDown:
		return kindNodeDown
	case acd.NodeReady:
		return kindNodeReady
	case acd.AddressMoved:
		return kindAddressMoved
	case acd.LegChanged:
		return kindLegChanged
	case acd.OutwardTaken:
		return kindOutwardTaken
	case acd.OutwardLeft:
		return kindOutwardLeft
	case acd.TestPlaced:
		return kindTestPlaced
	case acd.CallRequeued:
		return kindCallRequeued
	}
	panic(fmt.Sprintf("cluster: %T has no number in the log format", ev))
}

//nolint:cyclop,funlen // a table: one line for each kind
func decodeEvent(k kind, body []byte) (acd.Event, error) {
	switch k {
	case kindBeyond:
	case kindConfigPublished:
		return parse[acd.ConfigPublished](body)
	case kindAgentCommanded:
		return parse[acd.AgentCommanded](body)
	case kindPhoneRegistered:
		return parse[acd.PhoneRegistered](body)
	case kindPhoneUnregistered:
		return parse[acd.PhoneUnregistered](body)
	case kindCallArrived:
		return parse[acd.CallArrived](body)
	case kindCallStepped:
		return parse[acd.CallStepped](body)
	case kindCallQueued:
		return parse[acd.CallQueued](body)
	case kindQueueLeft:
		return parse[acd.QueueLeft](body)
	case kindCallOffered:
		return parse[acd.CallOffered](body)
	case kindOfferRang:
		return parse[acd.OfferRang](body)
	case kindOfferAnswered:
		return parse[acd.OfferAnswered](body)
	case kindOfferFailed:
		return parse[acd.OfferFailed](body)
	case kindAgentReleased:
		return parse[acd.AgentReleased](body)
	case kindCallEnded:
		return parse[acd.CallEnded](body)
	case kindNodeRestarted:
		return parse[acd.NodeRestarted](body)
	case kindTimePassed:
		return parse[acd.TimePassed](body)
	case kindCallMoved:
		return parse[acd.CallMoved](body)
	case kindAgentDisposed:
		return parse[acd.AgentDisposed](body)
	case kindCallbackRequested:
		return parse[acd.CallbackRequested](body)
	case kindCallbackReached:
		return parse[acd.CallbackReached](body)
	case kindCallbackMissed:
		return parse[acd.CallbackMissed](body)
	case kindCallbackCancelled:
		return parse[acd.CallbackCancelled](body)
	case kindAuthTried:
		return parse[acd.AuthTried](body)
	case kindAuthEnded:
		return parse[acd.AuthEnded](body)
	case kindAuthCleared:
		return parse[acd.AuthCleared](body)
	case kindCallSurveyed:
		return parse[acd.CallSurveyed](body)
	case kindCallRecorded:
		return parse[acd.CallRecorded](body)
	case kindCallTransferred:
		return parse[acd.CallTransferred](body)
	case kindRecordingMarked:
		return parse[acd.RecordingMarked](body)
	case kindRecordingUsed:
		return parse[acd.RecordingUsed](body)
	case kindCallPlaced:
		return parse[acd.CallPlaced](body)
	case kindAgentCalled:
		return parse[acd.AgentCalled](body)
	case kindCallHandedOver:
		return parse[acd.CallHandedOver](body)
	case kindMemberJoined:
		return parse[acd.MemberJoined](body)
	case kindTalkChanged:
		return parse[acd.TalkChanged](body)
	case kindOutsideChanged:
		return parse[acd.OutsideChanged](body)
	case kindCallRerouted:
		return parse[acd.CallRerouted](body)
	case kindSupervisionChanged:
		return parse[acd.SupervisionChanged](body)
	case kindNodeDown:
		return parse[acd.NodeDown](body)
	case kindNodeReady:
		return parse[acd.NodeReady](body)
	case kindAddressMoved:
		return parse[acd.AddressMoved](body)
	case kindLegChanged:
		return parse[acd.LegChanged](body)
	case kindOutwardTaken:
		return parse[acd.OutwardTaken](body)
	case kindOutwardLeft:
		return parse[acd.OutwardLeft](body)
	case kindTestPlaced:
		return parse[acd.TestPlaced](body)
	case kindCallRequeued:
		return parse[acd.CallRequeued](body)
	}
	return nil, fmt.Errorf("event kind %d: %w", k, ErrNewer)
}

// parse is strict: a field it doesn't know was written by a newer release (the
// checksum was right), and leaving it out could make this node's state differ
// from the others'.
func parse[E acd.Event](body []byte) (acd.Event, error) {
	var ev E
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&ev); err != nil {
		return nil, fmt.Errorf("decode %T: %w: %w", ev, ErrNewer, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("decode %T: more than one value: %w", ev, ErrNewer)
	}
	return ev, nil
}
