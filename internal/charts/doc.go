// Package charts puts Helm charts on clusters through Helm's own SDK: it finds
// charts, renders and compares them, installs and removes releases, and says
// of each object how far it is. Its own charts are embedded.
package charts
