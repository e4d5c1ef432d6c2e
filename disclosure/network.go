package disclosure

import "slices"

// network says what can be told of counts by their published sums: the counts
// are a flow from a source over rows and columns to a sink, and so is every
// other table with the same published sums. An arc whose flow is published is
// held; all tables that an attacker cannot tell apart are what the other arcs
// can be moved to along circles.
type network struct {
	least uint64
	arcs  []arc
	at    [][]int // arcs that touch a node
	seen  []int   // of the search: the arc by which a node was reached, -1
	rows  int
}

type arc struct {
	from, to int
	flow     uint64
	held     bool
	floor    uint64 // the least that it can be: sums of 0 are published, so what is withheld is none
}

const source, sink = 0, 1

// newNetwork has an arc for each row, then each column, then each pair that is
// not empty. The total is always known, so that the circle over it is held.
func newNetwork(c Counts, s sums, least uint64) *network {
	n := &network{least: least, rows: len(s.rows), at: make([][]int, 2+len(s.rows)+len(s.columns))}
	n.seen = make([]int, len(n.at))
	add := func(from, to int, flow uint64) {
		n.at[from] = append(n.at[from], len(n.arcs))
		n.at[to] = append(n.at[to], len(n.arcs))
		n.arcs = append(n.arcs, arc{from: from, to: to, flow: flow})
	}
	for i, flow := range s.rows {
		add(source, 2+i, flow)
	}
	for j, flow := range s.columns {
		add(2+n.rows+j, sink, flow)
	}
	for i, row := range c {
		for j, flow := range row {
			if flow > 0 {
				add(2+i, 2+n.rows+j, flow)
			}
		}
	}
	return n
}

// hold sets which arcs are published. Where no sum is, those of 0 are not either.
func (n *network) hold(show Shown) {
	floor := uint64(0)
	if slices.Contains(show.Rows, true) || slices.Contains(show.Columns, true) {
		floor = 1
	}
	for i := range n.rows + len(show.Columns) {
		n.arcs[i].floor = floor
	}
	for i, shown := range show.Rows {
		n.arcs[i].held = shown
	}
	for j, shown := range show.Columns {
		n.arcs[n.rows+j].held = shown
	}
}

// weakest gives the first small count that is not protected, and how wide its
// interval is; -1 if all are.
func (n *network) weakest() (arc int, width uint64) {
	for i, a := range n.arcs {
		if a.flow == 0 || a.flow >= n.least {
			continue
		}
		if w := n.width(i); w < n.least {
			return i, w
		}
	}
	return -1, 0
}

// width is how far apart the least and the greatest value of an arc are that
// fit what is published, or least if they are farther.
func (n *network) width(i int) uint64 {
	if n.arcs[i].held {
		return 0
	}
	a := n.arcs[i]
	up := n.push(i, a.to, a.from, n.least)
	if up >= n.least {
		return n.least
	}
	return up + n.push(i, a.from, a.to, min(a.flow-a.floor, n.least-up))
}

// push tells how much can be moved from one node to another without an arc, at
// most want. The flow is left as it was.
func (n *network) push(without, from, to int, want uint64) uint64 {
	before := make([]uint64, len(n.arcs))
	for i, a := range n.arcs {
		before[i] = a.flow
	}
	moved := uint64(0)
	for moved < want {
		room := n.path(without, from, to, want-moved)
		if room == 0 {
			break
		}
		moved += room
	}
	for i := range n.arcs {
		n.arcs[i].flow = before[i]
	}
	return moved
}

// path finds a way on which flow can be moved, and moves at most want.
func (n *network) path(without, from, to int, want uint64) uint64 {
	for i := range n.seen {
		n.seen[i] = -1
	}
	queue := []int{from}
	for len(queue) > 0 && n.seen[to] < 0 {
		node := queue[0]
		queue = queue[1:]
		for _, i := range n.at[node] {
			a := n.arcs[i]
			next := a.from + a.to - node
			if i == without || a.held || next == from || n.seen[next] >= 0 || a.from != node && a.flow <= a.floor {
				continue
			}
			n.seen[next] = i
			queue = append(queue, next)
		}
	}
	if n.seen[to] < 0 {
		return 0
	}
	n.walk(from, to, func(a *arc, along bool) {
		if !along {
			want = min(want, a.flow-a.floor)
		}
	})
	n.walk(from, to, func(a *arc, along bool) {
		if along {
			a.flow += want
		} else {
			a.flow -= want
		}
	})
	return want
}

// walk visits the arcs of the way that was found, from its end.
func (n *network) walk(from, to int, visit func(a *arc, along bool)) {
	for node := to; node != from; {
		a := &n.arcs[n.seen[node]]
		visit(a, a.to == node)
		node = a.from + a.to - node
	}
}
