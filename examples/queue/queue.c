// SPDX-License-Identifier: GPL-2.0-only
/*
 * queue - a whole driver of a device that does 32 operations at a time
 *
 * Documentation/many-operations.rst explains it. io_recovery.h decides what to do
 * when operations time out; this driver does it. The device is that of queue_hw.c.
 *
 * Writing the attribute "request" queues a request: a word, which the device turns
 * into capitals, and optionally how many seconds that may take. Reading "results"
 * waits until all requests have ended, and prints them in the order of their ends.
 *
 * A request is on one of three lists:
 *
 *	waiting		to be started, in this order
 *	active		in a slot of the device, in the order of their start
 *	ended		until somebody reads the result
 *
 * The handler and the routine both call queue_advance() at their ends. It handles a
 * reset that is done, and starts what waits.
 */
#include <linux/interrupt.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "io_recovery.h"
#include "iotimer.h"
#include "queue_hw.h"

#define QUEUE_TIMEOUT		3	/* seconds an operation may take */
#define QUEUE_RESET_TIMEOUT	2	/* seconds a reset may take */
#define QUEUE_SUSPEND_TIMEOUT	2	/* seconds suspend waits for all that is under way */
#define QUEUE_RETRIES		3	/* restarts of a request that timed out */
#define QUEUE_INNOCENT		5	/* restarts of a request that did not time out */
#define QUEUE_DEPTH		64	/* requests on all lists */
#define QUEUE_WORD		24	/* characters of a request */

static unsigned int abort_timeout = 2;
module_param(abort_timeout, uint, 0444);
MODULE_PARM_DESC(abort_timeout, "seconds an abort may take; 0: never abort");

struct queue_request {
	struct list_head list;
	unsigned int limit;	/* seconds */
	unsigned int slot;	/* while active: the slot and the generation */
	u32 generation;
	unsigned int retries;
	unsigned int innocent;
	int result;
	char word[QUEUE_WORD + 1];
};

struct queue {
	int irq;
	struct iotimer *timer;
	wait_queue_head_t wait;	/* for the end of requests, or for an idle device */

	spinlock_t lock;	/* protects what follows; taken by the handler */
	struct io_recovery *recovery;
	struct queue_request *slot[QUEUE_HW_SLOTS];	/* the active requests */
	struct list_head waiting;
	struct list_head active;
	struct list_head ended;
	unsigned int requests;	/* on the three lists */
	struct {
		unsigned int missed, aborts, resets, failed, guilty, innocent, late;
	} stats;
	bool resuming;		/* the reset under way is that of a resume */
	bool broken;		/* reset the device before it gets an operation */
	bool closed;		/* suspending: no operation may start */
	bool off;		/* suspended: no register may be accessed */
};

/* Have the routine called while something is outstanding. */
static void queue_need_timer(struct queue *q)
{
	if (!iotimer_enabled(q->timer))
		iotimer_start(q->timer);
}

static void queue_begin(struct queue *q, struct queue_request *req,
			unsigned int slot)
{
	list_move_tail(&req->list, &q->active);
	q->slot[slot] = req;
	req->slot = slot;
	req->generation = io_recovery_begin_limit(q->recovery, slot, req->limit);
	queue_need_timer(q);
	queue_hw_start(slot, req->generation, req->word, strlen(req->word));
}

/* Reset the device although nothing timed out: nobody knows its state. */
static void queue_reset(struct queue *q)
{
	io_recovery_begin_reset(q->recovery);
	queue_need_timer(q);
	queue_hw_reset();
}

/* Start what waits, as far as there are slots. */
static void queue_start(struct queue *q)
{
	unsigned int slot;

	lockdep_assert_held(&q->lock);
	if (q->closed || io_recovery_resetting(q->recovery))
		return;
	if (q->broken) {
		if (!list_empty(&q->waiting))
			queue_reset(q);
		return;
	}
	for (slot = 0; slot < QUEUE_HW_SLOTS && !list_empty(&q->waiting); slot++)
		if (!q->slot[slot])
			queue_begin(q, list_first_entry(&q->waiting,
							struct queue_request,
							list), slot);
}

/* The device does not use the request's slot and memory any more. */
static void queue_take_back(struct queue *q, struct queue_request *req)
{
	q->slot[req->slot] = NULL;
	queue_hw_unmap(req->slot);
}

/* A real driver calls back here: the request's memory is its owner's again. */
static void queue_end(struct queue *q, struct queue_request *req, int result)
{
	req->result = result;
	list_move_tail(&req->list, &q->ended);
	wake_up(&q->wait);
}

