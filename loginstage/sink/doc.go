// Package sink has places for the events of a login stage to go: a structured
// log ([Log]), lines of JSON ([JSONLines]), a function ([Func]), several sinks at
// once ([FanOut]), or those that a condition picks ([Filter]).
//
// All of them give the event as [loginstage.Event] defines it. They are safe
// for concurrent use, as long as what they are given is.
package sink
