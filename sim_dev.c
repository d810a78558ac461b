// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev - the driver of the simulated device, and its data node in /dev
 *
 * Shows how a driver notices an I/O that never interrupts, by the counter
 * scheme of io_timeout.h on top of an iotimer. A request goes this way:
 *
 *	write()		sim_dev_submit()   queue the request
 *	StartIo		sim_dev_start_io() begin the time-out, program the device
 *	ISR		sim_dev_isr()      end the time-out, wake the thread
 *	DpcForIsr	sim_dev_thread()   complete the request, start the next
 *
 * and if the interrupt does not come:
 *
 *	IoTimer		sim_dev_second()   count down; at 0 reset the device
 *	ISR, DpcForIsr	as above           the reset is over: retry, or give up
 *	CustomDpc	sim_dev_failed()   the reset timed out: fail the request
 *
 * Who completes a request: whoever takes it off the queue or out of its slot,
 * under the device's lock, and nobody else can then find it there. So each is
 * completed exactly once, be it by the thread, by the work item, by its
 * submitter (a signal came), by the closing of its file, or by the unbinding
 * of the device.
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
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/poll.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/stringify.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "io_timeout.h"
#include "iotimer.h"
#include "sim_dev.h"
#include "sim_hw.h"

#define CREATE_TRACE_POINTS
#include "sim_dev_trace.h"

#define SIM_DEV_MAX_DEVICES	256
#define SIM_DEV_MAX_RESULTS	64	/* of one file, unread or outstanding */

/* Module parameters: defaults of what sysfs and the control node can change. */

static int sim_dev_param_set(const char *val, const struct kernel_param *kp)
{
	const struct sim_dev_param *param = kp->arg;

	return param_set_uint_minmax(val, kp, param->min, param->max);
}

static const struct kernel_param_ops sim_dev_param_ops = {
	.set = sim_dev_param_set,
	.get = param_get_uint,
};

