package ins_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/soclesante/socle"
	"github.com/soclesante/socle/ins"
	"github.com/soclesante/socle/ins/instest"
)

// list gives n lines about one person.
func list(claim ins.Claim, n int) iter.Seq2[ins.Line, error] {
	return func(yield func(ins.Line, error) bool) {
		for i := range n {
			if !yield(ins.Line{Ref: "P" + strconv.Itoa(i+1), Claim: claim}, nil) {
				return
			}
		}
	}
}

func zoeClaim(t testing.TB) ins.Claim {
	id, err := ins.Parse("275126322074974", ins.OIDNIR.String())
	require.NoError(t, err)
	return ins.Claim{INS: id, Traits: zoe(t)}
}

// memory is a Journal that a crash loses.
type memory struct {
	mu      sync.Mutex
	kept    []ins.LineResult
	appends int
	fail    error
}

func (m *memory) Results() iter.Seq2[ins.LineResult, error] {
	return func(yield func(ins.LineResult, error) bool) {
		for _, l := range m.kept {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func (m *memory) Append(_ context.Context, results ...ins.LineResult) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.appends++
	m.kept = append(m.kept, results...)
	return nil
}

var unlimited = rate.NewLimiter(rate.Inf, 1)

func confirm(_ context.Context, c ins.Claim) (ins.Verification, error) {
	return ins.Verification{Claim: c, Confirmed: true, Code: "00"}, nil
}

// checkWhole checks that lines 1 to n have one result each, in order.
func checkWhole(t *testing.T, j ins.Journal, n int) {
	t.Helper()
	i := 0
	for l, err := range j.Results() {
		require.NoError(t, err)
		i++
		if l.Number != i || l.Ref != "P"+strconv.Itoa(i) {
			t.Fatalf("result %d is of line %d", i, l.Number)
		}
	}
	require.Equal(t, n, i)
}

func TestAListIsVerifiedAgainstTheService(t *testing.T) {
	t.Parallel()
	_, c := setup(t, instest.Options{})
	good := zoeClaim(t)
	wrong := good
	wrong.Traits.BirthName = "AUTRE"
	blocked := good
	blocked.Traits.Sex = ins.Indeterminate
	badKey := good
	var err error
	badKey.INS, err = ins.ParseLenient("275126322074975", ins.OIDNIR.String())
	require.NoError(t, err)
	lines := func(yield func(ins.Line, error) bool) {
		for i := range 40 {
			claim := []ins.Claim{good, wrong, blocked, badKey}[i%4]
			if !yield(ins.Line{Ref: "P" + strconv.Itoa(i+1), Claim: claim}, nil) {
				return
			}
		}
	}
	path := filepath.Join(t.TempDir(), "journal")
	j, err := ins.OpenFileJournal(path)
	require.NoError(t, err)
	b := ins.BatchVerifier{Journal: j, Limiter: unlimited, Verify: func(ctx context.Context, claim ins.Claim) (ins.Verification, error) { return c.Verify(ctx, who, claim) }}
	tally, err := b.Run(t.Context(), lines)
	require.NoError(t, err)
	require.Equal(t, ins.Tally{Lines: 40, Confirmed: 10, Refuted: 10, Refused: 20}, tally)
	checkWhole(t, j, 40)
	tally, err = b.Run(t.Context(), lines)
	require.NoError(t, err)
	require.Equal(t, 40, tally.Resumed, "nothing is left to do")
	require.NoError(t, j.Close())
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, secret := range []string{"ADRUN", "ZOE", "1975", "AUTRE", "2751263"} {
		require.NotContains(t, deliberate(string(kept)), secret)
	}
	require.Contains(t, string(kept), "SC.INS/va1.41", "why a line was refused")
}

func TestTheRateAndTheNumberOfCallsAreHeld(t *testing.T) {
	t.Parallel()
	claim := zoeClaim(t)
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int32
		start := time.Now()
		b := ins.BatchVerifier{Journal: &memory{}, Workers: 3, Limiter: rate.NewLimiter(10, 1), Verify: func(ctx context.Context, c ins.Claim) (ins.Verification, error) {
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			time.Sleep(2 * time.Second)
			return confirm(ctx, c)
		}}
		_, err := b.Run(t.Context(), list(claim, 30))
		require.NoError(t, err)
		require.Equal(t, int32(3), most.Load())
		require.InDelta(t, 20, time.Since(start).Seconds(), 1, "ten waves of two seconds")

		start = time.Now()
		b.Limiter, b.Verify, b.Journal = nil, confirm, &memory{}
		_, err = b.Run(t.Context(), list(claim, 51))
		require.NoError(t, err)
		require.InDelta(t, 10, time.Since(start).Seconds(), 0.1, "five a second by default")
	})
}

