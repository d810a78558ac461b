// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev - the driver of the simulated device
 *
 * Shows how a driver notices an I/O that never interrupts, by the counter
 * scheme of io_timeout.h on top of an iotimer. A request goes this way:
 *
 *	write()		sim_dev_queue()    queue the request
 *	StartIo		sim_dev_start_io() begin the time-out, program the device
 *	ISR		sim_dev_isr()      end the time-out, wake the thread
 *	DpcForIsr	sim_dev_thread()   complete the request, start the next
 *
 * and if the interrupt does not come:
 *
 *	IoTimer		sim_dev_watchdog() poll the device; count down; at 0 reset it
 *	ISR, DpcForIsr	as above           the reset is done: retry, or fail the request
 *	CustomDpc	sim_dev_failed()   the reset timed out: fail the request
 *
 * One spinlock, sim_dev.lock, protects all this; the interrupt handler takes it.
 *
 * Each request is completed exactly once. Until then the request is in the
 * queue or in the slot. The context that takes it out, under the lock,
 * completes it: the thread, the watchdog, the work item, the submitter (on a
 * fatal signal), close, suspend or unbinding.
 *
 * Log lines are written after the lock is dropped: a console is slow, and the
 * handler waits for the lock. A struct sim_dev_report keeps them until then.
 */
#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "io_timeout.h"
#include "iotimer.h"
#include "sim_dev.h"
#include "sim_hw.h"

#define CREATE_TRACE_POINTS
#include "sim_dev_trace.h"

#define SIM_DEV_QUIET_MS	2000	/* how long suspend waits */

/*
 * For failed_work. Not the system's workqueue: there libaio's fsync waits in
 * work items. These could occupy all workers, and failed_work, which ends their
 * wait, would never run.
 */
static struct workqueue_struct *sim_dev_wq;

/* Requests */

/**
 * sim_request_put - drop a reference to a request
 * @req: the request, freed with the last one
 *
 * Context: any.
 */
void sim_request_put(struct sim_request *req)
{
	if (refcount_dec_and_test(&req->ref))
		kfree(req);
}

/* Is the result kept for read()? Caller holds the lock. */
static bool sim_request_has_reader(const struct sim_request *req)
{
	return req->file && req->file->keeps_results;
}

/* Wake all on a wait queue. Caller holds the lock, and has changed what they wait for. */
static void sim_dev_wake(struct wait_queue_head *wait)
{
	/*
	 * No barrier is needed: waiters put themselves on the queue before they
	 * check the condition under the lock. A waiter that is not on the queue
	 * yet will see the change. sim_ctl_poll() checks without the lock, but
	 * waits for unbinding only, and sim_dev_shut_down() always wakes it.
	 */
	if (waitqueue_active(wait))
		wake_up(wait);
}

/**
 * sim_request_unlist - take a request off its file's list, if it is on one
 * @req: the request
 *
 * The list and the driver share one reference: if the request is done, drop
 * that reference by sim_request_put().
 *
 * Context: any, under the device's lock.
 */
void sim_request_unlist(struct sim_request *req)
{
	struct sim_file *file = req->file;

	if (!file)
		return;
	lockdep_assert_held(&file->sim->lock);
	req->file = NULL;
	list_del_init(&req->list);
	file->nr_requests--;
	sim_dev_wake(&file->wait);
}

/*
 * One request fewer is outstanding. Wake writers that wait for room and, if the
 * queue was full, all files that poll. Caller holds the lock.
 */
