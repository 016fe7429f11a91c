package engine

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Chromium is the engine of Chrome, Edge, Opera and others. It alone has
// device-bound session credentials.
type Chromium struct{}

// Name returns "chromium".
func (Chromium) Name() string { return "chromium" }

// Missing returns "chromium" where none of the programs is installed.
func (c Chromium) Missing() string {
	if c.program() == "" {
		return "chromium"
	}
	return ""
}

func (Chromium) program() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	return ""
}

// Start starts a Chromium without a window.
func (c Chromium) Start(ctx context.Context, settings Settings) (Browser, error) {
	args := []string{
		"--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
		"--user-data-dir=" + settings.Profile,
		"--ignore-certificate-errors-spki-list=" + settings.SPKI,
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // root cannot have one
	}
	if settings.NoPageCache {
		args = append(args, "--disable-features=BackForwardCache")
	}
	if settings.DBSC {
		// Off Windows and macOS Chromium has no place for keys but software, and only
		// for tests. The quota of signatures is for sites; one test needs more.
		args = append(args, "--enable-features=DeviceBoundSessions:RefreshQuota/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting")
	}
	portFile := filepath.Join(settings.Profile, "DevToolsActivePort")
	if err := os.Remove(portFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	process, err := start(ctx, nil, c.program(), append(args, "about:blank")...)
	if err != nil {
		return nil, err
	}
	address := ""
	err = poll(ctx, "Chromium", func() (bool, error) {
		text, err := os.ReadFile(portFile)
		if port, path, ok := strings.Cut(strings.TrimSpace(string(text)), "\n"); ok {
			address = "ws://127.0.0.1:" + port + path
			return true, nil
		}
		return process.running() != nil, errors.Join(process.running(), err)
	})
	if err != nil {
		process.kill()
		return nil, err
	}
	b := &ChromiumBrowser{process: process, private: settings.Private}
	if b.socket, err = dial(ctx, address, b.heard); err != nil {
		process.kill()
		return nil, err
	}
	return b, nil
}

// A ChromiumBrowser tells of its device-bound sessions too.
type ChromiumBrowser struct {
	process *process
	socket  *socket
	private bool

	mu     sync.Mutex
	events []DBSCEvent
}

// A DBSCEvent is what the browser did about a device-bound session.
type DBSCEvent struct {
	Session   string `json:"sessionId"`
	Succeeded bool   `json:"succeeded"`
	Creation  *struct {
		Result string `json:"fetchResult"`
	} `json:"creationEventDetails"`
	Refresh *struct {
		Result string `json:"refreshResult"`
		Fetch  string `json:"fetchResult"`
	} `json:"refreshEventDetails"`
	Termination *struct {
		Reason string `json:"deletionReason"`
	} `json:"terminationEventDetails"`
}

func (b *ChromiumBrowser) heard(e event) {
	if e.Method != "Network.deviceBoundSessionEventOccurred" {
		return
	}
	var happened DBSCEvent
	if json.Unmarshal(e.Params, &happened) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, happened)
}

// DBSCEvents returns what the browser did about device-bound sessions so far.
func (b *ChromiumBrowser) DBSCEvents() []DBSCEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]DBSCEvent(nil), b.events...)
}

// Close has the browser end by itself.
func (b *ChromiumBrowser) Close() error {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	_ = b.socket.call(ctx, "", "Browser.close", nil, nil) // the connection may end first
	select {
	case <-b.process.ended:
		b.process.kill()
		return nil
	case <-ctx.Done():
		return b.process.stop(syscall.SIGTERM)
	}
}

// Open opens a tab. Those of a private browser have cookies of their own.
func (b *ChromiumBrowser) Open(ctx context.Context, url string) (Tab, error) {
	target := map[string]any{"url": "about:blank", "newWindow": true} // a tab behind another is hidden
	if b.private {
		var made struct {
			ID string `json:"browserContextId"`
		}
		if err := b.socket.call(ctx, "", "Target.createBrowserContext", nil, &made); err != nil {
			return nil, err
		}
		target["browserContextId"] = made.ID
	}
	var created struct {
		ID string `json:"targetId"`
	}
	if err := b.socket.call(ctx, "", "Target.createTarget", target, &created); err != nil {
		return nil, err
	}
	var attached struct {
		Session string `json:"sessionId"`
	}
	if err := b.socket.call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": created.ID, "flatten": true}, &attached); err != nil {
		return nil, err
	}
	tab := &chromiumTab{b.socket, attached.Session}
	for method, params := range map[string]any{
		"Network.enable": nil, "Network.enableDeviceBoundSessions": map[string]any{"enable": true}, "Page.enable": nil,
	} {
		if err := tab.call(ctx, method, params, nil); err != nil {
			return nil, err
		}
	}
	return tab, tab.Go(ctx, url)
}

type chromiumTab struct {
	socket  *socket
	session string
}

func (t *chromiumTab) call(ctx context.Context, method string, params, result any) error {
	return t.socket.call(ctx, t.session, method, params, result)
}

func (t *chromiumTab) Go(ctx context.Context, url string) error {
	var went struct {
		Error string `json:"errorText"`
	}
	if err := t.call(ctx, "Page.navigate", map[string]any{"url": url}, &went); err != nil {
		return err
	}
	if went.Error != "" {
		return errors.New("engine: " + url + ": " + went.Error)
	}
	return loaded(ctx, t)
}

// loaded waits for the page of the tab.
func loaded(ctx context.Context, t Tab) error {
	return poll(ctx, "the page", func() (bool, error) {
		state, err := t.Eval(ctx, "document.readyState")
		return err == nil && string(state) == `"complete"`, err
	})
}

func (t *chromiumTab) Eval(ctx context.Context, expression string) (json.RawMessage, error) {
	var got struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Thrown *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := t.call(ctx, "Runtime.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
	}, &got)
	if err == nil && got.Thrown != nil {
		err = &scriptError{got.Thrown.Text + " " + got.Thrown.Exception.Description}
	}
	return got.Result.Value, err
}

func (t *chromiumTab) Cookies(ctx context.Context) ([]Cookie, error) {
	var got struct {
		Cookies []Cookie `json:"cookies"`
	}
	err := t.call(ctx, "Network.getCookies", nil, &got)
	return got.Cookies, err
}

func (t *chromiumTab) origin(ctx context.Context) (string, error) {
	origin, err := t.Eval(ctx, "location.origin")
	return strings.Trim(string(origin), `"`), err
}

func (t *chromiumTab) SetCookie(ctx context.Context, cookie Cookie) error {
	origin, err := t.origin(ctx)
	if err != nil {
		return err
	}
	return t.call(ctx, "Network.setCookie", map[string]any{
		"name": cookie.Name, "value": cookie.Value, "url": origin + "/", "path": "/",
		"secure": true, "httpOnly": true, "sameSite": "Lax",
	}, nil)
}

func (t *chromiumTab) DeleteCookie(ctx context.Context, name string) error {
	origin, err := t.origin(ctx)
	if err != nil {
		return err
	}
	return t.call(ctx, "Network.deleteCookies", map[string]any{"name": name, "url": origin + "/"}, nil)
}
