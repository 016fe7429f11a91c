// Package loginstagetest lets the unit tests of a host application sign users in,
// move them about, and see what becomes of it: without a network, a browser, a
// database or a file.
//
// [New] makes a stage whose events are recorded, and that knows the places of
// package binding/bindingtest. [NewBrowser] makes a browser in Berlin that keeps
// cookies and moves between addresses. [Store] is a store that can be made to
// fail. All of it works inside [testing/synctest], where hours pass in no time.
// [RunAdapter] is for those who adapt package loginstage to a web framework, and uses
// the network. [Pairs] is for those who write a store.
//
// # A whole test
//
// The host's handler app(login) signs in any user who posts their name to /login, and
// shows / to users who are signed in:
//
//	func TestAbroadIsSignedOut(t *testing.T) {
//		stage := loginstagetest.New(t, loginstage.Config{GeoIPBinding: binding.GeoIPCountry})
//		browser := loginstagetest.NewBrowser(t, app(stage.UserLogin))
//
//		browser.PostForm("/login", url.Values{"user": {"ada"}})
//		require.Equal(t, http.StatusOK, browser.Get("/").StatusCode)
//
//		browser.MoveTo(bindingtest.Paris)
//		require.Equal(t, http.StatusUnauthorized, browser.Get("/").StatusCode)
//		require.Equal(t, binding.GeoIPCountryChanged, stage.Events.Last().Context.Binding.Reason)
//	}
//
// A browser with a DeviceKey registers and proves it by itself, and Clone makes a thief
// who has all its cookies and no key: see the package's examples.
//
// The first fact that does not hold is the reason, and the continent comes
// before the country: from Berlin, the way to Paris or London breaks
// geoip.country, and the way to Tokyo geoip.continent.
//
// # What stays compatible
//
// Names and behaviour, as of any package: hosts' tests go on compiling.
package loginstagetest
