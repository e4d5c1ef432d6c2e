package web

import (
	"fmt"
	"html/template"
	"text/template/parse"
)

// saidOnce are what templates call with nothing but words that stand there: the
// answer depends on the language alone.
var saidOnce = []string{"say", "word", "asset"}

// sayConstants puts such answers in the place of their calls, as if the template
// had been written in its language. A page has hundreds, and html/template takes
// longer to call a function than the function takes. They are escaped as text is;
// a test holds that they stand in text and in quoted attributes alone.
func sayConstants(t *template.Template, funcs ...template.FuncMap) error {
	s := sayer{funcs: template.FuncMap{}}
	for _, some := range funcs {
		for _, name := range saidOnce {
			if f, ok := some[name]; ok {
				s.funcs[name] = f
			}
		}
	}
	for _, one := range t.Templates() {
		if one.Tree != nil {
			s.list(one.Tree.Root)
		}
	}
	return s.err
}

// sayer walks through a template's tree.
type sayer struct {
	funcs template.FuncMap
	err   error
}

func (s *sayer) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for i, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			if said, ok := s.said(n.Pipe); ok {
				l.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(template.HTMLEscapeString(said))}
			}
		case *parse.IfNode:
			s.list(n.List)
			s.list(n.ElseList)
		case *parse.RangeNode:
			s.list(n.List)
			s.list(n.ElseList)
		case *parse.WithNode:
			s.list(n.List)
			s.list(n.ElseList)
		}
	}
}

// said gives the answer of a call with constants; ok: it is one.
func (s *sayer) said(p *parse.PipeNode) (said string, ok bool) {
	if len(p.Decl) > 0 || len(p.Cmds) != 1 {
		return "", false
	}
	args := p.Cmds[0].Args
	name, isCall := args[0].(*parse.IdentifierNode)
	if !isCall || s.funcs[name.Ident] == nil {
		return "", false
	}
	words := make([]string, len(args)-1)
	for i, a := range args[1:] {
		constant, isWord := a.(*parse.StringNode)
		if !isWord {
			return "", false
		}
		words[i] = constant.Text
	}
	var err error
	switch f := s.funcs[name.Ident].(type) {
	case func(id, en string) string:
		if len(words) == 2 {
			return f(words[0], words[1]), true
		}
	case func(group string, code any) string:
		if len(words) == 2 {
			return f(words[0], words[1]), true
		}
	case func(name string) (string, error):
		if len(words) == 1 {
			if said, err = f(words[0]); err != nil {
				s.err = fmt.Errorf("%s: %w", p, err)
			}
			return said, true
		}
	}
	return "", false
}
