// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev - the driver of the simulated device
 *
 * Shows how a driver notices an I/O that never interrupts, by the scheme of
 * io_recovery.h on top of an iotimer. A request goes this way:
 *
 *	write()		sim_dev_queue()    queue the request; sim_file.c, sim_client.c
 *	StartIo		sim_dev_start_io() begin the time-out, program the device
 *	ISR		sim_dev_isr()      end the time-out, wake the thread
 *	DpcForIsr	sim_dev_thread()   complete the request, start the next
 *
 * and if the interrupt does not come:
 *
 *	IoTimer		sim_dev_watchdog() poll the device; count down; at 0 abort the
 *					   operation, if the device can, or reset it
 *	ISR, DpcForIsr	as above           the abort or reset is done: retry, or fail
 *					   the request
 *	CustomDpc	sim_dev_failed()   the reset timed out: fail all requests in
 *					   the device
 *
 * A reset takes away the operations of all slots. Requests that had not timed out
 * (the innocent) are started again too, before new ones, and no retry is counted.
 *
 * One spinlock, sim_dev.lock, protects all this; the interrupt handler takes it.
 *
 * Each request is completed exactly once. Until then the request is in the
 * queue or in a slot. The context that takes it out, under the lock,
 * completes it: the thread, the watchdog, the work item, suspend or unbinding.
 * Or its submitter takes it back from the queue (on a fatal signal, on close, or by
 * sim_client_cancel()).
 *
 * Log lines are written after the lock is dropped: a console is slow, and the
 * handler waits for the lock. A struct sim_dev_report keeps them until then.
 */
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "io_recovery.h"
#include "iotimer.h"
#include "sim_dev.h"
#include "sim_hw.h"

#define CREATE_TRACE_POINTS
#include "sim_dev_trace.h"

#define SIM_DEV_QUIET_MS	2000	/* how long suspend waits */

/*
 * How often a request may be started again after resets for others. Each further
 * restart counts as a retry. Otherwise a stream of requests that hang could keep a
 * long operation from ending for ever.
 */
#define SIM_DEV_MAX_RESTARTS	16

/* Requests */

/*
 * One request fewer is outstanding. Wake those that wait for room and, if the queue
 * was full, all watchers. Caller holds the lock.
 */
static void sim_dev_make_room(struct sim_dev *sim)
{
	struct sim_watcher *watcher;

	if (sim->outstanding-- >= sim->depth)
		list_for_each_entry(watcher, &sim->watchers, node)
			sim_dev_wake(&watcher->wait);
	sim_dev_wake(&sim->room);
}

static void sim_dev_trace_complete(struct sim_dev *sim, struct sim_request *req,
				   int result)
{
	s64 us = -1;

	if (!trace_sim_dev_complete_enabled())
		return;
	if (req->submitted)
		us = ktime_us_delta(ktime_get(), req->submitted);
	trace_sim_dev_complete(sim->dev, req->number, result, us, req->retries,
			       req->cancelled);
}

/* Count a request that is no longer outstanding. Caller holds the lock. */
static void sim_dev_account(struct sim_dev *sim, struct sim_request *req,
			    int result)
{
	lockdep_assert_held(&sim->lock);
	sim_dev_trace_complete(sim, req, result);
	req->result = req->cancelled ? -ECANCELED : result;
	req->outstanding = false;
	if (req->cancelled)
		sim->stats.cancelled++;
	else if (result >= 0)
		sim->stats.completed++;
	else
		sim->stats.failed++;
	sim_dev_make_room(sim);
}

/*
 * Complete a request that the caller has just taken from the queue or the slot.
 * The caller holds the lock, and drops it by sim_dev_unlock(), which tells the
 * submitter.
 */
static void sim_dev_complete(struct sim_dev *sim, struct sim_request *req,
			     int result)
{
	sim_dev_account(sim, req, result);
	list_add_tail(&req->queue, &sim->done);
}