static void sim_dev_make_room(struct sim_dev *sim)
{
	struct sim_file *file;

	if (sim->outstanding-- >= sim_param_queue_depth.value)
		list_for_each_entry(file, &sim->files, node)
			sim_dev_wake(&file->wait);
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

/* Keep an error that neither write() nor read() reports, for fsync() or the next write(). */
static void sim_dev_keep_error(struct sim_request *req, int result)
{
	if (result < 0 && req->nonblock && req->file && !req->file->keeps_results)
		req->file->error = result;
}

/*
 * Complete a request that the caller has just taken from the queue or the slot.
 * The caller holds the lock, and drops it by sim_dev_unlock(). Do not use @req
 * afterwards without a reference of your own: a reader, a waiting writer or
 * sim_dev_unlock() may drop the last one.
 */
static void sim_dev_complete(struct sim_dev *sim, struct sim_request *req,
			     int result)
{
	bool waited_for = !req->nonblock && !req->cancelled && !req->iocb;

	lockdep_assert_held(&sim->lock);
	sim_dev_trace_complete(sim, req, result);
	sim_dev_keep_error(req, result);
	req->result = result;
	req->done = true;
	if (req->cancelled)
		sim->stats.cancelled++;
	else if (result >= 0)
		sim->stats.completed++;
	else
		sim->stats.failed++;
	sim_dev_make_room(sim);
	if (req->iocb)
		list_add_tail(&req->queue, &sim->done);

	if (sim_request_has_reader(req) && (result >= 0 || req->nonblock)) {
		sim_dev_wake(&req->file->wait);
	} else {
		sim_request_unlist(req);
		sim_request_put(req);
	}
	/* The writer holds a reference of its own, which it may drop at once. */
	if (waited_for)
		complete(&req->completed);
}

/**
 * sim_dev_unlock - drop the lock, complete the asynchronous requests done under it
 * @sim: the device
 * @flags: as spin_lock_irqsave() saved them
 *
 * In place of spin_unlock_irqrestore() where requests may have been completed.
 * Calls ki_complete() without the lock, and drops the reference that
 * sim_file_write_iter() left to it.
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
		struct kiocb *iocb = req->iocb;
		long result = req->result;

		sim_request_put(req);
		iocb->ki_complete(iocb, result);	/* may free the file */
	}
}

/* Program the device with the slot's request, the first time or again. */
static void sim_dev_program(struct sim_dev *sim)
{
	struct sim_slot *slot = &sim->slot;
	struct sim_request *req = slot->request;

	io_timeout_begin(&slot->timeout);
	/* sim_dev_tick() stops the timer under the same lock. */
	if (!iotimer_enabled(sim->timer))
		iotimer_start(sim->timer);
	slot->started = ktime_get();
	slot->guilty = false;
	slot->tag++;
	trace_sim_dev_start_io(sim->dev, req->number, slot->tag,
			       slot->timeout.counter);
	sim_hw_start(sim->hw, 0, slot->tag, req->data, req->len);
}

/* Is an operation or a reset under way, or its end not yet handled? */
static bool sim_dev_is_active(const struct sim_dev *sim)
{
	const struct sim_slot *slot = &sim->slot;

	return slot->timeout.counter != IO_TIMEOUT_IDLE || slot->interrupted ||
	       slot->failed || io_timeout_resetting(&slot->timeout);
}

/* Start the first request of the queue if the device is free (StartIo). */
static void sim_dev_start_io(struct sim_dev *sim)
{
	struct sim_slot *slot = &sim->slot;

	lockdep_assert_held(&sim->lock);
	if (slot->request || list_empty(&sim->queue) || sim->closed ||
	    sim_dev_is_active(sim))
		return;
	slot->request = list_first_entry(&sim->queue, struct sim_request, queue);
	list_del_init(&slot->request->queue);
	sim_dev_program(sim);
}

/**
 * sim_dev_queue - queue a request, and start it if the device is free
 * @sim: the device, not gone
 * @req: the request, with a reference for the driver
 *
 * Context: any, under the device's lock.
 */
void sim_dev_queue(struct sim_dev *sim, struct sim_request *req)
{
	lockdep_assert_held(&sim->lock);
	req->number = ++sim->stats.submitted;
	sim->outstanding++;
	if (trace_sim_dev_complete_enabled())
		req->submitted = ktime_get();
	trace_sim_dev_submit(sim->dev, req->number, req->len, req->nonblock,
			     sim->outstanding);
	list_add_tail(&req->queue, &sim->queue);
	sim_dev_start_io(sim);
}

/* Complete the slot's request and start the next one (IoStartNextPacket). */
static void sim_dev_finish(struct sim_dev *sim, int result)
{
	struct sim_request *req = sim->slot.request;

	sim->slot.request = NULL;
	sim_dev_complete(sim, req, result);
	sim_dev_start_io(sim);
}

