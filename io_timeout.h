/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_timeout - notice an I/O that never interrupts, reset, retry or fail
 *
 * The counter scheme that Windows drivers build on IoTimer: starting an
 * operation stores a number of seconds in a counter, the interrupt stores -1,
 * and a routine called once a second decrements the counter. Guarding an I/O
 * costs one store. At zero the driver resets the device, with a time limit in
 * seconds for the reset as well.
 *
 *	       begin            tick, at 0 (RESET)
 *	 idle --------> running -------------------> resetting
 *	  ^ ^             |                           |     |
 *	  | +-------------+                           |     | reset interrupt
 *	  |  op interrupt            tick, at 0       |     v
 *	  +<--------------------------(FAILED)--------+  reset done
 *	  |                                                 |
 *	  +<------------------------------------------------+
 *	                      reset_done
 *
 * begin_reset leads from every state to resetting, for a reset that no time-out
 * asked for, as at resume.
 *
 * This is the state machine alone: no lock, no device, no clock. One
 * struct io_timeout belongs to one slot of a device in which one operation at
 * a time is outstanding. The caller serializes all calls on it by the lock that
 * its interrupt handler takes (in Windows' terms: in a SynchCritSection
 * routine).
 *
 * The one thing people get wrong: if io_timeout_op_interrupt() returns false,
 * ignore the interrupt. Its operation has timed out, and the interrupt must not
 * complete the request. Once a retry has begun, only the hardware can tell an
 * old completion from the new one: compare a tag before the call. If the device
 * has no tags, its reset must leave no old operation that could still
 * interrupt, and the handler must check that the device is done.
 *
 * The one thing people forget: the commonest cause of a time-out is a lost
 * interrupt. So poll the device before the tick at which the time is up:
 *
 *	if (io_timeout_due(t))
 *		read what the device has completed, and call
 *		io_timeout_op_interrupt() or io_timeout_reset_interrupt() for it,
 *		as the handler would have
 *	verdict = io_timeout_tick(t);
 */
#ifndef _IO_TIMEOUT_H
#define _IO_TIMEOUT_H

#include <linux/bug.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define IO_TIMEOUT_IDLE (-1)

/**
 * struct io_timeout - the time-out of one operation slot
 * @counter: seconds left, IO_TIMEOUT_IDLE when nothing is outstanding
 * @limit: seconds an operation may take, 1 to INT_MAX - 1; may be changed at
 *	any time, for the next operation. A value out of this range is clamped
 * @reset_limit: seconds a reset may take; otherwise as @limit
 * @resetting: true in the state resetting (@counter runs) and in the state
 *	reset done (@counter is IO_TIMEOUT_IDLE)
 */
struct io_timeout {
	int counter;
	int limit;
	int reset_limit;
	bool resetting;
};

/**
 * enum io_timeout_verdict - what the tick found
 * @IO_TIMEOUT_OK: nothing to do
 * @IO_TIMEOUT_RESET: the operation timed out: reset the device now
 * @IO_TIMEOUT_FAILED: the reset timed out too: fail the request
 */
enum io_timeout_verdict {
	IO_TIMEOUT_OK,
	IO_TIMEOUT_RESET,
	IO_TIMEOUT_FAILED,
};

/**
 * io_timeout_cancel - forget what is outstanding (the driver is removed)
 * @t: the slot; becomes idle, so later interrupts are ignored
 *
 * Context: any, under the caller's lock.
 */
static inline void io_timeout_cancel(struct io_timeout *t)
{
	t->counter = IO_TIMEOUT_IDLE;
	t->resetting = false;
}

/**
 * io_timeout_resetting - is a reset under way, or its end not yet handled?
 * @t: the slot
 *
 * Context: any, under the caller's lock.
 * Return: true in the states resetting and reset done: until
 * IO_TIMEOUT_FAILED or until io_timeout_reset_done() returns true.
 */
static inline bool io_timeout_resetting(const struct io_timeout *t)
{
	return t->resetting;
}

/**
 * io_timeout_init - make a slot idle
 * @t: the slot
 * @limit: seconds an operation may take, 1 to INT_MAX - 1
 * @reset_limit: seconds a reset may take, 1 to INT_MAX - 1
 *
 * Context: any; before anyone else can reach @t.
 */
static inline void io_timeout_init(struct io_timeout *t, int limit,
				   int reset_limit)
{
	t->limit = limit;
	t->reset_limit = reset_limit;
	io_timeout_cancel(t);
}

/* Clamp a limit: limit + 1 must neither overflow nor be IO_TIMEOUT_IDLE. */
static inline int io_timeout_clamp(int limit)
{
	return clamp(limit, 1, INT_MAX - 1);
}