/**
 * sim_dev_unlock - drop the lock, then call done() of the requests done under it
 * @sim: the device
 * @flags: as spin_lock_irqsave() saved them
 *
 * In place of spin_unlock_irqrestore() where requests may have been completed.
 *
 * Context: any.
 */
void sim_dev_unlock(struct sim_dev *sim, unsigned long flags)
	__releases(&sim->lock)
{
	struct sim_request *req, *next;
	LIST_HEAD(done);

	list_splice_init(&sim->done, &done);
	spin_unlock_irqrestore(&sim->lock, flags);
	list_for_each_entry_safe(req, next, &done, queue) {
		struct sim_client *client = req->client;

		req->done(req);		/* may free the request */
		if (client)
			sim_client_end(client);
	}
}

/* Slots */

/* The number of the first request in a slot; 0 if none is. */
static u64 sim_dev_first_number(const struct sim_dev *sim)
{
	const struct sim_slot *slot;

	list_for_each_entry(slot, &sim->busy, entry)
		return slot->request->number;
	return 0;
}

/* Is an operation, an abort or a reset under way, or its end not yet handled? */
static bool sim_dev_is_active(const struct sim_dev *sim)
{
	return !io_recovery_idle(sim->recovery) || !list_empty(&sim->ended) ||
	       sim->failed;
}

/* The number of the first request whose operation timed out. */
static u64 sim_dev_first_guilty(const struct sim_dev *sim)
{
	const struct sim_slot *slot;

	list_for_each_entry(slot, &sim->busy, entry)
		if (slot->timed_out)
			return slot->request->number;
	return 0;
}

/* May operations be started? */
static bool sim_dev_is_open(const struct sim_dev *sim)
{
	return !sim->closed && !sim->failed &&
	       !io_recovery_resetting(sim->recovery);
}

/* Program the device with a slot's request, for the first time or again. */
static void sim_dev_program(struct sim_dev *sim, struct sim_slot *slot)
{
	unsigned int nr = sim_slot_nr(sim, slot);
	struct sim_request *req = slot->request;

	slot->tag = io_recovery_begin(sim->recovery, nr);
	/* sim_dev_tick() stops the timer under the same lock. */
	if (!iotimer_enabled(sim->timer))
		iotimer_start(sim->timer);
	slot->started = ktime_get();
	slot->timed_out = false;
	slot->missed = false;
	slot->aborting = false;
	slot->aborted = false;
	if (trace_sim_dev_start_io_enabled())
		trace_sim_dev_start_io(sim->dev, req->number, nr, slot->tag,
				       io_recovery_left(sim->recovery));
	sim_hw_start(sim->hw, nr, slot->tag, req->data, req->len);
}

/* Start requests of the queue while a slot is free (StartIo). */
static void sim_dev_start_io(struct sim_dev *sim)
{
	struct sim_slot *slot;

	lockdep_assert_held(&sim->lock);
	while (!list_empty(&sim->queue) && sim->free && sim_dev_is_open(sim)) {
		slot = sim->free;
		sim->free = slot->next_free;
		slot->request = list_first_entry(&sim->queue,
						 struct sim_request, queue);
		list_del_init(&slot->request->queue);
		list_add_tail(&slot->entry, &sim->busy);
		sim_dev_program(sim, slot);
	}
}

/**
 * sim_dev_admit - may a request be queued now?
 * @sim: the device
 *
 * Context: any, under the device's lock.
 * Return: 0; -ENODEV if the device is gone; -EAGAIN if the queue is full.
 */
int sim_dev_admit(const struct sim_dev *sim)
{
	lockdep_assert_held(&sim->lock);
	if (sim->gone)
		return -ENODEV;
	return sim->outstanding >= sim->depth ? -EAGAIN : 0;
}

/**
 * sim_dev_queue - queue a request, and start it if a slot is free
 * @sim: the device, which admits it
 * @req: the request
 * @nonblock: its submitter does not wait; for the trace
 *
 * Does not call done(), but it may be called on another CPU as soon as the lock is
 * dropped.
 *
 * Context: any, under the device's lock.
 */
