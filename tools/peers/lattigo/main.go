// The network in Lattigo: its double-hoisted linear transformations with plaintexts encoded before, and two products
// for the activation. Prints one JSON line.
//
//	lattigo --network FOLDER --passes 5 --log-q 60,32,33,33 --log-p 60 --scale 32
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/tuneinsight/lattigo/v6/circuits/ckks/lintrans"
	"github.com/tuneinsight/lattigo/v6/core/rlwe"
	"github.com/tuneinsight/lattigo/v6/ring"
	"github.com/tuneinsight/lattigo/v6/schemes/ckks"
)

// What the homomorphic encryption standard of 2018 allows at N = 8192 for 128 bits and a ternary secret. Lattigo leaves
// this to whoever sets the parameters.
const logN, mostLogQP = 13, 218

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "lattigo:", err)
		os.Exit(1)
	}
}

func since(begin time.Time) float64 { return float64(time.Since(begin).Nanoseconds()) / 1e6 }

func sizes(text string) []int {
	out := []int{}
	for _, part := range strings.Split(text, ",") {
		out = append(out, must(strconv.Atoi(part)))
	}
	return out
}

// Server holds what the provider has: the matrices as plaintexts, and the client's evaluation keys.
type Server struct {
	params        ckks.Parameters
	eval          *ckks.Evaluator
	transform     *lintrans.Evaluator
	packing       Packing
	alpha, shift  float64
	rescaleLast   bool
	first, second lintrans.LinearTransformation
	firstBias     *rlwe.Plaintext
	secondBias    *rlwe.Plaintext
}

// foldBy adds the ciphertext's rotations.
func (s *Server) foldBy(rotations []int, ct *rlwe.Ciphertext) {
	for _, r := range rotations {
		check(s.eval.Add(ct, must(s.eval.RotateNew(ct, r)), ct))
	}
}

func (s *Server) answer(request []byte) []byte {
	ct := new(rlwe.Ciphertext)
	check(ct.UnmarshalBinary(request))

	v := must(s.transform.EvaluateNew(ct, s.first))
	check(s.eval.Rescale(v, v))
	s.foldBy(s.packing.firstFolds, v)
	if s.packing.conjugate {
		check(s.eval.Add(v, must(s.eval.ConjugateNew(v)), v))
	}
	check(s.eval.Add(v, s.firstBias, v))

	w := must(s.eval.MulRelinNew(v, v))
	check(s.eval.Rescale(w, w))
	check(s.eval.Add(w, s.alpha, w))
	check(s.eval.MulRelin(w, v, w))
	check(s.eval.Rescale(w, w))
	check(s.eval.Add(w, s.shift, w))

	y := must(s.transform.EvaluateNew(w, s.second))
	if s.rescaleLast {
		check(s.eval.Rescale(y, y))
	}
	s.foldBy(s.packing.secondFolds, y)
	s.secondBias.Scale = y.Scale
	check(s.eval.Add(y, s.secondBias, y))
	return must(y.MarshalBinary())
}

func encoded(params ckks.Parameters, values []complex128, level int, scale rlwe.Scale) *rlwe.Plaintext {
	out := ckks.NewPlaintext(params, level)
	out.Scale = scale
	check(ckks.NewEncoder(params).Encode(values, out))
	return out
}

func transformation(params ckks.Parameters, diagonals map[int][]complex128, level, ratio int, scale rlwe.Scale,
) lintrans.LinearTransformation {
	d := lintrans.Diagonals[complex128](diagonals)
	out := lintrans.NewTransformation(params, lintrans.Parameters{
		DiagonalsIndexList: d.DiagonalsIndexList(), LevelQ: level, LevelP: params.MaxLevelP(), Scale: scale,
		LogDimensions: params.LogMaxDimensions(), LogBabyStepGiantStepRatio: ratio,
	})
	check(lintrans.Encode(ckks.NewEncoder(params), d, out))
	return out
}

// newServer encodes the network. Without a fifth prime the last product is not rescaled, and its scale is
// that of w times 2^lastScale.
func newServer(params ckks.Parameters, network *Network, packing Packing, ratios []int, lastScale int) *Server {
	top := params.MaxLevel()
	s := &Server{params: params, packing: packing, alpha: network.alpha, shift: network.shift(), rescaleLast: top == 4}
	q := params.Q()
	s.first = transformation(params, packing.first, top, ratios[0], rlwe.NewScale(q[top]))
	scale := params.DefaultScale()
	s.firstBias = encoded(params, packing.firstBias, top-1, scale)
	last := rlwe.NewScale(math.Exp2(float64(lastScale)))
	if s.rescaleLast {
		last = rlwe.NewScale(q[1])
	}
	s.second = transformation(params, packing.second, top-3, ratios[1], last)
	// The scale of w = (v^2 + alpha) v after the two rescales.
	w := scale.Mul(scale).Mul(scale).Div(rlwe.NewScale(q[top-1])).Div(rlwe.NewScale(q[top-2]))
	y := w.Mul(last)
	if s.rescaleLast {
		y = y.Div(last)
	}
	s.secondBias = encoded(params, packing.secondBias, 0, y)
	return s
}

func (s *Server) rotations() []uint64 {
	elements := map[uint64]bool{}
	for _, t := range []lintrans.LinearTransformation{s.first, s.second} {
		for _, e := range t.GaloisElements(s.params) {
			elements[e] = true
		}
	}
	for _, r := range append(append([]int{}, s.packing.firstFolds...), s.packing.secondFolds...) {
		elements[s.params.GaloisElement(r)] = true
	}
	if s.packing.conjugate {
		elements[s.params.GaloisElementForComplexConjugation()] = true
	}
	delete(elements, 1)
	out := []uint64{}
	for e := range elements {
		out = append(out, e)
	}
	return out
}

