package main

// Slots of a block: as many as hidden units, and a power of two, so that rotations by blocks go round.
const block = 1024

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

// realPacking: a number a slot, in blocks of 1024 slots, four of them or, in the conjugate-invariant ring, eight. With n
// blocks the k-th holds the input shifted by 768 / n k, so 768 / n diagonals and log2 n folds. Then output i sums its
// columns in n windows of 1024 / n slots, at i + stride k, which begin at all multiples of that: 1024 / n diagonals and
// log2 n folds.
func realPacking(n *Network, slots int) Packing {
	blocks := slots / block
	shift, window := inputs/blocks, block/blocks
	stride := block - window
	p := Packing{first: map[int][]complex128{}, second: map[int][]complex128{}, secondBias: make([]complex128, slots)}
	for k := 1; k < blocks; k *= 2 {
		p.firstFolds = append(p.firstFolds, block*k)
		p.secondFolds = append(p.secondFolds, stride*k)
	}
	for r := 0; r < shift; r++ {
		p.first[r] = make([]complex128, slots)
		for k := 0; k < blocks; k++ {
			for i := 0; i < hidden; i++ {
				p.first[r][block*k+i] = complex(n.first(i, (i+r+shift*k)%inputs), 0)
			}
		}
	}
	for r := 0; r < window; r++ {
		p.second[r] = make([]complex128, slots)
		for k := 0; k < blocks; k++ {
			for i := 0; i < outputs; i++ {
				if column := (stride*k + i + r) % block; column < hidden {
					p.second[r][stride*k+i] = complex(n.second(i, column), 0)
				}
			}
		}
	}
	p.firstBias = inEveryBlock(n.firstBias(), slots)
	for i, b := range n.secondBias() {
		p.secondBias[i] = complex(b, 0)
	}
	p.pack = func(x []float64) []complex128 {
		out := make([]complex128, slots)
		for s := range out {
			out[s] = complex(x[(s%block+shift*(s/block))%inputs]-middle, 0)
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

// complexPacking is CryptoTL's: two numbers a slot, which halves the diagonals. The input is paired as z = x[k] + i x[384 + k], and
// block b of 1024 slots holds it shifted by 96 b; the real part of the product with w[k] - i w[384 + k] is what the
// first layer gives: 96 diagonals, two folds and a conjugation. The outputs are paired as y[r] + i y[r + 383], at
// r + 384 b for b < 8, each summing a window of 128 slots: 128 diagonals and three folds.
func complexPacking(n *Network, slots int) Packing {
	const half, pairs, stride, window = inputs / 2, outputs / 2, 384, 128
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
	p.firstBias = inEveryBlock(n.firstBias(), slots)
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

func inEveryBlock(bias []float64, slots int) []complex128 {
	out := make([]complex128, slots)
	for b := 0; b < slots/block; b++ {
		for i, value := range bias {
			out[block*b+i] = complex(value, 0)
		}
	}
	return out
}