/* The attributes (sim_ctl.c) share the ranges of those that are not static. */
#define SIM_DEV_PARAM(linkage, name, value, min, max, desc)		\
	linkage struct sim_dev_param sim_param_##name = { value, min, max }; \
	module_param_cb(name, &sim_dev_param_ops, &sim_param_##name, 0444); \
	MODULE_PARM_DESC(name, desc " (" __stringify(min) " to "	\
			 __stringify(max) ", default " __stringify(value) ")")

SIM_DEV_PARAM(static, devices, 1, 1, SIM_DEV_MAX_DEVICES, "devices to make");
SIM_DEV_PARAM(, timeout, 3, 1, 3600, "seconds an operation may take");
SIM_DEV_PARAM(, reset_timeout, 2, 1, 3600, "seconds a reset may take");
SIM_DEV_PARAM(, max_retries, 3, 0, 100, "retries of a request that timed out");
SIM_DEV_PARAM(static, latency_ms, 5, 0, SIM_HW_MAX_MS,
	      "ms an operation and a reset take");
SIM_DEV_PARAM(static, queue_depth, 16, 1, 1024,
	      "requests a device holds at most, the one under way included");

/**
 * struct sim_request - one write() (IRP)
 * @ref: one held until the request is done and off its file's list, another
 *	one by write()
 * @queue: in sim_dev.queue until it is started
 * @list: in sim_file.requests
 * @file: whose list it is on; NULL when it is on none
 * @completed: what a blocking write() waits for
 * @number: counts the device's requests from 1, for the log
 * @submitted: when, if the trace event of its completion was on then, else 0
 * @retries: how often it was started again
 * @nonblock: the submitter is not waiting, so an error is reported by read()
 * @withdrawn: nobody wants the result any more
 * @done: @result is valid; protected, like all above, by sim_dev.lock
 * @result: length or negative errno
 * @offset: bytes of the result that were read; protected by sim_file.read_lock
 * @len: bytes of @data
 * @room: bytes there is room for
 * @data: what was written, and, if there is a reader, what was looped back
 *	once @done
 */
struct sim_request {
	refcount_t ref;
	struct list_head queue;
	struct list_head list;
	struct sim_file *file;
	struct completion completed;
	u64 number;
	ktime_t submitted;
	unsigned int retries;
	bool nonblock;
	bool withdrawn;
	bool done;
	int result;
	size_t offset;
	size_t len;
	size_t room;
	u8 data[];
};

/**
 * struct sim_file - an open data node
 * @sim: its device
 * @keeps_results: opened for reading too
 * @requests: outstanding ones, and if @keeps_results those yet to be read, in
 *	the order of submission; protected by sim_dev.lock
 * @nr_requests: how many
 * @wait: woken when one is done or taken off the list
 * @spare: a request that the next write() takes, or NULL; atomic
 * @read_lock: one reader at a time; only its holder removes the first request
 *	once that is done
 */
struct sim_file {
	struct sim_dev *sim;
	bool keeps_results;
	struct list_head requests;
	unsigned int nr_requests;
	wait_queue_head_t wait;
	struct sim_request *spare;
	struct mutex read_lock;	/* one reader at a time */
};

/* Requests */

/* A request of len bytes, yet to be filled in: the spare one if that is large enough. */
static struct sim_request *sim_request_alloc(struct sim_file *file, size_t len)
{
	struct sim_request *req = xchg(&file->spare, NULL);
	size_t room = len;

	if (req && req->room >= len) {
		room = req->room;
	} else {
		kfree(req);
		req = kmalloc(struct_size(req, data, len), GFP_KERNEL_ACCOUNT);
	}
	if (!req)
		return NULL;
	memset(req, 0, sizeof(*req));
	refcount_set(&req->ref, 1);
	init_completion(&req->completed);
	INIT_LIST_HEAD(&req->queue);
	INIT_LIST_HEAD(&req->list);
	req->room = room;
	req->len = len;
	return req;
}

static void sim_request_put(struct sim_request *req)
{
	if (refcount_dec_and_test(&req->ref))
		kfree(req);
}

/* Drop write()'s reference; if it was the last, the next write() takes the request. */
static void sim_request_put_spare(struct sim_file *file, struct sim_request *req)
{
	if (refcount_dec_and_test(&req->ref))
		kfree(xchg(&file->spare, req));
}

/* May somebody read the result? Caller holds the lock. */
static bool sim_request_has_reader(const struct sim_request *req)
{
	return req->file && req->file->keeps_results;
}

/* Caller holds the lock, and has just changed what waiters look at. */
static void sim_dev_wake(struct wait_queue_head *wait)
{
	/*
	 * They look at it under the lock, after they have put themselves on
	 * the queue: so whoever is not on it yet sees the change. All but
	 * sim_ctl_poll(), which only wants to hear what sim_dev_shut_down()
	 * tells everybody.
	 */
	if (waitqueue_active(wait))
		wake_up(wait);
}

/* Take a request off its file's list, if it is on one. */
static void sim_request_unlist(struct sim_request *req)
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

static void sim_dev_trace_complete(struct sim_dev *sim, struct sim_request *req,
				   int result)
{
	s64 us = -1;

	if (!trace_sim_dev_complete_enabled())
		return;
	if (req->submitted)
		us = ktime_us_delta(ktime_get(), req->submitted);
	trace_sim_dev_complete(sim->dev, req->number, result, us, req->retries,
			       req->withdrawn);
}

/*
 * Complete a request that the caller has just taken off the queue or out of
 * its slot. The caller holds the lock. Unless a reader wants to hear of it, the
 * request is gone then, or is the writer's that waits for it.
 */
static void sim_dev_complete(struct sim_dev *sim, struct sim_request *req,
			     int result)
{
	bool waited_for = !req->nonblock && !req->withdrawn;

	lockdep_assert_held(&sim->lock);
	sim_dev_trace_complete(sim, req, result);
	req->result = result;
	req->done = true;
	if (req->withdrawn)
		sim->stats.cancelled++;
	else if (result >= 0)
		sim->stats.completed++;
	else
		sim->stats.failed++;
	sim->outstanding--;
	sim_dev_wake(&sim->room);

	/* Does a reader want to hear of it? */
	if (sim_request_has_reader(req) && (result >= 0 || req->nonblock)) {
		sim_dev_wake(&req->file->wait);
	} else {
		sim_request_unlist(req);
		sim_request_put(req);
	}
	/* The writer has a reference, and may drop it at once. */
	if (waited_for)
		complete(&req->completed);
}

/* Program the device with the slot's request, the first time or again. */
static void sim_dev_program(struct sim_dev *sim)
{
	struct sim_slot *slot = &sim->slot;
	struct sim_request *req = slot->request;

	io_timeout_begin(&slot->timeout);
	slot->started = ktime_get();
	slot->tag++;
	trace_sim_dev_start_io(sim->dev, req->number, slot->tag,
			       slot->timeout.counter);
	sim_hw_start(sim->hw, slot->tag, req->data, req->len);
}

/* Start the first request of the queue if the device is free (StartIo). */
static void sim_dev_start_io(struct sim_dev *sim)
{
	struct sim_slot *slot = &sim->slot;

	lockdep_assert_held(&sim->lock);
	if (slot->request || list_empty(&sim->queue))
		return;
	slot->request = list_first_entry(&sim->queue, struct sim_request, queue);
	list_del_init(&slot->request->queue);
	sim_dev_program(sim);
}

/* Complete the slot's request and start the next one (IoStartNextPacket). */
static void sim_dev_finish(struct sim_dev *sim, int result)
{
	struct sim_request *req = sim->slot.request;

	sim->slot.request = NULL;
	sim_dev_complete(sim, req, result);
	sim_dev_start_io(sim);
}

/* Nobody wants the request any more. Caller holds the lock. */
static void sim_dev_withdraw(struct sim_dev *sim, struct sim_request *req)
{
	lockdep_assert_held(&sim->lock);
	req->withdrawn = true;
	if (!list_empty(&req->queue)) {
		list_del_init(&req->queue);
		sim_dev_complete(sim, req, -EINTR);
	} else {
		/* In the slot: completed by whoever takes it from there. */
		sim_request_unlist(req);
	}
}

/* Interrupt, once-a-second routine, and what they defer */

/* Has what the driver waits for come to its end? Caller holds the lock. */
static unsigned int sim_dev_judge(struct sim_dev *sim, u64 cause)
{
	struct sim_slot *slot = &sim->slot;

	switch (SIM_HW_CAUSE_WHY(cause)) {
	case SIM_HW_CAUSE_DONE:
	case SIM_HW_CAUSE_ERROR:
		/* Without the tag, an old operation's end would end a retry. */
		if (SIM_HW_CAUSE_TAG(cause) != slot->tag ||
		    !io_timeout_op_interrupt(&slot->timeout))
			return SIM_DEV_LATE;
		slot->interrupted = true;
		slot->error = SIM_HW_CAUSE_WHY(cause) == SIM_HW_CAUSE_ERROR;
		return SIM_DEV_ACCEPTED;
	case SIM_HW_CAUSE_RESET:
		if (io_timeout_reset_interrupt(&slot->timeout))
			return SIM_DEV_ACCEPTED;
		fallthrough;
	default:
		return SIM_DEV_SPURIOUS;
	}
}

static irqreturn_t sim_dev_isr(int irq, void *data)
{
	struct sim_dev *sim = data;
	unsigned int verdict;
	unsigned long flags;
	u64 cause;

	spin_lock_irqsave(&sim->lock, flags);
	cause = sim_hw_read(sim->hw, SIM_HW_CAUSE);
	verdict = sim_dev_judge(sim, cause);
	if (verdict == SIM_DEV_LATE)
		sim->stats.late++;
	if (verdict == SIM_DEV_SPURIOUS)
		sim->stats.spurious++;
	trace_sim_dev_interrupt(sim->dev, cause, verdict);
	spin_unlock_irqrestore(&sim->lock, flags);
	/*
	 * Never IRQ_NONE: nobody else could have raised it, and the kernel
	 * switches off a line that goes unhandled too often.
	 */
	return verdict == SIM_DEV_ACCEPTED ? IRQ_WAKE_THREAD : IRQ_HANDLED;
}

/* How long has the operation or reset been under way? In us. */
static s64 sim_slot_age(const struct sim_slot *slot)
{
	return ktime_us_delta(ktime_get(), slot->started);
}

/* The device was reset: the request starts over, if it may. */
static void sim_dev_retry(struct sim_dev *sim)
{
	struct sim_request *req = sim->slot.request;
	unsigned int ms = div_s64(sim_slot_age(&sim->slot), USEC_PER_MSEC);

	if (req->withdrawn) {
		dev_info_ratelimited(sim->dev,
				     "request %llu: reset complete after %u.%03u s, the request was withdrawn\n",
				     req->number, ms / 1000, ms % 1000);
		sim_dev_finish(sim, -EINTR);
	} else if (req->retries >= sim->max_retries) {
		dev_err_ratelimited(sim->dev,
				    "request %llu: reset complete after %u.%03u s, giving up after %u retries, failed with -ETIMEDOUT\n",
				    req->number, ms / 1000, ms % 1000,
				    req->retries);
		sim_dev_finish(sim, -ETIMEDOUT);
	} else {
		req->retries++;
		sim->stats.retries++;
		dev_info_ratelimited(sim->dev,
				     "request %llu: reset complete after %u.%03u s, retrying, attempt %u of %u\n",
				     req->number, ms / 1000, ms % 1000,
				     req->retries, sim->max_retries);
		trace_sim_dev_retry(sim->dev, req->number, req->retries,
				    sim->max_retries);
		sim_dev_program(sim);
	}
}

/* Woken by the handler (DpcForIsr). */
static irqreturn_t sim_dev_thread(int irq, void *data)
{
	struct sim_dev *sim = data;
	struct sim_slot *slot = &sim->slot;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	if (slot->interrupted) {
		struct sim_request *req = slot->request;

		slot->interrupted = false;
		if (!slot->error && sim_request_has_reader(req))
			sim_hw_read_buffer(sim->hw, req->data, req->len);
		sim_dev_finish(sim, slot->error ? -EIO : (int)req->len);
	}
	if (io_timeout_take_reset(&slot->timeout))
		sim_dev_retry(sim);
	spin_unlock_irqrestore(&sim->lock, flags);
	return IRQ_HANDLED;
}

/* The operation timed out. Caller holds the lock. */
static void sim_dev_reset(struct sim_dev *sim)
{
	struct sim_slot *slot = &sim->slot;
	s64 us = sim_slot_age(slot);
	unsigned int ms = div_s64(us, USEC_PER_MSEC);
	u64 number = slot->request->number;

	trace_sim_dev_timeout(sim->dev, number, false, us);
	dev_warn_ratelimited(sim->dev,
			     "request %llu timed out after %u.%03u s, resetting the device\n",
			     number, ms / 1000, ms % 1000);
	sim->stats.timeouts++;
	sim->stats.resets++;
	slot->started = ktime_get();
	trace_sim_dev_reset(sim->dev, number, slot->timeout.counter);
	sim_hw_reset(sim->hw);
}

/* Once a second, for each device (IoTimer routine). */
static void sim_dev_second(struct device *dev, void *context)
{
	struct sim_dev *sim = context;
	struct sim_slot *slot = &sim->slot;
	enum io_timeout_verdict verdict;
	unsigned long flags;
	bool outstanding;

	spin_lock_irqsave(&sim->lock, flags);
	outstanding = slot->timeout.counter != IO_TIMEOUT_IDLE;
	verdict = io_timeout_tick(&slot->timeout);
	if (outstanding)
		trace_sim_dev_second(dev, slot->timeout.counter);
	switch (verdict) {
	case IO_TIMEOUT_OK:
		break;
	case IO_TIMEOUT_RESET:
		sim_dev_reset(sim);
		break;
	case IO_TIMEOUT_FAILED:
		trace_sim_dev_timeout(dev, slot->request->number, true,
				      sim_slot_age(slot));
		sim->stats.reset_failures++;
		schedule_work(&slot->failed_work);
		break;
	}
	spin_unlock_irqrestore(&sim->lock, flags);
}

/* The reset timed out; the state of the device is unknown (CustomDpc). */
static void sim_dev_failed(struct work_struct *work)
{
	struct sim_dev *sim = container_of(work, struct sim_dev,
					   slot.failed_work);
	struct sim_request *req;
	unsigned long flags;
	unsigned int ms;

	spin_lock_irqsave(&sim->lock, flags);
	req = sim->slot.request;
	if (req) {	/* else the device was unbound */
		ms = div_s64(sim_slot_age(&sim->slot), USEC_PER_MSEC);
		dev_err_ratelimited(sim->dev,
				    "request %llu: reset failed, no interrupt for %u.%03u s, %s\n",
				    req->number, ms / 1000, ms % 1000,
				    req->withdrawn ? "the request was withdrawn" :
						     "failed with -EIO");
		sim_dev_finish(sim, -EIO);
	}
	spin_unlock_irqrestore(&sim->lock, flags);
}

/* The data node */

/* May the file submit a request now? Caller holds the lock. */
static int sim_file_admit(const struct sim_file *file)
{
	const struct sim_dev *sim = file->sim;

	if (sim->gone)
		return -ENODEV;
	if (file->keeps_results && file->nr_requests >= SIM_DEV_MAX_RESULTS)
		return -ENOBUFS;
	if (sim->outstanding >= sim_param_queue_depth.value)
		return -EAGAIN;
	return 0;
}

static bool sim_file_must_wait(struct sim_file *file)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&file->sim->lock, flags);
	err = sim_file_admit(file);
	spin_unlock_irqrestore(&file->sim->lock, flags);
	return err == -EAGAIN;
}

