package ins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/soclesante/socle"
)

// LineOutcome is what became of a line of a list.
type LineOutcome string

// Outcomes of a line.
const (
	LineConfirmed LineOutcome = "confirmed" // INSi said OK
	LineRefuted   LineOutcome = "refuted"   // INSi said KO: the INS is to be dropped (SC.INS/va1.08)
	LineRefused   LineOutcome = "refused"   // not asked: the line or a rule forbids it
	// LineUndetermined: INSi gave no usable answer for this line, while it did
	// for its neighbours.
	LineUndetermined LineOutcome = "undetermined"
)

// LineResult is the result of a line, by its reference: it identifies nobody.
type LineResult struct {
	Number    int         `json:"n"` // of the line, from 1
	Ref       string      `json:"ref"`
	Outcome   LineOutcome `json:"outcome"`
	Code      string      `json:"code,omitempty"`   // of the service
	Reason    string      `json:"reason,omitempty"` // why there is no OK or KO
	At        time.Time   `json:"at"`
	MessageID string      `json:"message,omitempty"`
}

// Journal keeps the results of a [BatchVerifier], one for each line in the
// order of the list. [OpenFileJournal] keeps them in a file; a vendor may keep
// them in the base, with what they change there, in one transaction.
type Journal interface {
	// Results gives what was kept, in order.
	Results() iter.Seq2[LineResult, error]
	// Append keeps results, all or at least the first of them, and returns when
	// a crash can no longer lose them.
	Append(ctx context.Context, results ...LineResult) error
}

// Tally counts the lines of a list.
type Tally struct {
	Lines int // with a result
	// Resumed of them had it in the journal already.
	Resumed                                   int
	Confirmed, Refuted, Refused, Undetermined int
}

// BatchVerifier verifies a long list by one unit verification after the other,
// a few at a time and no faster than a limit. It may be stopped or killed at any
// moment and run again with the same list and journal: every line gets one
// result, and only the lines under way and those of the last second are asked
// about twice. Its memory does not grow with the list.
type BatchVerifier struct {
	// Verify asks about one claim: [Client.Verify] for a professional. Mandatory.
	Verify  func(ctx context.Context, claim Claim) (Verification, error)
	Journal Journal // mandatory
	// Limiter holds the calls back; nil is 5 a second, one at a time. A
	// *rate.Limiter of golang.org/x/time/rate is one.
	Limiter interface{ Wait(context.Context) error }
	Workers int // calls at a time; 0 is 4
	// Failures is how many lines in a row may stay undetermined before the run
	// stops, because the service rather than the lines is at fault; 0 is 5.
	Failures int
	Progress func(Tally) // called after each Append; optional
	Clock    func() time.Time
}

