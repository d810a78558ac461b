// SPDX-License-Identifier: GPL-2.0-only
/*
 * edu - a driver of QEMU's educational PCI device, with time-outs by io_timeout.h
 *
 * The device computes factorials, and copies its own buffer of 4095 bytes from and to
 * memory by DMA. Each has a /dev node:
 *
 *	/dev/edu0	write a number; once it returns, read the factorial
 *	/dev/edu0_buf	the buffer, read and written at any position
 *
 * The device has one slot for a request. A submitter that finds the slot free puts
 * its request there and starts it; the others wait. An iotimer drives io_timeout.h
 * once a second, which notices that an interrupt does not come:
 *
 *	edu_start()	begins the time-out, programs the device
 *	edu_isr()	ends the time-out, wakes the thread
 *	edu_thread()	completes the request, or retries it after a reset
 *	edu_watchdog()	counts down; when the time is up, first asks the device, then
 *			resets it or fails the request
 *
 * The timer is stopped while nothing is outstanding: edu_start() starts it, and
 * edu_watchdog() stops it, both under the device's lock.
 *
 * Asking: most time-outs are lost interrupts. The device says that it is busy from
 * the moment an operation is programmed. So a device that is not busy has done the
 * operation, and edu_ask() completes it.
 *
 * The device has no reset, and neither does its bus (conventional PCI without power
 * management). An operation cannot be cancelled, and no tag distinguishes an old
 * operation's interrupt from a new one's. So the reset of this driver makes sure that
 * no old operation remains:
 *
 *  1. Wait until the device answers, and neither computes nor copies. It ignores
 *     commands before that. If that never happens, the reset fails.
 *  2. The computing unit first says that it is ready and then interrupts, so an old
 *     interrupt may still come. Have it compute once more, without interrupt: it does
 *     one thing after the other, so once that is done the old interrupt has been
 *     raised or never will be. (If the next operation is programmed at once, this
 *     second computation may interrupt too. edu_interrupt() finds the device busy
 *     then, and counts the interrupt as late. The DMA unit says that it is ready and
 *     interrupts in one step.)
 *  3. Acknowledge all causes that are raised.
 *  4. Have the device raise an interrupt with a cause that nothing else uses. So the
 *     reset ends by an interrupt, as io_timeout.h expects, and it proves that the
 *     next operation's interrupt can come.
 *
 * A reset sleeps, so a work item does it, and looks every EDU_POLL_MS.
 *
 * A device that is gone reads as all ones: busy, with every cause raised.
 * edu_acknowledge() ignores that cause, and the device never becomes clean. So
 * requests end with -EIO, within their time limits.
 *
 * Suspend waits a little for what is in flight; a request that is not done stays in
 * the slot. Resume resets the device, and then starts that request over.
 *
 * The log is written without the lock, for which the interrupt handler would wait: a
 * console is slow. A struct edu_report keeps what to log until the lock is dropped.
 *
 * The file is long since it is the whole driver, to be read and copied as one: a
 * driver's author finds the time-out, the reset and what they protect in one place.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "io_timeout.h"
#include "iotimer.h"

/* Registers, all of 32 bits */
#define EDU_ALL_ONES		(~0U)		/* what all read as if the device is gone */
#define EDU_ID			0x00
#define EDU_ID_MAGIC		0xed		/* in the lowest byte */
#define EDU_LIVENESS		0x04		/* reads as what was written, inverted */
#define EDU_FACTORIAL		0x08		/* writing starts, unless it is computing */
#define EDU_STATUS		0x20
#define EDU_STATUS_COMPUTING	BIT(0)
#define EDU_STATUS_IRQ		BIT(7)		/* interrupt when computed */
#define EDU_CAUSE		0x24
#define EDU_RAISE		0x60		/* sets bits of the cause and interrupts */
#define EDU_ACK			0x64		/* clears bits of the cause */
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90		/* not 0, or QEMU exits */
#define EDU_DMA_CMD		0x98		/* cannot be written while it runs */
#define EDU_DMA_CMD_RUN		BIT(0)
#define EDU_DMA_CMD_TO_RAM	BIT(1)
#define EDU_DMA_CMD_IRQ		BIT(2)
#define EDU_BUFFER		0x40000		/* the buffer's address for its DMA */
/*
 * One byte less than there is: QEMU 7.2 checks that a copy ends in the buffer with a <
 * where a <= belongs, and exits if not.
 */
#define EDU_BUFFER_SIZE		4095
#define EDU_DMA_BITS		28
#define EDU_POLL_MS		10		/* between two looks at a busy device */
#define EDU_QUIET_MS		2000		/* how long suspend waits for what is in flight */

/* Causes of an interrupt: the device's two, and one of the driver's. */
#define EDU_CAUSE_FACTORIAL	BIT(0)
#define EDU_CAUSE_DMA		BIT(8)
#define EDU_CAUSE_RESET		BIT(16)

static int edu_set_seconds(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, 3600);
}

static int edu_set_retries(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, 100);
}

static const struct kernel_param_ops edu_seconds_ops = {
	.set = edu_set_seconds,
	.get = param_get_uint,
};

static const struct kernel_param_ops edu_retries_ops = {
	.set = edu_set_retries,
	.get = param_get_uint,
};

static unsigned int timeout = 3;
module_param_cb(timeout, &edu_seconds_ops, &timeout, 0644);
MODULE_PARM_DESC(timeout, "seconds an operation may take (1 to 3600, default 3)");

static unsigned int reset_timeout = 2;
module_param_cb(reset_timeout, &edu_seconds_ops, &reset_timeout, 0644);
MODULE_PARM_DESC(reset_timeout, "seconds a reset may take (1 to 3600, default 2)");

static unsigned int max_retries = 3;
module_param_cb(max_retries, &edu_retries_ops, &max_retries, 0644);
MODULE_PARM_DESC(max_retries, "retries of a request that timed out (0 to 100, default 3)");

static bool msi = true;
module_param(msi, bool, 0444);
MODULE_PARM_DESC(msi, "use a message-signalled interrupt if there is one (default yes)");

/**
 * enum edu_stale - may an earlier operation still interrupt?
 * @EDU_CLEAN: no
 * @EDU_STALE: yes
 * @EDU_BARRIER: yes, until the computation that the reset has started is done
 */
