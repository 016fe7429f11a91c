package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Firefox is Firefox, an extended support release where there is one.
type Firefox struct{}

// Name returns "firefox".
func (Firefox) Name() string { return "firefox" }

// Missing returns "firefox-esr" where no Firefox is installed.
func (f Firefox) Missing() string {
	if f.program() == "" {
		return "firefox-esr"
	}
	return ""
}

func (Firefox) program() string {
	for _, name := range []string{"firefox-esr", "firefox"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	return ""
}

// Start starts a Firefox without a window.
func (f Firefox) Start(ctx context.Context, settings Settings) (Browser, error) {
	preferences := `user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("services.settings.server", "data:,");
`
	if settings.Private {
		preferences += "user_pref(\"browser.privatebrowsing.autostart\", true);\n"
	}
	if err := os.WriteFile(filepath.Join(settings.Profile, "user.js"), []byte(preferences), 0o600); err != nil {
		return nil, err
	}
	portFile := filepath.Join(settings.Profile, "WebDriverBiDiServer.json")
	if err := os.Remove(portFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	process, err := start(ctx, nil, f.program(), "--headless", "--no-remote", "--profile", settings.Profile,
		"--remote-debugging-port", "0", "about:blank")
	if err != nil {
		return nil, err
	}
	var listens struct {
		Host string `json:"ws_host"`
		Port int    `json:"ws_port"`
	}
	err = poll(ctx, "Firefox", func() (bool, error) {
		text, err := os.ReadFile(portFile)
		if err == nil {
			err = json.Unmarshal(text, &listens)
		}
		return listens.Port != 0 || process.running() != nil, errors.Join(process.running(), err)
	})
	if err != nil {
		process.kill()
		return nil, err
	}
	b := &firefox{process: process}
	if b.socket, err = dial(ctx, fmt.Sprintf("ws://%s:%d/session", listens.Host, listens.Port), nil); err != nil {
		process.kill()
		return nil, err
	}
	if err := b.socket.call(ctx, "", "session.new", map[string]any{
		"capabilities": map[string]any{"alwaysMatch": map[string]any{"acceptInsecureCerts": true}},
	}, nil); err != nil {
		process.kill()
		return nil, err
	}
	return b, nil
}

type firefox struct {
	process *process
	socket  *socket
}

func (b *firefox) Close() error {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	_ = b.socket.call(ctx, "", "browser.close", nil, nil) // the connection may end first
	select {
	case <-b.process.ended:
		b.process.kill()
		return nil
	case <-ctx.Done():
		return b.process.stop(syscall.SIGTERM)
	}
}

func (b *firefox) Open(ctx context.Context, url string) (Tab, error) {
	var created struct {
		Context string `json:"context"`
	}
	if err := b.socket.call(ctx, "", "browsingContext.create", map[string]any{"type": "tab"}, &created); err != nil {
		return nil, err
	}
	tab := &firefoxTab{b.socket, created.Context}
	return tab, tab.Go(ctx, url)
}

type firefoxTab struct {
	socket  *socket
	context string
}

func (t *firefoxTab) call(ctx context.Context, method string, params, result any) error {
	return t.socket.call(ctx, "", method, params, result)
}

func (t *firefoxTab) Go(ctx context.Context, url string) error {
	err := t.call(ctx, "browsingContext.navigate", map[string]any{"context": t.context, "url": url, "wait": "interactive"}, nil)
	if err != nil && !strings.Contains(err.Error(), "NS_BINDING_ABORTED") { // the page has gone on by itself
		return err
	}
	return loaded(ctx, t)
}

func (t *firefoxTab) Eval(ctx context.Context, expression string) (json.RawMessage, error) {
	var got struct {
		Type   string `json:"type"`
		Result struct {
			Value string `json:"value"`
		} `json:"result"`
		Thrown struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	// As text: BiDi has a form of its own for objects.
	err := t.call(ctx, "script.evaluate", map[string]any{
		"expression":   "(async () => JSON.stringify(await (" + expression + ")) ?? '')()",
		"target":       map[string]any{"context": t.context},
		"awaitPromise": true, "userActivation": true,
	}, &got)
	if err == nil && got.Type != "success" {
		err = &scriptError{got.Thrown.Text}
	}
	return json.RawMessage(got.Result.Value), err
}

func (t *firefoxTab) partition() map[string]any {
	return map[string]any{"type": "context", "context": t.context}
}

// A bidiValue is bytes as BiDi has them.
type bidiValue struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

func (t *firefoxTab) Cookies(ctx context.Context) ([]Cookie, error) {
	var got struct {
		Cookies []struct {
			Name  string    `json:"name"`
			Value bidiValue `json:"value"`
		} `json:"cookies"`
	}
	if err := t.call(ctx, "storage.getCookies", map[string]any{"partition": t.partition()}, &got); err != nil {
		return nil, err
	}
	var cookies []Cookie
	for _, c := range got.Cookies {
		value := c.Value.Value
		if c.Value.Type == "base64" {
			decoded, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return nil, err
			}
			value = string(decoded)
		}
		cookies = append(cookies, Cookie{c.Name, value})
	}
	return cookies, nil
}

func (t *firefoxTab) host(ctx context.Context) (string, error) {
	host, err := t.Eval(ctx, "location.hostname")
	return strings.Trim(string(host), `"`), err
}

func (t *firefoxTab) SetCookie(ctx context.Context, cookie Cookie) error {
	host, err := t.host(ctx)
	if err != nil {
		return err
	}
	return t.call(ctx, "storage.setCookie", map[string]any{
		"cookie": map[string]any{
			"name": cookie.Name, "value": bidiValue{"string", cookie.Value}, "domain": host, "path": "/",
			"secure": true, "httpOnly": true, "sameSite": "lax",
		},
		"partition": t.partition(),
	}, nil)
}

func (t *firefoxTab) DeleteCookie(ctx context.Context, name string) error {
	return t.call(ctx, "storage.deleteCookies", map[string]any{
		"filter": map[string]any{"name": name}, "partition": t.partition(),
	}, nil)
}