// Run verifies the lines that the journal has not. The list must be the one of
// the run before, at least as long, in the same order; that no two of its lines
// have one reference is the caller's part.
//
// It stops at the first failure of the service or of the journal, at the end of
// ctx, and when the list gives an error: the error tells after which line, and
// wraps the cause. What was found till then is kept.
func (b BatchVerifier) Run(ctx context.Context, lines iter.Seq2[Line, error]) (Tally, error) {
	if b.Verify == nil || b.Journal == nil || lines == nil || b.Workers < 0 || b.Failures < 0 {
		return Tally{}, invalid("verification", "Verify, Journal and a list are mandatory, Workers and Failures not negative")
	}
	if b.Limiter == nil {
		b.Limiter = rate.NewLimiter(5, 1)
	}
	b.Workers, b.Failures = cmp.Or(b.Workers, 4), cmp.Or(b.Failures, 5)
	if b.Clock == nil {
		b.Clock = time.Now
	}
	next, stop := iter.Pull2(lines)
	defer stop()
	r := run{BatchVerifier: b}
	if err := r.replay(next); err != nil {
		return r.tally, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	queue := make(chan *pending, b.Workers-1) // and one that collect waits for
	var wg sync.WaitGroup
	wg.Go(func() { r.produce(ctx, next, queue, &wg) })
	err := r.collect(ctx, queue)
	cancel(err)
	for range queue { // so that produce ends
	}
	wg.Wait()
	if err != nil {
		return r.tally, &Error{Op: "verification", Text: fmt.Sprintf("stopped after line %d; run again to go on", r.tally.Lines), Err: err,
			outcome: socle.OutcomeOf(err), retry: socle.Retryable(err)}
	}
	return r.tally, nil
}

// run is one run of a BatchVerifier.
type run struct {
	BatchVerifier
	tally Tally
	ready []LineResult // to be appended
	since time.Time    // when the first of them was
	// held are the last lines while the service gave no usable answer: failed of
	// them are its failures.
	held   []LineResult
	failed int
}

// pending is a line under way.
type pending struct {
	result LineResult
	err    error // that stops the run
	fail   error // the unusable answer of an undetermined line
	done   chan struct{}
}

const (
	maxReady = 256         // results appended at once
	maxWait  = time.Second // before they are
	maxHeld  = 1024        // results held back
)

// replay takes the lines that have a result off the list.
func (r *run) replay(next func() (Line, error, bool)) error {
	for kept, err := range r.Journal.Results() {
		if err != nil {
			return &Error{Op: "verification", Text: "the journal cannot be read", Err: err}
		}
		line, err, ok := next()
		switch {
		case err != nil:
			return &Error{Op: "verification", Text: fmt.Sprintf("the list fails after line %d", r.tally.Lines), Err: err}
		case !ok || line.Ref != kept.Ref || kept.Number != r.tally.Lines+1:
			return &Error{Op: "verification", Text: fmt.Sprintf("line %d is not that of the journal", r.tally.Lines+1),
				Fix: "go on with the list of the run before, or begin with a new journal", kind: ErrInvalid}
		}
		r.count(kept)
		r.tally.Resumed++
	}
	return nil
}

func (r *run) count(l LineResult) {
	r.tally.Lines++
	switch l.Outcome {
	case LineConfirmed:
		r.tally.Confirmed++
	case LineRefuted:
		r.tally.Refuted++
	case LineRefused:
		r.tally.Refused++
	default:
		r.tally.Undetermined++
	}
}

// produce starts the verification of one line after the other, and puts them
// into the queue in order. As many are under way as the queue holds.
func (r *run) produce(ctx context.Context, next func() (Line, error, bool), queue chan<- *pending, wg *sync.WaitGroup) {
	defer close(queue)
	for n := r.tally.Lines + 1; ; n++ {
		line, err, ok := next()
		if !ok && err == nil {
			return
		}
		p := &pending{result: LineResult{Number: n, Ref: line.Ref}, done: make(chan struct{})}
		if err != nil {
			err = fmt.Errorf("the list: %w", err)
		} else if refErr := checkRef(line.Ref); refErr != nil {
			err = refErr
		} else {
			err = r.Limiter.Wait(ctx)
		}
		if err != nil {
			p.err = err
			close(p.done)
		}
		select {
		case queue <- p:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		wg.Go(func() {
			defer close(p.done)
			r.verify(ctx, p, line.Claim)
		})
	}
}

// verify asks about one line.
func (r *run) verify(ctx context.Context, p *pending, claim Claim) {
	v, err := r.Verify(ctx, claim)
	l := &p.result
	l.At = r.Clock().UTC()
	var own *Error
	errors.As(err, &own)
	switch {
	case err == nil && v.Confirmed:
		l.Outcome, l.Code, l.MessageID = LineConfirmed, v.Code, v.MessageID
	case err == nil:
		l.Outcome, l.Code, l.MessageID = LineRefuted, v.Code, v.MessageID
	case ctx.Err() != nil || own == nil && !errors.Is(err, ErrInvalid):
		p.err = err
	case errors.Is(err, ErrInvalid), errors.Is(err, ErrBlocked), errors.Is(err, ErrFictitious):
		l.Outcome, l.Reason = LineRefused, err.Error()
	case errors.Is(err, ErrRejected), errors.Is(err, ErrAnswer):
		l.Outcome, l.Code, l.Reason, l.MessageID, p.fail = LineUndetermined, own.Code, err.Error(), own.MessageID, err
	default:
		p.err = err
	}
}

// collect keeps the results in the order of the list.
func (r *run) collect(ctx context.Context, queue <-chan *pending) error {
	for p := range queue {
		if err := r.await(ctx, p); err != nil {
			return err
		}
		if p.err != nil {
			return errors.Join(p.err, r.keep(ctx))
		}
		r.held = append(r.held, p.result)
		switch p.result.Outcome {
		case LineConfirmed, LineRefuted:
			r.release()
		case LineUndetermined:
			if r.failed++; r.failed >= r.Failures {
				return errors.Join(p.fail, r.keep(ctx))
			}
		}
		if len(r.held) > maxHeld {
			r.release()
		}
		if len(r.ready) >= maxReady || len(r.ready) > 0 && time.Since(r.since) >= maxWait {
			if err := r.keep(ctx); err != nil {
				return err
			}
		}
	}
	if ctx.Err() == nil {
		r.release()
	}
	return errors.Join(ctx.Err(), r.keep(ctx))
}

// await waits for a line, and keeps what is ready meanwhile when it is time.
func (r *run) await(ctx context.Context, p *pending) error {
	if len(r.ready) > 0 {
		t := time.NewTimer(maxWait - time.Since(r.since))
		defer t.Stop()
		select {
		case <-p.done:
			return nil
		case <-t.C:
			if err := r.keep(ctx); err != nil {
				return err
			}
		}
	}
	<-p.done
	return nil
}

// release lets what was held be kept.
func (r *run) release() {
	if len(r.ready) == 0 {
		r.since = time.Now()
	}
	r.ready = append(r.ready, r.held...)
	r.held, r.failed = r.held[:0], 0
}

// keep appends what is ready to the journal, also when ctx has ended.
func (r *run) keep(ctx context.Context) error {
	if len(r.ready) == 0 {
		return nil
	}
	if err := r.Journal.Append(context.WithoutCancel(ctx), r.ready...); err != nil {
		return fmt.Errorf("the journal: %w", err)
	}
	for _, l := range r.ready {
		r.count(l)
	}
	r.ready = r.ready[:0]
	if r.Progress != nil {
		r.Progress(r.tally)
	}
	return nil
}