/* Queue a request; the caller keeps its own reference. */
static int sim_dev_submit(struct sim_file *file, struct sim_request *req)
{
	struct sim_dev *sim = file->sim;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&sim->lock, flags);
	err = sim_file_admit(file);
	if (!err) {
		req->number = ++sim->stats.submitted;
		sim->outstanding++;
		if (trace_sim_dev_complete_enabled())
			req->submitted = ktime_get();
		trace_sim_dev_submit(sim->dev, req->number, req->len,
				     req->nonblock, sim->outstanding);
		refcount_set(&req->ref, 2);
		list_add_tail(&req->queue, &sim->queue);
		req->file = file;
		list_add_tail(&req->list, &file->requests);
		file->nr_requests++;
		sim_dev_start_io(sim);
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	return err;
}

/* Wait until the request is done, or withdraw it when a signal comes. */
static int sim_dev_wait(struct sim_dev *sim, struct sim_request *req)
{
	unsigned long flags;
	int result;

	if (!wait_for_completion_interruptible(&req->completed))
		return req->result;

	spin_lock_irqsave(&sim->lock, flags);
	if (!req->done) {
		sim_dev_withdraw(sim, req);
		result = -EINTR;
	} else {
		result = req->result;
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	return result;
}

static ssize_t sim_dev_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct sim_file *file = iocb->ki_filp->private_data;
	size_t len = iov_iter_count(from);
	struct sim_request *req;
	ssize_t ret;

	if (READ_ONCE(file->sim->gone))	/* looked at again under the lock */
		return -ENODEV;
	if (len > SIM_HW_BUFFER_SIZE)
		return -EMSGSIZE;
	if (!len)
		return 0;

	req = sim_request_alloc(file, len);
	if (!req)
		return -ENOMEM;
	req->nonblock = iocb->ki_filp->f_flags & O_NONBLOCK ||
			iocb->ki_flags & IOCB_NOWAIT;
	if (!copy_from_iter_full(req->data, len, from)) {
		ret = -EFAULT;
		goto out;
	}

	ret = sim_dev_submit(file, req);
	while (ret == -EAGAIN && !req->nonblock) {
		if (wait_event_interruptible(file->sim->room,
					     !sim_file_must_wait(file))) {
			ret = -EINTR;
			goto out;
		}
		ret = sim_dev_submit(file, req);
	}
	if (!ret)
		ret = req->nonblock ? len : sim_dev_wait(file->sim, req);
out:
	sim_request_put_spare(file, req);
	return ret;
}