/**
 * sim_dev_cancel - cancel a request that is not done
 * @sim: the device
 * @req: the request. In the queue, it is completed now; in the device, when the
 *	device is done with it
 *
 * Context: any, under the device's lock, which sim_dev_unlock() drops.
 */
void sim_dev_cancel(struct sim_dev *sim, struct sim_request *req)
{
	lockdep_assert_held(&sim->lock);
	req->cancelled = true;
	if (!list_empty(&req->queue)) {
		list_del_init(&req->queue);
		sim_dev_complete(sim, req, -EINTR);
	} else {
		sim_request_unlist(req);
	}
}

/* Microseconds since the operation or the reset was started. */
static s64 sim_slot_age(const struct sim_slot *slot)
{
	return ktime_us_delta(ktime_get(), slot->started);
}

/* The number of the slot's request; 0 during a reset at resume without one. */
static u64 sim_slot_number(const struct sim_slot *slot)
{
	return slot->request ? slot->request->number : 0;
}

/* Fill in a report about the slot. Caller holds the lock. */
static void sim_dev_note(struct sim_dev *sim, struct sim_dev_report *report,
			 enum sim_report what)
{
	const struct sim_request *req = sim->slot.request;

	report->what = what;
	report->request = sim_slot_number(&sim->slot);
	report->ms = div_s64(sim_slot_age(&sim->slot), USEC_PER_MSEC);
	report->retries = req ? req->retries : 0;
	report->max_retries = sim->max_retries;
}

/* The interrupt, the watchdog, and what they defer */

/* Does this cause end the outstanding operation or reset? Caller holds the lock. */
static enum sim_dev_irq sim_dev_classify_irq(struct sim_dev *sim, u64 cause)
{
	struct sim_slot *slot = &sim->slot;

