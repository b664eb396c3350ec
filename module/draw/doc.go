// Package draw draws the plan of a module: as text ([Text]) and as a picture ([SVG]). Of
// sources that are written as dataflow (module/flow) it draws every operation, with the
// hops between them and what these carry; handlers are drawn as one box each, for what is
// in them no declaration says.
package draw
