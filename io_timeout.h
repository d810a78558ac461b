/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_timeout - notice an I/O that never interrupts, reset, retry or fail
 *
 * The counter scheme that Windows drivers build on IoTimer: starting an
 * operation stores a number of seconds in a counter, the interrupt stores -1,
 * and a routine called once a second counts it down. Guarding an I/O costs one
 * store. At zero the driver resets the device and gives the reset some seconds
 * as well.
 *
 *	       begin            tick, at 0 (RESET)
 *	 idle --------> running -------------------> resetting
 *	  ^ ^             |                           |     |
 *	  | +-------------+                           |     | reset interrupt
 *	  |  op interrupt            tick, at 0       |     v
 *	  +<--------------------------(FAILED)--------+  reset seen
 *	  |                                                 |
 *	  +<------------------------------------------------+
 *	                      take_reset
 *
 * begin_reset leads from every state to resetting: a reset that no time-out
 * asked for, as at resume.
 *
 * This is the state machine alone: no lock, no device, no clock. One
 * struct io_timeout belongs to one slot of a device in which one operation at
 * a time is outstanding. All calls on it are made under a lock of the
 * caller's, the one that its interrupt handler takes (in Windows' terms: in a
 * SynchCritSection routine).
 *
 * The one thing people get wrong: a false return of io_timeout_op_interrupt()
 * is an interrupt to ignore. The operation that it reports was given up
 * already, and the request must not be completed by it. After a retry has
 * begun only the hardware can tell an old completion from the new one: compare
 * a tag before calling. Without one, have the reset see to it that nothing old
 * is left that could interrupt, and ask the device whether it is done.
 *
 * The one thing people forget: the commonest cause of a time-out is a lost
 * interrupt. So ask the device before the tick at which the time is up:
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
 *	any time and holds from the next operation on. A value out of range
 *	counts as the nearest one in it
 * @reset_limit: seconds a reset may take; the same holds
 * @reset_expected: a reset is under way, or has ended and was not yet seen
 */
struct io_timeout {
	int counter;
	int limit;
	int reset_limit;
	bool reset_expected;
};

/**
 * enum io_timeout_verdict - what a second's tick found
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
 * io_timeout_cancel - forget what is outstanding, the driver lets go (removal)
 * @t: the slot, which is idle then; interrupts that still come are ignored
 *
 * Context: any, under the caller's lock.
 */
static inline void io_timeout_cancel(struct io_timeout *t)
{
	t->counter = IO_TIMEOUT_IDLE;
	t->reset_expected = false;
}

/**
 * io_timeout_resetting - is a reset under way, or its end yet to be seen?
 * @t: the slot
 *
 * Context: any, under the caller's lock.
 * Return: true from IO_TIMEOUT_RESET to IO_TIMEOUT_FAILED or a true
 * io_timeout_take_reset().
 */
static inline bool io_timeout_resetting(const struct io_timeout *t)
{
	return t->reset_expected;
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
 * The extra second is for a tick that comes right after this: an operation is
 * declared dead more than @t->limit and at most @t->limit + 1 seconds from now,
 * as exactly as the ticks come: if one is late, the next is that much closer.
 *
 * Context: any, under the caller's lock, before the hardware is told to start.
 */
static inline void io_timeout_begin(struct io_timeout *t)
{
	if (WARN_ONCE(t->counter != IO_TIMEOUT_IDLE || t->reset_expected,
		      "io_timeout: begin while an operation is outstanding\n"))
		return;
	t->counter = io_timeout_clamp(t->limit) + 1;
}

/**
 * io_timeout_op_interrupt - the operation's interrupt has come (ISR)
 * @t: the slot
 *
 * Context: any, under the caller's lock.
 * Return: true if the operation was outstanding and is now done; false if the
 * interrupt is to be ignored: it is late (a reset is under way or over) or
 * spurious (nothing is outstanding).
 */
static inline bool io_timeout_op_interrupt(struct io_timeout *t)
{
	if (t->counter == IO_TIMEOUT_IDLE || t->reset_expected)
		return false;
	t->counter = IO_TIMEOUT_IDLE;
	return true;
}

/**
 * io_timeout_reset_interrupt - the interrupt that ends a reset has come (ISR)
 * @t: the slot
 *
 * Context: any, under the caller's lock.
 * Return: true if a reset was under way: have the deferred handler call
 * io_timeout_take_reset(); false if the interrupt is to be ignored.
 */
static inline bool io_timeout_reset_interrupt(struct io_timeout *t)
{
	if (t->counter == IO_TIMEOUT_IDLE || !t->reset_expected)
		return false;
	t->counter = IO_TIMEOUT_IDLE;
	return true;
}

/**
 * io_timeout_take_reset - has a reset ended? (DpcForIsr)
 * @t: the slot
 *
 * Context: any, under the caller's lock; called by the deferred handler.
 * Return: true, once, if a reset has ended: the slot is idle, retry the request
 * as from the start, or give it up; false otherwise.
 */
static inline bool io_timeout_take_reset(struct io_timeout *t)
{
	if (t->counter != IO_TIMEOUT_IDLE || !t->reset_expected)
		return false;
	t->reset_expected = false;
	return true;
}

/**
 * io_timeout_begin_reset - a reset is being started that no time-out asked for
 * @t: the slot, in any state: what was outstanding will not end any more. If a
 *	reset was under way already, its time starts over
 *
 * For resume, where the device has lost all that it was doing, or for an error
 * that the device reports. Gives the reset @t->reset_limit seconds, and one more
 * for a tick that comes right after this, as io_timeout_begin() does.
 *
 * Context: any, under the caller's lock, before the hardware is told to reset.
 */
static inline void io_timeout_begin_reset(struct io_timeout *t)
{
	t->counter = io_timeout_clamp(t->reset_limit) + 1;
	t->reset_expected = true;
}

/**
 * io_timeout_due - will the next tick find that the time is up?
 * @t: the slot
 *
 * If so, first ask the device what it has completed: its interrupt may have
 * been lost.
 *
 * Context: any, under the caller's lock, in the same hold of it as
 * io_timeout_tick().
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

	if (t->reset_expected) {
		t->counter = IO_TIMEOUT_IDLE;
		t->reset_expected = false;
		return IO_TIMEOUT_FAILED;
	}
	t->counter = io_timeout_clamp(t->reset_limit);
	t->reset_expected = true;
	return IO_TIMEOUT_RESET;
}

#endif /* _IO_TIMEOUT_H */