/* An abort or a reset took away an operation that had timed out: retry the request. */
static void queue_retry(struct queue *q, struct queue_request *req)
{
	q->stats.guilty++;
	queue_take_back(q, req);
	if (req->retries++ < QUEUE_RETRIES)
		list_move_tail(&req->list, &q->waiting);
	else
		queue_end(q, req, -ETIMEDOUT);
}

/* A reset took away an operation that had not timed out: its request stays on the list. */
static void queue_again(struct queue *q, struct queue_request *req)
{
	q->stats.innocent++;
	queue_take_back(q, req);
	if (!q->resuming && req->innocent++ == QUEUE_INNOCENT)
		queue_end(q, req, -ETIMEDOUT);
}

/*
 * A reset is done. It took away all active operations. The guilty go behind what
 * waits, the innocent before, in their old order.
 */
static void queue_restart(struct queue *q)
{
	struct queue_request *req, *next;

	q->broken = false;
	queue_hw_set_master(true);
	list_for_each_entry_safe(req, next, &q->active, list) {
		if (io_recovery_guilty(q->recovery, req->slot))
			queue_retry(q, req);
		else
			queue_again(q, req);
	}
	q->resuming = false;
	list_splice_init(&q->active, &q->waiting);
}

/* The reset timed out: nobody knows what the device did, or still does. */
static void queue_fail(struct queue *q)
{
	struct queue_request *req, *next;

	q->resuming = false;
	q->broken = true;
	queue_hw_set_master(false);	/* before a request's memory is given back */
	list_for_each_entry_safe(req, next, &q->active, list) {
		queue_take_back(q, req);
		queue_end(q, req, -EIO);
	}
	list_for_each_entry_safe(req, next, &q->waiting, list)
		queue_end(q, req, -EIO);
}

/* Is this completion expected? If so, handle what it ends. */
static bool queue_take_completion(struct queue *q, u64 completion)
{
	unsigned int slot = QUEUE_HW_SLOT(completion);
	u32 generation = QUEUE_HW_TAG(completion);
	struct queue_request *req;

	switch (QUEUE_HW_CODE(completion)) {
	case QUEUE_HW_DONE:
	case QUEUE_HW_ERROR:
		if (!io_recovery_op_interrupt(q->recovery, slot, generation))
			return false;
		req = q->slot[slot];
		queue_take_back(q, req);
		queue_end(q, req, QUEUE_HW_CODE(completion) == QUEUE_HW_ERROR ?
			  -EREMOTEIO : 0);
		return true;
	case QUEUE_HW_ABORTED:
		if (!io_recovery_abort_interrupt(q->recovery, slot, generation))
			return false;
		queue_retry(q, q->slot[slot]);
		return true;
	case QUEUE_HW_RESET:
		return io_recovery_reset_interrupt(q->recovery);
	default:
		return false;
	}
}

/* Would what this completion ends time out at the next tick? */
static bool queue_is_due(const struct queue *q, u64 completion)
{
	return QUEUE_HW_CODE(completion) == QUEUE_HW_RESET ?
	       io_recovery_due(q->recovery) :
	       io_recovery_slot_due(q->recovery, QUEUE_HW_SLOT(completion));
}

/*
 * Read all completions that wait. Return how many end what would time out at the
 * next tick: before a tick, the interrupts of these were lost. The interrupts of the
 * others may be on their way.
 */
static unsigned int queue_reap(struct queue *q)
{
	unsigned int i, missed = 0;

	/* Bounded: the registers of a broken device may say anything. */
	for (i = 0; i < QUEUE_HW_MAX_COMPLETIONS; i++) {
		u64 completion = queue_hw_read(QUEUE_HW_COMPLETION);
		bool due;

		if (!completion || completion == QUEUE_HW_ALL_ONES)
			break;
		due = queue_is_due(q, completion);
		if (!queue_take_completion(q, completion))
			q->stats.late++;
		else if (due)
			missed++;
	}
	return missed;
}

static void queue_advance(struct queue *q)
{
	if (io_recovery_reset_done(q->recovery))
		queue_restart(q);
	queue_start(q);
	if (io_recovery_idle(q->recovery))
		wake_up(&q->wait);	/* queue_quiesce() */
}

static irqreturn_t queue_isr(int irq, void *data)
{
	struct queue *q = data;

	spin_lock(&q->lock);
	if (!q->off) {
		queue_reap(q);
		queue_advance(q);
	}
	spin_unlock(&q->lock);
	/* On a shared line, return IRQ_NONE if there was nothing to read. */
	return IRQ_HANDLED;
}