enum edu_stale { EDU_CLEAN, EDU_STALE, EDU_BARRIER };

enum edu_op { EDU_COMPUTE, EDU_TO_DEVICE, EDU_FROM_DEVICE };

/**
 * struct edu_request - one read() or write()
 * @ref: one held by the submitter, one by the slot
 * @completed: what the submitter waits for
 * @number: counts the device's requests from 1, for the log
 * @op: what to do
 * @retries: how often it was retried
 * @cancelled: its submitter was killed; protected by edu.lock
 * @done: @result is valid; protected by edu.lock
 * @result: 0 or negative errno
 * @value: the number, then its factorial
 * @offset: in the device's buffer
 * @len: bytes of @data
 * @data: to or from the buffer
 */
struct edu_request {
	refcount_t ref;
	struct completion completed;
	u64 number;
	enum edu_op op;
	unsigned int retries;
	bool cancelled;
	bool done;
	int result;
	u32 value;
	unsigned int offset;
	size_t len;
	u8 data[];
};

/**
 * struct edu_stats - what happened since the driver was bound
 * @submitted: requests put into the slot; at every moment @completed + @failed +
 *	@cancelled, plus 1 if a request is in the slot
 * @completed: requests that succeeded
 * @failed: requests that ended with an error
 * @cancelled: requests whose submitters were killed
 * @timeouts: operations that timed out; each causes a reset
 * @missed: operations and resets that were done when the time was up, but whose
 *	interrupt did not come
 * @resets: resets begun, after a time-out or at resume
 * @resets_failed: resets that timed out
 * @retries: requests that were started again after they had timed out
 * @late: interrupts of operations that were no longer waited for; ignored
 * @spurious: interrupts of any other cause
 */
struct edu_stats {
	u64 submitted;
	u64 completed;
	u64 failed;
	u64 cancelled;
	u64 timeouts;
	u64 missed;
	u64 resets;
	u64 resets_failed;
	u64 retries;
	u64 late;
	u64 spurious;
};

/**
 * struct edu - a device
 * @ref: held by the binding and by each open file
 * @id: its number
 * @dev: for messages; valid until @gone
 * @irq: its interrupt
 * @timer: calls edu_watchdog() while something is outstanding
 * @regs: its registers; valid until @gone
 * @buffer: memory for its DMA; valid until @gone
 * @buffer_dma: where the device finds @buffer
 * @lock: protects the fields from @gone to @stats, and the registers
 * @gone: the driver was unbound
 * @closed: suspended, or about to be: nothing is started
 * @off: suspended: no register is touched
 * @timeout: of the request in the slot, or of a reset at resume
 * @request: the slot (the current IRP); NULL if it is free
 * @started: when the operation or its reset began
 * @cause: the interrupt that ends the operation; 0 if none is programmed
 * @interrupted: that interrupt has come, or edu_ask() found the operation done
 * @timed_out: the request in the slot timed out, so starting it over is a retry
 * @stale: whether the device must become clean before it is programmed
 * @reset_raised: only the interrupt of the reset is missing
 * @stats: for debugfs
 * @free: wait queue for the slot, or for the device to be quiet
 * @reset_work: makes a stale device clean, then continues
 * @compute_node: /dev/edu0
 * @compute_name: its name
 * @buffer_node: /dev/edu0_buf
 * @buffer_name: its name
 * @withhold: for tests: so many operations are programmed without interrupt
 * @withhold_reset: for tests: so many resets end without interrupt
 * @hang: for tests: so many operations are started, but not programmed
 * @unplugged: for tests: unless 0, registers read as ones, and writes are lost
 */
struct edu {
	struct kref ref;
	int id;
	struct device *dev;
	int irq;
	struct iotimer *timer;
	void __iomem *regs;
	u8 *buffer;
	dma_addr_t buffer_dma;

	spinlock_t lock;	/* the slot, the registers; the handler takes it */
	bool gone;
	bool closed;
	bool off;
	struct io_timeout timeout;
	struct edu_request *request;
	ktime_t started;
	u32 cause;
	bool interrupted;
	bool timed_out;
	enum edu_stale stale;
	bool reset_raised;
	struct edu_stats stats;

	wait_queue_head_t free;
	struct work_struct reset_work;
	struct miscdevice compute_node;
	char compute_name[16];
	struct miscdevice buffer_node;
	char buffer_name[16];
	atomic_t withhold;
	atomic_t withhold_reset;
	atomic_t hang;
	atomic_t unplugged;
};

static DEFINE_IDA(edu_ids);

static u32 edu_read(const struct edu *edu, unsigned int reg)
{
	lockdep_assert_held(&edu->lock);
	if (atomic_read(&edu->unplugged))
		return EDU_ALL_ONES;
	return readl(edu->regs + reg);
}

static void edu_write(const struct edu *edu, unsigned int reg, u32 value)
{
	lockdep_assert_held(&edu->lock);
	if (!atomic_read(&edu->unplugged))
		writel(value, edu->regs + reg);
}

/* False if the device was unplugged, or is another one. */
static bool edu_is_there(const struct edu *edu)
{
	u32 id = edu_read(edu, EDU_ID);

	return id != EDU_ALL_ONES && (id & 0xff) == EDU_ID_MAGIC;
}

/* A device that is gone computes and copies for ever. */
static bool edu_is_computing(const struct edu *edu)
{
	return edu_read(edu, EDU_STATUS) & EDU_STATUS_COMPUTING;
}

static bool edu_is_copying(const struct edu *edu)
{
	return edu_read(edu, EDU_DMA_CMD) & EDU_DMA_CMD_RUN;
}

static void edu_request_put(struct edu_request *req)
{
	if (refcount_dec_and_test(&req->ref))
		kfree(req);
}

/* The slot */

static void edu_program_dma(struct edu *edu, u32 src, u32 dst, u32 cmd)
{
	edu_write(edu, EDU_DMA_SRC, src);
	edu_write(edu, EDU_DMA_DST, dst);
	edu_write(edu, EDU_DMA_COUNT, edu->request->len);
	edu_write(edu, EDU_DMA_CMD, cmd | EDU_DMA_CMD_RUN);
}

