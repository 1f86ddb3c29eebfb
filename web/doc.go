// Package web is the roof over the screens: layout is the frame, ui the design
// system, gallery shows everything in every state, and each other folder is
// one screen with its props and templ components. The tests of all of them
// together stand here.
package web
