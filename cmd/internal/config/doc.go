// Package config reads the settings of one node: addresses, directories, RTP
// ports, log level.
//
// # What it owns
//
// The typed [Settings] with their defaults, their sources (file, environment
// TIERLINE_…, flags; the later wins), their check, and the reference table in
// docs/reference/settings.md, which is written from the same struct.
//
// # What it does not own
//
// Service documents (trunks, numbers, flows, queues, agents): those belong to
// the cluster, not to a node, and are read strictly by package call/service.
//
// # The rule
//
// This is the only importer of viper, with one instance for each Load and no
// watching. Settings are decoded once into the struct; an unknown key is an
// error; all mistakes are told at once, each with its path.
//
// # Concurrency
//
// None: settings are read at the start and never change.
package config