/*
 * Program the operation in the slot. The device is clean, so it is idle and accepts
 * commands. From here on it says that it is busy.
 */
static void edu_program(struct edu *edu)
{
	struct edu_request *req = edu->request;
	bool irq = atomic_dec_if_positive(&edu->withhold) < 0;
	u32 place = EDU_BUFFER + req->offset;

	if (atomic_dec_if_positive(&edu->hang) >= 0)
		return;
	switch (req->op) {
	case EDU_COMPUTE:
		edu->cause = EDU_CAUSE_FACTORIAL;
		edu_write(edu, EDU_STATUS, irq ? EDU_STATUS_IRQ : 0);
		edu_write(edu, EDU_FACTORIAL, req->value);
		break;
	case EDU_TO_DEVICE:
		edu->cause = EDU_CAUSE_DMA;
		memcpy(edu->buffer, req->data, req->len);
		edu_program_dma(edu, edu->buffer_dma, place,
				irq ? EDU_DMA_CMD_IRQ : 0);
		break;
	case EDU_FROM_DEVICE:
		edu->cause = EDU_CAUSE_DMA;
		/* If the bus blocks the copy, do not return an earlier request's data. */
		memset(edu->buffer, 0, req->len);
		edu_program_dma(edu, place, edu->buffer_dma, EDU_DMA_CMD_TO_RAM |
				(irq ? EDU_DMA_CMD_IRQ : 0));
		break;
	}
}

/* sysfs may write the parameters. */
static void edu_set_limits(struct edu *edu)
{
	io_timeout_set_limits(&edu->timeout, READ_ONCE(timeout), READ_ONCE(reset_timeout));
}

/*
 * Start the request in the slot, for the first time or again (StartIo). After a failed
 * reset the device must become clean first. That is part of the operation, so it may
 * time out too.
 */
static void edu_start(struct edu *edu)
{
	if (edu->closed)	/* edu_resume() starts it over */
		return;
	edu_set_limits(edu);
	io_timeout_begin(&edu->timeout);
	/* edu_tick() stops the timer under this lock too. */
	if (!iotimer_enabled(edu->timer))
		iotimer_start(edu->timer);
	edu->started = ktime_get();
	edu->timed_out = false;
	if (edu->stale == EDU_CLEAN)
		edu_program(edu);
	else
		schedule_work(&edu->reset_work);
}

/* Is there an operation or a reset whose end has not come, or was not handled yet? */
static bool edu_is_active(const struct edu *edu)
{
	return !io_timeout_idle(&edu->timeout) || edu->interrupted;
}

/* Put a request into the slot and start it. False if the slot is not free; else see @err. */
static bool edu_submit(struct edu *edu, struct edu_request *req, int *err)
{
	unsigned long flags;

	*err = 0;
	spin_lock_irqsave(&edu->lock, flags);
	if (edu->gone) {
		*err = -ENODEV;
	} else if (edu->request || edu->closed || edu_is_active(edu)) {
		*err = -EBUSY;
	} else {
		req->number = ++edu->stats.submitted;
		refcount_inc(&req->ref);
		edu->request = req;
		edu_start(edu);
	}
	spin_unlock_irqrestore(&edu->lock, flags);
	return *err != -EBUSY;
}

/* Take the request out of the slot, so that it is completed once, and complete it. */
static void edu_finish(struct edu *edu, int result)
{
	struct edu_request *req = edu->request;

	lockdep_assert_held(&edu->lock);
	edu->request = NULL;
	edu->cause = 0;
	if (req->cancelled)
		edu->stats.cancelled++;
	else if (result)
		edu->stats.failed++;
	else
		edu->stats.completed++;
	req->result = result;
	req->done = true;
	complete(&req->completed);
	edu_request_put(req);
	wake_up(&edu->free);
}

/* The submitter was killed. The request stays in the slot until the device is done. */
static int edu_cancel(struct edu *edu, struct edu_request *req)
{
	unsigned long flags;
	int err = -EINTR;

	spin_lock_irqsave(&edu->lock, flags);
	if (req->done)
		err = req->result;
	else
		req->cancelled = true;
	spin_unlock_irqrestore(&edu->lock, flags);
	return err;
}

/*
 * Do a request and wait for it. Any signal ends the wait for the slot: nothing is
 * submitted yet, and write() can start over. Once the request is in the slot only a
 * fatal signal does: the operation can be neither cancelled nor done twice, and a
 * program that was only stopped or frozen must not see an error. No lock is held, so
 * the task may be frozen here.
 */
static int edu_do(struct edu *edu, struct edu_request *req)
{
	int err;

	/* The condition takes the slot when it is free. */
	if (wait_event_interruptible_exclusive(edu->free,
					       edu_submit(edu, req, &err)))
		return -ERESTARTSYS;
	if (err)
		return err;
	if (!wait_for_completion_state(&req->completed,
				       TASK_KILLABLE | TASK_FREEZABLE))
		return req->result;
	return edu_cancel(edu, req);
}

/* The log */

/**
 * struct edu_report - what happened to a request
 * @what: the event
 * @missed: no interrupt came; edu_ask() found the operation or reset done
 * @cancelled: its submitter was killed
 * @request: its number; 0 for a reset at resume with an empty slot
 * @ms: how long the operation or the reset took
 * @retries: how often the request was retried
 * @max_retries: how often it may be retried
 */
struct edu_report {
	enum {
		EDU_REPORT_NOTHING,
		EDU_REPORT_DONE,
		EDU_REPORT_TIMED_OUT,
		EDU_REPORT_RESET_IDLE,
		EDU_REPORT_RESTART,
		EDU_REPORT_RETRY,
		EDU_REPORT_OUT_OF_RETRIES,
		EDU_REPORT_CANCELLED,
		EDU_REPORT_RESET_FAILED,
	} what;
	bool missed;
	bool cancelled;
	u64 request;
	unsigned int ms;
	unsigned int retries;
	unsigned int max_retries;
};

/* Fill in a report about the slot. Caller holds the lock. */
static void edu_note(const struct edu *edu, struct edu_report *report, int what)
{
	const struct edu_request *req = edu->request;

	report->what = what;
	report->cancelled = req && req->cancelled;
	report->request = req ? req->number : 0;
	report->ms = ktime_ms_delta(ktime_get(), edu->started);
	report->retries = req ? req->retries : 0;
	report->max_retries = READ_ONCE(max_retries);
}

