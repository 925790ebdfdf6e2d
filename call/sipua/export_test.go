package sipua

// Age is how long a datagram waited.
var Age = age