void sim_dev_queue(struct sim_dev *sim, struct sim_request *req, bool nonblock)
{
	lockdep_assert_held(&sim->lock);
	req->number = ++sim->stats.submitted;
	req->submitted = trace_sim_dev_complete_enabled() ? ktime_get() : 0;
	req->retries = 0;
	req->restarts = 0;
	req->cancelled = false;
	req->outstanding = true;
	sim->outstanding++;
	trace_sim_dev_submit(sim->dev, req->number, req->len, nonblock,
			     sim->outstanding);
	list_add_tail(&req->queue, &sim->queue);
	sim_dev_start_io(sim);
}

/*
 * Free the slot and complete its request. The caller starts the next request only
 * when it has handled all slots: restarts come before new requests.
 */
static void sim_dev_finish(struct sim_dev *sim, struct sim_slot *slot,
			   int result)
{
	struct sim_request *req = slot->request;

	slot->request = NULL;
	if (!list_empty(&slot->ended))
		list_del_init(&slot->ended);
	list_del(&slot->entry);
	slot->next_free = sim->free;
	sim->free = slot;
	sim_dev_complete(sim, req, result);
}

/**
 * sim_dev_cancel - cancel a request
 * @sim: the device
 * @req: the request. In the queue, it is taken back now; in the device, it is
 *	completed when the device is done with it; if it is done, nothing happens
 *
 * Context: any, under the device's lock.
 * Return: true if it is taken back: done() is not called. Else done() is called, or
 *	was.
 */
bool sim_dev_cancel(struct sim_dev *sim, struct sim_request *req)
{
	lockdep_assert_held(&sim->lock);
	if (!req->outstanding)
		return false;
	req->cancelled = true;
	if (list_empty(&req->queue))
		return false;
	list_del_init(&req->queue);
	sim_dev_account(sim, req, -EINTR);
	return true;
}

/* The interrupt */

/* An operation or an abort has ended: have the thread handle it. */
static void sim_dev_end(struct sim_dev *sim, struct sim_slot *slot, u64 cause)
{
	slot->aborting = false;
	slot->aborted = SIM_HW_CAUSE_CODE(cause) == SIM_HW_CAUSE_ABORT;
	slot->error = SIM_HW_CAUSE_CODE(cause) == SIM_HW_CAUSE_ERROR;
	slot->len = min_t(size_t, SIM_HW_CAUSE_LENGTH(cause),
			  slot->request->len);
	list_add_tail(&slot->ended, &sim->ended);
}

/* Does this cause end something that is outstanding? Caller holds the lock. */
static enum sim_dev_irq sim_dev_classify_irq(struct sim_dev *sim, u64 cause)
{
	unsigned int nr = SIM_HW_CAUSE_SLOT(cause);
	u32 tag = SIM_HW_CAUSE_TAG(cause);

	if (cause == SIM_HW_ALL_ONES)	/* the device is gone */
		return SIM_DEV_IRQ_SPURIOUS;
	switch (SIM_HW_CAUSE_CODE(cause)) {
	case SIM_HW_CAUSE_DONE:
	case SIM_HW_CAUSE_ERROR:
		/* Without the tag, an old operation's interrupt would end a retry. */
		if (!io_recovery_op_interrupt(sim->recovery, nr, tag))
			return SIM_DEV_IRQ_LATE;
		sim_dev_end(sim, &sim->slots[nr], cause);
		return SIM_DEV_IRQ_ACCEPTED;
	case SIM_HW_CAUSE_ABORT:
		if (!io_recovery_abort_interrupt(sim->recovery, nr, tag))
			return SIM_DEV_IRQ_LATE;
		sim_dev_end(sim, &sim->slots[nr], cause);
		return SIM_DEV_IRQ_ACCEPTED;
	case SIM_HW_CAUSE_RESET:
		if (io_recovery_reset_interrupt(sim->recovery))
			return SIM_DEV_IRQ_ACCEPTED;
		fallthrough;
	default:
		return SIM_DEV_IRQ_SPURIOUS;
	}
}

