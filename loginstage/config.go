package loginstage

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/clientip"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// The defaults of a [Config].
const (
	DefaultName                = "user-login"
	DefaultBrowserSessionLimit = duration.Duration(24 * hour)
	DefaultMaxLifetime         = duration.Duration(30 * 24 * hour)
	DefaultKeepEndings         = duration.Duration(24 * hour)
	DefaultImpersonationLimit  = duration.Duration(hour)
	DefaultAccountEvery        = duration.Duration(30 * time.Second)
	DefaultDeviceKeyGrace      = duration.Duration(time.Minute)
)

// Config is what a [UserLogin] is made of: the operator's [Settings], which package
// loginstage/settings reads from JSON, YAML or the environment and [UserLogin.Apply]
// changes, and what the host wires in. The zero value of each field is a safe default.
// [New] copies it.
type Config struct {
	// Name is the stage's name in events and sessions. Empty: DefaultName. Sessions
	// that were made under a former name are admitted if AlsoAdmit has that.
	Name string `json:"name" yaml:"name"`

	// AlsoAdmit names the other stages whose sessions this one's guards admit,
	// where they share a store. Empty: a guard admits the sessions of its own stage
	// alone; any other is anonymous to it, and it neither ends nor uses it.
	AlsoAdmit []string `json:"also_admit" yaml:"also_admit"`

	// SessionDuration is how long a session lives after the sign-in, whatever
	// its use. 0: until the browser is closed, and no longer than
	// BrowserSessionLimit and MaxLifetime say, since browsers restore such
	// cookies.
	SessionDuration duration.Duration `json:"session_duration" yaml:"session_duration"`

	// StaySignedInOffset is added to SessionDuration for users who choose to
	// stay signed in. Above 0, each sign-in asks. 0: nobody is asked.
	StaySignedInOffset duration.Duration `json:"stay_signed_in_offset" yaml:"stay_signed_in_offset"`

	// RememberDevice is how long after a sign-in the device is known for that
	// user. It skips nothing by itself: see UserLogin.KnownDevice. 0: not at all.
	RememberDevice duration.Duration `json:"remember_device" yaml:"remember_device"`

	// NetworkBinding and GeoIPBinding say what of the place of the sign-in must
	// hold while the session is used. They need a Locator.
	NetworkBinding binding.Network `json:"network_binding" yaml:"network_binding"`
	GeoIPBinding   binding.GeoIP   `json:"geoip_binding" yaml:"geoip_binding"`

	// Preset binds sessions as one of package binding's presets does. NetworkBinding,
	// GeoIPBinding and of Tolerance all but its lists have to be zero beside it.
	// PresetNone: those say.
	Preset binding.Preset `json:"preset" yaml:"preset"`

	// Tolerance is what the bindings let pass all the same. Of its lists, ASNGroups
	// and Exempt, those of this Config hold for all sessions, as they are now; the
	// rest is recorded in each session at its sign-in, as the bindings are. What is
	// taken from a list counts when a session changes its address next.
	Tolerance binding.Tolerance `json:"tolerance" yaml:"tolerance"`

	// Actions is what is done about a binding that no longer holds, by reason, and
	// Unproved what is done where they say binding.Prove and the session has no
	// device key. The zero value ends the session, and beside a Preset stands for
	// what the preset does. ReportOnly reports for every reason, so that one can see
	// what a binding would do. All are recorded at the sign-in too.
	Actions    binding.Actions `json:"actions" yaml:"actions"`
	Unproved   binding.Actions `json:"unproved" yaml:"unproved"`
	ReportOnly bool            `json:"report_only" yaml:"report_only"`

	// ReportWhenStale reports what would end or restrict a session, of whatever
	// age, while the Locator says that its data is stale: old data must not sign
	// honest users out. Once the data is fresh, a session that was reported is judged
	// again, though it has not moved. It needs a Locator that is a binding.Ager.
	// Attacker: while the data is stale, a stolen session is bound to nothing.
	ReportWhenStale bool `json:"report_when_stale" yaml:"report_when_stale"`

	// ExplainEvents has the events of broken bindings carry the whole decision:
	// every rule, both locations and the generations of their data, and the policy
	// with its ASNGroups.
	ExplainEvents bool `json:"explain_events" yaml:"explain_events"`

	// TerminateOtherSessions ends the user's other sessions with each sign-in.
	// It ends sessions alone: not tokens issued elsewhere, such as OAuth refresh
	// tokens.
	TerminateOtherSessions bool `json:"terminate_other_sessions" yaml:"terminate_other_sessions"`

	// MaxSessions is how many sessions a user may have; a sign-in over it ends
	// the oldest. 0: any number, which is for hosts with users that scripts sign in,
	// and leaves it to the host how much one user can make the store keep. A value
	// that no person misses is 100: people have some five devices, and browsers that
	// forget cookies leave one session per sign-in until it expires.
	MaxSessions int `json:"max_sessions" yaml:"max_sessions"`

	// DenyOverMaxSessions denies a sign-in over MaxSessions, which ends nothing then:
	// Begin and Finish return a session.LimitError. MaxSessionsPerTenant counts the
	// sessions of each User.Tenant by themselves.
	DenyOverMaxSessions  bool `json:"deny_over_max_sessions" yaml:"deny_over_max_sessions"`
	MaxSessionsPerTenant bool `json:"max_sessions_per_tenant" yaml:"max_sessions_per_tenant"`

	// Assurance holds the limits to those of a level of NIST SP 800-63B-4, section 2:
	// ACRAAL1 to 30 days, ACRAAL2 to 24 hours and one hour unused, ACRAAL3 to 12 hours
	// and 15 minutes unused. MaxLifetime and IdleTimeout are as the level says where they
	// are 0; limits that are longer are mistakes. It holds nobody to the proof that a
	// level takes: RequireACR does. Empty: none.
	Assurance string `json:"assurance" yaml:"assurance"`

	// ImpersonationLimit is how long a session lives at the most in which somebody acts
	// as the user: see User.Actor. 0: DefaultImpersonationLimit.
	ImpersonationLimit duration.Duration `json:"impersonation_limit" yaml:"impersonation_limit"`

	// IdleTimeout ends a session that was not used for so long. 0: only
	// BrowserSessionLimit does, where it applies.
	IdleTimeout duration.Duration `json:"idle_timeout" yaml:"idle_timeout"`

	// IdleResume is for how long after IdleTimeout a session can be resumed by one factor,
	// within its absolute limit: see UserLogin.Resume. Until then it is restricted, as
	// StepUpURL says, with session.RestrictedIdle for a reason; it counts for MaxSessions,
	// and is listed and revoked as any other. It needs an IdleTimeout. 0: a session that
	// reaches its idle limit ends.
	IdleResume duration.Duration `json:"idle_resume" yaml:"idle_resume"`

	// BrowserSessionLimit and MaxLifetime limit the sessions that live until the
	// browser is closed: how long such a session may go unused, and how long it
	// may live. 0: DefaultBrowserSessionLimit, DefaultMaxLifetime. A MaxLifetime
	// that is set limits SessionDuration and StaySignedInOffset too: a sum past
	// it is a mistake.
	BrowserSessionLimit duration.Duration `json:"browser_session_limit" yaml:"browser_session_limit"`
	MaxLifetime         duration.Duration `json:"max_lifetime" yaml:"max_lifetime"`

	// KeepEndings is how long it is kept why a session ended, for LastEnding, and,
	// where DurableEvents is on, how long an ending waits to be delivered: what a
	// sink has not taken by then is lost, and counted by LostEvents. 0:
	// DefaultKeepEndings.
	KeepEndings duration.Duration `json:"keep_endings" yaml:"keep_endings"`

	// StoreTimeout bounds each step of the store and of the locator; a request
	// that would wait longer is answered with 503. At least a millisecond; 0:
	// session.DefaultStoreTimeout. A store or a locator with a method InMemory()
	// answers at once and needs no bound.
	StoreTimeout duration.Duration `json:"store_timeout" yaml:"store_timeout"`

	// DeviceKey says whether sessions are bound to a key that cannot leave the device,
	// so that a stolen token is worth nothing elsewhere: see UserLogin.DeviceKeys, which
	// the host mounts, and docs/device-keys.md. Zero: DeviceKeyOff.
	DeviceKey DeviceKey `json:"device_key" yaml:"device_key"`

	// ProveEvery is how often a session that has a device key has to prove it: a
	// browser is given a cookie for so long, without which no request of the session is
	// served. From minutes=1 to days=1; browsers that have DBSC sign about 6 times in 9
	// minutes and no more, so that 5 to 15 minutes are sensible. 0: only where a binding
	// that does not hold asks for it. Clients of an API that have a key prove it with
	// each request.
	ProveEvery duration.Duration `json:"prove_every" yaml:"prove_every"`

	// DeviceKeyGrace is how long after a sign-in or a confirmation a session without a
	// device key may do everything, where DeviceKey requires one. 0:
	// DefaultDeviceKeyGrace.
	DeviceKeyGrace duration.Duration `json:"device_key_grace" yaml:"device_key_grace"`

	// DeviceKeyPath is where UserLogin.DeviceKeys is mounted, without PathPrefix and
	// without a slash at its end. Empty: DefaultDeviceKeyPath.
	DeviceKeyPath string `json:"device_key_path" yaml:"device_key_path"`

	// Origin is the scheme and the host under which clients reach the host, such as
	// "https://api.example.com": what a DPoP proof has to be for. A Carrier of bearer
	// tokens beside a DeviceKey needs it. Empty: no DPoP proof holds.
	Origin string `json:"origin" yaml:"origin"`

	// DurableEvents has the store keep what ended, when, why and by whom, in the
	// same step as the ending, and leaves telling the sink to Deliver: at least
	// once, also after a crash. It needs a store that is a session.Journal, and that
	// the host runs Deliver, and Sweep every few minutes: a session that reaches a
	// limit while nobody uses it is found, ended and told by Sweep alone.
	//
	// False: endings are told at once, and these are never told: one that happens
	// just before a crash, or while the sink is out of order, one of a step that the
	// store made and could not answer for in time, and that of a session or a
	// remembered device that reaches a limit and is not used again: the store forgets
	// it without a word.
	DurableEvents bool `json:"durable_events" yaml:"durable_events"`

	// EventArgs names the arguments of queries whose values events show, such as
	// "page" or "next". The value of any other is not shown, since nobody knows
	// whether it is a secret: see Request. Names are compared as they are, and have
	// at most 64 bytes. Empty: no value is shown.
	EventArgs []string `json:"event_args" yaml:"event_args"`

	// LoginURL is where a browser that has to sign in is sent, with the page it
	// wanted as the parameter next: a path on the same origin. Empty: nowhere,
	// it gets a 401.
	LoginURL string `json:"login_url" yaml:"login_url"`

	// StepUpURL is where Require sends a browser whose session is restricted, as
	// LoginURL otherwise: a page behind AllowRestricted that proves the user again
	// and calls Confirm, or Resume. Empty: it gets a 401, and is sent to LoginURL if the
	// session was idle.
	StepUpURL string `json:"step_up_url" yaml:"step_up_url"`

	// RequiredURL is where Require sends a browser whose session requires actions, as
	// LoginURL otherwise: a page behind AllowRestricted on which the user does them, and
	// which calls Complete. Empty: it gets a 403.
	RequiredURL string `json:"required_url" yaml:"required_url"`

	// NoStore has the answers to requests with a session say "Cache-Control: no-store",
	// unless their handler sets a Cache-Control, so that the back button shows no page of
	// a user who has signed out, and a disk has none. Browsers then load a page again
	// that its user goes back to. False: "private, no-cache", by which a browser may show
	// a page again until it is closed.
	NoStore bool `json:"no_store" yaml:"no_store"`

	// ClearSiteData has the answer to Logout ask the browser to delete what it keeps of
	// this origin in caches and storage (Clear-Site-Data). It deletes what the origin's
	// other applications keep too. The page on which the user signs out is still shown
	// then, and the browser can keep it for the back button afterwards: NoStore prevents
	// that.
	ClearSiteData bool `json:"clear_site_data" yaml:"clear_site_data"`

	// TellExpiry has the answer to a request with a session say in how many seconds the
	// session ends unless it is used before, in the header Mooring-Session-Ends. See
	// also UserLogin.Expiry.
	TellExpiry bool `json:"tell_expiry" yaml:"tell_expiry"`

	// AccountEvery is how long an answer of Account holds in a process. 0:
	// DefaultAccountEvery. AccountStale is for how much longer it holds while Account
	// fails. 0: a request is answered with 503 then.
	AccountEvery duration.Duration `json:"account_every" yaml:"account_every"`
	AccountStale duration.Duration `json:"account_stale" yaml:"account_stale"`

	// PathPrefix is what a proxy removes from the start of every path before it
	// passes a request on, such as "/app". LoginURL and StepUpURL have it, as the
	// browser does; the parameter next gets it. Empty: nothing is removed.
	PathPrefix string `json:"path_prefix" yaml:"path_prefix"`

	// Store keeps the sessions. Stages that share a store share its users: what ends
	// the sessions of a user ends those of each stage. Give stages whose users are not
	// the same a store each.
	Store    session.Store     `json:"-" yaml:"-"` // nil: a memstore of its own
	Carrier  session.Carrier   `json:"-" yaml:"-"` // nil: the zero session.Cookie
	Locator  binding.Locator   `json:"-" yaml:"-"` // nil: nothing is known of any address
	ClientIP clientip.Resolver `json:"-" yaml:"-"` // nil: the request's RemoteAddr
	Events   Sink              `json:"-" yaml:"-"` // nil: events go nowhere

	// StageCookie is what the stage's own cookies are like: the one by which a
	// remembered device is known, and the one of a sign-in that waits for the answer
	// to its challenge. Their names start with its name. The zero value is as
	// Carrier, where that is a session.Cookie, and otherwise the zero
	// session.Cookie.
	StageCookie session.Cookie `json:"-" yaml:"-"`

	// DeviceSecrets make and check what clients are given to prove device keys by, the
	// same in all processes of a host and at all times: with others no device key can be
	// proved any more, and users sign in again. The zero value: random ones of this
	// process, which do for a store that is in memory alone.
	DeviceSecrets devicekey.Secrets `json:"-" yaml:"-"`

	// Decide, if set, says what is done about a binding that no longer holds, in
	// place of the session's Actions; decision.Action is what they say.
	Decide func(ctx context.Context, s session.Session, decision binding.Decision) binding.Action `json:"-" yaml:"-"`

	// Account, if set, reports whether the account of a user is active: false for one
	// that is disabled or deleted. It is asked at each sign-in and re-authentication, and
	// for a session in use every AccountEvery, per process and user. Where it is false,
	// the user's sessions and devices end with the cause account_disabled. It has to
	// heed ctx, which ends after StoreTimeout, and be safe for concurrent use. nil: not
	// asked.
	Account func(ctx context.Context, user string) (active bool, err error) `json:"-" yaml:"-"`

	// DeviceName, if set, returns what a client is called, such as "Firefox on Linux",
	// for lists of sessions and devices: see session.Session.Device and package
	// loginstage/useragent. It is called once for each sign-in, with up to 512 bytes of
	// the client's User-Agent, without control and bidirectional characters. Of what it
	// returns 64 bytes are kept, cleaned in the same way. Attacker: the client says what
	// it likes. It has to be safe for concurrent use. nil, or an empty name: nobody knows,
	// and lists have the User-Agent alone.
	DeviceName func(userAgent string) string `json:"-" yaml:"-"`

	// Deny, if set, answers all requests that a guard denies, instead of the
	// redirect, the 401 or the 503. It looks at denied.Denial, and calls
	// denied.Respond for those that it does not answer itself. The response is
	// uncacheable unless Deny sets another Cache-Control.
	Deny func(w http.ResponseWriter, r *http.Request, denied *AccessError) `json:"-" yaml:"-"`

	// Logger is told what failed, such as stores, locators and sinks, and, once for
	// each, of mistakes by which signing in cannot work. nil: slog.Default().
	Logger *slog.Logger `json:"-" yaml:"-"`
}
