package loginstage

import "net/http"

// DefaultDeviceKeyPath is where [UserLogin.DeviceKeys] is mounted where
// [Config.DeviceKeyPath] does not say.
const DefaultDeviceKeyPath = "/mooring"

// DeviceKeys returns the endpoints by which browsers register and prove device
// keys, and the script for browsers that need one. The host mounts it at
// [Config.DeviceKeyPath] and a slash:
//
//	mux.Handle("/mooring/", login.DeviceKeys())
//
// It needs no Guard, and a Guard around it lets it be. What stands before it must
// not redirect, cache, rewrite or rate-limit these paths: a browser takes a 4xx for
// the end of its session and drops its key. It answers 503 where the store fails.
func (l *UserLogin) DeviceKeys() http.Handler {
	mux := http.NewServeMux()
	at := func(method, path string, handler http.HandlerFunc) {
		mux.HandleFunc(method+" "+l.config.DeviceKeyPath+path, handler)
	}
	at("GET", pageScript, l.serveScript)
	at("GET", pageState, l.pageState)
	at("POST", pageRegister, l.pageRegister)
	at("POST", pageProve, l.pageProve)
	at("POST", dbscRegister, l.registerDBSC)
	at("POST", dbscRefresh, l.refreshDBSC)
	return mux
}
