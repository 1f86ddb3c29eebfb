package template

import (
	"strconv"
	"strings"
)

// node is a parsed expression.
type node interface{ eval(*scope) (any, error) }

type literal struct{ value any }

type call struct {
	name string
	args []node
}

type member struct {
	of   node
	name string
}

type element struct{ of, index node }

// isExpression tells "[…]" from plain text; "[[…" is text that begins with a
// bracket.
func isExpression(s string) bool {
	return strings.HasPrefix(s, "[") && !strings.HasPrefix(s, "[[") && strings.HasSuffix(s, "]")
}

type parser struct {
	text string
	at   int
}

// parse reads the inside of "[…]".
func parse(text string) (node, error) {
	p := &parser{text: text}
	n, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.skip(); p.at != len(p.text) {
		return nil, p.unexpected()
	}
	return n, nil
}

func (p *parser) skip() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// peek is the next byte that is not blank, 0 at the end.
func (p *parser) peek() byte {
	p.skip()
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) unexpected() error {
	if p.at >= len(p.text) {
		return errorf("The language expression '%s' is not valid: it ends too early.", short(p.text))
	}
	return errorf("The language expression '%s' is not valid: the text '%s' at position '%d' is not expected.", short(p.text), short(p.text[p.at:]), p.at)
}

func short(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

func (p *parser) expression() (node, error) {
	n, err := p.primary()
	for err == nil {
		switch p.peek() {
		case '.':
			p.at++
			name := p.identifier()
			if name == "" {
				return nil, p.unexpected()
			}
			n = member{n, name}
		case '[':
			p.at++
			var index node
			if index, err = p.expression(); err != nil {
				return nil, err
			}
			if p.peek() != ']' {
				return nil, p.unexpected()
			}
			p.at++
			n = element{n, index}
		default:
			return n, nil
		}
	}
	return nil, err
}

func (p *parser) primary() (node, error) {
	c := p.peek()
	switch {
	case c == '\'':
		return p.quoted()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	name := p.identifier()
	if name == "" || p.peek() != '(' {
		return nil, p.unexpected()
	}
	p.at++
	var args []node
	if p.peek() == ')' {
		p.at++
		return call{name, nil}, nil
	}
	for {
		arg, err := p.expression()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		switch p.peek() {
		case ',':
			p.at++
		case ')':
			p.at++
			return call{name, args}, nil
		default:
			return nil, p.unexpected()
		}
	}
}

func (p *parser) quoted() (node, error) {
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		if p.text[p.at] != '\'' {
			b.WriteByte(p.text[p.at])
			continue
		}
		if p.at+1 < len(p.text) && p.text[p.at+1] == '\'' {
			b.WriteByte('\'')
			p.at++
			continue
		}
		p.at++
		return literal{b.String()}, nil
	}
	return nil, p.unexpected()
}

func (p *parser) number() (node, error) {
	start := p.at
	for p.at++; p.at < len(p.text) && strings.IndexByte("0123456789.", p.text[p.at]) >= 0; p.at++ {
	}
	s := p.text[start:p.at]
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return literal{i}, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		p.at = start
		return nil, p.unexpected()
	}
	return literal{f}, nil
}

func (p *parser) identifier() string {
	p.skip()
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (p.at == start || c < '0' || c > '9') {
			break
		}
		p.at++
	}
	return p.text[start:p.at]
}
