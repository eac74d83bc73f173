package mss_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/mss"
	"github.com/soclesante/socle/mss/msstest"
)

// operatorEnv makes the test binary an operator, in a process of its own so that
// the memory measured is that of the client alone.
const operatorEnv = "SOCLE_MSS_OPERATOR"

type operatorHello struct {
	IMAP, Roots string
}

func watchedBox(i int) string { return fmt.Sprintf("officine%05d@pharmacie.formation.mssante.fr", i) }

// runOperator serves mailboxes until its input ends. A line "deliver 12 34"
// delivers a message to mailboxes 12 to 33 and is answered by the time in
// nanoseconds before each delivery.
func runOperator(in io.Reader, out io.Writer) error {
	s, err := msstest.NewServer(msstest.Options{Introspect: func(_ context.Context, token string) (string, bool, error) {
		return pharmacist, strings.HasPrefix(token, "jeton"), nil
	}})
	if err != nil {
		return err
	}
	defer s.Close()
	hello := operatorHello{IMAP: s.Environment().IMAP}
	for _, c := range s.Authority().Chain() {
		hello.Roots += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	enc := json.NewEncoder(out)
	if err := enc.Encode(hello); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var verb string
		var first, end int
		if _, err := fmt.Sscan(lines.Text(), &verb, &first, &end); err != nil {
			return err
		}
		var at []int64
		for i := first; i < end; i++ {
			switch verb {
			case "add":
				err = s.AddMailbox(msstest.Mailbox{Address: watchedBox(i), Openers: []string{pharmacist}})
			case "deliver":
				at = append(at, time.Now().UnixNano())
				err = s.Deliver(watchedBox(i), numbered(i))
			case "idle":
				at = append(at, int64(s.Idling(watchedBox(i))))
			}
			if err != nil {
				return err
			}
		}
		if err := enc.Encode(at); err != nil {
			return err
		}
	}
	return nil
}

// child is an operator in another process.
type child struct {
	t    testing.TB
	in   io.Writer
	out  *json.Decoder
	mu   sync.Mutex
	conf mss.Config
}

func startOperator(t testing.TB) *child {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, "-test.run=^$")
	cmd.Env = append(os.Environ(), operatorEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	c := &child{t: t, in: in, out: json.NewDecoder(out)}
	var hello operatorHello
	require.NoError(t, c.out.Decode(&hello))
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(hello.Roots)))
	c.conf = mss.Config{Environment: mss.Environment{IMAP: hello.IMAP, Submission: hello.IMAP}, Roots: roots, Software: software()}
	return c
}

func (c *child) do(verb string, first, end int) []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := fmt.Fprintln(c.in, verb, first, end)
	require.NoError(c.t, err)
	var at []int64
	require.NoError(c.t, c.out.Decode(&at))
	return at
}

// used is the memory that the Go runtime holds for heap and stacks, after a
// collection.
func used() (heap, stacks uint64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse, m.StackInuse
}

// A thousand mailboxes of one process: under 200 MB, and each message handed
// over within two seconds of its delivery.
func TestThousandMailboxesAreWatched(t *testing.T) { // not parallel: it measures
	const boxes = 1000
	if testing.Short() {
		t.Skip("a thousand connections")
	}
	c := startOperator(t)
	c.do("add", 0, boxes)
	client, err := mss.New(c.conf)
	require.NoError(t, err)
	var mu sync.Mutex
	arrived := map[mss.Address][]int64{}
	total := make(chan struct{}, 10*boxes)
	heapBefore, stacksBefore := used()
	goroutines := runtime.NumGoroutine()
	w, err := client.Watch(context.Background(), mss.WatchConfig{Handle: func(_ context.Context, a mss.Arrival) error {
		mu.Lock()
		arrived[a.Mailbox] = append(arrived[a.Mailbox], time.Now().UnixNano())
		mu.Unlock()
		total <- struct{}{}
		return nil
	}})
	require.NoError(t, err)
	defer w.Close()
	start := time.Now()
	token := socle.TokenFunc(func(context.Context) (string, error) { return "jeton." + strings.Repeat("k", 1400), nil })
	for i := range boxes {
		require.NoError(t, w.Add(mss.Access{Address: address(t, watchedBox(i)), Actor: socle.Actor{Professional: actor(t), Tokens: token}}, mss.Cursor{}))
	}
	idling := func() bool {
		n := int64(0)
		for _, one := range c.do("idle", 0, boxes) {
			n += one
		}
		return n == boxes
	}
	require.Eventually(t, idling, 2*time.Minute, 50*time.Millisecond)
	t.Logf("%d mailboxes in IDLE after %v", boxes, time.Since(start).Round(time.Millisecond))

	// One at a time, then all at once.
	var late []time.Duration
	collect := func(at []int64, first int) {
		for range at {
			select {
			case <-total:
			case <-time.After(time.Minute):
				require.Fail(t, "a message was lost")
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for i, sent := range at {
			got := arrived[address(t, watchedBox(first+i))]
			require.NotEmpty(t, got)
			late = append(late, time.Duration(got[len(got)-1]-sent))
		}
	}
	for i := 0; i < boxes; i += 50 {
		collect(c.do("deliver", i, i+1), i)
	}
	slices.Sort(late)
	t.Logf("one at a time: handed over within %v at worst, %v as median", late[len(late)-1], late[len(late)/2])
	require.Less(t, late[len(late)-1], 2*time.Second)
	worst := time.Hour
	storms := 0
	for ; storms < 5 && worst >= 2*time.Second; storms++ { // what else runs on the machine may spoil one
		require.Eventually(t, idling, time.Minute, 10*time.Millisecond)
		late = nil
		collect(c.do("deliver", 0, boxes), 0)
		slices.Sort(late)
		worst = late[len(late)-1]
		t.Logf("all at once: handed over within %v at worst, %v as median", worst, late[len(late)/2])
	}
	if !raced {
		require.Less(t, worst, 2*time.Second)
	}
	require.Eventually(t, idling, time.Minute, 10*time.Millisecond)

	heap, stacks := used()
	t.Logf("%.1f MB in all after a collection; for each mailbox %d kB of heap (HeapInuse), %d kB of stacks (StackInuse), %.1f goroutines",
		float64(heap+stacks)/1e6, (heap-heapBefore)/boxes>>10, (stacks-stacksBefore)/boxes>>10, float64(runtime.NumGoroutine()-goroutines)/boxes)
	require.Less(t, heap+stacks, uint64(200<<20))
	mu.Lock()
	defer mu.Unlock()
	for a, l := range arrived {
		require.LessOrEqual(t, len(l), 1+storms, a)
	}
	stop := time.Now()
	require.NoError(t, w.Close())
	t.Logf("closed after %v", time.Since(stop).Round(time.Millisecond))
}
