// Package whatif says what a binding would do before it does it. It replays access logs
// under every network level, GeoIP level and tolerance, and says how many sessions
// and users would have been ended, how often, why and where:
//
//	mooring whatif -asn GeoLite2-ASN.mmdb -city GeoLite2-City.mmdb \
//		-session-field extra1 -html report.html /var/log/nginx/access.log*
//
// Given two addresses instead, it explains what a policy makes of a session that
// was made at the first and is used from the second:
//
//	mooring whatif -asn … -city … -preset balanced 192.0.2.1 198.51.100.1
//
// With -demo it needs no files. Alone, it models honest users who move about and
// thieves, and says how many honest sessions the rules of authentik and the presets
// end, and how many stolen ones they stop. With logs or addresses, it takes the
// made-up world of package bindingtest for databases.
//
// -keys says in how many percent of the sessions of a log there is a device key, which
// no log knows. What a device proves interrupts nobody, and is told apart from endings
// and confirmations. Alone, the model shows its figures with keys in all browsers, in 70
// percent and in none, with a bound cookie (-prove-every) and without, and what
// thieves get who have the cookies alone, a copied profile or the device; -svg writes
// its plot.
//
// Logs are in Combined Log Format, with the virtual host before it or not, in the
// formats of HAProxy, AWS load balancers, IIS and CloudFront, CSV, or JSON lines as
// Caddy, Traefik and nginx write them; "-" is the standard input. Behind proxies,
// -ip-field names the field with X-Forwarded-For, and -proxies the networks whose
// addresses in it are not the client's. A log tells sessions apart only if it has a field for them.
// The user (%u), which is taken where nothing else is said, puts all devices of a
// user into one session, so that the figures come out too high. A session ID is the
// key to a session: log a hash of it, or mooring's session ID, never the cookie.
//
// What is in which file:
//
//	run.go       puts the parts together
//	settings.go  flags
//	policy.go    flags of the policy
//	world.go     what is known of addresses
//	pair.go      two addresses
//	logs.go      replaying logs, with a progress bar
//	report.go    the results of the logs
//	tables.go    the same as tables
//	roaming.go   the results of the model, and as a table
//	page.go      both as a page, with plots
//	scatter.go   the plot of the model
package whatif