func TestResultsAreKeptWhileALineIsSlow(t *testing.T) {
	t.Parallel()
	claim := zoeClaim(t)
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		n := 0
		b := ins.BatchVerifier{Journal: m, Workers: 1, Limiter: unlimited, Verify: func(ctx context.Context, c ins.Claim) (ins.Verification, error) {
			if n++; n == 4 {
				time.Sleep(time.Minute)
			}
			return confirm(ctx, c)
		}}
		go func() {
			time.Sleep(2 * time.Second)
			m.mu.Lock()
			defer m.mu.Unlock()
			require.Len(t, m.kept, 3)
		}()
		_, err := b.Run(t.Context(), list(claim, 5))
		require.NoError(t, err)
		require.Len(t, m.kept, 5)
	})
}

func TestAnOutageStopsTheRunAndTheNextGoesOn(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{}, func(cfg *ins.Config) { cfg.Attempts = 1 })
	m := &memory{}
	b := ins.BatchVerifier{Journal: m, Workers: 1, Limiter: unlimited, Verify: func(ctx context.Context, claim ins.Claim) (ins.Verification, error) { return c.Verify(ctx, who, claim) }}
	_, err := b.Run(t.Context(), list(zoeClaim(t), 256))
	require.NoError(t, err)
	f := instest.Unavailable()
	srv.Inject(instest.Canned{Fault: &f})
	tally, err := b.Run(t.Context(), list(zoeClaim(t), 300))
	require.ErrorIs(t, err, ins.ErrUnavailable)
	require.ErrorContains(t, err, "stopped after line 256")
	require.True(t, socle.Retryable(err))
	require.Equal(t, 256, tally.Lines)
	tally, err = b.Run(t.Context(), list(zoeClaim(t), 300))
	require.NoError(t, err)
	require.Equal(t, ins.Tally{Lines: 300, Resumed: 256, Confirmed: 300}, tally)
	checkWhole(t, m, 300)
}

func TestOneUnusableAnswerIsPassedManyStopTheRun(t *testing.T) {
	t.Parallel()
	srv, c := setup(t, instest.Options{})
	m := &memory{}
	b := ins.BatchVerifier{Journal: m, Workers: 1, Limiter: unlimited, Verify: func(ctx context.Context, claim ins.Claim) (ins.Verification, error) { return c.Verify(ctx, who, claim) }}
	html := instest.Canned{Body: []byte("<html>maintenance</html>"), ContentType: "text/html", Times: 4}
	srv.Inject(html)
	tally, err := b.Run(t.Context(), list(zoeClaim(t), 10))
	require.NoError(t, err)
	require.Equal(t, ins.Tally{Lines: 10, Undetermined: 4, Confirmed: 6}, tally)
	checkWhole(t, m, 10)
	require.NotEmpty(t, m.kept[0].Reason)

	html.Times = -1
	srv.Inject(html)
	tally, err = b.Run(t.Context(), list(zoeClaim(t), 20))
	require.ErrorIs(t, err, ins.ErrAnswer)
	require.Equal(t, 10, tally.Lines, "the lines of the failure are not lost: they have no result yet")
}

func TestAListThatChangedIsRefused(t *testing.T) {
	t.Parallel()
	claim := zoeClaim(t)
	m := &memory{}
	b := ins.BatchVerifier{Journal: m, Limiter: unlimited, Verify: confirm}
	_, err := b.Run(t.Context(), list(claim, 10))
	require.NoError(t, err)
	_, err = b.Run(t.Context(), list(claim, 9))
	require.ErrorIs(t, err, ins.ErrInvalid, "shorter")
	require.ErrorContains(t, err, "line 10")
	_, err = b.Run(t.Context(), func(yield func(ins.Line, error) bool) { yield(ins.Line{Ref: "OTHER", Claim: claim}, nil) })
	require.ErrorIs(t, err, ins.ErrInvalid, "another")

	broken := errors.New("the base went away")
	failing := func(yield func(ins.Line, error) bool) {
		for l := range list(claim, 12) {
			if !yield(l, nil) {
				return
			}
		}
		yield(ins.Line{}, broken)
	}
	tally, err := b.Run(t.Context(), failing)
	require.ErrorIs(t, err, broken)
	require.Equal(t, 12, tally.Lines, "what came before the failure is kept")

	m.fail = errors.New("disk full")
	_, err = b.Run(t.Context(), list(claim, 14))
	require.ErrorIs(t, err, m.fail)
	for _, ref := range []string{"", "a b", "275126322074974", "2751263220749", "2-75-12-63-220-749-74", strings.Repeat("x", 65)} {
		_, err = ins.BatchVerifier{Journal: &memory{}, Limiter: unlimited, Verify: confirm}.Run(t.Context(),
			func(yield func(ins.Line, error) bool) { yield(ins.Line{Ref: ref, Claim: claim}, nil) })
		require.ErrorIs(t, err, ins.ErrInvalid, ref)
		require.NotContains(t, err.Error(), "749")
	}
	for _, bad := range []ins.BatchVerifier{{}, {Journal: m}, {Verify: confirm}, {Journal: m, Verify: confirm, Workers: -1}} {
		_, err = bad.Run(t.Context(), list(claim, 1))
		require.ErrorIs(t, err, ins.ErrInvalid)
	}
}