/* Classify and count a cause. Caller holds the lock. */
static enum sim_dev_irq sim_dev_take_cause(struct sim_dev *sim, u64 cause)
{
	enum sim_dev_irq kind = sim_dev_classify_irq(sim, cause);

	if (kind == SIM_DEV_IRQ_LATE)
		sim->stats.late++;
	if (kind == SIM_DEV_IRQ_SPURIOUS)
		sim->stats.spurious++;
	return kind;
}

irqreturn_t sim_dev_isr(int irq, void *data)
{
	struct sim_dev *sim = data;
	enum sim_dev_irq kind = SIM_DEV_IRQ_SPURIOUS;
	unsigned long flags;
	u64 cause;

	spin_lock_irqsave(&sim->lock, flags);
	if (!sim->off) {
		cause = sim_hw_read(sim->hw, SIM_HW_CAUSE);
		kind = sim_dev_take_cause(sim, cause);
		trace_sim_dev_interrupt(sim->dev, cause, kind);
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	/*
	 * Never IRQ_NONE: no other device is on the line, and the kernel disables
	 * a line whose interrupts go unhandled too often.
	 */
	return kind == SIM_DEV_IRQ_ACCEPTED ? IRQ_WAKE_THREAD : IRQ_HANDLED;
}

/* Does this cause end what would time out at the next tick? Caller holds the lock. */
static bool sim_dev_is_due(const struct sim_dev *sim, u64 cause)
{
	return SIM_HW_CAUSE_CODE(cause) == SIM_HW_CAUSE_RESET ?
	       io_recovery_due(sim->recovery) :
	       io_recovery_slot_due(sim->recovery, SIM_HW_CAUSE_SLOT(cause));
}

/* Polling found the end of an operation, an abort or a reset: its interrupt was lost. */
static void sim_dev_missed(struct sim_dev *sim, u64 cause)
{
	unsigned int nr = SIM_HW_CAUSE_SLOT(cause);
	struct sim_slot *slot = &sim->slots[nr];

	sim->stats.missed++;
	if (SIM_HW_CAUSE_CODE(cause) == SIM_HW_CAUSE_RESET) {
		sim->reset_missed = true;
		trace_sim_dev_missed(sim->dev, sim_dev_first_number(sim), 0,
				     SIM_DEV_TIMEOUT_RESET);
		return;
	}
	slot->missed = !slot->aborted;
	trace_sim_dev_missed(sim->dev, slot->request->number, nr,
			     slot->aborted ? SIM_DEV_TIMEOUT_ABORT :
					     SIM_DEV_TIMEOUT_OP);
}

/*
 * Read all causes that wait, but no more than SIM_HW_MAX_CAUSES: the status of a
 * broken device may always say that another one waits. If a cause ends what is
 * due, its interrupt was lost. Otherwise the interrupt may be on its way, unless
 * the caller has @waited for it. Return true if a cause ended something that was
 * outstanding. Caller holds the lock.
 */
static bool sim_dev_reap(struct sim_dev *sim, bool waited)
{
	bool accepted = false;
	unsigned int i;

	lockdep_assert_held(&sim->lock);
	for (i = 0; i < SIM_HW_MAX_CAUSES; i++) {
		u64 status = sim_hw_read(sim->hw, SIM_HW_STATUS);
		bool lost;
		u64 cause;

		if (status == SIM_HW_ALL_ONES || !(status & SIM_HW_STATUS_IRQ))
			break;
		cause = sim_hw_read(sim->hw, SIM_HW_CAUSE);
		lost = waited || sim_dev_is_due(sim, cause);
		if (sim_dev_take_cause(sim, cause) != SIM_DEV_IRQ_ACCEPTED)
			continue;
		accepted = true;
		if (lost)
			sim_dev_missed(sim, cause);
	}
	return accepted;
}

/* What follows the interrupt (DpcForIsr) */

/* Read the data. All ones may be data, so the status tells whether the device is gone. */
static bool sim_dev_read_back(struct sim_dev *sim, const struct sim_slot *slot)
{
	sim_hw_read_buffer(sim->hw, sim_slot_nr(sim, slot), slot->request->data,
			   slot->len);
	return sim_hw_read(sim->hw, SIM_HW_STATUS) != SIM_HW_ALL_ONES;
}

/* The device did the operation: complete its request. Caller holds the lock. */
static void sim_dev_done(struct sim_dev *sim, struct sim_slot *slot,
			 struct sim_dev_reports *reports)
{
	/* A write() that returns 0 would be tried again for ever. */
	bool error = slot->error || !slot->len;

	if (!error && slot->request->read_back && !slot->request->cancelled)
		error = !sim_dev_read_back(sim, slot);
	if (slot->missed)
		sim_log_slot(reports, sim, SIM_REPORT_DONE_MISSED, slot);
	sim_dev_finish(sim, slot, error ? -EIO : (int)slot->len);
}

/* Does it count as a retry to start this request again? */
static bool sim_dev_is_charged(const struct sim_dev *sim,
			       const struct sim_slot *slot)
{
	if (io_recovery_guilty(sim->recovery, sim_slot_nr(sim, slot)))
		return true;
	return !sim->resuming &&
	       slot->request->restarts >= SIM_DEV_MAX_RESTARTS;
}

/* An abort or a reset took away the slot's operation. What to do with its request? */
static enum sim_report sim_dev_decide(const struct sim_dev *sim,
				      const struct sim_slot *slot)
{
	if (slot->request->cancelled)
		return SIM_REPORT_CANCELLED;
	if (!sim_dev_is_charged(sim, slot))
		return SIM_REPORT_RESTART;
	if (slot->request->retries >= sim->max_retries)
		return SIM_REPORT_USED_UP;
	return SIM_REPORT_RETRY;
}

/*
 * An abort or a reset took the slot's operation away: start the request again, or
 * complete it. Caller holds the lock.
 */
static void sim_dev_retry(struct sim_dev *sim, struct sim_slot *slot,
			  struct sim_dev_reports *reports)
{
	enum sim_report what = sim_dev_decide(sim, slot);
	struct sim_request *req = slot->request;

	if (what == SIM_REPORT_RETRY)
		req->retries++;
	if (slot->aborted)
		sim_log_slot(reports, sim, what, slot);
	else
		sim_log_reset(reports, sim, what, slot);
	switch (what) {
	case SIM_REPORT_CANCELLED:
		sim_dev_finish(sim, slot, -EINTR);
		break;
	case SIM_REPORT_USED_UP:
		sim_dev_finish(sim, slot, -ETIMEDOUT);
		break;
	case SIM_REPORT_RESTART:
		req->restarts += !sim->resuming;
		sim->stats.innocent++;
		trace_sim_dev_restart(sim->dev, req->number,
				      sim_slot_nr(sim, slot), req->restarts);
		sim_dev_program(sim, slot);
		break;
	default:
		sim->stats.retries++;
		trace_sim_dev_retry(sim->dev, req->number,
				    sim_slot_nr(sim, slot), req->retries,
				    sim->max_retries);
		sim_dev_program(sim, slot);
	}
}

/*
 * Handle the slots whose interrupt came. If no operation may be started now, a
 * request whose operation was aborted stays in its slot, until a reset is done.
 * Caller holds the lock.
 */
static void sim_dev_handle_ended(struct sim_dev *sim,
				 struct sim_dev_reports *reports)
{
	struct sim_slot *slot, *next;

	list_for_each_entry_safe(slot, next, &sim->ended, ended) {
		list_del_init(&slot->ended);
		if (!slot->aborted)
			sim_dev_done(sim, slot, reports);
		else if (sim_dev_is_open(sim) || slot->request->cancelled)
			sim_dev_retry(sim, slot, reports);
		else
			slot->aborted = false;
	}
}

/* The reset is done: start all requests in slots again. Caller holds the lock. */
static void sim_dev_restart(struct sim_dev *sim,
			    struct sim_dev_reports *reports)
{
	struct sim_slot *slot, *next;

	if (sim->reset_missed)
		sim_log_reset(reports, sim, SIM_REPORT_RESET_MISSED, NULL);
	sim->reset_missed = false;
	list_for_each_entry_safe(slot, next, &sim->busy, entry) {
		/* Else resume resets the device again, and then starts the request. */
		if (!sim->closed || slot->request->cancelled)
			sim_dev_retry(sim, slot, reports);
	}
	sim->resuming = false;
}

/* Handle what sim_dev_isr() or sim_dev_reap() accepted. Caller holds the lock. */
static void sim_dev_handle(struct sim_dev *sim,
			   struct sim_dev_reports *reports)
{
	sim_dev_handle_ended(sim, reports);
	if (io_recovery_reset_done(sim->recovery))
		sim_dev_restart(sim, reports);
	sim_dev_start_io(sim);
	if (sim->closed)
		sim_dev_wake(&sim->room);	/* suspend waits */
}

/* Woken by the handler (DpcForIsr). */
irqreturn_t sim_dev_thread(int irq, void *data)
{
	struct sim_dev *sim = data;
	struct sim_dev_reports reports = {};
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim_dev_handle(sim, &reports);
	sim_dev_unlock(sim, flags);
	if (reports.nr)
		sim_log_reports(sim, &reports);
	return IRQ_HANDLED;
}

/* The watchdog, and what it decides */

/* An operation timed out. Caller holds the lock. */
static void sim_dev_time_out(struct sim_dev *sim, struct sim_slot *slot,
			     struct sim_dev_reports *reports,
			     enum sim_report what)
{
	trace_sim_dev_timeout(sim->dev, slot->request->number,
			      sim_slot_nr(sim, slot), SIM_DEV_TIMEOUT_OP,
			      sim_slot_age(slot));
	sim_log_slot(reports, sim, what, slot);
	sim->stats.timeouts++;
	slot->timed_out = true;
}

/* Operations timed out, and the device can abort them. Caller holds the lock. */
static void sim_dev_abort(struct sim_dev *sim, struct sim_dev_reports *reports)
{
	int nr;

	while ((nr = io_recovery_next_abort(sim->recovery)) >= 0) {
		struct sim_slot *slot = &sim->slots[nr];

		sim_dev_time_out(sim, slot, reports, SIM_REPORT_ABORT);
		sim->stats.aborts++;
		slot->aborting = true;
		slot->started = ktime_get();
		trace_sim_dev_abort(sim->dev, slot->request->number, nr,
				    slot->tag);
		sim_hw_abort(sim->hw, nr, slot->tag);
	}
}

/* The device is about to be reset: report what timed out in this slot. Caller holds the lock. */
static void sim_dev_blame(struct sim_dev *sim, struct sim_slot *slot,
			  struct sim_dev_reports *reports)
{
	unsigned int nr = sim_slot_nr(sim, slot);

	if (!io_recovery_guilty(sim->recovery, nr))
		return;
	if (!slot->timed_out) {
		sim_dev_time_out(sim, slot, reports, SIM_REPORT_TIMED_OUT);
	} else if (slot->aborting) {
		trace_sim_dev_timeout(sim->dev, slot->request->number, nr,
				      SIM_DEV_TIMEOUT_ABORT,
				      sim_slot_age(slot));
		sim_log_slot(reports, sim, SIM_REPORT_ABORT_TIMED_OUT,
			     slot);
	}
}

/* Tell the device to reset; @number is the request to trace. Caller holds the lock. */
static void sim_dev_command_reset(struct sim_dev *sim, u64 number)
{
	sim->stats.resets++;
	sim->reset_started = ktime_get();
	trace_sim_dev_reset(sim->dev, number, io_recovery_left(sim->recovery));
	sim_hw_reset(sim->hw);
}

/*
 * Operations or aborts timed out. First handle the operations that have ended: the
 * reset may destroy their data. Caller holds the lock.
 */
static void sim_dev_reset(struct sim_dev *sim, struct sim_dev_reports *reports)
{
	struct sim_slot *slot;

	sim_dev_handle_ended(sim, reports);
	list_for_each_entry(slot, &sim->busy, entry)
		sim_dev_blame(sim, slot, reports);
	sim->resuming = false;
	sim_dev_command_reset(sim, sim_dev_first_guilty(sim));
}

/*
 * A second has passed. Poll the device, count down, then handle what was found.
 * The handling comes last because it may start the next operation, and this tick
 * must not count for the new operation. Caller holds the lock.
 */
static void sim_dev_tick(struct sim_dev *sim, struct sim_dev_reports *reports)
{
	bool outstanding = !io_recovery_idle(sim->recovery);
	bool reaped = io_recovery_due(sim->recovery) && sim_dev_reap(sim, false);
	enum io_recovery_verdict verdict = io_recovery_tick(sim->recovery);

	if (outstanding && trace_sim_dev_second_enabled())
		trace_sim_dev_second(sim->dev, io_recovery_left(sim->recovery));
	switch (verdict) {
	case IO_RECOVERY_OK:
		break;
	case IO_RECOVERY_ABORT:
		sim_dev_abort(sim, reports);
		break;
	case IO_RECOVERY_RESET:
		sim_dev_reset(sim, reports);
		break;
	case IO_RECOVERY_FAILED:
		trace_sim_dev_timeout(sim->dev, sim_dev_first_number(sim), 0,
				      SIM_DEV_TIMEOUT_RESET,
				      sim_dev_reset_age(sim));
		sim->stats.reset_failures++;
		sim->failed = true;
		queue_work(sim_dev_wq, &sim->failed_work);
		break;
	}
	if (reaped)
		sim_dev_handle(sim, reports);
	/* An idle device costs nothing: sim_dev_program() starts the timer again. */
	if (list_empty(&sim->busy) && !sim_dev_is_active(sim))
		iotimer_stop(sim->timer);
}

/* Called once a second while something is outstanding (IoTimer routine). */
void sim_dev_watchdog(struct device *dev, void *context)
{
	struct sim_dev *sim = context;
	struct sim_dev_reports reports = {};
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	if (!sim->off)
		sim_dev_tick(sim, &reports);
	sim_dev_unlock(sim, flags);
	sim_log_reports(sim, &reports);
}

/* The reset timed out; the state of the device is unknown (CustomDpc). */
void sim_dev_failed(struct work_struct *work)
{
	struct sim_dev *sim = container_of(work, struct sim_dev, failed_work);
	struct sim_dev_reports reports = {};
	struct sim_slot *slot, *next;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	if (!sim->failed)	/* the driver was unbound meanwhile */
		goto out;
	sim->failed = false;
	sim->resuming = false;
	if (list_empty(&sim->busy))
		sim_log_reset(&reports, sim, SIM_REPORT_RESET_FAILED_IDLE,
			      NULL);
	list_for_each_entry_safe(slot, next, &sim->busy, entry) {
		sim_log_reset(&reports, sim,
			      slot->request->cancelled ?
			      SIM_REPORT_RESET_FAILED_CANCELLED :
			      SIM_REPORT_RESET_FAILED, slot);
		sim_dev_finish(sim, slot, -EIO);
	}
	sim_dev_start_io(sim);
	if (sim->closed)
		sim_dev_wake(&sim->room);
out:
	sim_dev_unlock(sim, flags);
	sim_log_reports(sim, &reports);
}

/**
 * sim_dev_shut_down - fail all requests and wake all waiters: the driver is unbound
 * @sim: the device; gone from now on
 *
 * Context: process.
 */
void sim_dev_shut_down(struct sim_dev *sim)
{
	struct sim_request *req, *next;
	struct sim_slot *slot, *nslot;
	struct sim_watcher *watcher;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	WRITE_ONCE(sim->gone, true);
	/* From now on the handler ignores all interrupts: the slots are idle. */
	io_recovery_cancel(sim->recovery);
	sim->failed = false;
	list_for_each_entry_safe(slot, nslot, &sim->busy, entry)
		sim_dev_finish(sim, slot, -ENODEV);
	list_for_each_entry_safe(req, next, &sim->queue, queue) {
		list_del_init(&req->queue);
		sim_dev_complete(sim, req, -ENODEV);
	}
	list_for_each_entry(watcher, &sim->watchers, node)
		sim_dev_wake(&watcher->wait);
	sim_dev_unlock(sim, flags);
	wake_up_all(&sim->room);
}

/* Power */

static bool sim_dev_is_quiet(struct sim_dev *sim)
{
	unsigned long flags;
	bool quiet;

	spin_lock_irqsave(&sim->lock, flags);
	quiet = !sim_dev_is_active(sim);
	spin_unlock_irqrestore(&sim->lock, flags);
	return quiet;
}

/**
 * sim_dev_quiesce - prepare for the loss of power
 * @sim: the device
 *
 * Start nothing more, and wait until the device has finished, but no longer than
 * SIM_DEV_QUIET_MS. Then poll the device, so that an operation whose interrupt was
 * lost is not done again. Requests that remain wait for sim_dev_restore(). The
 * interrupt stays enabled, as is right on a line that other devices share; the
 * handler tests sim_dev.off.
 *
 * Context: process, may sleep.
 */
void sim_dev_quiesce(struct sim_dev *sim)
{
	struct sim_dev_reports reports = {};
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim->closed = true;
	spin_unlock_irqrestore(&sim->lock, flags);
	wait_event_timeout(sim->room, sim_dev_is_quiet(sim),
			   msecs_to_jiffies(SIM_DEV_QUIET_MS));

	spin_lock_irqsave(&sim->lock, flags);
	if (sim_dev_is_active(sim) && sim_dev_reap(sim, true))
		sim_dev_handle(sim, &reports);
	sim->off = true;
	sim_dev_unlock(sim, flags);
	sim_log_reports(sim, &reports);
	synchronize_irq(sim->irq);	/* handler and thread */
	iotimer_stop_sync(sim->timer);
	/* failed_work may still run: it touches no register. */
}

/**
 * sim_dev_restore - reset the device, which has forgotten everything without power
 * @sim: the device
 *
 * When the reset is done, the requests in slots are started again. That counts as
 * a retry only for those that had timed out before.
 *
 * Context: process, may sleep.
 */
void sim_dev_restore(struct sim_dev *sim)
{
	unsigned long flags;

	/* A reset that failed just before suspend fails its requests first. */
	flush_work(&sim->failed_work);
	spin_lock_irqsave(&sim->lock, flags);
	sim->off = false;
	sim->closed = false;
	sim->resuming = true;
	io_recovery_begin_reset(sim->recovery);
	sim_dev_command_reset(sim, sim_dev_first_number(sim));
	iotimer_start(sim->timer);
	spin_unlock_irqrestore(&sim->lock, flags);
}

/**
 * sim_dev_halt - stop what the device still does: the machine goes down
 * @sim: the device, quiesced
 *
 * Context: process.
 */
void sim_dev_halt(struct sim_dev *sim)
{
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	if (sim_dev_is_active(sim))
		sim_hw_reset(sim->hw);
	spin_unlock_irqrestore(&sim->lock, flags);
}

/**
 * sim_dev_drain - read the causes that an earlier binding left
 * @sim: the device
 *
 * They are not counted. Called after the handler was installed, so that no cause
 * comes between the two.
 *
 * Context: process.
 */
void sim_dev_drain(struct sim_dev *sim)
{
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim_dev_reap(sim, false);
	memset(&sim->stats, 0, sizeof(sim->stats));
	spin_unlock_irqrestore(&sim->lock, flags);
}

/**
 * sim_dev_set_limits - let sim_dev.limits take effect, for what begins from now on
 * @sim: the device
 *
 * Context: any, under the device's lock.
 */
void sim_dev_set_limits(struct sim_dev *sim)
{
	lockdep_assert_held(&sim->lock);
	io_recovery_set_limits(sim->recovery, sim->limits.op, sim->limits.abort,
			       sim->limits.reset);
}