static void edu_log_missed(struct device *dev, const struct edu_report *report)
{
	unsigned int s = report->ms / 1000, ms = report->ms % 1000;

	if (report->what == EDU_REPORT_DONE)
		dev_warn_ratelimited(dev, "request %llu: done, but no interrupt came in %u.%03u s\n",
				     report->request, s, ms);
	else
		dev_warn_ratelimited(dev, "the device was reset, but no interrupt came in %u.%03u s\n",
				     s, ms);
}

/* Caller does not hold the lock. */
static void edu_log(struct device *dev, const struct edu_report *report)
{
	unsigned int s = report->ms / 1000, ms = report->ms % 1000;
	u64 request = report->request;

	if (report->missed)
		edu_log_missed(dev, report);
	switch (report->what) {
	case EDU_REPORT_NOTHING:
	case EDU_REPORT_DONE:
	case EDU_REPORT_RESET_IDLE:
		break;
	case EDU_REPORT_TIMED_OUT:
		dev_warn_ratelimited(dev, "request %llu timed out after %u.%03u s, resetting the device\n",
				     request, s, ms);
		break;
	case EDU_REPORT_RESTART:
		dev_info_ratelimited(dev, "request %llu: reset complete after %u.%03u s, starting over\n",
				     request, s, ms);
		break;
	case EDU_REPORT_RETRY:
		dev_info_ratelimited(dev, "request %llu: reset complete after %u.%03u s, retrying, attempt %u of %u\n",
				     request, s, ms, report->retries,
				     report->max_retries);
		break;
	case EDU_REPORT_OUT_OF_RETRIES:
		dev_err_ratelimited(dev, "request %llu: reset complete after %u.%03u s, giving up after %u retries, failed with -ETIMEDOUT\n",
				    request, s, ms, report->retries);
		break;
	case EDU_REPORT_CANCELLED:
		dev_info_ratelimited(dev, "request %llu: reset complete after %u.%03u s, the request was cancelled\n",
				     request, s, ms);
		break;
	case EDU_REPORT_RESET_FAILED:
		if (request)
			dev_err_ratelimited(dev, "request %llu: reset failed, no interrupt for %u.%03u s, %s\n",
					    request, s, ms, report->cancelled ?
					    "the request was cancelled" : "failed with -EIO");
		else
			dev_err_ratelimited(dev, "reset failed, no interrupt for %u.%03u s\n",
					    s, ms);
		break;
	}
}

/* Interrupt, watchdog, reset */

/*
 * Has the device done the operation? False if it is not programmed yet, since the
 * device is not clean.
 */
static bool edu_operation_done(const struct edu *edu)
{
	switch (edu->cause) {
	case EDU_CAUSE_FACTORIAL:
		return !edu_is_computing(edu);
	case EDU_CAUSE_DMA:
		return !edu_is_copying(edu);
	default:
		return false;
	}
}

/* The operation has ended. False if no operation was outstanding. */
static bool edu_end_operation(struct edu *edu)
{
	if (!io_timeout_op_interrupt(&edu->timeout))
		return false;
	edu->interrupted = true;
	return true;
}

/*
 * The device has interrupted. True if that is something for the thread. The device says
 * that it is done before it interrupts, so an interrupt while it is busy is not this
 * operation's. So "busy" serves as the tag that the device does not have.
 */
static bool edu_interrupt(struct edu *edu, u32 cause)
{
	bool wake = false;

	if (cause & (EDU_CAUSE_FACTORIAL | EDU_CAUSE_DMA)) {
		if (cause & edu->cause && edu_operation_done(edu) &&
		    edu_end_operation(edu))
			wake = true;
		else
			edu->stats.late++;
	}
	if (cause & EDU_CAUSE_RESET) {
		if (edu->reset_raised &&
		    io_timeout_reset_interrupt(&edu->timeout))
			wake = true;
		else
			edu->stats.spurious++;
	}
	if (cause & ~(EDU_CAUSE_FACTORIAL | EDU_CAUSE_DMA | EDU_CAUSE_RESET))
		edu->stats.spurious++;
	return wake;
}

/* Read and acknowledge the causes that are raised; 0 if none is, or the device is gone. */
static u32 edu_acknowledge(struct edu *edu)
{
	u32 cause = edu_read(edu, EDU_CAUSE);

	if (!cause || cause == EDU_ALL_ONES)
		return 0;
	/* Acknowledge only these: a cause raised since then must interrupt again. */
	edu_write(edu, EDU_ACK, cause);
	/* Flush the write: the line must be low before its controller looks again. */
	edu_read(edu, EDU_CAUSE);
	return cause;
}

static irqreturn_t edu_isr(int irq, void *data)
{
	struct edu *edu = data;
	irqreturn_t ret = IRQ_NONE;	/* without MSI the line is shared */
	unsigned long flags;
	u32 cause;

	spin_lock_irqsave(&edu->lock, flags);
	cause = edu->off ? 0 : edu_acknowledge(edu);
	if (cause)
		ret = edu_interrupt(edu, cause) ? IRQ_WAKE_THREAD : IRQ_HANDLED;
	spin_unlock_irqrestore(&edu->lock, flags);
	return ret;
}

/*
 * The time is up: was only the interrupt lost? True if a cause is still raised, or if
 * the device says that the operation is done. Should the interrupt come late,
 * edu_interrupt() ignores it while the next operation is busy. If that one is done, its
 * end is merely reported by the wrong interrupt.
 */
static bool edu_ask(struct edu *edu)
{
	u32 cause;

	/* A device that is gone may read as zeros, which would mean "done". */
	if (!edu_is_there(edu))
		return false;
	cause = edu_acknowledge(edu);
	if (cause && edu_interrupt(edu, cause))
		return true;
	return edu_operation_done(edu) && edu_end_operation(edu);
}

/* Fetch the operation's result before another operation can start; 0 or an error. */
static int edu_collect(struct edu *edu)
{
	struct edu_request *req = edu->request;

	if (req->op == EDU_COMPUTE) {
		req->value = edu_read(edu, EDU_FACTORIAL);
		/* All ones is odd; of the factorials only 1 is. */
		if (req->value == EDU_ALL_ONES)
			return -EIO;
	} else if (req->op == EDU_FROM_DEVICE) {
		memcpy(req->data, edu->buffer, req->len);
	}
	return 0;
}

