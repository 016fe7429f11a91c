package useragent_test

import (
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage/useragent"
)

const (
	apple   = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
	blink   = "AppleWebKit/537.36 (KHTML, like Gecko)"
	windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
	android = "Mozilla/5.0 (Linux; Android 10; K) "
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) "
)

func TestName(t *testing.T) {
	for agent, want := range map[string]string{
		windows + blink + " Chrome/141.0.0.0 Safari/537.36":                                       "Chrome on Windows",
		windows + blink + " Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0":                         "Edge on Windows",
		windows + blink + " Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0":                         "Opera on Windows",
		windows + blink + " Chrome/138.0.0.0 Safari/537.36 Vivaldi/7.5.3735.54":                   "Vivaldi on Windows",
		"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko":                   "Internet Explorer on Windows",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                  "Firefox on Linux",
		"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":          "Firefox on Linux",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + blink + " Chrome/141.0.0.0 Safari/537.36":   "Chrome on ChromeOS",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0":    "Firefox on macOS",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + apple + " Version/26.0 Safari/605.1": "Safari on macOS",
		iphone + apple + " Version/26.0 Mobile/15E148 Safari/604.1":                               "Safari on iPhone",
		iphone + apple + " CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1":                        "Chrome on iPhone",
		iphone + apple + " FxiOS/144.0 Mobile/15E148 Safari/605.1.15":                             "Firefox on iPhone",
		"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) " + apple + " Version/18.6 Safari/604.1":   "Safari on iPad",
		android + blink + " Chrome/141.0.0.0 Mobile Safari/537.36":                                "Chrome on Android",
		android + blink + " Chrome/141.0.0.0 Mobile Safari/537.36 EdgA/141.0.0.0":                 "Edge on Android",
		android + blink + " SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":            "Samsung Internet on Android",
		"Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0":                    "Firefox on Android",
		"":                   "",
		" ":                  "",
		"curl/8.9.1":         "",
		"Go-http-client/2.0": "",
		"MyBank/3.2":         "",
		"\xff\x00\u202e":     "",
		`"Chromium";v="141", "Not?A_Brand";v="8"`: "Chrome", // a client hint in its place
	} {
		t.Run(agent, func(t *testing.T) { assert.Equal(t, want, useragent.Name(agent)) })
	}
}

func TestNameIsSafeForConcurrentUse(t *testing.T) {
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 100 {
				assert.Equal(t, "Chrome on Android", useragent.Name(android+blink+" Chrome/141.0.0.0 Mobile Safari/537.36"))
			}
		})
	}
	running.Wait()
}

// Whatever a client says, its name is one of the parser's words.
func FuzzName(f *testing.F) {
	for _, agent := range []string{
		"", windows + blink + " Chrome/141.0.0.0 Safari/537.36", iphone + apple + " Version/26.0 Safari/604.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "curl/8", "Firefox/\u202e1.0", "Version/Version/Version/",
		`"Chromium";v="141", "Not?A_Brand";v="8"`, strings.Repeat("Mozilla/5.0 (", 1000), "\xff\xfe", strings.Repeat("9", 100) + "." + strings.Repeat("9.", 100),
		"Chrome/" + strings.Repeat("1", 100),
	} {
		f.Add(agent)
	}
	f.Fuzz(func(t *testing.T, agent string) {
		name := useragent.Name(agent)
		require.LessOrEqual(t, len(name), 64, "%q", name)
		for _, r := range name {
			require.True(t, r == ' ' || (r < unicode.MaxASCII && unicode.IsLetter(r)), "%q", name)
		}
	})
}

func BenchmarkName(b *testing.B) {
	for name, agent := range map[string]string{
		"chrome":  windows + blink + " Chrome/141.0.0.0 Safari/537.36",
		"hostile": strings.Repeat("Mozilla/5.0 (Chrome/", 26)[:512],
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				useragent.Name(agent)
			}
		})
	}
}
