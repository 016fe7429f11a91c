// Package accesslog reads who used which session from where out of access logs:
// Combined Log Format, also behind the virtual host, the formats of HAProxy, of AWS
// load balancers, of IIS and CloudFront, CSV with a header, and JSON lines as Caddy,
// Traefik and nginx write them, compressed with gzip or not. The format is told by the
// first line that is of one, past a byte order mark, empty lines and banners. Files are streamed, and read side by side in the order of time, so it does
// not matter whether they follow one another or come from several servers.
//
// A line that cannot be read is counted and passed over. What is wrong with it is
// told without its content, which may hold what nobody should see.
package accesslog