/* The device was reset: start the request over, or complete it. */
static void edu_retry(struct edu *edu, struct edu_report *report)
{
	struct edu_request *req = edu->request;

	if (edu->closed && req && !req->cancelled)
		return;		/* resume resets the device again */
	if (!req) {		/* at resume */
		edu_note(edu, report, EDU_REPORT_RESET_IDLE);
		wake_up(&edu->free);
	} else if (req->cancelled) {
		edu_note(edu, report, EDU_REPORT_CANCELLED);
		edu_finish(edu, -EINTR);
	} else if (!edu->timed_out) {
		edu_note(edu, report, EDU_REPORT_RESTART);
		edu_start(edu);
	} else if (req->retries >= READ_ONCE(max_retries)) {
		edu_note(edu, report, EDU_REPORT_OUT_OF_RETRIES);
		edu_finish(edu, -ETIMEDOUT);
	} else {
		req->retries++;
		edu->stats.retries++;
		edu_note(edu, report, EDU_REPORT_RETRY);
		edu_start(edu);
	}
}

/* Handle what edu_interrupt() or edu_ask() found. Caller holds the lock. */
static void edu_handle(struct edu *edu, struct edu_report *report)
{
	if (edu->interrupted) {
		edu->interrupted = false;
		edu_note(edu, report, EDU_REPORT_DONE);
		edu_finish(edu, edu_collect(edu));
	}
	if (io_timeout_reset_done(&edu->timeout)) {
		edu->reset_raised = false;
		edu_retry(edu, report);
	}
	if (edu->closed)
		wake_up(&edu->free);	/* suspend waits */
}

static irqreturn_t edu_thread(int irq, void *data)
{
	struct edu *edu = data;
	struct edu_report report = {};
	unsigned long flags;

	spin_lock_irqsave(&edu->lock, flags);
	edu_handle(edu, &report);
	spin_unlock_irqrestore(&edu->lock, flags);
	edu_log(edu->dev, &report);
	return IRQ_HANDLED;
}

/* Begin a reset, whose time-out has begun already. Caller holds the lock. */
static void edu_begin_reset(struct edu *edu)
{
	edu->stats.resets++;
	edu->cause = 0;
	edu->stale = EDU_STALE;
	edu->reset_raised = false;
	edu->started = ktime_get();
	schedule_work(&edu->reset_work);
}

/* The reset timed out: the device's state is unknown. Caller holds the lock. */
static void edu_reset_failed(struct edu *edu)
{
	edu->stats.resets_failed++;
	edu->stale = EDU_STALE;
	edu->reset_raised = false;
	if (edu->request)
		edu_finish(edu, -EIO);
	else
		wake_up(&edu->free);
}

/*
 * A second has passed. The countdown comes before edu_handle(): that may start a request
 * over, which must not lose a second at once. Caller holds the lock.
 */
static void edu_tick(struct edu *edu, struct edu_report *report)
{
	bool missed = io_timeout_due(&edu->timeout) && edu_ask(edu);

	switch (io_timeout_tick(&edu->timeout)) {
	case IO_TIMEOUT_OK:
		break;
	case IO_TIMEOUT_RESET:
		edu_note(edu, report, EDU_REPORT_TIMED_OUT);
		edu->stats.timeouts++;
		edu->timed_out = true;
		edu_begin_reset(edu);
		break;
	case IO_TIMEOUT_FAILED:
		edu_note(edu, report, EDU_REPORT_RESET_FAILED);
		edu_reset_failed(edu);
		break;
	}
	if (missed) {
		edu->stats.missed++;
		report->missed = true;
		edu_handle(edu, report);
	}
	/* The next operation starts the timer again. */
	if (!edu->request && !edu_is_active(edu))
		iotimer_stop(edu->timer);
}

/* Once a second while something is outstanding (IoTimer routine). */
static void edu_watchdog(struct device *dev, void *context)
{
	struct edu *edu = context;
	struct edu_report report = {};
	unsigned long flags;

	spin_lock_irqsave(&edu->lock, flags);
	if (!edu->off)
		edu_tick(edu, &report);
	spin_unlock_irqrestore(&edu->lock, flags);
	edu_log(dev, &report);
}

/*
 * Continue with steps 1 to 3 of a reset (see the top). True once the device is clean: no
 * earlier operation can interrupt any more.
 */
static bool edu_clean(struct edu *edu)
{
	u32 stamp = (u32)ktime_get_ns();

	edu_write(edu, EDU_STATUS, 0);	/* works on a busy device too */
	if (edu_is_computing(edu) || edu_is_copying(edu))
		return false;
	/* The device is not busy. Does it see what is written? */
	edu_write(edu, EDU_LIVENESS, stamp);
	if (edu_read(edu, EDU_LIVENESS) != ~stamp)
		return false;
	if (edu->stale == EDU_STALE) {
		edu_write(edu, EDU_FACTORIAL, 0);
		edu->stale = EDU_BARRIER;
		return false;
	}
	edu_write(edu, EDU_ACK, ~0U);
	edu->stale = EDU_CLEAN;
	return true;
}

/* The device has become clean: end the reset, or program what waited for that. */
static void edu_became_clean(struct edu *edu)
{
	if (!io_timeout_resetting(&edu->timeout)) {
		edu_program(edu);
		return;
	}
	edu->reset_raised = true;
	if (atomic_dec_if_positive(&edu->withhold_reset) < 0)
		edu_write(edu, EDU_RAISE, EDU_CAUSE_RESET);
}

/*
 * Make the device clean, for the request in the slot or for resume. When the reset fails
 * by its time-out nothing is active any more: this work ends, and the device stays stale.
 */
static void edu_reset(struct work_struct *work)
{
	struct edu *edu = container_of(work, struct edu, reset_work);
	unsigned long flags;
	bool again;

	do {
		spin_lock_irqsave(&edu->lock, flags);
		again = edu_is_active(edu) && edu->stale != EDU_CLEAN &&
			!edu->off;
		if (again && edu_clean(edu)) {
			edu_became_clean(edu);
			again = false;
		}
		spin_unlock_irqrestore(&edu->lock, flags);
		if (again)
			msleep(EDU_POLL_MS);
	} while (again);
}

