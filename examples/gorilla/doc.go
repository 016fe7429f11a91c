// Gorilla is a shop that has used github.com/gorilla/sessions all along, before
// and after it signs its users in with Mooring. Read shop.go: before and after
// stand next to each other, and the basket, which shares the gorilla session, is
// the same in both. Run it from the root of the repository:
//
//	go run ./examples/gorilla
//
// What it gains is in shop_test.go: a copied cookie is worth nothing after a
// sign-out, or abroad.
package main
