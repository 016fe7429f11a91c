package main

import "runtime/debug"

// version returns the version that the go command built this command from:
// v0.1.0 after go install …@v0.1.0, and (devel) in a clone of the repository.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