/* Have the device abort the operations that timed out. Return how many. */
static unsigned int queue_abort(struct queue *q)
{
	unsigned int aborts = 0;
	int slot;

	while ((slot = io_recovery_next_abort(q->recovery)) >= 0) {
		queue_hw_abort(slot, q->slot[slot]->generation);
		aborts++;
	}
	q->stats.aborts += aborts;
	return aborts;
}

/* The iotimer's routine, once a second while something is outstanding. */
static void queue_watchdog(struct device *dev, void *context)
{
	struct queue *q = context;
	unsigned int missed = 0, aborts = 0;
	enum io_recovery_verdict verdict;

	spin_lock_irq(&q->lock);
	if (io_recovery_due(q->recovery))
		missed = queue_reap(q);
	q->stats.missed += missed;
	verdict = io_recovery_tick(q->recovery);
	switch (verdict) {
	case IO_RECOVERY_OK:
		break;
	case IO_RECOVERY_ABORT:
		aborts = queue_abort(q);
		break;
	case IO_RECOVERY_RESET:
		q->stats.resets++;
		q->resuming = false;
		queue_hw_reset();
		break;
	case IO_RECOVERY_FAILED:
		q->stats.failed++;
		queue_fail(q);
		break;
	}
	/* After the tick, so that it does not count for what this starts. */
	queue_advance(q);
	if (io_recovery_idle(q->recovery))
		iotimer_stop(q->timer);
	spin_unlock_irq(&q->lock);

	/* Without the lock: a console is slow. */
	if (missed)
		dev_warn_ratelimited(dev, "%u done, but no interrupt came\n", missed);
	if (aborts)
		dev_warn_ratelimited(dev, "%u timed out, aborting\n", aborts);
	if (verdict == IO_RECOVERY_RESET)
		dev_warn_ratelimited(dev, "timed out, resetting\n");
	if (verdict == IO_RECOVERY_FAILED)
		dev_err_ratelimited(dev, "reset failed\n");
}

/* "WORD [SECONDS]" */
static ssize_t request_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	struct queue *q = dev_get_drvdata(dev);
	struct queue_request *req;
	int err = -EINVAL;

	req = kzalloc(sizeof(*req), GFP_KERNEL);
	if (!req)
		return -ENOMEM;
	req->limit = QUEUE_TIMEOUT;
	if (sscanf(buf, "%24s %u", req->word, &req->limit) < 1 || !req->word[0])
		goto free;

	spin_lock_irq(&q->lock);
	err = q->requests < QUEUE_DEPTH ? 0 : -EBUSY;
	if (!err) {
		q->requests++;
		list_add_tail(&req->list, &q->waiting);
		queue_start(q);
	}
	spin_unlock_irq(&q->lock);
free:
	if (err)
		kfree(req);
	return err ?: count;
}
static DEVICE_ATTR_WO(request);

/* A signal, or suspend, may interrupt the wait. The requests go on. */
static ssize_t results_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct queue *q = dev_get_drvdata(dev);
	struct queue_request *req, *next;
	LIST_HEAD(ended);
	int err, len = 0;

	spin_lock_irq(&q->lock);
	err = wait_event_interruptible_lock_irq(q->wait, list_empty(&q->waiting) &&
						list_empty(&q->active), q->lock);
	if (!err) {
		list_splice_init(&q->ended, &ended);
		q->requests = 0;
	}
	spin_unlock_irq(&q->lock);
	list_for_each_entry_safe(req, next, &ended, list) {
		len += sysfs_emit_at(buf, len, "%s %d\n", req->word, req->result);
		kfree(req);
	}
	return err ?: len;
}
static DEVICE_ATTR_RO(results);

static ssize_t stats_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct queue *q = dev_get_drvdata(dev);
	int len;

	spin_lock_irq(&q->lock);
	len = sysfs_emit(buf, "missed %u aborts %u resets %u failed %u ",
			 q->stats.missed, q->stats.aborts, q->stats.resets,
			 q->stats.failed);
	len += sysfs_emit_at(buf, len, "guilty %u innocent %u late %u\n",
			     q->stats.guilty, q->stats.innocent, q->stats.late);
	spin_unlock_irq(&q->lock);
	return len;
}
static DEVICE_ATTR_RO(stats);

static struct attribute *queue_attrs[] = {
	&dev_attr_request.attr,
	&dev_attr_results.attr,
	&dev_attr_stats.attr,
	NULL
};
ATTRIBUTE_GROUPS(queue);