/* Files */

static void edu_free(struct kref *ref)
{
	kfree(container_of(ref, struct edu, ref));
}

static struct edu_request *edu_request_alloc(enum edu_op op, size_t len)
{
	struct edu_request *req;

	req = kzalloc(struct_size(req, data, len), GFP_KERNEL);
	if (!req)
		return NULL;
	refcount_set(&req->ref, 1);
	init_completion(&req->completed);
	req->op = op;
	req->len = len;
	return req;
}

/**
 * struct edu_file - an open compute node
 * @edu: its device
 * @lock: protects the others
 * @len: bytes of @text
 * @offset: how many of them were read
 * @text: the last result
 */
struct edu_file {
	struct edu *edu;
	struct mutex lock;	/* the result */
	size_t len;
	size_t offset;
	char text[16];
};

/* The binding's reference cannot go during an open: misc_deregister() waits for it. */
static int edu_compute_open(struct inode *inode, struct file *filp)
{
	struct edu *edu = container_of(filp->private_data, struct edu,
				       compute_node);
	struct edu_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	kref_get(&edu->ref);
	file->edu = edu;
	mutex_init(&file->lock);
	filp->private_data = file;
	return stream_open(inode, filp);
}

static int edu_compute_release(struct inode *inode, struct file *filp)
{
	struct edu_file *file = filp->private_data;

	kref_put(&file->edu->ref, edu_free);
	mutex_destroy(&file->lock);
	kfree(file);
	return 0;
}

/* A write is one number, with or without a newline. */
static int edu_get_number(const char __user *ubuf, size_t count, u32 *number)
{
	char text[16];

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, ubuf, count))
		return -EFAULT;
	text[count] = '\0';
	if (strlen(text) != count)
		return -EINVAL;
	return kstrtou32(text, 10, number);
}

static ssize_t edu_compute_write(struct file *filp, const char __user *ubuf,
				 size_t count, loff_t *pos)
{
	struct edu_file *file = filp->private_data;
	struct edu_request *req;
	u32 number;
	int err;

	err = edu_get_number(ubuf, count, &number);
	if (err)
		return err;
	req = edu_request_alloc(EDU_COMPUTE, 0);
	if (!req)
		return -ENOMEM;
	req->value = number;
	err = edu_do(file->edu, req);
	if (!err) {
		mutex_lock(&file->lock);
		file->len = scnprintf(file->text, sizeof(file->text), "%u\n",
				      req->value);
		file->offset = 0;
		mutex_unlock(&file->lock);
	}
	edu_request_put(req);
	return err ?: count;
}

static ssize_t edu_compute_read(struct file *filp, char __user *ubuf,
				size_t count, loff_t *pos)
{
	struct edu_file *file = filp->private_data;
	ssize_t ret = 0;

	mutex_lock(&file->lock);
	count = min(count, file->len - file->offset);
	if (copy_to_user(ubuf, file->text + file->offset, count)) {
		ret = -EFAULT;
	} else {
		file->offset += count;
		ret = count;
	}
	mutex_unlock(&file->lock);
	return ret;
}

static const struct file_operations edu_compute_fops = {
	.owner = THIS_MODULE,
	.open = edu_compute_open,
	.release = edu_compute_release,
	.read = edu_compute_read,
	.write = edu_compute_write,
};

static int edu_buffer_open(struct inode *inode, struct file *filp)
{
	struct edu *edu = container_of(filp->private_data, struct edu,
				       buffer_node);

	kref_get(&edu->ref);
	filp->private_data = edu;
	return 0;
}

static int edu_buffer_release(struct inode *inode, struct file *filp)
{
	struct edu *edu = filp->private_data;

	kref_put(&edu->ref, edu_free);
	return 0;
}

static struct edu_request *edu_dma_request(enum edu_op op, size_t count,
					   loff_t pos)
{
	struct edu_request *req;

	count = min_t(size_t, count, EDU_BUFFER_SIZE - pos);
	req = edu_request_alloc(op, count);
	if (req)
		req->offset = pos;
	return req;
}

static ssize_t edu_buffer_write(struct file *filp, const char __user *ubuf,
				size_t count, loff_t *pos)
{
	struct edu_request *req;
	ssize_t ret;

	if (!count)
		return 0;
	if (*pos >= EDU_BUFFER_SIZE)
		return -ENOSPC;
	req = edu_dma_request(EDU_TO_DEVICE, count, *pos);
	if (!req)
		return -ENOMEM;
	ret = -EFAULT;
	if (!copy_from_user(req->data, ubuf, req->len))
		ret = edu_do(filp->private_data, req);
	if (!ret) {
		ret = req->len;
		*pos += ret;
	}
	edu_request_put(req);
	return ret;
}

static ssize_t edu_buffer_read(struct file *filp, char __user *ubuf,
			       size_t count, loff_t *pos)
{
	struct edu_request *req;
	ssize_t ret;

	if (!count || *pos >= EDU_BUFFER_SIZE)
		return 0;
	req = edu_dma_request(EDU_FROM_DEVICE, count, *pos);
	if (!req)
		return -ENOMEM;
	ret = edu_do(filp->private_data, req);
	if (!ret && copy_to_user(ubuf, req->data, req->len))
		ret = -EFAULT;
	if (!ret) {
		ret = req->len;
		*pos += ret;
	}
	edu_request_put(req);
	return ret;
}

static loff_t edu_buffer_llseek(struct file *filp, loff_t offset, int whence)
{
	return fixed_size_llseek(filp, offset, whence, EDU_BUFFER_SIZE);
}

static const struct file_operations edu_buffer_fops = {
	.owner = THIS_MODULE,
	.open = edu_buffer_open,
	.release = edu_buffer_release,
	.read = edu_buffer_read,
	.write = edu_buffer_write,
	.llseek = edu_buffer_llseek,
};

/* debugfs: statistics, and what tests need */

