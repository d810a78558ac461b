/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of io_timeout.h and sim_dev.c: the scheme with its interrupt, tick,
 * deferred handlers and submitters. Checked by `make model`.
 *
 *	submitter	write(), then close(); one request and file each. In a
 *			hurry, a fatal signal or the close comes at any time; else
 *			when the request is done. The first may have O_NONBLOCK
 *			and a file opened for reading too, the second waits
 *	isr, thread	the two handlers of the interrupt
 *	watchdog	the once-a-second routine, at any time while it counts
 *	work		the work item
 *	unbind		with -DUNBIND: unbinds the driver, at any time or never
 *	hw		the hardware: all that it does takes any time, or for ever
 *
 * What is checked:
 *
 *	no request is completed twice, programmed when it is done or cancelled,
 *	or used once freed; none is leaked, or left on the list of a closed file
 *	each request that succeeds was done by the last operation programmed for
 *	it: a late interrupt is harmless, in its reset, its retry, the next request
 *	no request is lost: whenever the lock is dropped, submitted = completed +
 *	failed + cancelled + outstanding, the slot is not free while requests
 *	queue, and some context will still end the request in the slot (UNLOCK)
 *	no handler does anything once the driver is unbound
 *	every request ends, whatever the device does (ltl ends; weak fairness)
 *
 * Faults are choices of hw, without a limit on their number. Hang, dead,
 * reset-hang: nothing becomes due. Late: an operation that a reset or a start
 * drops becomes due later. Error: how an operation ends. Spurious: at any time.
 *
 * Lost interrupts, the stopped timer, suspend and resume are in power.pml.
 *
 * What is left out: time (a tick may come at any moment, so anything may time
 * out, early too), limits over 1 s, more than MAX_RETRIES retries, the queue's
 * depth and the wait for room, several requests for each file (with one, read()
 * does what close() does), the control node, a second binding, more than one
 * late operation at a time, more than MAX_CAUSES unread causes, forced
 * threading. A new tag is one that nothing in the device still has; the driver
 * counts up for ever.
 */

#ifndef SUBMITTERS
#define SUBMITTERS	2
#endif
#ifndef MAX_RETRIES
#define MAX_RETRIES	1
#endif
#define NOBODY		SUBMITTERS	/* no request */
#define MAX_CAUSES	2
#define LIMIT		1
#define RESET_LIMIT	1
#define IDLE		-1		/* IO_TIMEOUT_IDLE */

/* -DWITHOUT=... takes one mechanism away, and spin finds a trail. */
#define TAG		1	/* the interrupt handler compares tags */
#define LATE_RULE	2	/* an operation's interrupt during a reset is ignored */
#define RESET_RULE	3	/* a reset's interrupt is ignored without a reset */
#define RESET_DONE	4	/* io_timeout_reset_done() clears the flag */
#define CANCELLED	5	/* a cancelled request is not retried */
#define NEXT		6	/* the context that ends a request starts the next one */
#define IF_REQ		7	/* the work item tests whether there is a request */
#define CLEAR		8	/* unbinding drops an interrupt that was accepted */
#define WATCHDOG	9	/* the watchdog runs; else a request hangs for ever */
#ifndef WITHOUT
#define WITHOUT		0
#endif

/*
 * A section under sim->lock, spin_lock_irqsave() to spin_unlock_irqrestore(), is
 * one step. Not so in the context that -DISR_LOCK= or the like, with nothing
 * after the =, takes the lock from; then UNLOCK does not hold.
 */
#ifndef ISR_LOCK
#define ISR_LOCK	atomic
#endif
#ifndef THREAD_LOCK
#define THREAD_LOCK	atomic
#endif
#ifndef WATCHDOG_LOCK
#define WATCHDOG_LOCK	atomic
#endif
#ifndef WAIT_LOCK
#define WAIT_LOCK	atomic
#endif

#define ENDED	(!users && !outstanding)
#ifndef UNLOCK
#define UNLOCK	d_step {						\
	assert(submitted == ended + outstanding);			\
	assert(slot_request != NOBODY || empty(queue));			\
	assert(slot_request == NOBODY || counter != IDLE || wake || work_pending); \
	assert(!ENDED || !(req[0].ref + req[NOBODY - 1].ref + interrupted)) }
#endif

/* struct sim_slot with its struct io_timeout */
short counter = IDLE;
bit resetting;
byte slot_request = NOBODY;
byte slot_tag;
bit interrupted, error;

/* struct sim_dev */
bit gone;
chan queue = [SUBMITTERS] of { byte };
byte outstanding, submitted;
byte ended;			/* completed + failed + cancelled */

typedef request {		/* struct sim_request, struct sim_file */
	byte ref, retries;
	bit nonblock;
	bit keeps;		/* file->keeps_results */
	bit queued;		/* !list_empty(&req->queue) */
	bit listed;		/* req->file */
	bit cancelled, done
};
request req[SUBMITTERS];

