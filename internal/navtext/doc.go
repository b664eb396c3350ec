// Package navtext reads PStates along paths that come as text, from a command line or over
// HTTP: for programs that have a module's plan and not its code. docs/guides/clients.md
// lists the steps.
//
//	path      = [ step { "." step } ]
//	step      = name [ "(" [ argument { "," argument } ] ")" ]
//	argument  = JSON value | condition
//	condition = path [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) JSON value ]
//
// Parse knows the grammar alone, Compile checks the steps along the schema that the module
// has registered, and Run reads through a view, as the paths of package nav do: no more
// than what the path leads through. Values come as JSON; what another codec than JSON or
// text has stored comes as {"codec":"msgpack","base64":"…"}.
package navtext