static int edu_stats_show(struct seq_file *seq, void *unused)
{
	struct edu *edu = seq->private;
	struct edu_stats stats;
	unsigned long flags;
	bool outstanding;
	int counter;

	spin_lock_irqsave(&edu->lock, flags);
	stats = edu->stats;
	outstanding = edu->request;
	counter = io_timeout_left(&edu->timeout);
	spin_unlock_irqrestore(&edu->lock, flags);

	seq_printf(seq, "outstanding: %d\n", outstanding);
	seq_printf(seq, "counter: %d\n", counter);
	seq_printf(seq, "submitted: %llu\n", stats.submitted);
	seq_printf(seq, "completed: %llu\n", stats.completed);
	seq_printf(seq, "failed: %llu\n", stats.failed);
	seq_printf(seq, "cancelled: %llu\n", stats.cancelled);
	seq_printf(seq, "timeouts: %llu\n", stats.timeouts);
	seq_printf(seq, "missed: %llu\n", stats.missed);
	seq_printf(seq, "resets: %llu\n", stats.resets);
	seq_printf(seq, "resets_failed: %llu\n", stats.resets_failed);
	seq_printf(seq, "retries: %llu\n", stats.retries);
	seq_printf(seq, "late: %llu\n", stats.late);
	seq_printf(seq, "spurious: %llu\n", stats.spurious);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(edu_stats);

/* For tests: have the device interrupt with these causes. */
static int edu_raise_set(void *data, u64 causes)
{
	struct edu *edu = data;
	unsigned long flags;

	if (causes >= EDU_ALL_ONES)	/* would look unplugged */
		return -EINVAL;
	spin_lock_irqsave(&edu->lock, flags);
	if (!edu->off)
		edu_write(edu, EDU_RAISE, causes);
	spin_unlock_irqrestore(&edu->lock, flags);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(edu_raise_fops, NULL, edu_raise_set, "%llu\n");

static void edu_debugfs_del(void *data)
{
	debugfs_remove(data);
}

static int edu_debugfs_add(struct edu *edu)
{
	struct dentry *dir = debugfs_create_dir(edu->compute_name, NULL);

	debugfs_create_file("stats", 0400, dir, edu, &edu_stats_fops);
	debugfs_create_file_unsafe("raise", 0200, dir, edu, &edu_raise_fops);
	debugfs_create_atomic_t("withhold", 0600, dir, &edu->withhold);
	debugfs_create_atomic_t("withhold_reset", 0600, dir,
				&edu->withhold_reset);
	debugfs_create_atomic_t("hang", 0600, dir, &edu->hang);
	debugfs_create_atomic_t("unplugged", 0600, dir, &edu->unplugged);
	return devm_add_action_or_reset(edu->dev, edu_debugfs_del, dir);
}

/* Binding */

static void edu_node_del(void *data)
{
	misc_deregister(data);
}

static int edu_node_add(struct edu *edu, struct miscdevice *node,
			const char *name, const struct file_operations *fops)
{
	int err;

	node->minor = MISC_DYNAMIC_MINOR;
	node->name = name;
	node->fops = fops;
	node->parent = edu->dev;
	err = misc_register(node);
	if (err)
		return err;
	return devm_add_action_or_reset(edu->dev, edu_node_del, node);
}

/* The number is free again, though a file may still be open. */
static void edu_put(void *data)
{
	struct edu *edu = data;

	ida_free(&edu_ids, edu->id);
	kref_put(&edu->ref, edu_free);
}

static void edu_cancel_work(void *data)
{
	struct edu *edu = data;

	cancel_work_sync(&edu->reset_work);
}

/* Wait until the device is clean or gone, up to a reset's time limit; true if it is clean. */
static bool edu_wait_clean(struct edu *edu)
{
	unsigned int seconds = READ_ONCE(reset_timeout);
	ktime_t end = ktime_add_ms(ktime_get(), MSEC_PER_SEC * seconds);
	unsigned long flags;
	bool clean, there;

	for (;;) {
		spin_lock_irqsave(&edu->lock, flags);
		there = edu_is_there(edu);
		clean = there && edu_clean(edu);
		spin_unlock_irqrestore(&edu->lock, flags);
		if (clean || !there || ktime_after(ktime_get(), end))
			return clean;
		msleep(EDU_POLL_MS);
	}
}

/*
 * Unbinding: nobody can submit any more. What the device is doing cannot be stopped, so
 * wait for it while the handler can acknowledge its interrupt: the kernel would disable
 * a line that stays high, and others share it. If the device does not finish, at least
 * keep it from writing to memory and from interrupting; only a copy may still raise the
 * pin. edu_quiesce() has done both for a device that is off.
 */
static void edu_shut_down(void *data)
{
	struct edu *edu = data;
	unsigned long flags;
	bool off;

	spin_lock_irqsave(&edu->lock, flags);
	off = edu->off;
	edu->gone = true;
	edu->stale = EDU_STALE;
	edu->reset_raised = false;
	edu->interrupted = false;
	io_timeout_cancel(&edu->timeout);
	if (edu->request)
		edu_finish(edu, -ENODEV);
	if (!off)
		edu_write(edu, EDU_STATUS, 0);
	spin_unlock_irqrestore(&edu->lock, flags);
	wake_up_all(&edu->free);
	if (off)
		return;
	edu_wait_clean(edu);
	pci_clear_master(to_pci_dev(edu->dev));
}

/* Power */

static bool edu_is_quiet(struct edu *edu)
{
	unsigned long flags;
	bool quiet;

	spin_lock_irqsave(&edu->lock, flags);
	quiet = !edu_is_active(edu);
	spin_unlock_irqrestore(&edu->lock, flags);
	return quiet;
}

/*
 * The device loses its power, or another kernel takes it over. Start nothing more, and
 * wait a little for what it is doing; a request that is not done waits for edu_resume().
 * The interrupt stays enabled, since its line may be shared; the handler sees @off. An
 * operation that is not done is kept from raising the pin and from writing to memory.
 */
static void edu_quiesce(struct edu *edu)
{
	struct pci_dev *pdev = to_pci_dev(edu->dev);
	unsigned long flags;

	spin_lock_irqsave(&edu->lock, flags);
	edu->closed = true;
	spin_unlock_irqrestore(&edu->lock, flags);
	wait_event_timeout(edu->free, edu_is_quiet(edu),
			   msecs_to_jiffies(EDU_QUIET_MS));

	pci_intx(pdev, 0);
	spin_lock_irqsave(&edu->lock, flags);
	edu->off = true;
	spin_unlock_irqrestore(&edu->lock, flags);
	synchronize_irq(edu->irq);	/* handler and thread */
	iotimer_stop_sync(edu->timer);
	cancel_work_sync(&edu->reset_work);
	pci_clear_master(pdev);
}

static int edu_suspend(struct device *dev)
{
	edu_quiesce(dev_get_drvdata(dev));
	return 0;
}

/*
 * The device has power again, and the PCI core has restored its configuration. It may
 * have forgotten its operation, or still be busy with it. After the reset the request in
 * the slot starts over, which counts as a retry only if it had timed out before.
 */
static int edu_resume(struct device *dev)
{
	struct edu *edu = dev_get_drvdata(dev);
	struct pci_dev *pdev = to_pci_dev(dev);
	unsigned long flags;

	/* With MSI the interrupt that ends the reset is a write to memory. */
	pci_set_master(pdev);
	spin_lock_irqsave(&edu->lock, flags);
	edu->off = false;
	edu->closed = false;
	edu_set_limits(edu);
	io_timeout_begin_reset(&edu->timeout);
	edu_begin_reset(edu);
	iotimer_start(edu->timer);
	spin_unlock_irqrestore(&edu->lock, flags);
	/* The pin may be high now: the handler can acknowledge it. */
	if (!pci_dev_msi_enabled(pdev))
		pci_intx(pdev, 1);
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(edu_pm_ops, edu_suspend, edu_resume);

/* Another kernel takes over (kexec), or the machine goes down. */
static void edu_pci_shutdown(struct pci_dev *pdev)
{
	edu_quiesce(pci_get_drvdata(pdev));
}

/* Probe */

/* Use MSI if allowed and possible, else the pin, which others share. */
static int edu_request_irq(struct edu *edu, struct pci_dev *pdev)
{
	unsigned long flags = IRQF_SHARED;

	edu->irq = pdev->irq;
	if (msi && pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI) == 1) {
		edu->irq = pci_irq_vector(pdev, 0);
		flags = 0;
	}
	return devm_request_threaded_irq(edu->dev, edu->irq, edu_isr, edu_thread,
					 flags, edu->compute_name, edu);
}

static struct edu *edu_alloc(struct device *dev)
{
	struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);

	if (!edu)
		return ERR_PTR(-ENOMEM);
	edu->id = ida_alloc(&edu_ids, GFP_KERNEL);
	if (edu->id < 0) {
		int err = edu->id;

		kfree(edu);
		return ERR_PTR(err);
	}
	kref_init(&edu->ref);
	edu->dev = dev;
	spin_lock_init(&edu->lock);
	init_waitqueue_head(&edu->free);
	INIT_WORK(&edu->reset_work, edu_reset);
	edu->stale = EDU_STALE;
	io_timeout_init(&edu->timeout, timeout, reset_timeout);
	snprintf(edu->compute_name, sizeof(edu->compute_name), "edu%d", edu->id);
	snprintf(edu->buffer_name, sizeof(edu->buffer_name), "edu%d_buf",
		 edu->id);
	return edu;
}

static bool edu_check_id(struct edu *edu)
{
	unsigned long flags;
	bool there;

	spin_lock_irqsave(&edu->lock, flags);
	there = edu_is_there(edu);
	spin_unlock_irqrestore(&edu->lock, flags);
	return there;
}

/* Map the registers, allocate the memory, make the device clean. */
static int edu_set_up(struct edu *edu, struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	edu->regs = devm_ioremap_resource(dev, &pdev->resource[0]);
	if (IS_ERR(edu->regs))
		return PTR_ERR(edu->regs);
	err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(EDU_DMA_BITS));
	if (err)
		return err;
	edu->buffer = dmam_alloc_coherent(dev, EDU_BUFFER_SIZE,
					  &edu->buffer_dma, GFP_KERNEL);
	if (!edu->buffer)
		return -ENOMEM;
	if (!edu_check_id(edu))
		return dev_err_probe(dev, -ENODEV, "not an edu device\n");
	/* Bus mastering comes last: an earlier driver's copy must not reach memory. */
	if (!edu_wait_clean(edu))
		return dev_err_probe(dev, -EBUSY, "still busy for an earlier driver\n");
	pci_set_master(pdev);
	return 0;
}

