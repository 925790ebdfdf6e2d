package master

import "math"

// Rate is that of what is played, in Hz.
const Rate = 8000

// The filter: what is above 3.6 kHz goes, over so many zero crossings on each
// side, under a Kaiser window.
const (
	cutoff    = 3600.0
	crossings = 24
	kaiser    = 8.0
	// Rates that have nothing in common with ours get places between samples
	// that are this near.
	mostPhases = 512
)

// Resample brings samples to 8 kHz.
func Resample(in []float64, rate int) []float64 {
	if rate == Rate {
		return in
	}
	common := gcd(rate, Rate)
	up, down := Rate/common, rate/common
	out := make([]float64, (len(in)*up+down-1)/down)
	bank := phases(rate, min(up, mostPhases))
	for i := range out {
		// The output sample lies at in[at] and a part of a sample behind it.
		at, taps := i*down/up, bank[i*down%up*len(bank)/up]
		half := len(taps) / 2
		for j, tap := range taps {
			if k := at + j - half + 1; k >= 0 && k < len(in) {
				out[i] += tap * in[k]
			}
		}
	}
	return out
}

// phases returns the filter for each place between two samples of the input.
func phases(rate, n int) [][]float64 {
	edge := min(cutoff, 0.45*float64(rate)) / float64(rate) // of the input's rate
	half := int(math.Ceil(crossings / (2 * edge)))
	bank := make([][]float64, n)
	for p := range bank {
		taps := make([]float64, 2*half)
		sum := 0.0
		for j := range taps {
			x := float64(j-half+1) - float64(p)/float64(n)
			taps[j] = sinc(2*edge*x) * window(x/float64(half))
			sum += taps[j]
		}
		for j := range taps {
			taps[j] /= sum // so that every phase passes a constant as it is
		}
		bank[p] = taps
	}
	return bank
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// window is Kaiser's, for x from -1 to 1.
func window(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel(kaiser*math.Sqrt(1-x*x)) / bessel(kaiser)
}

// bessel is the modified Bessel function I0, by its series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
