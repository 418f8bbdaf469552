package main

import "math"

const (
	inputs  = 768
	hidden  = 768
	outputs = 766
)

// Network is W2 p(W1 x + b1) + b2 with the cubic p of the coefficients activation.
type Network struct {
	w1, w2      [][]float64
	b1, b2      []float64
	activation  []float64
	rows        [][]float64
	k, h, alpha float64 // v = k (u - h) makes p(u) = sign (v^2 + alpha) v + p(h)
	sign        float64
}

func readNetwork(folder string) (*Network, error) {
	out := &Network{}
	for _, part := range []struct {
		name          string
		rows, columns int
		take          func([][]float64)
	}{
		{"w1.npy", hidden, inputs, func(m [][]float64) { out.w1 = m }},
		{"b1.npy", 1, hidden, func(m [][]float64) { out.b1 = m[0] }},
		{"w2.npy", outputs, hidden, func(m [][]float64) { out.w2 = m }},
		{"b2.npy", 1, outputs, func(m [][]float64) { out.b2 = m[0] }},
		{"activation.npy", 1, 4, func(m [][]float64) { out.activation = m[0] }},
		{"inputs.npy", 0, inputs, func(m [][]float64) { out.rows = m }},
	} {
		matrix, err := readNpy(folder, part.name, part.rows, part.columns)
		if err != nil {
			return nil, err
		}
		part.take(matrix)
	}
	a := out.activation
	out.sign = math.Copysign(1, a[3])
	out.k = math.Cbrt(math.Abs(a[3]))
	out.h = -a[2] / (3 * a[3])
	out.alpha = out.sign * (a[1] + out.h*(2*a[2]+3*a[3]*out.h)) / out.k
	return out, nil
}

func (n *Network) cubic(u float64) float64 {
	a := n.activation
	return a[0] + u*(a[1]+u*(a[2]+u*a[3]))
}

func affine(matrix [][]float64, x, bias []float64) []float64 {
	out := make([]float64, len(matrix))
	for i, row := range matrix {
		out[i] = bias[i]
		for j, weight := range row {
			out[i] += weight * x[j]
		}
	}
	return out
}

// plain computes the network in float64, as it was given.
func (n *Network) plain(x []float64) []float64 {
	h := affine(n.w1, x, n.b1)
	for i, u := range h {
		h[i] = n.cubic(u)
	}
	return affine(n.w2, h, n.b2)
}

// The merged layers take x - 1/2, give v of it and the outputs from w = (v^2 + alpha) v + shift, so that the activation
// needs no product with a coefficient. Inputs about 0, and a w that is 0 where u is, keep what is rounded small: an
// encoded diagonal's rounding error is multiplied by them.

const middle = 0.5

func (n *Network) first(row, column int) float64  { return n.k * n.w1[row][column] }
func (n *Network) second(row, column int) float64 { return n.sign * n.w2[row][column] }
func (n *Network) shift() float64                 { return n.sign * (n.cubic(n.h) - n.cubic(0)) }

func (n *Network) firstBias() []float64 {
	out := make([]float64, hidden)
	for i, row := range n.w1 {
		out[i] = n.k * (n.b1[i] - n.h)
		for _, weight := range row {
			out[i] += n.k * weight * middle
		}
	}
	return out
}

func (n *Network) secondBias() []float64 {
	out := make([]float64, outputs)
	for i, row := range n.w2 {
		out[i] = n.b2[i]
		for _, weight := range row {
			out[i] += weight * n.cubic(0)
		}
	}
	return out
}