/*
 * The nodes come last: a program may use them at once. If the second cannot be made, the
 * first goes as when the device is unbound. devm undoes all in reverse order: no more
 * opens, no debugfs, no request and no DMA, no reset, no interrupt, no ticks, no
 * registers. The memory is freed when the last file is closed.
 */
static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct edu *edu;
	int err;

	edu = edu_alloc(dev);
	if (IS_ERR(edu))
		return PTR_ERR(edu);
	err = devm_add_action_or_reset(dev, edu_put, edu);
	if (err)
		return err;
	pci_set_drvdata(pdev, edu);
	err = edu_set_up(edu, pdev);
	if (err)
		return err;
	edu->timer = devm_iotimer_create(dev, edu_watchdog, edu);
	if (IS_ERR(edu->timer))
		return PTR_ERR(edu->timer);
	err = edu_request_irq(edu, pdev);
	if (err)
		return err;
	err = devm_add_action_or_reset(dev, edu_cancel_work, edu);
	if (err)
		return err;
	err = devm_add_action_or_reset(dev, edu_shut_down, edu);
	if (err)
		return err;
	err = edu_debugfs_add(edu);
	if (err)
		return err;
	err = edu_node_add(edu, &edu->compute_node, edu->compute_name,
			   &edu_compute_fops);
	if (err)
		return err;
	return edu_node_add(edu, &edu->buffer_node, edu->buffer_name,
			    &edu_buffer_fops);
}

static const struct pci_device_id edu_pci_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_pci_ids);

static struct pci_driver edu_driver = {
	.name = "edu",
	.id_table = edu_pci_ids,
	.probe = edu_probe,
	.shutdown = edu_pci_shutdown,
	.driver.pm = pm_sleep_ptr(&edu_pm_ops),
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("QEMU's educational PCI device, with time-outs by io_timeout.h");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
