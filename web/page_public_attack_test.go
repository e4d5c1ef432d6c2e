package web

import "math"

// An attacker with linear constraints. He knows what is published, which counts are
// empty, and that a count that is withheld beside others that are shown is at least 1,
// since the page shows zeros; and computes the least and the greatest value of anything
// that fits, by the simplex method: nothing of how the tables are made is in it.

// equation says that the unknowns of some indexes, without those of others, add up to a
// number.
type equation struct {
	sum, less []int
	is        float64
}

// program is a linear program in standard form: unknowns that are not negative,
// equations, and after start a basis that solves them.
type program struct {
	unknowns int
	table    [][]float64 // a row for each equation, the right side last
	basis    []int
}

const tiny = 1e-7

// start finds values that solve the equations; false if there are none.
func start(unknowns int, list []equation) (*program, bool) {
	p := &program{unknowns: unknowns}
	width := unknowns + len(list) + 1
	cost := make([]float64, width)
	for i, e := range list {
		row := make([]float64, width)
		for _, j := range e.sum {
			row[j]++
		}
		for _, j := range e.less {
			row[j]--
		}
		row[unknowns+i], row[width-1] = 1, e.is
		p.table = append(p.table, row)
		p.basis = append(p.basis, unknowns+i)
		cost[unknowns+i] = 1
	}
	if p.minimise(cost, width-1) > tiny {
		return nil, false
	}
	for i := range p.basis { // what is left of the helpers stands at 0
		if p.basis[i] < unknowns {
			continue
		}
		for j := range unknowns {
			if math.Abs(p.table[i][j]) > tiny {
				p.pivot(i, j)
				break
			}
		}
	}
	return p, true
}

// minimise moves to the least cost over the first columns, by Bland's rule, and
// gives it.
func (p *program) minimise(cost []float64, columns int) float64 {
	right := len(p.table[0]) - 1
	for {
		enter := -1
		for j := 0; j < columns && enter < 0; j++ {
			reduced := cost[j]
			for i, b := range p.basis {
				reduced -= cost[b] * p.table[i][j]
			}
			if reduced < -tiny {
				enter = j
			}
		}
		if enter < 0 {
			value := 0.0
			for i, b := range p.basis {
				value += cost[b] * p.table[i][right]
			}
			return value
		}
		leave, least := -1, math.Inf(1)
		for i, row := range p.table {
			if row[enter] <= tiny {
				continue
			}
			if at := row[right] / row[enter]; at < least-tiny || at < least+tiny && (leave < 0 || p.basis[i] < p.basis[leave]) {
				leave, least = i, at
			}
		}
		if leave < 0 {
			return math.Inf(-1)
		}
		p.pivot(leave, enter)
	}
}

func (p *program) pivot(row, column int) {
	by := p.table[row][column]
	for j := range p.table[row] {
		p.table[row][j] /= by
	}
	for i := range p.table {
		if f := p.table[i][column]; i != row && f != 0 {
			for j := range p.table[i] {
				p.table[i][j] -= f * p.table[row][j]
			}
		}
	}
	p.basis[row] = column
}

// span gives the least and the greatest sum of some unknowns.
func (p *program) span(sum []int) (low, high float64) {
	cost := make([]float64, len(p.table[0]))
	for _, j := range sum {
		cost[j] = 1
	}
	low = p.minimise(cost, p.unknowns)
	for _, j := range sum {
		cost[j] = -1
	}
	return low, -p.minimise(cost, p.unknowns)
}
