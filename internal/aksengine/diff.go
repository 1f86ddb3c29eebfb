package aksengine

import (
	"slices"
	"strings"
)

// DiffLine is a line of the difference between two documents.
type DiffLine struct {
	Mark byte // '-' only in the old one, '+' only in the new one, ' ' in both, '@' lines are left out here
	Text string
}

const aroundChange = 3 // lines that are shown around each change

// Diff compares two versions of an API model, masked, line by line. hidden is
// how many secrets differ: their lines look the same.
func Diff(old, new []byte) (lines []DiffLine, hidden int, err error) {
	a, err := Masked(old)
	if err != nil {
		return nil, 0, err
	}
	b, err := Masked(new)
	if err != nil {
		return nil, 0, err
	}
	before := Secrets(old)
	for _, s := range Secrets(new) {
		if !slices.Contains(before, s) {
			hidden++
		}
	}
	return context(compare(strings.Split(a, "\n"), strings.Split(b, "\n"))), hidden, nil
}

// compare is every line of both documents, in order.
func compare(a, b []string) []DiffLine {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out []DiffLine
	both := func(i int) { out = append(out, DiffLine{' ', a[i]}) }
	for i := range head {
		both(i)
	}
	i, j, endA, endB := head, head, len(a)-tail, len(b)-tail
	longest := common(a[i:endA], b[j:endB])
	for i < endA || j < endB {
		switch {
		case i < endA && j < endB && a[i] == b[j]:
			both(i)
			i, j = i+1, j+1
		case j == endB || i < endA && longest[i-head+1][j-head] >= longest[i-head][j-head+1]:
			out = append(out, DiffLine{'-', a[i]})
			i++
		default:
			out = append(out, DiffLine{'+', b[j]})
			j++
		}
	}
	for k := range tail {
		both(endA + k)
	}
	return out
}

// common is how many lines the rests of two texts have in common at most, from
// each pair of lines on.
func common(a, b []string) [][]int {
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	return longest
}

// context leaves out what is far from any change.
func context(all []DiffLine) []DiffLine {
	near := make([]bool, len(all))
	for i, l := range all {
		if l.Mark == ' ' {
			continue
		}
		for k := max(0, i-aroundChange); k <= min(len(all)-1, i+aroundChange); k++ {
			near[k] = true
		}
	}
	var out []DiffLine
	for i, l := range all {
		if near[i] {
			if i > 0 && !near[i-1] {
				out = append(out, DiffLine{Mark: '@'})
			}
			out = append(out, l)
		}
	}
	return out
}