func TestACancelledRunKeepsWhatItFound(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m := &memory{}
	var n atomic.Int32
	b := ins.BatchVerifier{Journal: m, Limiter: unlimited, Verify: func(ctx context.Context, c ins.Claim) (ins.Verification, error) {
		if n.Add(1) == 100 {
			cancel()
		}
		if ctx.Err() != nil {
			return ins.Verification{}, ctx.Err()
		}
		return confirm(ctx, c)
	}}
	tally, err := b.Run(ctx, list(zoeClaim(t), 1000))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, len(m.kept), tally.Lines)
	require.Greater(t, tally.Lines, 90)
	tally, err = b.Run(t.Context(), list(zoeClaim(t), 1000))
	require.NoError(t, err)
	require.Equal(t, 1000, tally.Lines)
	checkWhole(t, m, 1000)
}

func TestJournalFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	open := func() *ins.FileJournal {
		j, err := ins.OpenFileJournal(path)
		require.NoError(t, err)
		t.Cleanup(func() { j.Close() })
		return j
	}
	run := func(j *ins.FileJournal, n int) ins.Tally {
		tally, err := ins.BatchVerifier{Journal: j, Limiter: unlimited, Verify: confirm}.Run(t.Context(), list(zoeClaim(t), n))
		require.NoError(t, err)
		return tally
	}
	j := open()
	run(j, 20)
	j.Close()
	whole, err := os.ReadFile(path)
	require.NoError(t, err)

	// A crash cuts the file anywhere: what is whole before stays, the rest is
	// done again, once.
	for cut := range len(whole) {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		j := open()
		complete := max(0, strings.Count(string(whole[:cut]), "\n")-1)
		tally := run(j, 20)
		require.Equal(t, complete, tally.Resumed, cut)
		checkWhole(t, j, 20)
		j.Close()
	}
	// A lost block of zeros at the end is a cut too.
	require.NoError(t, os.WriteFile(path, append(whole[:len(whole)-300:len(whole)-300], make([]byte, 5000)...), 0o600))
	j = open()
	run(j, 20)
	checkWhole(t, j, 20)

	// Two programs on one file are told.
	other := open()
	run(other, 21)
	_, err = ins.BatchVerifier{Journal: j, Limiter: unlimited, Verify: confirm}.Run(t.Context(), list(zoeClaim(t), 22))
	require.ErrorIs(t, err, ins.ErrJournal)

	for name, content := range map[string]string{
		"something else": "the only copy of the accounts\n",
		"damaged inside": strings.Replace(string(whole), `{"n":5,`, `{"n":?,`, 1),
		"a line lost":    strings.Replace(string(whole), string(whole[strings.Index(string(whole), `{"n":5,`):strings.Index(string(whole), `{"n":6,`)]), "", 1),
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := ins.OpenFileJournal(path)
		require.ErrorIs(t, err, ins.ErrJournal, name)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(after), "left alone: "+name)
	}
	_, err = ins.OpenFileJournal(filepath.Join(dir, "nowhere", "journal"))
	require.ErrorIs(t, err, ins.ErrJournal)
}

const (
	childJournal = "SOCLE_TEST_JOURNAL"
	childLines   = 100_000
)

// TestVerificationChild is the program that the next test kills.
func TestVerificationChild(t *testing.T) {
	path := os.Getenv(childJournal)
	if path == "" {
		t.Skip("run by TestAKilledVerificationIsResumed")
	}
	j, err := ins.OpenFileJournal(path)
	require.NoError(t, err)
	defer j.Close()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var n atomic.Int64
	var early uint64
	next := 0
	b := ins.BatchVerifier{Journal: j, Limiter: unlimited, Workers: 8,
		Verify: func(ctx context.Context, c ins.Claim) (ins.Verification, error) {
			v, err := confirm(ctx, c)
			v.Confirmed = n.Add(1)%10 != 0
			return v, err
		},
		Progress: func(tally ins.Tally) {
			if done := tally.Lines - tally.Resumed; early == 0 && done >= 5_000 {
				early = heap()
			} else if early > 0 && done >= next {
				next = done + 20_000
				require.Less(t, heap(), early+1<<20, "memory grows with the list")
			}
		}}
	tally, err := b.Run(t.Context(), list(zoeClaim(t), childLines))
	require.NoError(t, err)
	fmt.Printf("resumed %d of %d, heap after the first lines %d KiB, at the end %d KiB\n", tally.Resumed, tally.Lines, early>>10, heap()>>10)
}

func TestAKilledVerificationIsResumed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	child := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestVerificationChild$", "-test.v")
		cmd.Env = append(os.Environ(), childJournal+"="+path)
		return cmd
	}
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	for kill := range 4 {
		cmd := child()
		require.NoError(t, cmd.Start())
		from := size()
		for deadline := time.Now().Add(time.Minute); size() < from+int64(500_000*(kill+1)) && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait(), "it was killed while it ran")
		require.Greater(t, size(), from)
	}
	out, err := child().CombinedOutput()
	require.NoError(t, err, string(out))
	require.Regexp(t, `resumed [1-9][0-9]{3,} of 100000`, string(out))
	t.Log(string(out))
	j, err := ins.OpenFileJournal(path)
	require.NoError(t, err)
	defer j.Close()
	checkWhole(t, j, childLines)
}
