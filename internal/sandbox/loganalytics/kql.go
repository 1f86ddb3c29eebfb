package loganalytics

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// table is rows of values in the order of its columns: strings, times, or
// whole numbers.
type table struct {
	columns []column
	rows    [][]any
}

type column struct{ name, kind string }

func (t table) index(name string) int {
	return slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
}

// queryError is a refusal of a query.
type queryError struct{ kind, code, number, message string }

func semantic(format string, args ...any) *queryError {
	return &queryError{"semantic", "SemanticError", "SEM0100", fmt.Sprintf(format, args...)}
}

func syntax(format string, args ...any) *queryError {
	return &queryError{"syntax", "SyntaxError", "SYN0002", fmt.Sprintf(format, args...)}
}

// ask answers the part of the query language that is played: a table, then
// where, summarize, project, take and count.
func ask(query string, tables map[string]table, now time.Time) (object, *queryError) {
	stages := strings.Split(query, "|")
	name := strings.TrimSpace(stages[0])
	t, ok := tables[name]
	if !ok {
		return nil, semantic("Failed to resolve table or column expression named '%s'", name)
	}
	for _, stage := range stages[1:] {
		word, rest, _ := strings.Cut(strings.TrimSpace(stage), " ")
		var err *queryError
		switch word {
		case "where":
			t, err = where(t, rest, now)
		case "summarize":
			t, err = summarize(t, rest)
		case "project":
			t, err = project(t, rest)
		case "take", "limit":
			n, bad := strconv.Atoi(strings.TrimSpace(rest))
			if bad != nil {
				return nil, syntax("'%s' is not a number", rest)
			}
			t.rows = t.rows[:min(n, len(t.rows))]
		case "count":
			t = table{columns: []column{{"Count", "long"}}, rows: [][]any{{len(t.rows)}}}
		default:
			return nil, syntax("the operator '%s' is not known here", word)
		}
		if err != nil {
			return nil, err
		}
	}
	return t.show(), nil
}

func (t table) show() object {
	cols, rows := []any{}, []any{}
	for _, c := range t.columns {
		cols = append(cols, object{"name": c.name, "type": c.kind})
	}
	for _, r := range t.rows {
		row := make([]any, len(r))
		for i, v := range r {
			if at, ok := v.(time.Time); ok {
				v = at.UTC().Format(time.RFC3339Nano)
			}
			row[i] = v
		}
		rows = append(rows, row)
	}
	return object{"name": "PrimaryResult", "columns": cols, "rows": rows}
}

var (
	conditionForm = regexp.MustCompile(`^(\w+)\s*(==|!=|=~|>|startswith)\s*(.+)$`)
	agoForm       = regexp.MustCompile(`^ago\((\d+)([smhd])\)$`)
	aggregateForm = regexp.MustCompile(`^(?:(\w+)\s*=\s*)?(count|dcount|max)\((\w*)\)$`)
)

func where(t table, text string, now time.Time) (table, *queryError) {
	for part := range strings.SplitSeq(text, " and ") {
		m := conditionForm.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return t, syntax("a condition was expected at '%s'", part)
		}
		i := t.index(m[1])
		if i < 0 {
			return t, semantic("'where' operator: Failed to resolve column or scalar expression named '%s'", m[1])
		}
		holds, err := condition(m[2], strings.TrimSpace(m[3]), now)
		if err != nil {
			return t, err
		}
		t.rows = slices.DeleteFunc(slices.Clone(t.rows), func(r []any) bool { return !holds(r[i]) })
	}
	return t, nil
}

func condition(op, want string, now time.Time) (func(any) bool, *queryError) {
	if op == ">" {
		m := agoForm.FindStringSubmatch(want)
		if m == nil {
			return nil, syntax("ago(...) was expected at '%s'", want)
		}
		n, _ := strconv.Atoi(m[1])
		unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
		limit := now.Add(-time.Duration(n) * unit)
		return func(v any) bool { at, ok := v.(time.Time); return ok && at.After(limit) }, nil
	}
	text, err := strconv.Unquote(want)
	if err != nil {
		return nil, syntax("a string was expected at '%s'", want)
	}
	return func(v any) bool {
		is := fmt.Sprint(v)
		switch op {
		case "==":
			return is == text
		case "!=":
			return is != text
		case "=~":
			return strings.EqualFold(is, text)
		}
		return strings.HasPrefix(strings.ToLower(is), strings.ToLower(text))
	}, nil
}

type aggregate struct {
	as, how string
	column  int
}

func summarize(t table, text string) (table, *queryError) {
	list, by, grouped := strings.Cut(text, " by ")
	out := table{}
	var keys []int
	for name := range strings.SplitSeq(by, ",") {
		if name = strings.TrimSpace(name); name != "" {
			i := t.index(name)
			if i < 0 {
				return t, semantic("'summarize' operator: Failed to resolve column or scalar expression named '%s'", name)
			}
			keys, out.columns = append(keys, i), append(out.columns, t.columns[i])
		}
	}
	var sums []aggregate
	for part := range strings.SplitSeq(list, ",") {
		m := aggregateForm.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return t, syntax("an aggregate was expected at '%s'", part)
		}
		a := aggregate{as: m[1], how: m[2], column: t.index(m[3])}
		if a.how != "count" && a.column < 0 {
			return t, semantic("'summarize' operator: Failed to resolve column or scalar expression named '%s'", m[3])
		}
		if a.as == "" {
			a.as = a.how + "_" + m[3]
		}
		kind := "long"
		if a.how == "max" {
			kind = t.columns[a.column].kind
		}
		sums, out.columns = append(sums, a), append(out.columns, column{a.as, kind})
	}
	groups, order := map[string][][]any{}, []string{}
	for _, r := range t.rows {
		key := ""
		for _, k := range keys {
			key += fmt.Sprint(r[k]) + "\x00"
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], r)
	}
	if !grouped && len(order) == 0 {
		order = []string{""}
	}
	for _, key := range order {
		var row []any
		for _, k := range keys {
			row = append(row, groups[key][0][k])
		}
		for _, a := range sums {
			row = append(row, a.of(groups[key]))
		}
		out.rows = append(out.rows, row)
	}
	return out, nil
}

func (a aggregate) of(rows [][]any) any {
	if a.how == "count" {
		return len(rows)
	}
	seen := map[string]bool{}
	var greatest any
	for _, r := range rows {
		v := r[a.column]
		seen[fmt.Sprint(v)] = true
		if at, ok := v.(time.Time); ok {
			if old, ok := greatest.(time.Time); !ok || at.After(old) {
				greatest = at
			}
		} else if greatest == nil || fmt.Sprint(v) > fmt.Sprint(greatest) {
			greatest = v
		}
	}
	if a.how == "dcount" {
		return len(seen)
	}
	return greatest
}

func project(t table, text string) (table, *queryError) {
	var keep []int
	out := table{}
	for name := range strings.SplitSeq(text, ",") {
		i := t.index(strings.TrimSpace(name))
		if i < 0 {
			return t, semantic("'project' operator: Failed to resolve column or scalar expression named '%s'", strings.TrimSpace(name))
		}
		keep, out.columns = append(keep, i), append(out.columns, t.columns[i])
	}
	for _, r := range t.rows {
		row := make([]any, len(keep))
		for i, k := range keep {
			row[i] = r[k]
		}
		out.rows = append(out.rows, row)
	}
	return out, nil
}