	if (cause == SIM_HW_ALL_ONES)	/* the device is gone */
		return SIM_DEV_IRQ_SPURIOUS;
	switch (SIM_HW_CAUSE_CODE(cause)) {
	case SIM_HW_CAUSE_DONE:
	case SIM_HW_CAUSE_ERROR:
		/* Without the tag, an old operation's interrupt would end a retry. */
		if (SIM_HW_CAUSE_TAG(cause) != slot->tag ||
		    !io_timeout_op_interrupt(&slot->timeout))
			return SIM_DEV_IRQ_LATE;
		slot->interrupted = true;
		slot->error = SIM_HW_CAUSE_CODE(cause) == SIM_HW_CAUSE_ERROR;
		return SIM_DEV_IRQ_ACCEPTED;
	case SIM_HW_CAUSE_RESET:
		if (io_timeout_reset_interrupt(&slot->timeout))
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

static irqreturn_t sim_dev_isr(int irq, void *data)
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

/*
 * Read all causes that wait, but no more than SIM_HW_MAX_CAUSES: the status of a
 * broken device may always say that another one waits. Return true if a cause
 * ended the outstanding operation or reset. Caller holds the lock.
 */
static bool sim_dev_reap(struct sim_dev *sim)
{
	bool accepted = false;
	unsigned int i;

	lockdep_assert_held(&sim->lock);
	for (i = 0; i < SIM_HW_MAX_CAUSES; i++) {
		u64 status = sim_hw_read(sim->hw, SIM_HW_STATUS);
		u64 cause;

		if (status == SIM_HW_ALL_ONES || !(status & SIM_HW_STATUS_IRQ))
			break;
		cause = sim_hw_read(sim->hw, SIM_HW_CAUSE);
		if (sim_dev_take_cause(sim, cause) == SIM_DEV_IRQ_ACCEPTED)
			accepted = true;
	}
	return accepted;
}

/* The reset is done: start the request again, or complete it. Caller holds the lock. */
static void sim_dev_retry(struct sim_dev *sim, struct sim_dev_report *report)
{
	struct sim_request *req = sim->slot.request;

	if (sim->closed && req && !req->cancelled)
		return;		/* resume resets the device again */
	if (!req) {		/* at resume */
		sim_dev_note(sim, report, SIM_REPORT_RESET_IDLE);
		sim_dev_start_io(sim);
	} else if (req->cancelled) {
		sim_dev_note(sim, report, SIM_REPORT_CANCELLED);
		sim_dev_finish(sim, -EINTR);
	} else if (!sim->slot.guilty) {
		sim_dev_note(sim, report, SIM_REPORT_RESTART);
		sim_dev_program(sim);
	} else if (req->retries >= sim->max_retries) {
		sim_dev_note(sim, report, SIM_REPORT_RETRIES_USED_UP);
		sim_dev_finish(sim, -ETIMEDOUT);
	} else {
		req->retries++;
		sim->stats.retries++;
		sim_dev_note(sim, report, SIM_REPORT_RETRY);
		trace_sim_dev_retry(sim->dev, req->number, req->retries,
				    sim->max_retries);
		sim_dev_program(sim);
	}
}

/* Read the data. All ones may be data, so the status tells whether the device is gone. */
static bool sim_dev_read_back(struct sim_dev *sim, struct sim_request *req)
{
	sim_hw_read_buffer(sim->hw, 0, req->data, req->len);
	return sim_hw_read(sim->hw, SIM_HW_STATUS) != SIM_HW_ALL_ONES;
}

/* Handle what the handler or sim_dev_reap() accepted. Caller holds the lock. */
static void sim_dev_handle(struct sim_dev *sim, struct sim_dev_report *report)
{
	struct sim_slot *slot = &sim->slot;

	if (slot->interrupted) {
		struct sim_request *req = slot->request;

		slot->interrupted = false;
		if (!slot->error && sim_request_has_reader(req))
			slot->error = !sim_dev_read_back(sim, req);
		if (report->missed)
			sim_dev_note(sim, report, SIM_REPORT_DONE);
		sim_dev_finish(sim, slot->error ? -EIO : (int)req->len);
	}
	if (io_timeout_reset_done(&slot->timeout))
		sim_dev_retry(sim, report);
	if (sim->closed)
		sim_dev_wake(&sim->room);	/* suspend waits */
}

/* Woken by the handler (DpcForIsr). */
static irqreturn_t sim_dev_thread(int irq, void *data)
{
	struct sim_dev *sim = data;
	struct sim_dev_report report = {};
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim_dev_handle(sim, &report);
	sim_dev_unlock(sim, flags);
	sim_log_report(sim, &report);
	return IRQ_HANDLED;
}

/* The operation timed out. Caller holds the lock. */
static void sim_dev_reset(struct sim_dev *sim, struct sim_dev_report *report)
{
	struct sim_slot *slot = &sim->slot;
	u64 number = slot->request->number;

	trace_sim_dev_timeout(sim->dev, number, false, sim_slot_age(slot));
	sim_dev_note(sim, report, SIM_REPORT_TIMED_OUT);
	sim->stats.timeouts++;
	sim->stats.resets++;
	slot->guilty = true;
	slot->started = ktime_get();
	trace_sim_dev_reset(sim->dev, number, slot->timeout.counter);
	sim_hw_reset(sim->hw);
}

/* Polling found that the device is done: its interrupt was lost. */
static void sim_dev_missed(struct sim_dev *sim, struct sim_dev_report *report)
{
	sim->stats.missed++;
	sim_dev_note(sim, report, SIM_REPORT_NOTHING);
	report->missed = true;
	trace_sim_dev_missed(sim->dev, report->request,
			     io_timeout_resetting(&sim->slot.timeout));
}

/*
 * A second has passed. Poll the device, count down, then handle what was found.
 * The handling comes last because it may start the next operation, and this tick
 * must not count for the new operation. Caller holds the lock.
 */
static void sim_dev_tick(struct sim_dev *sim, struct sim_dev_report *report)
{
	struct sim_slot *slot = &sim->slot;
	bool outstanding = slot->timeout.counter != IO_TIMEOUT_IDLE;
	bool missed = io_timeout_due(&slot->timeout) && sim_dev_reap(sim);
	enum io_timeout_verdict verdict = io_timeout_tick(&slot->timeout);

	if (outstanding)
		trace_sim_dev_second(sim->dev, slot->timeout.counter);
	switch (verdict) {
	case IO_TIMEOUT_OK:
		break;
	case IO_TIMEOUT_RESET:
		sim_dev_reset(sim, report);
		break;
	case IO_TIMEOUT_FAILED:
		trace_sim_dev_timeout(sim->dev, sim_slot_number(slot), true,
				      sim_slot_age(slot));
		sim->stats.reset_failures++;
		slot->failed = true;
		queue_work(sim_dev_wq, &slot->failed_work);
		break;
	}
	if (missed) {
		sim_dev_missed(sim, report);
		sim_dev_handle(sim, report);
	}
	/* An idle device costs nothing: sim_dev_program() starts the timer again. */
	if (!slot->request && !sim_dev_is_active(sim))
		iotimer_stop(sim->timer);
}

/* Called once a second while something is outstanding (IoTimer routine). */
static void sim_dev_watchdog(struct device *dev, void *context)
{
	struct sim_dev *sim = context;
	struct sim_dev_report report = {};
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	if (!sim->off)
		sim_dev_tick(sim, &report);
	sim_dev_unlock(sim, flags);
	sim_log_report(sim, &report);
}

/* The reset timed out; the state of the device is unknown (CustomDpc). */
static void sim_dev_failed(struct work_struct *work)
{
	struct sim_dev *sim = container_of(work, struct sim_dev,
					   slot.failed_work);
	struct sim_dev_report report = {};
	struct sim_request *req;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	req = sim->slot.request;
	if (!sim->slot.failed)	/* the driver was unbound meanwhile */
		goto out;
	sim->slot.failed = false;
	if (req) {
		sim_dev_note(sim, &report, req->cancelled ?
					   SIM_REPORT_RESET_FAILED_CANCELLED :
					   SIM_REPORT_RESET_FAILED);
		sim_dev_finish(sim, -EIO);
	} else {
		sim_dev_note(sim, &report, SIM_REPORT_RESET_FAILED_IDLE);
		sim_dev_start_io(sim);
	}
	if (sim->closed)
		sim_dev_wake(&sim->room);
out:
	sim_dev_unlock(sim, flags);
	sim_log_report(sim, &report);
}

/* Nodes, and unbinding */

static struct class sim_dev_class = {
	.name = SIM_DEV_NAME,
};

static dev_t sim_dev_devt;	/* two minors a device */

static void sim_dev_free(struct kref *ref)
{
	kfree(container_of(ref, struct sim_dev, ref));
}

static void sim_dev_put(void *data)
{
	struct sim_dev *sim = data;

	kref_put(&sim->ref, sim_dev_free);
}

static void sim_node_release(struct device *dev)
{
	sim_dev_put(dev_get_drvdata(dev));
}

static void sim_node_del(void *data)
{
	struct sim_node *node = data;

	cdev_device_del(&node->cdev, &node->dev);
	put_device(&node->dev);
}

static int sim_node_add(struct sim_dev *sim, struct sim_node *node, int id,
			bool ctl)
{
	int err;

	device_initialize(&node->dev);
	node->dev.class = &sim_dev_class;
	node->dev.parent = sim->dev;
	node->dev.devt = sim_dev_devt + 2 * id + ctl;
	node->dev.release = sim_node_release;
	dev_set_drvdata(&node->dev, sim);
	kref_get(&sim->ref);
	cdev_init(&node->cdev, ctl ? &sim_ctl_fops : &sim_file_fops);
	node->cdev.owner = THIS_MODULE;

	err = dev_set_name(&node->dev, SIM_DEV_NAME "%d%s", id, ctl ? "_ctl" : "");
	if (!err)
		err = cdev_device_add(&node->cdev, &node->dev);
	if (err) {
		put_device(&node->dev);
		return err;
	}
	return devm_add_action_or_reset(sim->dev, sim_node_del, node);
}

static void sim_dev_cancel_work(void *data)
{
	struct sim_dev *sim = data;

	cancel_work_sync(&sim->slot.failed_work);
}

/* The driver is being unbound: fail all requests, wake all waiters. */
static void sim_dev_shut_down(void *data)
{
	struct sim_dev *sim = data;
	struct sim_slot *slot = &sim->slot;
	struct sim_request *req, *next;
	struct sim_file *file;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	WRITE_ONCE(sim->gone, true);
	/* From now on the handler ignores all interrupts: the slot is idle. */
	io_timeout_cancel(&slot->timeout);
	slot->interrupted = false;
	slot->failed = false;
	req = slot->request;
	slot->request = NULL;
	if (req)
		sim_dev_complete(sim, req, -ENODEV);
	list_for_each_entry_safe(req, next, &sim->queue, queue) {
		list_del_init(&req->queue);
		sim_dev_complete(sim, req, -ENODEV);
	}
	list_for_each_entry(file, &sim->files, node)
		sim_dev_wake(&file->wait);
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

/*
 * The device will lose its power. Start nothing more, and wait until the device
 * has finished, but no longer than SIM_DEV_QUIET_MS. Then poll the device, so
 * that an operation whose interrupt was lost is not done again. Requests that
 * remain wait for sim_dev_resume(). The interrupt stays enabled, as is right on
 * a line that other devices share; the handler tests @off.
 */
static void sim_dev_quiesce(struct sim_dev *sim)
{
	struct sim_dev_report report = {};
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim->closed = true;
	spin_unlock_irqrestore(&sim->lock, flags);
	wait_event_timeout(sim->room, sim_dev_is_quiet(sim),
			   msecs_to_jiffies(SIM_DEV_QUIET_MS));

	spin_lock_irqsave(&sim->lock, flags);
	if (sim_dev_is_active(sim) && sim_dev_reap(sim)) {
		sim_dev_missed(sim, &report);
		sim_dev_handle(sim, &report);
	}
	sim->off = true;
	sim_dev_unlock(sim, flags);
	sim_log_report(sim, &report);
	synchronize_irq(sim->irq);	/* handler and thread */
	iotimer_stop_sync(sim->timer);
	/* failed_work may still run: it touches no register. */
}

static int sim_dev_suspend(struct device *dev)
{
	sim_dev_quiesce(dev_get_drvdata(dev));
	return 0;
}

/*
 * The device has power again and has forgotten everything: reset it. Then the
 * request in the slot is started again, which counts as a retry only if it had
 * timed out before.
 */
static int sim_dev_resume(struct device *dev)
{
	struct sim_dev *sim = dev_get_drvdata(dev);
	struct sim_slot *slot = &sim->slot;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim->off = false;
	sim->closed = false;
	sim->stats.resets++;
	io_timeout_begin_reset(&slot->timeout);
	slot->started = ktime_get();
	trace_sim_dev_reset(dev, sim_slot_number(slot), slot->timeout.counter);
	iotimer_start(sim->timer);
	sim_hw_reset(sim->hw);
	spin_unlock_irqrestore(&sim->lock, flags);
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(sim_dev_pm_ops, sim_dev_suspend, sim_dev_resume);

/* The machine goes down, or another kernel takes over (kexec): quiesce the device. */
static void sim_dev_shutdown(struct platform_device *pdev)
{
	struct sim_dev *sim = platform_get_drvdata(pdev);
	unsigned long flags;

	sim_dev_quiesce(sim);
	spin_lock_irqsave(&sim->lock, flags);
	if (sim_dev_is_active(sim))
		sim_hw_reset(sim->hw);
	spin_unlock_irqrestore(&sim->lock, flags);
}

/* Binding */

/*
 * Read the causes that an earlier binding left, without counting them. Called
 * after the handler was installed, so that no cause comes between the two.
 */
static void sim_dev_drain(struct sim_dev *sim)
{
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim_dev_reap(sim);
	memset(&sim->stats, 0, sizeof(sim->stats));
	spin_unlock_irqrestore(&sim->lock, flags);
}

/* NULL if the device is not ours: driver_override binds any platform device. */
static struct sim_hw *sim_dev_find_hw(struct platform_device *pdev)
{
	struct sim_hw **hw = dev_get_platdata(&pdev->dev);

	return !strcmp(pdev->name, SIM_DEV_NAME) && hw ? *hw : NULL;
}

static struct sim_dev *sim_dev_alloc(struct device *dev, struct sim_hw *hw,
				     int irq)
{
	struct sim_dev *sim = kzalloc(sizeof(*sim), GFP_KERNEL);

	if (!sim)
		return NULL;
	kref_init(&sim->ref);
	sim->dev = dev;
	sim->irq = irq;
	sim->hw = hw;
	spin_lock_init(&sim->lock);
	INIT_LIST_HEAD(&sim->queue);
	INIT_LIST_HEAD(&sim->done);
	INIT_LIST_HEAD(&sim->files);
	init_waitqueue_head(&sim->room);
	INIT_WORK(&sim->slot.failed_work, sim_dev_failed);
	sim->max_retries = sim_param_max_retries.value;
	io_timeout_init(&sim->slot.timeout, sim_param_timeout.value,
			sim_param_reset_timeout.value);
	return sim;
}

/*
 * The nodes come last: a program may use a node as soon as it exists. If the
 * second node fails, the first is removed as at unbinding.
 */
static int sim_dev_probe(struct platform_device *pdev)
{
	struct sim_hw *hw = sim_dev_find_hw(pdev);
	struct device *dev = &pdev->dev;
	struct sim_dev *sim;
	int irq, err;

	if (!hw)
		return -ENODEV;
	if (sim_hw_read(hw, SIM_HW_STATUS) == SIM_HW_ALL_ONES)
		return -ENODEV;
	irq = platform_get_irq(pdev, 0);
	if (irq < 0)
		return irq;
	sim = sim_dev_alloc(dev, hw, irq);
	if (!sim)
		return -ENOMEM;
	err = devm_add_action_or_reset(dev, sim_dev_put, sim);
	if (err)
		return err;
	/* Continue the tags: an operation of an earlier binding may still end. */
	sim->slot.tag = sim_hw_read_tag(hw, 0);
	platform_set_drvdata(pdev, sim);

	/* devm undoes in the reverse order: nodes, shut down, work, interrupt, timer. */
	sim->timer = devm_iotimer_create(dev, sim_dev_watchdog, sim);
	if (IS_ERR(sim->timer))
		return PTR_ERR(sim->timer);
	err = devm_request_threaded_irq(dev, irq, sim_dev_isr, sim_dev_thread,
					0, dev_name(dev), sim);
	if (err)
		return err;
	sim_dev_drain(sim);
	err = devm_add_action_or_reset(dev, sim_dev_cancel_work, sim);
	if (err)
		return err;
	err = devm_add_action_or_reset(dev, sim_dev_shut_down, sim);
	if (err)
		return err;
	err = sim_node_add(sim, &sim->ctl_node, pdev->id, true);
	if (err)
		return err;
	return sim_node_add(sim, &sim->data_node, pdev->id, false);
}

static struct platform_driver sim_dev_driver = {
	.probe = sim_dev_probe,
	.shutdown = sim_dev_shutdown,
	.driver = {
		.name = SIM_DEV_NAME,
		.dev_groups = sim_ctl_groups,
		.pm = pm_sleep_ptr(&sim_dev_pm_ops),
	},
};

/**
 * sim_dev_register_driver - register the driver, and what its nodes need
 * @nr: number of devices
 *
 * Context: process, may sleep.
 * Return: 0, or a negative errno.
 */
int sim_dev_register_driver(unsigned int nr)
{
	int err;

	sim_dev_wq = alloc_workqueue(SIM_DEV_NAME, WQ_MEM_RECLAIM | WQ_PERCPU, 0);
	if (!sim_dev_wq)
		return -ENOMEM;
	err = class_register(&sim_dev_class);
	if (err)
		goto out_wq;
	err = alloc_chrdev_region(&sim_dev_devt, 0, 2 * nr, SIM_DEV_NAME);
	if (err)
		goto out_class;
	err = platform_driver_register(&sim_dev_driver);
	if (err)
		goto out_chrdev;
	return 0;

out_chrdev:
	unregister_chrdev_region(sim_dev_devt, 2 * nr);
out_class:
	class_unregister(&sim_dev_class);
out_wq:
	destroy_workqueue(sim_dev_wq);
	return err;
}

/**
 * sim_dev_unregister_driver - undo sim_dev_register_driver()
 * @nr: number of devices
 *
 * Context: process, may sleep.
 */
void sim_dev_unregister_driver(unsigned int nr)
{
	platform_driver_unregister(&sim_dev_driver);
	unregister_chrdev_region(sim_dev_devt, 2 * nr);
	class_unregister(&sim_dev_class);
	destroy_workqueue(sim_dev_wq);
}
