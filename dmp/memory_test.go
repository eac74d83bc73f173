package dmp_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle/dmp"
	"github.com/soclesante/socle/dmp/dmptest"
)

// The measure of resident memory, which takes minutes, is made on demand:
//
//	go test ./dmp -run TestMemory -memory ../docs
//
// It writes dmp-memory.svg, and the table of dmp-memory.md, into that directory.
var (
	memoryDir   = flag.String("memory", "", "measure the resident memory of submissions and write the result into `directory`")
	memoryPoint = flag.String("memory.point", "", "`size,concurrency` of one measure, in a process of its own")
)

var (
	memorySizes       = []int64{50 << 10, 500 << 10, 5 << 20, 50 << 20, 100 << 20}
	memoryConcurrency = []int{1, 8, 64}
)

// TestMemory measures each point in a process of its own, so that what one
// needs is not taken for what the next needs.
func TestMemory(t *testing.T) {
	if *memoryDir == "" {
		t.Skip("asked for with -memory directory")
	}
	peaks := map[int][]float64{}
	for _, n := range memoryConcurrency {
		for _, size := range memorySizes {
			out, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryPoint$", "-test.v", fmt.Sprintf("-memory.point=%d,%d", size, n)).CombinedOutput()
			require.NoError(t, err, string(out))
			_, rest, ok := strings.Cut(string(out), "peak=")
			require.True(t, ok, string(out))
			peak, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			require.NoError(t, err)
			peaks[n] = append(peaks[n], float64(peak)/(1<<20))
			t.Logf("%s, %d at once: %.0f MiB", bytesText(size), n, float64(peak)/(1<<20))
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(*memoryDir, "dmp-memory.svg"), memoryChart(peaks), 0o644))
	file := filepath.Join(*memoryDir, "dmp-memory.md")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	const start, end = "<!-- measured -->\n", "<!-- end -->"
	before, rest, ok := bytes.Cut(text, []byte(start))
	require.True(t, ok)
	_, after, ok := bytes.Cut(rest, []byte(end))
	require.True(t, ok)
	require.NoError(t, os.WriteFile(file, bytes.Join([][]byte{before, []byte(start), memoryTable(peaks), []byte(end), after}, nil), 0o644))
	for n, p := range peaks {
		require.Less(t, p[len(p)-1], 1.5*p[0]+float64(n), "at %d at once, documents of 100 MiB take more memory than those of 50 KiB", n)
	}
}

// TestMemoryPoint makes and submits documents, over TLS, to a service that
// throws away what it reads, and prints the peak of the resident memory.
func TestMemoryPoint(t *testing.T) {
	if *memoryPoint == "" {
		t.Skip("a part of TestMemory")
	}
	var size int64
	var concurrency int
	_, err := fmt.Sscanf(*memoryPoint, "%d,%d", &size, &concurrency)
	require.NoError(t, err)
	srv, plain := setup(t, dmptest.Options{})
	patient := qualified(t, "HALL")
	s := prepared(t, plain, patient, report())
	// All that are sent at once are there before the first is read.
	var mu sync.Mutex
	arrived, all := 0, sync.NewCond(&mu)
	sink := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		arrived++
		for round := (arrived - 1) / concurrency; arrived < (round+1)*concurrency; {
			all.Wait()
		}
		all.Broadcast()
		mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", soapType)
		_, _ = io.WriteString(w, successAnswer)
	}))
	defer sink.Close()
	c := client(t, srv, func(cfg *dmp.Config) {
		cfg.HTTPClient, cfg.Environment, cfg.MaxDocumentSize = sink.Client(), dmp.Environment{Base: sink.URL}, 1<<30
	})
	var group sync.WaitGroup
	errs := make(chan error, concurrency)
	for range concurrency {
		group.Go(func() {
			for range max(1, min(10, 50<<20/size)) {
				r := report()
				r.File = nowhere(size)
				doc, err := c.NewDocument(pharmacist, patient, r)
				if err == nil {
					_, err = c.Submit(t.Context(), pharmacist, patient, dmp.Submission{Record: s.Record, Documents: []*dmp.Document{doc}})
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	fmt.Printf("peak=%d\n", peakMemory(t))
}

// peakMemory gives the most memory that the process had resident; elsewhere
// than on Linux, what the runtime took from the system.
func peakMemory(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.Sys)
	}
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	require.True(t, ok)
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	require.NoError(t, err)
	return kib << 10
}

func bytesText(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

func memoryTable(peaks map[int][]float64) []byte {
	var b bytes.Buffer
	fmt.Fprint(&b, "\n| document |")
	for _, n := range memoryConcurrency {
		fmt.Fprintf(&b, " %d at once |", n)
	}
	fmt.Fprintf(&b, "\n|---:|%s\n", strings.Repeat("---:|", len(memoryConcurrency)))
	for i, size := range memorySizes {
		fmt.Fprintf(&b, "| %s |", bytesText(size))
		for _, n := range memoryConcurrency {
			fmt.Fprintf(&b, " %.0f MiB |", peaks[n][i])
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintln(&b)
	return b.Bytes()
}

// memoryChart draws the peaks: sizes from left to right, on a scale of powers,
// and memory upwards.
func memoryChart(peaks map[int][]float64) []byte {
	const left, right, top, bottom = 60.0, 540.0, 40.0, 300.0
	most := 0.0
	for _, p := range peaks {
		for _, v := range p {
			most = max(most, v)
		}
	}
	step := 16.0
	for most/step > 8 {
		step *= 2
	}
	most = math.Ceil(most/step) * step
	low, high := math.Log(float64(memorySizes[0])), math.Log(float64(memorySizes[len(memorySizes)-1]))
	x := func(size int64) float64 { return left + (math.Log(float64(size))-low)/(high-low)*(right-left) }
	y := func(v float64) float64 { return bottom - v/most*(bottom-top) }
	var b bytes.Buffer
	fmt.Fprint(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 350" font-family="sans-serif" font-size="12">`+"\n")
	fmt.Fprint(&b, `<rect width="640" height="350" fill="white"/>`+"\n")
	fmt.Fprint(&b, `<text x="20" y="22" font-size="14">Peak resident memory of concurrent submissions (MiB)</text>`+"\n")
	for v := 0.0; v <= most; v += step {
		fmt.Fprintf(&b, `<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="#ddd"/><text x="52" y="%.1f" text-anchor="end">%.0f</text>`+"\n", left, y(v), right, y(v), y(v)+4, v)
	}
	for _, size := range memorySizes {
		fmt.Fprintf(&b, `<text x="%.1f" y="318" font-size="10" text-anchor="middle">%s</text>`+"\n", x(size), bytesText(size))
	}
	fmt.Fprint(&b, `<text x="300" y="340" text-anchor="middle">size of each document</text>`+"\n")
	for i, n := range memoryConcurrency {
		colour := []string{"#1b6ca8", "#c0562b", "#3f7d4e"}[i%3]
		var points []string
		for j, size := range memorySizes {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(size), y(peaks[n][j])))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(size), y(peaks[n][j]), colour)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colour)
		fmt.Fprintf(&b, `<text x="%.0f" y="%.1f" fill="%s">%d at once</text>`+"\n", right+10, y(peaks[n][len(memorySizes)-1])+4, colour, n)
	}
	fmt.Fprint(&b, "</svg>\n")
	return b.Bytes()
}