/* For suspend and shutdown: start nothing more, then wait, but not for long. */
static void queue_quiesce(struct queue *q)
{
	spin_lock_irq(&q->lock);
	q->closed = true;
	wait_event_lock_irq_timeout(q->wait, io_recovery_idle(q->recovery), q->lock,
				    QUEUE_SUSPEND_TIMEOUT * HZ);
	spin_unlock_irq(&q->lock);

	iotimer_stop_sync(q->timer);	/* before off: the routine reads registers */
	spin_lock_irq(&q->lock);
	queue_hw_set_master(false);
	q->off = true;
	spin_unlock_irq(&q->lock);
	synchronize_irq(q->irq);
}

static int queue_suspend(struct device *dev)
{
	queue_quiesce(dev_get_drvdata(dev));
	return 0;
}

/* The device has forgotten everything: reset it, then start again what is still active. */
static int queue_resume(struct device *dev)
{
	struct queue *q = dev_get_drvdata(dev);

	spin_lock_irq(&q->lock);
	q->off = false;
	q->closed = false;
	q->resuming = true;
	queue_reset(q);
	spin_unlock_irq(&q->lock);
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(queue_pm_ops, queue_suspend, queue_resume);

static void queue_shutdown(struct platform_device *pdev)
{
	queue_quiesce(platform_get_drvdata(pdev));
}

/* Unbound: the attributes go before this, interrupt and timer after it. */
static void queue_remove(void *data)
{
	struct queue *q = data;
	struct queue_request *req, *next;

	spin_lock_irq(&q->lock);
	q->closed = true;
	if (!q->off)
		queue_hw_set_master(false);	/* before memory is freed */
	io_recovery_cancel(q->recovery);	/* completions are ignored from now on */
	list_for_each_entry(req, &q->active, list)
		queue_take_back(q, req);
	list_splice_init(&q->active, &q->ended);
	list_splice_init(&q->waiting, &q->ended);
	list_for_each_entry_safe(req, next, &q->ended, list)
		kfree(req);
	spin_unlock_irq(&q->lock);
}

static int queue_init_recovery(struct queue *q, struct device *dev)
{
	unsigned int slot;

	q->recovery = devm_kzalloc(dev, io_recovery_size(QUEUE_HW_SLOTS), GFP_KERNEL);
	if (!q->recovery)
		return -ENOMEM;
	io_recovery_init(q->recovery, QUEUE_HW_SLOTS, QUEUE_TIMEOUT, abort_timeout,
			 QUEUE_RESET_TIMEOUT);
	/* A driver was perhaps bound before: completions of its operations are late. */
	for (slot = 0; slot < QUEUE_HW_SLOTS; slot++) {
		u64 generation = queue_hw_read(QUEUE_HW_GENERATION(slot));

		if (generation == QUEUE_HW_ALL_ONES)	/* the device is gone */
			return -ENODEV;
		io_recovery_set_generation(q->recovery, slot, generation);
	}
	q->broken = true;
	return 0;
}

static int queue_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct queue *q;
	int err;

	/* Not ours: driver_override binds any platform device. */
	if (strcmp(pdev->name, "queue"))
		return -ENODEV;
	q = devm_kzalloc(dev, sizeof(*q), GFP_KERNEL);
	if (!q)
		return -ENOMEM;
	q->irq = platform_get_irq(pdev, 0);
	if (q->irq < 0)
		return q->irq;
	spin_lock_init(&q->lock);
	init_waitqueue_head(&q->wait);
	INIT_LIST_HEAD(&q->waiting);
	INIT_LIST_HEAD(&q->active);
	INIT_LIST_HEAD(&q->ended);
	platform_set_drvdata(pdev, q);

	err = queue_init_recovery(q, dev);
	if (err)
		return err;
	err = devm_request_irq(dev, q->irq, queue_isr, 0, dev_name(dev), q);
	if (err)
		return err;
	q->timer = devm_iotimer_create(dev, queue_watchdog, q);
	if (IS_ERR(q->timer))
		return PTR_ERR(q->timer);
	return devm_add_action(dev, queue_remove, q);
}

static struct platform_driver queue_driver = {
	.probe = queue_probe,
	.shutdown = queue_shutdown,
	.driver = {
		.name = "queue",
		.dev_groups = queue_groups,
		.pm = pm_sleep_ptr(&queue_pm_ops),
	},
};
module_platform_driver(queue_driver);

MODULE_DESCRIPTION("A driver of a device with a queue, with io_recovery.h");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