/* What would read() do now: an errno, 0 for the end, or 1 if a result is there? */
static int sim_file_peek(struct sim_file *file, struct sim_request **first)
{
	struct sim_dev *sim = file->sim;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&sim->lock, flags);
	*first = list_first_entry_or_null(&file->requests, struct sim_request,
					  list);
	if (sim->gone)
		ret = -ENODEV;
	else if (!*first)
		ret = 0;
	else
		ret = (*first)->done ? 1 : -EAGAIN;
	spin_unlock_irqrestore(&sim->lock, flags);
	return ret;
}

/* Take the first result off the list. Caller holds read_lock. */
static void sim_file_pop(struct sim_file *file, struct sim_request *first)
{
	struct sim_dev *sim = file->sim;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	sim_request_unlist(first);
	spin_unlock_irqrestore(&sim->lock, flags);
	sim_request_put(first);
}

/* Read from the first result, which is done. Caller holds read_lock. */
static ssize_t sim_file_read_first(struct sim_file *file,
				   struct sim_request *first,
				   struct iov_iter *to)
{
	ssize_t ret = first->result;

	if (ret >= 0) {
		ret = copy_to_iter(first->data + first->offset,
				   first->len - first->offset, to);
		if (!ret)
			return -EFAULT;
		first->offset += ret;
	}
	if (ret < 0 || first->offset == first->len)
		sim_file_pop(file, first);
	return ret;
}

