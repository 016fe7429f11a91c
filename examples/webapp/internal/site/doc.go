// Package site is the web application of the example.
//
// What is in which file:
//
//	site.go             puts the parts together and runs the server
//	settings.go         settings: what they are, and what is wrong with them
//	flags.go            reads flags, with all mistakes
//	locator.go          what is known of addresses
//	accounts.go         who may sign in, and their passwords
//	signin.go           signing in, the prompt, signing out
//	sessions.go         where the user is signed in, and ending it
//	devices.go          the devices that are remembered, and forgetting them
//	browseraccounts.go  several accounts in one browser
//	confirm.go          the password again, before what is sensitive
//	password.go         another password
//	notme.go            mails about a sign-in, with a link that says "this was not me"
//	mail.go             prints mails
//	events.go           keeps the latest events of each user
//	stream.go           sends them to the page as they happen
//	certificate.go      the certificate of -tls
//	pages.go            templates, static files and headers
//	words.go            devices, places and reasons in words
//	demo.go             demo only: accounts, data, and pretending to be elsewhere
//	theft.go            demo only: a theft of the visitor's own cookies
package site
