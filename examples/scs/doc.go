// Scs is a shop that has used github.com/alexedwards/scs all along, before and after it
// signs its users in with Mooring. It keeps its data, a basket, in scs and its users in
// Mooring. Run it from the root of the repository:
//
//	go run ./examples/scs
//	go run ./examples/scs -before
//
// What is in which file:
//
//	before.go  the shop as it was
//	after.go   the shop with Mooring
//	owned.go   whose the data in scs is: it follows its user through a sign-in, and ends with the session
//
// What it gains is in shop_test.go: a session that ends elsewhere takes its data with it.
package main