bit wake, work_pending;		/* the thread, the work item is to run */
bit timer_on = 1, irq_on = 1, unbound;
byte users = SUBMITTERS;	/* submitters that have not closed yet */

/* The hardware */
bit hw_busy, hw_resetting;
byte hw_out;			/* the buffer holds what this tag's operation did */
byte hw_late;			/* this tag's interrupt is late */
bit hw_spurious;		/* one is due */
chan hw_cause = [MAX_CAUSES] of { mtype, byte };	/* due: cause, tag */
mtype = { NONE, DONE, ERROR, RESET };

inline put(r)			/* sim_request_put() */
{
	d_step { assert(req[r].ref); req[r].ref-- }
}

inline unlist(r)		/* sim_request_unlist() */
{
	if
	:: req[r].listed -> req[r].listed = 0; put(r)
	:: else
	fi
}

inline complete(r, ok)		/* sim_dev_complete() */
{
	assert(req[r].ref && !req[r].done);
	req[r].done = 1;
	req[r].retries = 0;
	d_step { ended++; outstanding-- };
	if		/* if (keeps_results && (result >= 0 || req->nonblock)) */
	:: req[r].listed && req[r].keeps && (ok || req[r].nonblock)
	:: else -> unlist(r)
	fi;
	put(r)
}

inline hw_drop()		/* sim_hw_drop() */
{
	if
	:: hw_busy && !hw_late -> hw_late = slot_tag
	:: true
	fi;
	d_step { hw_busy = 0; hw_resetting = 0 }
}

#define USED(t) (hw_late == t || hw_cause??[DONE, t] || hw_cause??[ERROR, t])

inline program()		/* sim_dev_program() */
{
	assert(req[slot_request].ref);
	assert(!req[slot_request].done && !req[slot_request].cancelled);
	assert(counter == IDLE && !resetting);
	counter = LIMIT + 1;			/* io_timeout_begin() */
	hw_drop();				/* sim_hw_start(++slot->tag) */
	d_step {
		slot_tag = (!USED(1) -> 1 : (!USED(2) -> 2 : (!USED(3) -> 3 : 4)));
		hw_out = 0;
		hw_busy = 1
	}
}

inline start_io()		/* sim_dev_start_io() */
{
	if
	:: slot_request == NOBODY && len(queue) > 0 ->
		queue?slot_request;
		req[slot_request].queued = 0;
		program()
	:: else
	fi
}

inline finish(ok)		/* sim_dev_finish() */
{
	r = slot_request;
	slot_request = NOBODY;
	complete(r, ok);
	r = 0;
#if WITHOUT != NEXT
	start_io()
#endif
}

inline cancel(r)		/* sim_dev_cancel() */
{
	req[r].cancelled = 1;
	if
	:: req[r].queued ->			/* if (!list_empty(&req->queue)) */
		queue??eval(r);
		req[r].queued = 0;
		complete(r, false)		/* -EINTR */
	:: else -> unlist(r)
	fi
}

proctype isr()			/* sim_dev_isr() */
{
	mtype cause;
	byte tag;

end:	do
	:: ISR_LOCK {
		irq_on && nempty(hw_cause) ->
		hw_cause?cause, tag;		/* sim_hw_read(SIM_HW_CAUSE) */
		if
		:: cause == NONE -> hw_spurious = 0
		:: cause == RESET ->		/* if (io_timeout_reset_interrupt()) */
			if
			:: counter == IDLE || !(resetting || WITHOUT == RESET_RULE)
			:: else -> counter = IDLE; wake = 1
			fi
		:: else ->			/* DONE, ERROR */
			if	/* if (tag != slot->tag || !io_timeout_op_interrupt()) */
			:: tag != slot_tag && WITHOUT != TAG
			:: counter == IDLE || (resetting && WITHOUT != LATE_RULE)
			:: else ->
				counter = IDLE;
				interrupted = 1;
				error = (cause == ERROR);
				wake = 1	/* ret = IRQ_WAKE_THREAD */
			fi
		fi;
		d_step { cause = 0; tag = 0 };
		UNLOCK
	}
	od
}

proctype thread()		/* sim_dev_thread() */
{
	byte r;
	bit ok;

end:	do
	:: THREAD_LOCK {
		wake ->
		wake = 0;
		assert(!unbound);
		if
		:: interrupted ->		/* if (slot->interrupted) */
			interrupted = 0;
			assert(slot_request != NOBODY);
			assert(error || hw_out == slot_tag);	/* sim_hw_read_buffer() */
			d_step { ok = !error; error = 0; hw_out = 0 };
			finish(ok);
			ok = 0
		:: else
		fi;
		if				/* if (io_timeout_reset_done()) */
		:: counter == IDLE && resetting ->
			resetting = (WITHOUT == RESET_DONE);
			assert(slot_request != NOBODY);
			if			/* sim_dev_retry() */
			:: req[slot_request].cancelled && WITHOUT != CANCELLED ->
				finish(false)		/* -EINTR */
			:: else ->
				if
				:: req[slot_request].retries >= MAX_RETRIES ->
					finish(false)	/* -ETIMEDOUT */
				:: else ->
					req[slot_request].retries++;
					program()
				fi
			fi
		:: else
		fi;
		UNLOCK
	}
	od
}

