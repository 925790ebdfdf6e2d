package media

import (
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errTaken says that somebody else has one of the two ports.
var errTaken = errors.New("port taken")

// Receive buffers: 1.5 s of RTP even by the kernel's generous accounting, so
// that a flood costs no more memory than that.
const (
	rtpBuffer  = 64 << 10
	rtcpBuffer = 8 << 10
)

// expedited is DSCP EF, what telephone speech is marked with (RFC 3246).
const expedited = 46 << 2

// openPair binds an even port for RTP and the one after it for RTCP.
func openPair(ip netip.Addr, port int, shared bool) (rtpFD, rtcpFD int, err error) {
	rtpFD, err = openSocket(ip, port, rtpBuffer, shared)
	if err != nil {
		return 0, 0, err
	}
	rtcpFD, err = openSocket(ip, port+1, rtcpBuffer, shared)
	if err != nil {
		return 0, 0, errors.Join(err, unix.Close(rtpFD))
	}
	return rtpFD, rtcpFD, nil
}

func openSocket(ip netip.Addr, port, buffer int, shared bool) (fd int, err error) {
	family := unix.AF_INET
	if ip.Is6() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("make socket: %w", err)
	}
	if shared { // the newest gets what comes, also beside one whose process stands still
		if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return 0, errors.Join(fmt.Errorf("share address: %w", err), unix.Close(fd))
		}
	}
	err = setUp(fd, ip, port, buffer)
	if errors.Is(err, unix.EADDRINUSE) {
		err = fmt.Errorf("%w: %w", errTaken, err)
	}
	if err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

func setUp(fd int, ip netip.Addr, port, buffer int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
		return fmt.Errorf("set receive buffer: %w", err)
	}
	if ip.Is4() {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, expedited); err != nil {
			return fmt.Errorf("set DSCP: %w", err)
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: ip.As4()})
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, expedited); err != nil {
		return fmt.Errorf("set traffic class: %w", err)
	}
	return unix.Bind(fd, &unix.SockaddrInet6{Port: port, Addr: ip.As16()})
}

// sockaddr is an address as the kernel wants it.
type sockaddr struct {
	raw  unix.RawSockaddrInet6 // large enough for both families
	size uint32
	is   netip.AddrPort
}

func makeSockaddr(a netip.AddrPort) (s sockaddr) {
	s.is = a
	port := a.Port()<<8 | a.Port()>>8 // network byte order on a little-endian machine
	if bigEndian() {
		port = a.Port()
	}
	switch {
	case !a.IsValid():
	case a.Addr().Is4():
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.raw))
		v4.Family, v4.Port, v4.Addr = unix.AF_INET, port, a.Addr().As4()
		s.size = unix.SizeofSockaddrInet4
	default:
		s.raw.Family, s.raw.Port, s.raw.Addr = unix.AF_INET6, port, a.Addr().As16()
		s.size = unix.SizeofSockaddrInet6
	}
	return s
}

// addrPort is the inverse for what recvfrom wrote.
func (s *sockaddr) addrPort() netip.AddrPort {
	port := s.raw.Port<<8 | s.raw.Port>>8
	if bigEndian() {
		port = s.raw.Port
	}
	if s.raw.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.raw))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(s.raw.Addr).Unmap(), port)
}

func bigEndian() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 0
}

// receive reads one datagram without waiting; -1 if there is none. The socket
// is not blocking, so the call needs none of the scheduler's care for system
// calls, which would cost as much as the call.
func receive(fd int, b []byte, from *sockaddr) int {
	from.size = uint32(unsafe.Sizeof(from.raw))
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM,
		uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT,
		uintptr(unsafe.Pointer(&from.raw)), uintptr(unsafe.Pointer(&from.size)))
	if errno != 0 {
		return -1
	}
	return int(n)
}

// transmit sends one datagram without waiting.
func transmit(fd int, b []byte, to *sockaddr) bool {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO,
		uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT,
		uintptr(unsafe.Pointer(&to.raw)), uintptr(to.size))
	return errno == 0
}
