// Package sink has places for the events of a login stage to go: a structured
// log ([Log]), lines of JSON ([JSONLines]), a function ([Func]), several sinks at
// once ([FanOut]), or those that a condition picks ([Filter]).
//
// All of them give the event as [loginstage.Event] defines it. They are safe
// for concurrent use, as long as what they are given is.
//
// # A sink of your own
//
// A [loginstage.Sink] has one method. Where events are delivered from a journal, the
// same event can come twice, after a crash for instance; its ID tells. A sink that
// returns an error gets the event again there, and loses it otherwise.
//
// # What stays compatible
//
// [JSONLines] writes the JSON of an Event, and [Log] the same names as attributes: both
// change as [loginstage.EventVersion] says.
package sink