/**
 * io_timeout_begin - an operation is being started (StartIo)
 * @t: the slot, which must be idle; else this warns once and changes nothing
 *
 * A tick may come right after this call, so the counter gets one second more
 * than the limit. If the ticks come on time, the operation times out more than
 * @t->limit and at most @t->limit + 1 seconds from now.
 *
 * Context: any, under the caller's lock, before the hardware is told to start.
 */
static inline void io_timeout_begin(struct io_timeout *t)
{
	if (WARN_ONCE(t->counter != IO_TIMEOUT_IDLE || t->resetting,
		      "io_timeout: begin while an operation is outstanding\n"))
		return;
	t->counter = io_timeout_clamp(t->limit) + 1;
}

/**
 * io_timeout_op_interrupt - the operation's interrupt came (ISR)
 * @t: the slot
 *
 * Context: any, under the caller's lock.
 * Return: true if the operation was outstanding and is now done; false if the
 * interrupt is late (a reset is under way or done) or spurious (nothing is
 * outstanding): ignore it.
 */
static inline bool io_timeout_op_interrupt(struct io_timeout *t)
{
	if (t->counter == IO_TIMEOUT_IDLE || t->resetting)
		return false;
	t->counter = IO_TIMEOUT_IDLE;
	return true;
}

/**
 * io_timeout_reset_interrupt - the interrupt that ends a reset came (ISR)
 * @t: the slot
 *
 * Context: any, under the caller's lock.
 * Return: true if a reset was under way and is now done: have the deferred
 * handler call io_timeout_reset_done(); false if the interrupt is to be ignored.
 */
static inline bool io_timeout_reset_interrupt(struct io_timeout *t)
{
	if (t->counter == IO_TIMEOUT_IDLE || !t->resetting)
		return false;
	t->counter = IO_TIMEOUT_IDLE;
	return true;
}

/**
 * io_timeout_reset_done - has a reset ended, not handled yet? (DpcForIsr)
 * @t: the slot
 *
 * Context: any, under the caller's lock; called by the deferred handler.
 * Return: true, once for each reset that is done: the slot is now idle, so
 * start the request again or fail it; false otherwise.
 */
static inline bool io_timeout_reset_done(struct io_timeout *t)
{
	if (t->counter != IO_TIMEOUT_IDLE || !t->resetting)
		return false;
	t->resetting = false;
	return true;
}

/**
 * io_timeout_begin_reset - a reset without a time-out is being started
 * @t: the slot, in any state: what was outstanding will not end any more. If a
 *	reset was under way already, its time starts over
 *
 * For resume, where the device has lost what it was doing, or after an error
 * that the device reports. The reset gets @t->reset_limit seconds, and one more
 * as in io_timeout_begin().
 *
 * Context: any, under the caller's lock, before the hardware is told to reset.
 */
static inline void io_timeout_begin_reset(struct io_timeout *t)
{
	t->counter = io_timeout_clamp(t->reset_limit) + 1;
	t->resetting = true;
}

/**
 * io_timeout_due - is the time up at the next tick?
 * @t: the slot
 *
 * If so, first poll the device for what it has completed: the interrupt may
 * have been lost.
 *
 * Context: any, under the caller's lock, which stays held until
 * io_timeout_tick() has returned.
 * Return: true if io_timeout_tick() would return IO_TIMEOUT_RESET or
 * IO_TIMEOUT_FAILED now.
 */
static inline bool io_timeout_due(const struct io_timeout *t)
{
	return t->counter == 1;
}

/**
 * io_timeout_tick - a second has passed (IoTimer routine)
 * @t: the slot
 *
 * Context: any, under the caller's lock; called once a second.
 * Return: what to do, see &enum io_timeout_verdict. On IO_TIMEOUT_RESET the
 * slot waits for io_timeout_reset_interrupt(), so program the reset before
 * dropping the lock. On IO_TIMEOUT_FAILED the slot is idle.
 */
static inline enum io_timeout_verdict io_timeout_tick(struct io_timeout *t)
{
	if (t->counter == IO_TIMEOUT_IDLE || --t->counter > 0)
		return IO_TIMEOUT_OK;

	if (t->resetting) {
		t->counter = IO_TIMEOUT_IDLE;
		t->resetting = false;
		return IO_TIMEOUT_FAILED;
	}
	t->counter = io_timeout_clamp(t->reset_limit);
	t->resetting = true;
	return IO_TIMEOUT_RESET;
}

#endif /* _IO_TIMEOUT_H */
