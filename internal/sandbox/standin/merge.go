package standin

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// mergeModel lays the values of --set over the model, into a file of its own. Without a model it writes the default one.
func (p *process) mergeModel(j *job) error {
	if j.file == "" {
		if err := p.useDefaultModel(j); err != nil {
			return err
		}
	}
	if len(j.set) == 0 {
		return nil
	}
	text, err := os.ReadFile(j.file)
	if err != nil {
		return fmt.Errorf("error merging --set values with the api model: %s: %w", j.file, err)
	}
	var model map[string]any
	if err := json.Unmarshal(text, &model); err != nil {
		return fmt.Errorf("error merging --set values with the api model: : %w", err)
	}
	for _, values := range j.set {
		for key, value := range pairs(values) {
			if err := assign(model, append([]string{"properties"}, steps(key)...), scalar(value)); err != nil {
				return fmt.Errorf("error merging --set values with the api model: : %w", err)
			}
		}
	}
	if text, err = json.Marshal(model); err != nil {
		return err
	}
	if j.file, err = p.tempFile("mergedApiModel", text); err != nil {
		return err
	}
	p.log.info("new API model file has been generated during merge: %s", j.file)
	return nil
}

func (p *process) useDefaultModel(j *job) error {
	p.log.info("no --api-model was specified, using default model")
	var b strings.Builder
	if err := writeDefaultModel(&b); err != nil {
		return err
	}
	file, err := p.tempFile(program+"-default-api-model_", []byte(b.String()))
	if err != nil {
		return err
	}
	p.log.info("default api model generated at %s", file)
	j.file = file
	return nil
}

// pairs splits key=value,key=value. Commas and equals signs within quotes are part of a value, the quotes are not.
func pairs(text string) map[string]string {
	found := map[string]string{}
	var key, value strings.Builder
	var quote rune
	inKey := true
	end := func() {
		if key.Len() > 0 {
			found[key.String()] = value.String()
		}
		key.Reset()
		value.Reset()
		inKey = true
	}
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inKey = r, false
		case quote == 0 && r == ',':
			end()
		case quote == 0 && r == '=' && inKey:
			inKey = false
		case inKey:
			key.WriteRune(r)
		default:
			value.WriteRune(r)
		}
	}
	end()
	return found
}

var indexFormat = regexp.MustCompile(`^(.*)\[(\d+)\]$`)

// steps splits a.b[1].c into a, b, 1, c.
func steps(key string) []string {
	var out []string
	for part := range strings.SplitSeq(key, ".") {
		if m := indexFormat.FindStringSubmatch(part); m != nil {
			out = append(out, m[1], m[2])
		} else {
			out = append(out, part)
		}
	}
	return out
}

func scalar(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil {
		return b
	}
	return text
}

// assign sets a value deep in an object. Objects that are missing on the way are made.
func assign(object map[string]any, path []string, value any) error {
	key := path[0]
	if len(path) == 1 {
		object[key] = value
		return nil
	}
	if list, ok := object[key].([]any); ok {
		i, err := strconv.Atoi(path[1])
		if err != nil || i >= len(list) {
			return fmt.Errorf("field not found: %s[%s]", key, path[1])
		}
		if len(path) == 2 {
			list[i] = value
			return nil
		}
		item, ok := list[i].(map[string]any)
		if !ok {
			return fmt.Errorf("%s[%d] is not an object", key, i)
		}
		return assign(item, path[2:], value)
	}
	next, ok := object[key].(map[string]any)
	if !ok {
		next = map[string]any{}
		object[key] = next
	}
	return assign(next, path[1:], value)
}
