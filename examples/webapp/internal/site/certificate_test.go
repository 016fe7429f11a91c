package site

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/loginstage"
)

func TestTheCertificateIsForWhereBrowsersGo(t *testing.T) {
	for host, also := range map[string]string{"": "localhost", "localhost": "::1", "app.test": "app.test", "192.0.2.7": "192.0.2.7"} {
		certificate, err := selfSigned(host)
		require.NoError(t, err)
		assert.NoError(t, certificate.Leaf.VerifyHostname(also))
		assert.NoError(t, certificate.Leaf.VerifyHostname("127.0.0.1"))
	}
}

func TestTLSTakesDeviceKeysByDefault(t *testing.T) {
	for args, want := range map[string]loginstage.DeviceKey{
		"": loginstage.DeviceKeyOff, "-tls": loginstage.DeviceKeyOffer,
	} {
		s, err := parseSettings(kinds, strings.Fields(args), io.Discard)
		require.NoError(t, err)
		assert.Equal(t, want, s.login.DeviceKey)
		assert.Equal(t, want != loginstage.DeviceKeyOff, s.login.Actions == binding.Always(binding.Prove))
	}
	s, err := parseSettings(kinds, strings.Fields("-tls -device-key=off"), io.Discard)
	require.NoError(t, err)
	assert.Equal(t, loginstage.DeviceKeyOff, s.login.DeviceKey)
	s, err = parseSettings(kinds, strings.Fields("-device-key=require"), io.Discard)
	require.NoError(t, err)
	assert.Equal(t, loginstage.DeviceKeyRequire, s.login.DeviceKey)
	_, err = parseSettings(kinds, strings.Fields("-tls -insecure-http"), io.Discard)
	assert.ErrorContains(t, err, "want one of it and -tls")
}

func TestTheCertificateIsAnnounced(t *testing.T) {
	a := openApp(t, "-tls")
	s, err := parseSettings(kinds, strings.Fields("-tls"), io.Discard)
	require.NoError(t, err)
	var out bytes.Buffer
	announce(&out, s, s.origin(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8443}), "somewhere", a.certificate)
	assert.Contains(t, out.String(), "https://localhost:8443/")
	assert.Contains(t, out.String(), "--ignore-certificate-errors-spki-list="+spki(a.certificate))
}
