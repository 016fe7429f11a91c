// Unittest is a small application whose handler is tested with
// loginstage/loginstagetest, without a network, a database or a browser. What
// there is to read is notes_test.go. It runs all the same, from the root of the
// repository:
//
//	go run ./examples/unittest
package main