proctype watchdog()		/* sim_dev_watchdog() */
{
end:	do
	:: WATCHDOG_LOCK {			/* io_timeout_tick(): nothing to do if idle */
		timer_on && counter != IDLE && WITHOUT != WATCHDOG ->
		assert(!unbound);
		counter--;
		if
		:: counter > 0			/* IO_TIMEOUT_OK */
		:: counter <= 0 && resetting ->
			counter = IDLE;
			resetting = 0;
			work_pending = 1	/* IO_TIMEOUT_FAILED: schedule_work() */
		:: else ->
			assert(slot_request != NOBODY);	/* its number is logged */
			counter = RESET_LIMIT;
			resetting = 1;
			hw_drop();		/* IO_TIMEOUT_RESET: sim_hw_reset() */
			hw_resetting = 1
		fi;
		UNLOCK
	}
	od
}

proctype work()			/* sim_dev_failed() */
{
	byte r;

end:	do
	:: atomic {
		work_pending ->
		work_pending = 0;
		assert(!unbound);
		if
		:: slot_request == NOBODY && WITHOUT != IF_REQ	/* if (req) */
		:: else ->
			assert(slot_request != NOBODY);
			finish(false)		/* -EIO */
		fi;
		UNLOCK
	}
	od
}

proctype submitter(byte r)
{
	bit hurry;

	atomic {			/* sim_request_alloc(), sim_file_submit() */
		if
		:: hurry = 1
		:: true
		fi;
		if
		:: r == 0 -> req[r].nonblock = 1
		:: true
		fi;
		if
		:: r == 0 -> req[r].keeps = 1
		:: true
		fi;
		req[r].ref = 1;
		if
		:: gone -> goto out		/* if (sim_file_admit()): -ENODEV */
		:: else
		fi;
		submitted++;
		outstanding++;
		req[r].ref = 3;			/* kref_get(), for device and list */
		req[r].queued = 1;
		queue!r;
		req[r].listed = 1;
		start_io();
		UNLOCK
	};
	if
	:: req[r].nonblock
	:: else ->			/* sim_file_wait() */
		WAIT_LOCK {
			req[r].done || hurry ->
			if			/* if (!req->done) */
			:: !req[r].done -> cancel(r)
			:: else
			fi;
			UNLOCK
		}
	fi;
out:	put(r);				/* the end of sim_file_write_iter() */
	atomic {			/* sim_file_free() */
		req[r].done || !req[r].listed || hurry ->
		req[r].keeps = 0;
		if
		:: req[r].listed && !req[r].done -> cancel(r)
		:: else -> unlist(r)
		fi;
		assert(!req[r].listed);		/* kfree(file) */
		d_step { hurry = 0; req[r].nonblock = 0; users-- };
		UNLOCK
	}
}

#ifdef UNBIND
proctype unbind()		/* the devm actions of sim_dev_probe(), last one first */
{
	byte r;

	timer_on = 0;			/* iotimer_destroy() */
	atomic {			/* sim_dev_shut_down() */
		gone = 1;
		d_step { counter = IDLE; resetting = 0 };	/* io_timeout_init() */
		interrupted = interrupted && WITHOUT == CLEAR;
		if
		:: slot_request != NOBODY ->
			r = slot_request;
			slot_request = NOBODY;
			complete(r, false)	/* -ENODEV */
		:: else
		fi;
		do
		:: queue?r -> req[r].queued = 0; complete(r, false)
		:: empty(queue) -> break
		od;
		r = 0;
		UNLOCK
	};
	work_pending = 0;		/* cancel_work_sync() */
	irq_on = 0;			/* free_irq() waits for the thread */
	atomic { !wake -> unbound = 1 }
}
#endif

proctype hw()			/* what becomes due: sim_hw_process_due(), sim_hw_take_effect() */
{
end:	do
	:: d_step { nfull(hw_cause) && hw_busy ->
		hw_busy = 0; hw_out = slot_tag; hw_cause!DONE, slot_tag }
	:: d_step { nfull(hw_cause) && hw_busy -> hw_busy = 0; hw_cause!ERROR, slot_tag }
	:: d_step { nfull(hw_cause) && hw_resetting -> hw_resetting = 0; hw_cause!RESET, 0 }
	:: d_step { nfull(hw_cause) && hw_late -> hw_cause!DONE, hw_late; hw_late = 0 }
	:: d_step { nfull(hw_cause) && !hw_spurious -> hw_spurious = 1; hw_cause!NONE, 0 }
	od
}

init
{
	atomic {
		run submitter(0);
#if SUBMITTERS > 1
		run submitter(1);
#endif
		run isr();
		run thread();
		run watchdog();
		run work();
#ifdef UNBIND
		run unbind();
#endif
		run hw()
	}
}

ltl ends { <>ENDED }
