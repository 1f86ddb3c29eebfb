package workflows

// Difference is something that is not as the record says.
type Difference struct {
	What string // a sentence
	Fix  string // what to do
}