// peakMemory is the most memory held since the last call with begin = true.
func peakMemory(begin bool) int {
	if begin {
		debug.FreeOSMemory()
		_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
		return 0
	}
	file := must(os.Open("/proc/self/status"))
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if fields := strings.Fields(scanner.Text()); fields[0] == "VmHWM:" {
			return 1024 * must(strconv.Atoi(fields[1]))
		}
	}
	return 0
}

func ringOf(name string) ring.Type {
	types := map[string]ring.Type{"standard": ring.Standard, "conjugate-invariant": ring.ConjugateInvariant}
	found, ok := types[name]
	if !ok {
		check(fmt.Errorf("no ring is named %s", name))
	}
	return found
}

func packingOf(name string, network *Network, params ckks.Parameters) Packing {
	slots := params.MaxSlots()
	switch {
	case name == "real":
		return realPacking(network, slots)
	case name == "complex" && params.RingType() == ring.Standard:
		return complexPacking(network, slots)
	}
	check(fmt.Errorf("no packing is named %s in this ring", name))
	return Packing{}
}

func main() {
	folder := flag.String("network", "", "folder of the network and its inputs")
	passes := flag.Int("passes", 5, "that are measured, after one to warm up")
	logQ := flag.String("log-q", "60,32,33,33", "bits of the primes of Q, the last to be rescaled first")
	logP := flag.String("log-p", "60", "bits of the special primes")
	scale := flag.Int("scale", 32, "log2 of the scale")
	lastScale := flag.Int("last-scale", 27, "log2 of the second matrix's scale where its product is not rescaled")
	ratio := flag.String("ratios", "2,2", "log2 of baby steps by giant steps, of the two matrices")
	packs := flag.String("packing", "real", "real: a number a slot; or complex: two, CryptoTL's packing")
	ringName := flag.String("ring", "standard", "or conjugate-invariant: twice the slots, of real numbers alone")
	flag.Parse()
	runtime.GOMAXPROCS(1)

	network := must(readNetwork(*folder))
	params := must(ckks.NewParametersFromLiteral(ckks.ParametersLiteral{
		LogN: logN, LogQ: sizes(*logQ), LogP: sizes(*logP), LogDefaultScale: *scale, RingType: ringOf(*ringName)}))
	// Primes are the nearest to powers of two: their logarithm is off by less than a hundredth.
	if params.LogQP() > mostLogQP+0.01 || params.MaxLevel() < 3 || params.MaxLevel() > 4 {
		check(fmt.Errorf("log2 QP = %.2f with %d primes: not 4 or 5 primes, or not 128 bits", params.LogQP(),
			params.QCount()))
	}
	packing := packingOf(*packs, network, params)
	server := newServer(params, network, packing, sizes(*ratio), *lastScale)
	begin := time.Now()
	generator := rlwe.NewKeyGenerator(params)
	secret := generator.GenSecretKeyNew()
	relinearisation := generator.GenRelinearizationKeyNew(secret)
	galois := generator.GenGaloisKeysNew(server.rotations(), secret)
	keygen := since(begin)
	server.eval = ckks.NewEvaluator(params, rlwe.NewMemEvaluationKeySet(relinearisation, galois...))
	server.transform = lintrans.NewEvaluator(server.eval)
	keyBytes := relinearisation.BinarySize()
	for _, key := range galois {
		keyBytes += key.BinarySize()
	}
	encoder := ckks.NewEncoder(params)
	encryptor, decryptor := rlwe.NewEncryptor(params, secret), rlwe.NewDecryptor(params, secret)
	times := map[string][]float64{}
	var worst float64
	var request, response []byte
	server.packing.first, server.packing.second = nil, nil // encoded by now
	packing.first, packing.second = nil, nil
	// The collector runs between the passes, outside of every measured time.
	debug.SetGCPercent(-1)
	peakMemory(true)
	for pass := 0; pass <= *passes; pass++ {
		x := network.rows[pass%len(network.rows)]
		runtime.GC()

		begin = time.Now()
		plaintext := ckks.NewPlaintext(params, params.MaxLevel())
		check(encoder.Encode(packing.pack(x), plaintext))
		request = must(must(encryptor.EncryptNew(plaintext)).MarshalBinary())
		encrypt := since(begin)

		begin = time.Now()
		response = server.answer(request)
		answered := since(begin)

		begin = time.Now()
		answer := new(rlwe.Ciphertext)
		check(answer.UnmarshalBinary(response))
		values := make([]complex128, params.MaxSlots())
		check(encoder.Decode(decryptor.DecryptNew(answer), values))
		got := packing.unpack(values)
		decrypt := since(begin)

		for i, want := range network.plain(x) {
			worst = math.Max(worst, math.Abs(want-got[i]))
		}
		if pass > 0 {
			times["server"] = append(times["server"], answered)
			times["encrypt"] = append(times["encrypt"], encrypt)
			times["decrypt"] = append(times["decrypt"], decrypt)
		}
	}
	line := must(json.Marshal(map[string]any{
		"peer": "Lattigo", "version": version(), "server_ms": times["server"], "encrypt_ms": times["encrypt"],
		"decrypt_ms": times["decrypt"], "keygen_ms": keygen, "key_bytes": keyBytes, "request_bytes": len(request),
		"response_bytes": len(response), "peak_rss_bytes": peakMemory(false), "max_abs_error": worst,
		"parameters": fmt.Sprintf("N = %d, log2 QP = %.0f, primes %s and special %s, scale 2^%d, "+
			"%d and %d baby steps", params.N(), params.LogQP(), *logQ, *logP, *scale, server.first.N1, server.second.N1),
	}))
	fmt.Println(string(line))
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/tuneinsight/lattigo/v6" {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return "unknown"
}