static ssize_t sim_dev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct sim_file *file = iocb->ki_filp->private_data;
	bool nonblock = iocb->ki_filp->f_flags & O_NONBLOCK ||
			iocb->ki_flags & IOCB_NOWAIT;
	struct sim_request *first;
	ssize_t ret;

	if (!iov_iter_count(to))
		return 0;
	if (nonblock) {
		if (!mutex_trylock(&file->read_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&file->read_lock)) {
		return -ERESTARTSYS;
	}

	ret = sim_file_peek(file, &first);
	while (ret == -EAGAIN && !nonblock) {
		ret = wait_event_interruptible(file->wait,
					       sim_file_peek(file, &first) != -EAGAIN);
		if (!ret)
			ret = sim_file_peek(file, &first);
	}
	if (ret > 0)
		ret = sim_file_read_first(file, first, to);
	mutex_unlock(&file->read_lock);
	return ret;
}

static __poll_t sim_dev_poll(struct file *filp, poll_table *wait)
{
	struct sim_file *file = filp->private_data;
	struct sim_request *first;
	unsigned long flags;
	__poll_t mask = 0;
	int admit;

	poll_wait(filp, &file->wait, wait);
	poll_wait(filp, &file->sim->room, wait);

	spin_lock_irqsave(&file->sim->lock, flags);
	admit = sim_file_admit(file);
	first = list_first_entry_or_null(&file->requests, struct sim_request,
					 list);
	if (admit == -ENODEV)
		mask = EPOLLERR | EPOLLHUP;
	else if (first && first->done)
		mask = EPOLLIN | EPOLLRDNORM;
	if (!admit)
		mask |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock_irqrestore(&file->sim->lock, flags);
	return mask;
}

