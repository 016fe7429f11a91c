package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"sync"
)

// sealed is the text of a token as it is held in memory: enciphered, since package fmt
// and others like it print what is in a struct. They call none of its methods where it
// is in an unexported field, for a verb that does not suit (%w, %p, %t), or behind a
// pointer. It is comparable: one text has one sealed form in a process.
type sealed [3 * aes.BlockSize]byte

// sealing has a key of the process's own, which is kept nowhere else. Each block of a
// token holds 66 or more random bits, so that no two are alike and a block tells
// nothing, also to those who know other tokens.
var sealing = func() cipher.Block {
	var key [32]byte
	rand.Read(key[:])                   // never fails: see crypto/rand
	block, err := aes.NewCipher(key[:]) // fails for keys of another length
	if err != nil {
		panic(err)
	}
	return block
}()

// buffers spare a request the allocation that a call of a [cipher.Block] takes.
var buffers = sync.Pool{New: func() any { return new(sealed) }}

// seal returns the sealed form of a text of tokenLen bytes.
func seal(text string) sealed {
	b := buffers.Get().(*sealed)
	defer b.release()
	copy(b[:], text)
	for i := 0; i < len(b); i += aes.BlockSize {
		sealing.Encrypt(b[i:], b[i:])
	}
	return *b
}

// open returns the text.
func (s sealed) open() string {
	b := buffers.Get().(*sealed)
	defer b.release()
	*b = s
	for i := 0; i < len(b); i += aes.BlockSize {
		sealing.Decrypt(b[i:], b[i:])
	}
	return string(b[:tokenLen])
}

// release leaves nothing of a text behind.
func (s *sealed) release() {
	clear(s[:])
	buffers.Put(s)
}
