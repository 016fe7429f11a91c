package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// WebKit is the engine of Safari, as WebKitGTK has it. It keeps nothing on disk
// where it is driven: each browser is a private window.
type WebKit struct{}

// Name returns "webkit".
func (WebKit) Name() string { return "webkit" }

// Missing names the first of the programs that is not installed.
func (w WebKit) Missing() string {
	if _, err := exec.LookPath("WebKitWebDriver"); err != nil || w.browser() == "" {
		return "webkit2gtk-driver"
	}
	if _, err := exec.LookPath("Xvfb"); err != nil {
		return "xvfb"
	}
	return ""
}

func (WebKit) browser() string {
	found, _ := filepath.Glob("/usr/lib/*/webkit2gtk-4.*/MiniBrowser")
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// Start starts a WebKit on a display of its own, which is not seen.
func (w WebKit) Start(ctx context.Context, settings Settings) (Browser, error) {
	display, screen, err := startDisplay(ctx)
	if err != nil {
		return nil, err
	}
	b := &webkit{display: display, client: &http.Client{}}
	port, err := freePort()
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	runtime := filepath.Join(settings.Profile, "runtime")
	if err := os.MkdirAll(runtime, 0o700); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.driver, err = start(ctx, []string{
		"DISPLAY=" + screen, "XDG_RUNTIME_DIR=" + runtime, "GDK_BACKEND=x11", "LIBGL_ALWAYS_SOFTWARE=1",
		"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1", "WEBKIT_DISABLE_COMPOSITING_MODE=1",
	}, "WebKitWebDriver", fmt.Sprintf("--port=%d", port))
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.address = fmt.Sprintf("http://127.0.0.1:%d/session", port)
	if err := poll(ctx, "WebKitWebDriver", func() (bool, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return true, conn.Close()
		}
		return b.driver.running() != nil, errors.Join(b.driver.running(), err)
	}); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	var made struct {
		ID string `json:"sessionId"`
	}
	err = b.call(ctx, http.MethodPost, "", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"acceptInsecureCerts":      true,
		"webkitgtk:browserOptions": map[string]any{"binary": w.browser(), "args": []string{"--automation"}},
	}}}, &made)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.address += "/" + made.ID
	return b, nil
}

// startDisplay starts an X server, and returns its name.
func startDisplay(ctx context.Context) (*process, string, error) {
	for n := 90 + os.Getpid()%800; ; n++ {
		name := fmt.Sprintf(":%d", n)
		p, err := start(ctx, nil, "Xvfb", name, "-screen", "0", "1024x768x24", "-nolisten", "tcp")
		if err != nil {
			return nil, "", err
		}
		socket := fmt.Sprintf("/tmp/.X11-unix/X%d", n)
		taken := false
		err = poll(ctx, "Xvfb", func() (bool, error) {
			if err := p.running(); err != nil {
				taken = strings.Contains(p.said.String(), "already active")
				return true, err
			}
			conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
			if err != nil {
				return false, err
			}
			return true, conn.Close()
		})
		if err == nil {
			return p, name, nil
		}
		p.kill()
		if !taken {
			return nil, "", err
		}
	}
}

// freePort returns a port that nothing listens on.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

type webkit struct {
	display, driver *process
	client          *http.Client
	address         string // of the session
	opened          bool   // the first window is in use
}

// call sends a command and decodes its value, unless result is nil.
func (b *webkit) call(ctx context.Context, method, path string, params, result any) error {
	var body io.Reader
	if params != nil {
		text, err := json.Marshal(params)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, b.address+path, body)
	if err != nil {
		return err
	}
	response, err := b.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was read
	var got struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		return fmt.Errorf("engine: WebDriver %s: %w", path, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("engine: WebDriver %s: %s", path, got.Value)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(got.Value, result)
}

func (b *webkit) Close() error {
	var mistakes []error
	if b.address != "" {
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		_ = b.call(ctx, http.MethodDelete, "", nil, nil) // there may be no session
	}
	for _, p := range []*process{b.driver, b.display} {
		if p != nil {
			mistakes = append(mistakes, p.stop(syscall.SIGTERM))
		}
	}
	return errors.Join(mistakes...)
}

func (b *webkit) Open(ctx context.Context, url string) (Tab, error) {
	window := ""
	if !b.opened {
		b.opened = true
		if err := b.call(ctx, http.MethodGet, "/window", nil, &window); err != nil {
			return nil, err
		}
	} else {
		var made struct {
			Handle string `json:"handle"`
		}
		if err := b.call(ctx, http.MethodPost, "/window/new", map[string]any{"type": "window"}, &made); err != nil {
			return nil, err
		}
		window = made.Handle
	}
	tab := &webkitTab{b, window}
	return tab, tab.Go(ctx, url)
}

type webkitTab struct {
	browser *webkit
	window  string
}

// call sends a command about the tab.
func (t *webkitTab) call(ctx context.Context, method, path string, params, result any) error {
	if err := t.browser.call(ctx, http.MethodPost, "/window", map[string]any{"handle": t.window}, nil); err != nil {
		return err
	}
	return t.browser.call(ctx, method, path, params, result)
}

func (t *webkitTab) Go(ctx context.Context, url string) error {
	if err := t.call(ctx, http.MethodPost, "/url", map[string]any{"url": url}, nil); err != nil {
		return err
	}
	return loaded(ctx, t)
}

func (t *webkitTab) Eval(ctx context.Context, expression string) (json.RawMessage, error) {
	var got struct {
		Value  string `json:"value"`
		Thrown string `json:"thrown"`
	}
	err := t.call(ctx, http.MethodPost, "/execute/async", map[string]any{
		"script": `const done = arguments[arguments.length - 1];
			(async () => JSON.stringify(await (` + expression + `)) ?? '')().then((value) => done({value}), (e) => done({thrown: String(e)}));`,
		"args": []any{},
	}, &got)
	if err == nil && got.Thrown != "" {
		err = &scriptError{got.Thrown}
	}
	return json.RawMessage(got.Value), err
}

func (t *webkitTab) Cookies(ctx context.Context) (cookies []Cookie, err error) {
	return cookies, t.call(ctx, http.MethodGet, "/cookie", nil, &cookies)
}

func (t *webkitTab) SetCookie(ctx context.Context, cookie Cookie) error {
	return t.call(ctx, http.MethodPost, "/cookie", map[string]any{"cookie": map[string]any{
		"name": cookie.Name, "value": cookie.Value, "path": "/", "secure": true, "httpOnly": true, "sameSite": "Lax",
	}}, nil)
}

func (t *webkitTab) DeleteCookie(ctx context.Context, name string) error {
	return t.call(ctx, http.MethodDelete, "/cookie/"+name, nil, nil)
}
