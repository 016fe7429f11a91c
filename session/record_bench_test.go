package session_test

import (
	"testing"

	"github.com/mooring-go/mooring/session"
)

func BenchmarkDecodeRecord(b *testing.B) {
	text := golden(b, "v1-session")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := session.DecodeRecord(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeRecord(b *testing.B) {
	s, err := session.DecodeRecord(golden(b, "v1-session"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := session.EncodeRecord(s); err != nil {
			b.Fatal(err)
		}
	}
}
