package main

const slots = 4096

// Packing says where inputs, hidden units and outputs stand in the slots. After its diagonals, `folds` are added one
// after the other: rotations that sum the blocks.
type Packing struct {
	first, second           map[int][]complex128
	firstFolds, secondFolds []int
	conjugate               bool // the first product's real part is what is wanted: its conjugate is added
	pack                    func(x []float64) []complex128
	unpack                  func(y []complex128) []float64
	firstBias, secondBias   []complex128
}

// realPacking: four blocks of 1024 slots, block k holding the input shifted by 192 k, so 192 diagonals and two folds.
// Then output i sums its columns in four windows of 256 slots, at i + 768 k: 256 diagonals and two folds.
func realPacking(n *Network) Packing {
	const block, window = 1024, 256
	p := Packing{first: map[int][]complex128{}, second: map[int][]complex128{}, firstFolds: []int{block, 2 * block},
		secondFolds: []int{768, 2 * 768}, firstBias: make([]complex128, slots), secondBias: make([]complex128, slots)}
	for r := 0; r < inputs/4; r++ {
		p.first[r] = make([]complex128, slots)
		for k := 0; k < 4; k++ {
			for i := 0; i < hidden; i++ {
				p.first[r][block*k+i] = complex(n.first(i, (i+r+inputs/4*k)%inputs), 0)
			}
		}
	}
	for r := 0; r < window; r++ {
		p.second[r] = make([]complex128, slots)
		for k := 0; k < 4; k++ {
			for i := 0; i < outputs; i++ {
				if column := (768*k + i + r) % block; column < hidden {
					p.second[r][768*k+i] = complex(n.second(i, column), 0)
				}
			}
		}
	}
	p.firstBias = inEveryBlock(n.firstBias())
	for i, b := range n.secondBias() {
		p.secondBias[i] = complex(b, 0)
	}
	p.pack = func(x []float64) []complex128 {
		out := make([]complex128, slots)
		for s := range out {
			out[s] = complex(x[(s%block+inputs/4*(s/block))%inputs]-middle, 0)
		}
		return out
	}
	p.unpack = func(y []complex128) []float64 {
		out := make([]float64, outputs)
		for i := range out {
			out[i] = real(y[i])
		}
		return out
	}
	return p
}

// complexPacking: two numbers a slot, which halves the diagonals. The input is paired as z = x[k] + i x[384 + k], and
// block b of 1024 slots holds it shifted by 96 b; the real part of the product with w[k] - i w[384 + k] is what the
// first layer gives: 96 diagonals, two folds and a conjugation. The outputs are paired as y[r] + i y[r + 383], at
// r + 384 b for b < 8, each summing a window of 128 slots: 128 diagonals and three folds.
func complexPacking(n *Network) Packing {
	const block, half, pairs, stride, window = 1024, inputs / 2, outputs / 2, 384, 128
	p := Packing{first: map[int][]complex128{}, second: map[int][]complex128{}, firstFolds: []int{block, 2 * block},
		secondFolds: []int{stride, 2 * stride, 4 * stride}, conjugate: true, secondBias: make([]complex128, slots)}
	for r := 0; r < half/4; r++ {
		p.first[r] = make([]complex128, slots)
		for b := 0; b < 4; b++ {
			for i := 0; i < hidden; i++ {
				column := (i + r + half/4*b) % half
				p.first[r][block*b+i] = complex(n.first(i, column)/2, -n.first(i, half+column)/2)
			}
		}
	}
	for r := 0; r < window; r++ {
		p.second[r] = make([]complex128, slots)
		for b := 0; b < 8; b++ {
			for i := 0; i < pairs; i++ {
				if column := (stride*b + i + r) % block; column < hidden {
					p.second[r][stride*b+i] = complex(n.second(i, column), n.second(pairs+i, column))
				}
			}
		}
	}
	p.firstBias = inEveryBlock(n.firstBias())
	bias := n.secondBias()
	for i := 0; i < pairs; i++ {
		p.secondBias[i] = complex(bias[i], bias[pairs+i])
	}
	p.pack = func(x []float64) []complex128 {
		out := make([]complex128, slots)
		for s := range out {
			k := (s%block + half/4*(s/block)) % half
			out[s] = complex(x[k]-middle, x[half+k]-middle)
		}
		return out
	}
	p.unpack = func(y []complex128) []float64 {
		out := make([]float64, outputs)
		for i := 0; i < pairs; i++ {
			out[i], out[pairs+i] = real(y[i]), imag(y[i])
		}
		return out
	}
	return p
}

func inEveryBlock(bias []float64) []complex128 {
	out := make([]complex128, slots)
	for b := 0; b < 4; b++ {
		for i, value := range bias {
			out[1024*b+i] = complex(value, 0)
		}
	}
	return out
}
