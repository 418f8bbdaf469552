package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// readNpy reads rows of float64 from an NPY file of version 1 in C order, and refuses any other size than the one given
// (rows 0: as many as there are).
func readNpy(folder, name string, rows, columns int) ([][]float64, error) {
	path := filepath.Join(folder, name)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) < 10 || string(data[:8]) != "\x93NUMPY\x01\x00" {
		return nil, fmt.Errorf("%s: not an NPY file of version 1", path)
	}
	end := 10 + int(binary.LittleEndian.Uint16(data[8:]))
	if len(data) < end || !strings.Contains(string(data[10:end]), "'descr': '<f8', 'fortran_order': False") {
		return nil, fmt.Errorf("%s: not float64 in C order", path)
	}
	values := data[end:]
	if rows == 0 {
		rows = len(values) / (8 * columns)
	}
	if rows == 0 || len(values) != 8*rows*columns {
		return nil, fmt.Errorf("%s: not rows of %d numbers, or not %d of them", path, columns, rows)
	}
	out := make([][]float64, rows)
	for i := range out {
		out[i] = make([]float64, columns)
		for j := range out[i] {
			out[i][j] = math.Float64frombits(binary.LittleEndian.Uint64(values[8*(i*columns+j):]))
		}
	}
	return out, nil
}