static struct sim_file *sim_file_alloc(struct sim_dev *sim, bool keeps_results)
{
	struct sim_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return NULL;
	file->sim = sim;	/* kept by the open node */
	file->keeps_results = keeps_results;
	INIT_LIST_HEAD(&file->requests);
	init_waitqueue_head(&file->wait);
	mutex_init(&file->read_lock);
	return file;
}

/* Nobody is left to hear of the file's requests. */
static void sim_file_free(struct sim_file *file)
{
	struct sim_dev *sim = file->sim;
	struct sim_request *req, *next;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	file->keeps_results = false;
	list_for_each_entry_safe(req, next, &file->requests, list) {
		if (!req->done) {
			sim_dev_withdraw(sim, req);
		} else {
			sim_request_unlist(req);
			sim_request_put(req);
		}
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	mutex_destroy(&file->read_lock);
	kfree(file->spare);
	kfree(file);
}

static int sim_dev_open(struct inode *inode, struct file *filp)
{
	struct sim_dev *sim = container_of(inode->i_cdev, struct sim_dev,
					   data_node.cdev);

	if (READ_ONCE(sim->gone))
		return -ENODEV;
	filp->private_data = sim_file_alloc(sim, filp->f_mode & FMODE_READ);
	if (!filp->private_data)
		return -ENOMEM;
	return stream_open(inode, filp);
}

static int sim_dev_release(struct inode *inode, struct file *filp)
{
	sim_file_free(filp->private_data);
	return 0;
}

static const struct file_operations sim_dev_fops = {
	.owner = THIS_MODULE,
	.open = sim_dev_open,
	.release = sim_dev_release,
	.read_iter = sim_dev_read_iter,
	.write_iter = sim_dev_write_iter,
	.poll = sim_dev_poll,
};

/* Binding */

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
	cdev_init(&node->cdev, ctl ? &sim_ctl_fops : &sim_dev_fops);
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

/* Unbound: fail all requests, have everybody see that it is over. */
static void sim_dev_shut_down(void *data)
{
	struct sim_dev *sim = data;
	struct sim_slot *slot = &sim->slot;
	struct sim_request *req, *next;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	WRITE_ONCE(sim->gone, true);
	/* What the device still signals finds an idle slot and is ignored. */
	io_timeout_cancel(&slot->timeout);
	slot->interrupted = false;
	req = slot->request;
	slot->request = NULL;
	if (req)
		sim_dev_complete(sim, req, -ENODEV);
	list_for_each_entry_safe(req, next, &sim->queue, queue) {
		list_del_init(&req->queue);
		sim_dev_complete(sim, req, -ENODEV);
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	wake_up_all(&sim->room);
}

/*
 * A device may still signal what an earlier driver left behind. With the
 * handler in place, so that nothing slips through between.
 */
static void sim_dev_drain(struct sim_dev *sim)
{
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	while (sim_hw_read(sim->hw, SIM_HW_STATUS) & SIM_HW_STATUS_IRQ)
		sim_hw_read(sim->hw, SIM_HW_CAUSE);
	spin_unlock_irqrestore(&sim->lock, flags);
}

static int sim_dev_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct iotimer *timer;
	struct sim_dev *sim;
	int irq, err;

	irq = platform_get_irq(pdev, 0);
	if (irq < 0)
		return irq;
	sim = kzalloc(sizeof(*sim), GFP_KERNEL);
	if (!sim)
		return -ENOMEM;
	kref_init(&sim->ref);
	err = devm_add_action_or_reset(dev, sim_dev_put, sim);
	if (err)
		return err;
	sim->dev = dev;
	sim->hw = *(struct sim_hw **)dev_get_platdata(dev);
	spin_lock_init(&sim->lock);
	INIT_LIST_HEAD(&sim->queue);
	init_waitqueue_head(&sim->room);
	INIT_WORK(&sim->slot.failed_work, sim_dev_failed);
	sim->max_retries = sim_param_max_retries.value;
	io_timeout_init(&sim->slot.timeout, sim_param_timeout.value,
			sim_param_reset_timeout.value);
	/* Go on from there: an old operation may still end, with an old tag. */
	sim->slot.tag = sim_hw_read(sim->hw, SIM_HW_TAG);
	platform_set_drvdata(pdev, sim);

	/* Undone in the reverse order: timer, nodes, gone, work, interrupt. */
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
	err = sim_node_add(sim, &sim->data_node, pdev->id, false);
	if (err)
		return err;
	err = sim_node_add(sim, &sim->ctl_node, pdev->id, true);
	if (err)
		return err;
	timer = devm_iotimer_create(dev, sim_dev_second, sim);
	if (IS_ERR(timer))
		return PTR_ERR(timer);
	iotimer_start(timer);
	return 0;
}

static struct platform_driver sim_dev_driver = {
	.probe = sim_dev_probe,
	.driver = {
		.name = SIM_DEV_NAME,
		.dev_groups = sim_dev_groups,
	},
};

/* The devices that the module makes: silicon, and a platform device for it */

static struct {
	struct sim_hw *hw;
	struct platform_device *pdev;
} sim_devs[SIM_DEV_MAX_DEVICES];

static void sim_dev_unmake(unsigned int nr)
{
	while (nr--) {
		platform_device_unregister(sim_devs[nr].pdev);
		sim_hw_destroy(sim_devs[nr].hw);
	}
}

static struct platform_device *sim_dev_register(struct sim_hw *hw,
						unsigned int id)
{
	struct resource irq = DEFINE_RES_IRQ(sim_hw_irq(hw));
	struct platform_device_info info = {
		.name = SIM_DEV_NAME,
		.id = id,
		.res = &irq,
		.num_res = 1,
		.data = &hw,
		.size_data = sizeof(hw),
	};

	return platform_device_register_full(&info);
}

static int sim_dev_make(unsigned int id)
{
	struct platform_device *pdev;
	struct sim_hw *hw;

	hw = sim_hw_create(sim_param_latency_ms.value, sim_param_latency_ms.value);
	if (IS_ERR(hw))
		return PTR_ERR(hw);
	pdev = sim_dev_register(hw, id);
	if (IS_ERR(pdev)) {
		sim_hw_destroy(hw);
		return PTR_ERR(pdev);
	}
	sim_devs[id].hw = hw;
	sim_devs[id].pdev = pdev;
	return 0;
}

static int __init sim_dev_init(void)
{
	unsigned int nr = sim_param_devices.value, i;
	int err;

	err = class_register(&sim_dev_class);
	if (err)
		return err;
	err = alloc_chrdev_region(&sim_dev_devt, 0, 2 * nr, SIM_DEV_NAME);
	if (err)
		goto out_class;
	err = platform_driver_register(&sim_dev_driver);
	if (err)
		goto out_chrdev;
	for (i = 0; i < nr; i++) {
		err = sim_dev_make(i);
		if (err)
			goto out_devices;
	}
	return 0;

out_devices:
	sim_dev_unmake(i);
	platform_driver_unregister(&sim_dev_driver);
out_chrdev:
	unregister_chrdev_region(sim_dev_devt, 2 * nr);
out_class:
	class_unregister(&sim_dev_class);
	return err;
}

static void __exit sim_dev_exit(void)
{
	sim_dev_unmake(sim_param_devices.value);
	platform_driver_unregister(&sim_dev_driver);
	unregister_chrdev_region(sim_dev_devt, 2 * sim_param_devices.value);
	class_unregister(&sim_dev_class);
}

module_init(sim_dev_init);
module_exit(sim_dev_exit);

MODULE_DESCRIPTION("A simulated interrupting device whose driver times out, resets, retries and fails I/O");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
